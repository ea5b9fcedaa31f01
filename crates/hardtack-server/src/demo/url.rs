//! The same cart without cookies, by a token in the URL, and why that is off by default.
//!
//! The pages under `/url/` stand behind an engine of their own on the same store, which has
//! `danger::url_parameter` on. Cookies are taken off their requests and answers, so that any
//! browser meets them as one that keeps none.

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use hardtack_tower::session::{SessionsBuilder, danger};
use hardtack_tower::{Session, SessionLayer};
use http::StatusCode;
use http::header::{COOKIE, SET_COOKIE};

use super::App;
use super::failure::Failure;
use super::html::html;
use super::page::{Tab, bare_page, page};
use super::shop::{Cart, Choice, Product, products};
use super::visit::Visit;

/// The pages that stand behind the shop's session layer.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/url", get(show))
}

/// The pages of the cart without cookies, and the way to them, which still sees the cookie.
pub(super) fn without_cookies(app: &App) -> Router<App> {
    let by_url = SessionLayer::new(app.by_url.clone());
    let way_in = Router::new().route("/url/open", post(open)).layer(by_url.clone());
    Router::new()
        .route("/url/new", get(new))
        .route("/url/cart", get(cart))
        .route("/url/add", post(add))
        .layer(by_url)
        .layer(from_fn(take_cookies_off))
        .merge(way_in)
}

/// Turns on what no other page of the shop has.
pub(super) fn allow(builder: SessionsBuilder) -> SessionsBuilder {
    danger::url_parameter(builder, "t")
}

/// Makes of any browser one that keeps no cookies.
async fn take_cookies_off(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(COOKIE);
    let mut response = next.run(request).await;
    response.headers_mut().remove(SET_COOKIE);
    response
}

async fn show(visit: Visit) -> Result<Response, Failure> {
    let offer = match visit.session.user() {
        Some(user) => html!(
            "<p>You are signed in as <b>{}</b>, and a signed-in session does not go into a URL: \
             whoever sees the address would be {}. Sign out to try it.</p>",
            user,
            user
        ),
        None => html!(
            "<form method=\"post\" action=\"/url/open\"><button>Open my cart by URL</button></form>"
        ),
    };
    let main = html!(
        "<h1>The same cart, without cookies</h1>\
         <p class=\"lead\">A session needs a key that comes with every request. A cookie is one way. \
         The other is to write a key into the address of every page.</p>\
         <section class=\"card\"><h2>Try it</h2>{}<p class=\"why\">From the next page cookies are taken \
         off, as if your browser kept none. Put a biscuit into the cart there, come back to the \
         <a href=\"/\">shop</a>, and it lies in the same cart.</p></section>\
         <section class=\"card\"><h2>Why this is off by default</h2>\
         <p>An address is not a secret. It goes</p><ul>\
         <li>into the <b>history</b> of the browser, and to its other devices,</li>\
         <li>into the <b>logs</b> of this server and of every proxy on the way,</li>\
         <li>to <b>other sites</b>, as the Referer of a link, unless the page forbids it,</li>\
         <li>into <b>messages</b>: \u{201c}look what I found\u{201d}, and the friend has your cart,</li>\
         <li>the <b>other way round</b>: somebody sends you a link with their key, you sign in, and they \
         are signed in as you. That is session fixation.</li></ul>\
         <p>The OWASP standard (ASVS 5.0, 14.2.1) forbids session keys in URLs, so hardtack has this under \
         the name of <code>danger::url_parameter</code>: it is off until a program asks for it.</p>\
         </section>\
         <section class=\"card\"><h2>What hardtack does about it where it is on</h2><ul>\
         <li>In the address stands a token for <b>two minutes</b>, not the key itself. Every page has \
         new ones in its links.</li>\
         <li>A browser that does keep cookies gives the token back for a <b>cookie</b> at once.</li>\
         <li>An address that comes from another site, a mail or the address bar opens nothing before \
         you have pressed a <b>button</b> on a page that says what it does.</li>\
         <li>A visitor who has a session keeps it, and a <b>signed-in</b> session is never in a URL.</li>\
         <li>No cache keeps such a page, and no other site is told its address.</li></ul></section>",
        offer
    );
    page(&visit, Tab::Url, "In the URL", main).await
}

/// Leads the visitor's cart to the pages without cookies. A visitor without one begins there.
async fn open(session: Session) -> Redirect {
    match (session.user(), session.url_token()) {
        (Some(_), _) => Redirect::to("/url"),
        (None, Some(token)) => Redirect::to(&format!("/url/cart?t={token}")),
        (None, None) => Redirect::to("/url/new"),
    }
}

async fn new() -> Response {
    let main = html!(
        "<h1>A new cart, without cookies</h1><p class=\"lead\">You have no session yet. One begins with \
         the first biscuit, and then its token stands in the address.</p>{}\
         <p><a href=\"/url\">Back to why this is off by default</a></p>",
        products("/url/add")
    );
    bare_page(StatusCode::OK, "A new cart", main)
}

async fn cart(State(app): State<App>, session: Session) -> Result<Response, Failure> {
    if session.handle().is_none() {
        return Ok(nothing_by_this_address());
    }
    let lines = Cart::of(&session)?.lines();
    let here = session.with_url_token("/url/cart");
    let logged = format!("GET {here} HTTP/1.1");
    let main = html!(
        "<h1>The cart by URL</h1><p class=\"lead\">Look at the address bar: the token is there, for \
         everybody to read. No cookie has been looked at for this page.</p>\
         <section class=\"card\" data-left=\"120000\" data-grace=\"500\" data-then=\"reload\">\
         <h2>Your cart</h2><table><tbody id=\"cart\">{}</tbody></table>\
         <p class=\"quiet\">The token is good for <span data-digits>120</span> seconds; the next page \
         has a new one.</p></section>{}\
         <section class=\"card\"><h2>What a log on the way would say</h2><pre>{}</pre>\
         <p>And this program\u{2019}s own, since hardtack can take the tokens out:</p><pre>{}</pre></section>\
         <section class=\"card\"><h2>And if somebody else had the address?</h2><p>Copy it into a new \
         tab. It does not open the cart at once: hardtack asks first whether this visit is yours.</p>\
         </section><p><a href=\"/url\">Back to why this is off by default</a></p>",
        lines,
        products(&session.with_url_token("/url/add")),
        logged,
        app.by_url.redact(&logged)
    );
    Ok(bare_page(StatusCode::OK, "The cart by URL", main))
}

async fn add(session: Session, Form(choice): Form<Choice>) -> Result<Response, Failure> {
    if let Some(product) = Product::find(&choice.product) {
        session.add(&product.key(), 1)?;
        // Now, so that there is something for the address to name.
        session.start().await?;
    }
    Ok(Redirect::to(&session.with_url_token("/url/cart")).into_response())
}

fn nothing_by_this_address() -> Response {
    let main = html!(
        "<h1>No cart by this address</h1><p class=\"lead\">There is no token in the address, or it is \
         over: two minutes have passed, or the key has been exchanged since. Bookmarks, logs and links that were passed on are worth nothing by now. A cart \
         begun with a cookie is still there for the browser that has it.</p>\
         <p><a href=\"/url\">Back to why this is off by default</a></p>"
    );
    bare_page(StatusCode::OK, "No cart by this address", main)
}
