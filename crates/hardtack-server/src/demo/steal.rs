//! What a stolen cookie is worth, on a session that is there to be stolen.

use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use http::Method;
use serde::Deserialize;

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::page::{Tab, page};
use super::throwaway::{Answer, who_am_i};
use super::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/steal", get(show))
        .route("/steal/new", post(new))
        .route("/steal/use", post(try_it))
        .route("/steal/sign-out", post(sign_out))
        .route("/steal/whoami", get(who_am_i))
}

/// The key to a throw-away session travels in the page's own forms, so that the server
/// has to remember nothing for this page.
#[derive(Deserialize)]
struct Loot {
    cookie: String,
}

async fn show(visit: Visit) -> Result<Response, Failure> {
    let main = html!(
        "{}<form class=\"start\" method=\"post\" action=\"/steal/new\"><button>Make a throw-away session</button></form>",
        intro()
    );
    page(&visit, Tab::Steal, "Steal", main).await
}

async fn new(visit: Visit) -> Result<Response, Failure> {
    let answer = visit.app.throwaway.ask(Method::POST, "/sign-in", None).await;
    let cookie = answer.cookie.unwrap_or_default();
    let main = html!("{}{}", intro(), loot(&visit, &cookie, false, None));
    page(&visit, Tab::Steal, "Steal", main).await
}

async fn try_it(visit: Visit, Form(loot_): Form<Loot>) -> Result<Response, Failure> {
    let answer = visit.app.throwaway.ask(Method::GET, "/whoami", Some(&loot_.cookie)).await;
    let over = !answer.status.is_success();
    let main = html!("{}{}", intro(), loot(&visit, &loot_.cookie, over, Some(answer)));
    page(&visit, Tab::Steal, "Steal", main).await
}

async fn sign_out(visit: Visit, Form(loot_): Form<Loot>) -> Result<Response, Failure> {
    let app = &visit.app.throwaway;
    app.ask(Method::POST, "/sign-out", Some(&loot_.cookie)).await;
    let answer = app.ask(Method::GET, "/whoami", Some(&loot_.cookie)).await;
    let main = html!("{}{}", intro(), loot(&visit, &loot_.cookie, true, Some(answer)));
    page(&visit, Tab::Steal, "Steal", main).await
}

fn intro() -> Html {
    html!(
        "<h1>Steal a session</h1><p class=\"lead\">Whoever has the whole key is you, from any \
         computer. Try it on a session of <b>guest</b>, who exists for this only. Then sign guest \
         out, and try the same key again.</p>"
    )
}

fn loot(visit: &Visit, cookie: &str, over: bool, answer: Option<Answer>) -> Html {
    let hidden = html!("<input type=\"hidden\" name=\"cookie\" value=\"{}\">", cookie);
    let line = format!(
        "curl -b '{cookie}' -H 'Host: {}' http://127.0.0.1:{}/steal/whoami",
        visit.app.origin.host, visit.app.origin.port
    );
    let answer = answer.map(|answer| {
        html!("<pre class=\"answer\">{}\n{}</pre>", answer.status.to_string(), answer.text)
    });
    let next = if over {
        html!(
            "<p><b>Dead.</b> The key is the same, but the session it opened has ended. Signing out did \
             not wait for anybody\u{2019}s cookie to be deleted: the thief\u{2019}s copy could not have \
             been reached.</p><form method=\"post\" action=\"/steal/new\"><button class=\"second\">Make a new \
             one</button></form>"
        )
    } else {
        html!(
            "<form method=\"post\" action=\"/steal/sign-out\">{}<button class=\"second\">Sign guest \
             out</button></form>",
            hidden
        )
    };
    html!(
        "<section class=\"card\" id=\"loot\"><h2>The thief\u{2019}s line</h2><p>Paste it into a terminal, \
         or let the server do the same to itself.</p><pre data-curl>{}</pre>{}\
         <div class=\"buttons\"><form method=\"post\" action=\"/steal/use\">{}<button>Use the stolen \
         key</button></form>{}</div></section>\
         <section class=\"card\"><h2>What stands in a thief\u{2019}s way</h2><ul>\
         <li><b>Getting the key.</b> Scripts cannot read it (HttpOnly), the wire does not show it \
         (Secure), the store does not contain it, and pages like this one show it for throw-away \
         sessions only.</li>\
         <li><b>Using it for long.</b> It dies with sign-out, with idleness, and with \u{201c}end \
         the others\u{201d} on the account page. It is exchanged now and then, and the use of an old \
         one ends the session.</li>\
         <li><b>Not stopped:</b> a thief who has the newest key and uses it before you notice.</li>\
         </ul></section>",
        line,
        answer,
        hidden,
        next
    )
}
