//! The same cart without cookies, by a token in the URL, and why that is off by default.
//!
//! The token names an anonymous session for two minutes. It is the demo's own and
//! opens nothing but the cart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use hardtack_tower::session::{LiveSession, SessionError, Txn, ValueError};
use hardtack_tower::time::UnixTime;
use http::header::REFERRER_POLICY;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::page::{Tab, bare_page, page};
use super::shop::{PRODUCTS, Product, products};
use super::visit::Visit;

/// The pages that stand behind the session layer.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/url", get(show)).route("/url/open", post(open))
}

/// The pages that never look at a cookie.
pub(super) fn without_cookies() -> Router<App> {
    Router::new().route("/url/cart", get(cart)).route("/url/add", post(add))
}

const VALID: Duration = Duration::from_secs(120);

/// More are not handed out at a time.
const MOST: usize = 256;

/// The tokens that are good at the moment.
#[derive(Clone, Default)]
pub(super) struct Tokens(Arc<Mutex<HashMap<String, Lent>>>);

struct Lent {
    session: LiveSession,
    until: UnixTime,
}

impl Tokens {
    /// A new token of 128 random bits; `None` if too many are about.
    fn lend(&self, session: LiveSession, now: UnixTime) -> Result<Option<String>, Failure> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|_| Failure::Randomness)?;
        let token = base64_simd::URL_SAFE_NO_PAD.encode_to_string(bits);
        let mut lent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lent.retain(|_, one| one.until > now);
        if lent.len() >= MOST {
            return Ok(None);
        }
        lent.insert(token.clone(), Lent { session, until: now.saturating_add(VALID) });
        Ok(Some(token))
    }

    fn find(&self, token: &str, now: UnixTime) -> Option<(LiveSession, Duration)> {
        let lent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = lent.get(token).filter(|one| one.until > now)?;
        Some((one.session.clone(), one.until.since(now)))
    }
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
         The other is to write the key into the address of every page.</p>\
         <section class=\"card\"><h2>Try it</h2>{}<p class=\"why\">The next page does not look at \
         cookies. Put a biscuit into the cart there, come back to the <a href=\"/\">shop</a>, and it \
         lies in the same cart.</p></section>\
         <section class=\"card\"><h2>Why this is off by default</h2>\
         <p>An address is not a secret. It goes</p><ul>\
         <li>into the <b>history</b> of the browser, and to its other devices,</li>\
         <li>into the <b>logs</b> of this server and of every proxy on the way,</li>\
         <li>to <b>other sites</b>, as the Referer of a link (the next page forbids that; \
         not every page remembers to),</li>\
         <li>into <b>messages</b>: \u{201c}look what I found\u{201d}, and the friend has your cart,</li>\
         <li>the <b>other way round</b>: somebody sends you a link with their key, you sign in, and they \
         are signed in as you. That is session fixation.</li></ul>\
         <p>The OWASP standard (ASVS 5.0, 14.2.1) forbids keys in URLs, and hardtack does not do it by \
         itself. What you try here is the demo\u{2019}s own: good for two minutes, for the cart and \
         nothing else, and never for a signed-in session.</p>\
         </section>",
        offer
    );
    page(&visit, Tab::Url, "In the URL", main).await
}

/// Makes a token for this visitor's cart. Never for a signed-in session.
async fn open(visit: Visit) -> Result<Response, Failure> {
    let back = Redirect::to("/url").into_response();
    if visit.session.user().is_some() {
        return Ok(back);
    }
    // At once, so that there is a session to be named.
    visit.session.transact(mark).await??;
    let Some(session) = visit.session.detach() else { return Ok(back) };
    let Some(token) = visit.app.tokens.lend(session, visit.now())? else { return Ok(back) };
    Ok(Redirect::to(&format!("/url/cart?t={token}")).into_response())
}

fn mark(session: &mut Txn<'_>) -> Result<(), ValueError> {
    session.set("by-url", &true)
}

#[derive(Deserialize)]
struct Carried {
    #[serde(default)]
    t: String,
}

async fn cart(State(app): State<App>, Query(carried): Query<Carried>) -> Result<Response, Failure> {
    let Some((session, left)) = app.tokens.find(&carried.t, app.clock.now()) else {
        return Ok(expired());
    };
    let mut lines = Vec::new();
    for product in &PRODUCTS {
        match session.get::<i64>(&product.key()).await {
            Ok(Some(n @ 1..)) => {
                lines.push(html!(
                    "<tr><td>{}</td><td class=\"number\">{}</td></tr>",
                    product.name,
                    n
                ));
            }
            Ok(_) => {}
            Err(SessionError::Ended(_)) => return Ok(expired()),
            Err(error) => return Err(error.into()),
        }
    }
    if lines.is_empty() {
        lines.push(html!("<tr><td class=\"quiet\">Still empty.</td></tr>"));
    }
    let lines: Html = lines.into_iter().collect();
    let main = html!(
        "<h1>The cart by URL</h1><p class=\"lead\">Look at the address bar: the key is there, for \
         everybody to read. This page has not looked at a single cookie.</p>\
         <section class=\"card\" data-left=\"{}\" data-grace=\"500\" data-then=\"reload\">\
         <h2>Your cart</h2>\
         <table><tbody id=\"cart\">{}</tbody></table>\
         <p class=\"quiet\">The key is good for <span data-digits>{}</span> more seconds.</p></section>{}\
         <section class=\"card\"><h2>What the log of any proxy says now</h2>\
         <pre>GET /url/cart?t={} HTTP/1.1</pre></section>\
         <p><a href=\"/url\">Back to why this is off by default</a></p>",
        left.as_millis().to_string(),
        lines,
        left.as_secs(),
        products("/url/add", Some(&carried.t)),
        carried.t
    );
    Ok(secretive(bare_page(StatusCode::OK, "The cart by URL", main)))
}

#[derive(Deserialize)]
struct Add {
    t: String,
    product: String,
}

async fn add(State(app): State<App>, Form(add): Form<Add>) -> Result<Response, Failure> {
    let Some((session, _)) = app.tokens.find(&add.t, app.clock.now()) else { return Ok(expired()) };
    if let Some(product) = Product::find(&add.product) {
        session.add(&product.key(), 1).await?;
    }
    let token: String =
        add.t.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    Ok(secretive(Redirect::to(&format!("/url/cart?t={token}")).into_response()))
}

fn expired() -> Response {
    let main = html!(
        "<h1>This key is over</h1><p class=\"lead\">A key in a URL is good for two minutes and as long \
         as its session lives. Bookmarks, logs and links that were passed on are worth nothing \
         after that. The cart itself is still there, for the browser that has the cookie.</p>\
         <p><a class=\"button\" href=\"/url\">Back</a></p>"
    );
    secretive(bare_page(StatusCode::NOT_FOUND, "This key is over", main))
}

/// No other site is told the address.
fn secretive(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
