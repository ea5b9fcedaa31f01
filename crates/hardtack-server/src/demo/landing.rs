//! Where a form leads: back to a page, and the first time by a place that checks whether
//! the session's cookie came back.

use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::failure::Failure;
use super::html::html;
use super::page::{Tab, page};
use super::visit::Visit;
use super::{App, known};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/arrived", get(arrived))
}

/// The answer to a form. Who sent no session cookie goes by `/arrived`: there
/// it shows whether the browser took the one that this answer sets.
pub(super) fn arrive(visit: &Visit, to: &'static str) -> Response {
    if has_key(visit) {
        return Redirect::to(to).into_response();
    }
    let (path, place) = to.split_once('#').unwrap_or((to, ""));
    Redirect::to(&format!("/arrived?to={path}#{place}")).into_response()
}

fn has_key(visit: &Visit) -> bool {
    [known::ANONYMOUS, known::SIGNED_IN].iter().any(|name| visit.cookie(name).is_some())
}

/// A path of this host; anything else is the front page. `//host` and `/\host` are
/// other hosts to a browser.
pub(super) fn own_path(path: &str) -> &str {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-".contains(&b));
    if plain && path.starts_with('/') && !path.starts_with("//") { path } else { "/" }
}

#[derive(Deserialize)]
struct Goal {
    to: String,
}

async fn arrived(visit: Visit, Query(goal): Query<Goal>) -> Result<Response, Failure> {
    let to = own_path(&goal.to);
    if has_key(&visit) {
        return Ok(Redirect::to(to).into_response());
    }
    let main = html!(
        "<h1>Your browser did not send the cookie back</h1>\
         <p class=\"lead\">The shop kept what you just did in a new session, and its answer set a \
         cookie with the key to that session. This page was asked for without it. So the shop does \
         not know that it is you, and what you did is out of reach.</p>\
         <section class=\"card\"><h2>What keeps a browser from sending it</h2><ul>\
         <li><b>Cookies are blocked</b> for this site or for all sites, in the settings or by an \
         extension. Allow them for <code>{}</code>.</li>\
         <li><b>The page sits in a frame</b> of another site; browsers keep cookies from there.</li>\
         <li><b>Secure cookies over plain http.</b> The cookie is marked Secure. Browsers take such \
         cookies over http from this computer only, and not every browser does even that. On \
         the web, use https.</li>\
         <li><b>It was sent, to another name.</b> A cookie belongs to the host that set it: \
         <code>localhost</code> and <code>hardtack.localhost</code> are two.</li></ul>\
         <p><a class=\"button\" href=\"{}\">Go back and try again</a></p></section>\
         <p class=\"quiet\">The alternative, a key in the address of every page, is shown under \
         <a href=\"/url\">In the URL</a>, with the reasons why it is off by default.</p>",
        visit.app.origin.host,
        to
    );
    page(&visit, Tab::Cookies, "No cookie came back", main).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_are_followed() {
        for path in ["/", "/cart", "/account/picture", "/on-your-computer"] {
            assert_eq!(own_path(path), path);
        }
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/?x",
            "cart",
        ] {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
    }
}
