//! Which host gets which cookie: the shop's page, and two neighbouring hosts.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hardtack_tower::cookie::{BuildError, CookieHeader, SetCookie};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};

use super::App;
use super::failure::Failure;
use super::guard::Site;
use super::html::{Html, html};
use super::page::{Tab, bare_page, page};
use super::visit::Visit;

/// The shop's own page.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/scope", get(show))
}

/// The pages of `shop.localhost` and `other.localhost`. They have no sessions.
pub(super) fn neighbours() -> Router<App> {
    Router::new()
        .route("/", get(neighbour))
        .route("/set", post(set))
        .route("/set-for-other", post(set_for_other))
        .route("/forget", post(forget))
}

const PARCEL: &str = "parcel";

async fn show(visit: Visit) -> Result<Response, Failure> {
    let main = html!(
        "<h1>Which host gets which cookie</h1>\
         <p class=\"lead\">A browser sends a cookie back to the host that set it, and to no other. \
         Two more hosts run on this computer to show it.</p>\
         <div class=\"pair\"><section class=\"card\"><h2>{}</h2><p>Set a cookie there, and see it \
         come back.</p><p><a class=\"button\" href=\"http://{}/\">Go to shop</a></p></section>\
         <section class=\"card\"><h2>{}</h2><p>Then look here. It does not arrive.</p>\
         <p><a class=\"button second\" href=\"http://{}/\">Go to other</a></p></section></div>\
         <section class=\"card\"><h2>What decides</h2><ul>\
         <li><b>The host.</b> Without <code>Domain</code>, exactly the host that set it. With \
         <code>Domain=example.com</code>, also every host below it, <code>shop.example.com</code> as \
         well as a <code>blog.example.com</code> that somebody else looks after.</li>\
         <li><b>Never a foreign name.</b> A host can name itself or a parent as Domain. A cookie for \
         a neighbour is dropped, and so is one for all of <code>.com</code> or \
         <code>.localhost</code>: nobody owns those.</li>\
         <li><b>Not the port.</b> Programs on <code>localhost:3000</code> and \
         <code>localhost:8080</code> get each other\u{2019}s cookies. That is why this demo lives \
         under a name of its own, with cookie names of its own.</li>\
         <li><b>The path</b> narrows it down, but protects nothing: pages of one host reach each \
         other.</li></ul></section>",
        visit.app.origin.shop,
        visit.app.origin.shop,
        visit.app.origin.other,
        visit.app.origin.other
    );
    page(&visit, Tab::Scope, "Scope", main).await
}

async fn neighbour(
    State(app): State<App>,
    Extension(site): Extension<Site>,
    headers: HeaderMap,
) -> Response {
    let pairs: Html = CookieHeader::from_headers(&headers)
        .map(|pair| {
            let name = String::from_utf8_lossy(pair.name).into_owned();
            let value = String::from_utf8_lossy(pair.value).into_owned();
            if name == PARCEL {
                html!("<pre>Cookie: {}={}</pre>", name, value)
            } else {
                html!("<pre>Cookie: {}=(another program\u{2019}s)</pre>", name)
            }
        })
        .collect();
    let arrived = if CookieHeader::from_headers(&headers).next().is_none() {
        html!("<pre>no Cookie header</pre>")
    } else {
        pairs
    };
    let (host, main) = match site {
        Site::Other => (&app.origin.other, other(&app)),
        _ => (&app.origin.shop, shop(&app)),
    };
    let main = html!(
        "<h1>{}</h1><p class=\"lead\">Another host on the same computer, the same program, even the \
         same port.</p><section class=\"card\" id=\"arrived\"><h2>What your browser sent here</h2>{}\
         </section>{}<p><a href=\"http://{}/scope\">Back to the shop</a></p>",
        host,
        arrived,
        main,
        app.origin.host
    );
    bare_page(StatusCode::OK, host, main)
}

fn shop(app: &App) -> Html {
    html!(
        "<section class=\"card\"><h2>Set a cookie</h2><div class=\"buttons\">\
         <form method=\"post\" action=\"/set\"><button>Set one for this host</button></form>\
         <form method=\"post\" action=\"/set-for-other\"><button class=\"second\">Try to set one for \
         other</button></form><form method=\"post\" action=\"/forget\"><button class=\"plain\">\
         Remove it</button></form></div><p class=\"why\">The first is <code>parcel=for-shop</code> \
         without Domain. The second says <code>Domain=other.localhost</code>; the browser drops it \
         without a word. After either, <a href=\"http://{}/\">look at other</a>.</p></section>",
        app.origin.other
    )
}

fn other(app: &App) -> Html {
    html!(
        "<section class=\"card\"><h2>Nothing from next door</h2><p>Whatever \
         <a href=\"http://{}/\">shop</a> set stays with shop, and your session in the biscuit shop \
         stays with the biscuit shop. Nobody had to check anything on the server: the browser \
         never sent it.</p></section>",
        app.origin.shop
    )
}

fn parcel(value: &'static str) -> Result<SetCookie<'static>, BuildError> {
    SetCookie::builder(PARCEL, value).max_age(std::time::Duration::from_secs(3600)).build()
}

fn back_with(cookie: &SetCookie<'_>) -> Response {
    ([(SET_COOKIE, cookie.to_header_value())], Redirect::to("/")).into_response()
}

async fn set() -> Result<Response, Failure> {
    Ok(back_with(&parcel("for-shop")?))
}

async fn set_for_other() -> Result<Response, Failure> {
    let cookie = SetCookie::builder(PARCEL, "for-other").domain("other.localhost").build()?;
    Ok(back_with(&cookie))
}

async fn forget() -> Result<Response, Failure> {
    Ok(back_with(&parcel("for-shop")?.removal()))
}
