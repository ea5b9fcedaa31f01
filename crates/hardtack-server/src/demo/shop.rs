//! The shop: a cart in the session, and the theme in a plain cookie.

use std::time::Duration;

use axum::Form;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hardtack_tower::Session;
use hardtack_tower::cookie::SetCookie;
use http::header::SET_COOKIE;
use serde::Deserialize;

use super::failure::Failure;
use super::html::{Html, html};
use super::landing::{arrive, own_path};
use super::page::{Tab, page};
use super::visit::Visit;
use super::{App, known};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(show))
        .route("/cart/add", post(add))
        .route("/cart/take", post(take))
        .route("/cart/empty", post(empty))
        .route("/theme", post(theme))
}

/// What lies in a cart. In the session every product has a number of its own, so that
/// changes of different products do not even meet.
#[derive(Default)]
pub(super) struct Cart(Vec<(&'static Product, i64)>);

pub(super) struct Product {
    id: &'static str,
    name: &'static str,
    cents: i64,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    Square,
    Round,
    Speckled,
    Cracked,
    Bar,
    Slice,
}

const PRODUCTS: [Product; 6] = [
    Product { id: "hardtack", name: "Hardtack", cents: 120, shape: Shape::Square },
    Product { id: "oatcake", name: "Oatcake", cents: 180, shape: Shape::Speckled },
    Product { id: "cracker", name: "Water cracker", cents: 90, shape: Shape::Round },
    Product { id: "gingernut", name: "Gingernut", cents: 210, shape: Shape::Cracked },
    Product { id: "rye", name: "Rye crisp", cents: 150, shape: Shape::Bar },
    Product { id: "rusk", name: "Rusk", cents: 240, shape: Shape::Slice },
];

impl Product {
    /// Its name in the session.
    pub(super) fn key(&self) -> String {
        format!("cart.{}", self.id)
    }

    /// The product of this id, if the shop has it.
    pub(super) fn find(id: &str) -> Option<&'static Product> {
        PRODUCTS.iter().find(|product| product.id == id)
    }
}

impl Cart {
    pub(super) fn of(session: &Session) -> Result<Cart, Failure> {
        let mut cart = Cart::default();
        for product in &PRODUCTS {
            if let Some(n @ 1..) = session.get(&product.key())? {
                cart.0.push((product, n));
            }
        }
        Ok(cart)
    }

    /// What is in it, as rows of a table.
    pub(super) fn lines(&self) -> Html {
        if self.0.is_empty() {
            return html!("<tr><td class=\"quiet\">Still empty.</td></tr>");
        }
        let line = |(product, n): &(&Product, i64)| {
            html!("<tr><td>{}</td><td class=\"number\">{}</td></tr>", product.name, *n)
        };
        self.0.iter().map(line).collect()
    }

    fn count(&self) -> i64 {
        self.0.iter().map(|(_, n)| n).sum()
    }

    fn cents(&self) -> i64 {
        self.0.iter().map(|(product, n)| product.cents.saturating_mul(*n)).sum()
    }
}

async fn show(visit: Visit) -> Result<Response, Failure> {
    let cart = Cart::of(&visit.session)?;
    let main = html!(
        "<h1>Biscuits that keep</h1>\
         <p class=\"lead\">What you put into the cart is kept on the server, in your session. \
         Your browser holds nothing but the key to it.</p>{}{}",
        products("/cart/add"),
        basket(&cart)
    );
    page(&visit, Tab::Shop, "Shop", main).await
}

/// The shelf, whose forms go to `action`.
pub(super) fn products(action: &str) -> Html {
    let items: Html = PRODUCTS
        .iter()
        .map(|product| {
            html!(
                "<li>{}<h2>{}</h2><p class=\"price\">\u{20ac} {}</p>\
                 <form method=\"post\" action=\"{}\">\
                 <button class=\"second\" name=\"product\" value=\"{}\" \
                 aria-label=\"Add {}\">Add</button></form></li>",
                product.shape.drawing(),
                product.name,
                money(product.cents),
                action,
                product.id,
                product.name
            )
        })
        .collect();
    html!("<ul class=\"products\">{}</ul>", items)
}

fn basket(cart: &Cart) -> Html {
    let contents = if cart.0.is_empty() {
        html!("<p class=\"quiet\">Still empty.</p>")
    } else {
        let rows: Html = cart
            .0
            .iter()
            .map(|(product, n)| {
                html!(
                    "<tr><td>{}</td><td class=\"number\"><span class=\"steps\">{}<output>{}</output>\
                     {}</span></td><td class=\"number\">\u{20ac} {}</td></tr>",
                    product.name,
                    step("/cart/take", product, "One less", "\u{2212}"),
                    n,
                    step("/cart/add", product, "One more", "+"),
                    money(product.cents.saturating_mul(*n))
                )
            })
            .collect();
        html!(
            "<table><thead><tr><th>Biscuit</th><th class=\"number\">Number</th>\
             <th class=\"number\">Price</th></tr></thead><tbody>{}</tbody><tfoot><tr><td>Together</td>\
             <td class=\"number\" data-cart-count>{}</td><td class=\"number\">\u{20ac} {}</td></tr></tfoot>\
             </table><form method=\"post\" action=\"/cart/empty\"><button class=\"plain\">\
             Empty the cart</button></form>",
            rows,
            cart.count(),
            money(cart.cents())
        )
    };
    html!(
        "<section class=\"card\" id=\"cart\"><h2>Your cart</h2>{}<p class=\"why\"><b>Try it:</b> open \
         this page in a <a href=\"/\" target=\"_blank\">second tab</a> and add in both. Nothing gets \
         lost, because every change is applied to the newest cart and not to the one that the \
         tab once saw. <a href=\"/race\">Race</a> does it fifty times at once.</p></section>",
        contents
    )
}

fn step(action: &str, product: &Product, label: &str, sign: &str) -> Html {
    html!(
        "<form method=\"post\" action=\"{}\"><button class=\"second\" name=\"product\" value=\"{}\" \
         aria-label=\"{}: {}\">{}</button></form>",
        action,
        product.id,
        label,
        product.name,
        sign
    )
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[derive(Deserialize)]
pub(super) struct Choice {
    pub(super) product: String,
}

/// `add` counts on top of what is newest: it cannot lose another tab's.
async fn add(visit: Visit, Form(choice): Form<Choice>) -> Result<Response, Failure> {
    if let Some(product) = Product::find(&choice.product) {
        visit.session.add(&product.key(), 1)?;
    }
    Ok(arrive(&visit, "/#cart"))
}

/// One less, but never less than none: also decided on what is newest.
async fn take(visit: Visit, Form(choice): Form<Choice>) -> Result<Response, Failure> {
    if let Some(product) = Product::find(&choice.product) {
        let less = |n: Option<i64>| n.map_or(0, |n| (n - 1).max(0));
        visit.session.update(&product.key(), less)?;
    }
    Ok(arrive(&visit, "/#cart"))
}

async fn empty(visit: Visit) -> Result<Response, Failure> {
    for product in &PRODUCTS {
        visit.session.remove(&product.key())?;
    }
    Ok(arrive(&visit, "/#cart"))
}

#[derive(Deserialize)]
struct Taste {
    theme: String,
    back: String,
}

/// Sets the theme in a cookie that needs no session: it is not sensitive.
async fn theme(Form(taste): Form<Taste>) -> Result<Response, Failure> {
    let chosen =
        if ["light", "dark"].contains(&taste.theme.as_str()) { &taste.theme } else { "auto" };
    let cookie = SetCookie::builder(known::THEME, chosen)
        .max_age(Duration::from_secs(365 * 86_400))
        .readable_by_scripts()
        .build()?;
    let cookie = if chosen == "auto" { cookie.removal() } else { cookie };
    let back = Redirect::to(own_path(&taste.back));
    Ok(([(SET_COOKIE, cookie.to_header_value())], back).into_response())
}

impl Shape {
    fn drawing(self) -> Html {
        let picture = match self {
            Shape::Square => html!(
                "<rect class=\"crust\" x=\"12\" y=\"12\" width=\"76\" height=\"76\" rx=\"15\"/>\
                 <path class=\"dents\" d=\"M32 32h.1M50 32h.1M68 32h.1M32 50h.1M50 50h.1M68 50h.1M32 \
                 68h.1M50 68h.1M68 68h.1\"/>"
            ),
            Shape::Round => html!(
                "<circle class=\"crust\" cx=\"50\" cy=\"50\" r=\"40\"/>\
                 <path class=\"dents\" d=\"M50 50h.1M50 28h.1M50 72h.1M31 39h.1M69 39h.1M31 61h.1M69 61h.1\"/>"
            ),
            Shape::Speckled => html!(
                "<circle class=\"crust\" cx=\"50\" cy=\"50\" r=\"40\"/>\
                 <path class=\"dents fine\" d=\"M30 40l5 2M44 27l4-2M62 32l5 3M72 48l1 5M65 66l-5 3M48 \
                 74l-5-1M31 62l-3-4M42 46l5-1M56 52l4 3M49 60l-4 2M58 42l3-4M37 53l-3 3\"/>"
            ),
            Shape::Cracked => html!(
                "<path class=\"crust\" d=\"M50 10c14 0 20 5 27 12s13 15 13 28-5 21-13 29-15 11-27 \
                 11-21-4-29-12-11-15-11-28 4-20 12-28 15-12 28-12Z\"/>\
                 <path class=\"dents fine\" d=\"M24 44l12-4 8 7 13-5 7 6 13-4M40 42l-3-14M57 43l6-15M46 \
                 48l-4 13 5 14M64 48l1 12-5 12\"/>"
            ),
            Shape::Bar => html!(
                "<rect class=\"crust\" x=\"8\" y=\"26\" width=\"84\" height=\"48\" rx=\"8\"/>\
                 <path class=\"dents fine\" d=\"M22 38h.1M36 38h.1M50 38h.1M64 38h.1M78 38h.1M22 50h.1M36 \
                 50h.1M50 50h.1M64 50h.1M78 50h.1M22 62h.1M36 62h.1M50 62h.1M64 62h.1M78 62h.1\"/>"
            ),
            Shape::Slice => html!(
                "<path class=\"crust\" d=\"M16 82V50c0-22 14-34 34-34s34 12 34 34v32c0 3-2 5-5 \
                 5H21c-3 0-5-2-5-5Z\"/>\
                 <path class=\"dents fine\" d=\"M34 46h.1M50 38h.1M64 48h.1M40 60h.1M58 62h.1M32 \
                 73h.1M50 74h.1M68 72h.1\"/>"
            ),
        };
        html!("<svg viewBox=\"0 0 100 100\" aria-hidden=\"true\">{}</svg>", picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_add_up_and_only_what_is_sold_is_found() {
        let find = |id| Product::find(id).expect("is sold");
        let cart = Cart(vec![(find("rusk"), 3), (find("rye"), 1)]);
        assert_eq!((cart.count(), money(cart.cents())), (4, "8.70".to_owned()));
        assert!(["", "<script>", "Rusk"].iter().all(|id| Product::find(id).is_none()));
    }
}
