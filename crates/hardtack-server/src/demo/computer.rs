//! Everything that the shop keeps on the visitor's computer, and the way to be rid of it.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hardtack_tower::cookie::SetCookie;
use http::HeaderValue;
use http::header::SET_COOKIE;

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::known::{COOKIES, Known};
use super::page::{Tab, page};
use super::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/computer", get(show)).route("/computer/forget", post(forget))
}

async fn show(visit: Visit) -> Result<Response, Failure> {
    let rows: Html = COOKIES.iter().map(|known| row(&visit, known)).collect();
    let here = COOKIES.iter().filter(|known| is_here(&visit, known)).count();
    let main = html!(
        "<h1>On your computer</h1><p class=\"lead\">Everything that this shop ever keeps in your \
         browser, what it is for, and how long it stays. At the moment: {} of {}.</p>\
         <section class=\"card\"><table class=\"stack\"><thead><tr><th>What</th><th>For</th>\
         <th>Stays</th><th></th></tr></thead><tbody>{}</tbody></table></section>\
         <section class=\"card\"><h2>Forget me</h2><p>Ends your session on the server, takes back the \
         remember-me, and makes the browser delete all of the above.</p>\
         <form method=\"post\" action=\"/computer/forget\"><button>Forget me</button></form>\
         <p class=\"why\">No other storage is used: no local storage, no database in the browser, no \
         cache of private pages. Nothing follows you anywhere, so there is nothing to consent to. \
         The cookie of <a href=\"/scope\">shop.localhost</a> belongs to that host; remove it there.\
         </p></section>",
        here,
        COOKIES.len(),
        rows
    );
    page(&visit, Tab::Computer, "On your computer", main).await
}

fn is_here(visit: &Visit, known: &Known) -> bool {
    visit.sent.iter().any(|sent| sent.name == known.name)
}

fn row(visit: &Visit, known: &Known) -> Html {
    let here = is_here(visit, known).then(|| html!("<span class=\"here\">here now</span>"));
    html!(
        "<tr><td><b>{}</b><br><span class=\"name\">{}</span></td><td>{}</td>\
         <td data-label=\"stays\">{}</td><td>{}</td></tr>",
        known.title,
        known.name,
        known.purpose,
        known.stays,
        here
    )
}

/// Ends what there is on the server and removes every cookie: the session's by `forget`,
/// the shop's own one by one, and by `Clear-Site-Data` also what a later version of the shop may have forgotten to list.
///
/// Elsewhere the shop leaves dead keys alone, because a removal that comes late
/// could hit a newer sign-in. Here the visitor has asked for exactly that.
async fn forget(visit: Visit) -> Result<Response, Failure> {
    visit.session.forget().await?;
    let mut answer = Redirect::to("/computer").into_response();
    let own = |known: &&Known| !visit.session.sessions().cookie_names().any(|n| n == known.name);
    for known in COOKIES.iter().filter(own) {
        let cookie = SetCookie::builder(known.name, "");
        let cookie = if known.scripts { cookie.readable_by_scripts() } else { cookie };
        answer.headers_mut().append(SET_COOKIE, cookie.build()?.removal().to_header_value());
    }
    let everything = HeaderValue::from_static("\"cache\", \"cookies\", \"storage\"");
    answer.headers_mut().insert("clear-site-data", everything);
    Ok(answer)
}
