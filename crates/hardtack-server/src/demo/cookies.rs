//! Cookies and sessions, explained on the visitor's own.

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::known;
use super::page::{Tab, badge, held, page};
use super::visit::{Sent, Visit};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/cookies", get(show))
}

async fn show(visit: Visit) -> Result<Response, Failure> {
    let holds: Html = visit.sent.iter().map(|sent| holding(&visit, sent)).collect();
    let holds = if visit.sent.is_empty() {
        html!(
            "<section class=\"card\"><h2>Your browser holds nothing</h2><p>You have only looked so far, \
             and looking sets no cookie. <a href=\"/\">Put a biscuit into the cart</a> or pick a \
             theme, then come back.</p></section>"
        )
    } else {
        holds
    };
    let main = html!(
        "<h1>What your browser holds, and what it means</h1>\
         <p class=\"lead\">A cookie is a small text that a server asks the browser to keep and \
         to send back with every request to the same host. Nothing more. Everything else is in \
         how both sides handle it.</p>\
         {}\
         <div class=\"pair\"><section class=\"card\"><h2>What scripts can see of it</h2>\
         <pre data-scripts-see>{}</pre>\
         <p class=\"why\">This is <code>document.cookie</code>, read by a script on this page. A \
         cookie with <b>HttpOnly</b> is not in it. So a script that somebody smuggles into a page \
         cannot carry your session away.</p></section>\
         <section class=\"card\"><h2>What the server holds</h2>{}\
         <p class=\"why\">The cart is here and not in the cookie. The server stores a fingerprint \
         of your key, not the key: who reads the store cannot open your session with it.</p>\
         </section></div>{}",
        holds,
        visit.readable(),
        held(&visit),
        attributes()
    );
    page(&visit, Tab::Cookies, "Cookies", main).await
}

fn holding(visit: &Visit, sent: &Sent) -> Html {
    let Some(known) = known::find(&sent.name) else {
        return html!(
            "<section class=\"card\"><h2>Not ours</h2><p><span class=\"name\">{}</span></p>\
             <p class=\"quiet\">Another program set it for this host. The shop ignores it.</p></section>",
            sent.name
        );
    };
    let origin = sent.origin.as_ref().map(|setting| {
        html!(
            "<dt>set by</dt><dd>the answer to <code>{}</code>:<br><code>{}</code></dd>",
            setting.request,
            setting.line
        )
    });
    html!(
        "<section class=\"card\"><h2>{} {}</h2><p>{}</p><dl><dt>name</dt><dd><code>{}</code></dd>\
         <dt>value</dt><dd>{}</dd>{}<dt>stays</dt><dd>{}</dd><dt>scripts</dt><dd>{}</dd></dl></section>",
        known.title,
        badge(visit, known.name),
        known.purpose,
        known.name,
        known::show(&sent.name, &sent.value),
        origin,
        known.stays,
        if known.scripts { "can read and change it" } else { "do not see it (HttpOnly)" }
    )
}

/// What the words after the value ask of the browser.
fn attributes() -> Html {
    const WORDS: [(&str, &str); 8] = [
        (
            "Secure",
            "Send it over https only. Browsers make one exception: names that always mean this \
             computer, such as hardtack.localhost.",
        ),
        ("HttpOnly", "Keep it from scripts. It still travels with every request."),
        (
            "SameSite=Lax",
            "Do not send it with requests that another site starts, except when you follow a \
             link to here. So another site cannot press this shop\u{2019}s buttons in your name.",
        ),
        ("Path=/", "Send it with every path of the host."),
        (
            "no Domain",
            "Send it back to exactly the host that set it. With a Domain, all hosts below that \
             name would get it too. See Scope.",
        ),
        (
            "no Max-Age",
            "A session cookie: forgotten when the browser quits. With Max-Age or Expires it is kept \
             until that time; browsers allow 400 days at most. See Countdown.",
        ),
        (
            "__Host-",
            "A name that begins so is a promise kept by the browser: it takes such a cookie only \
             with Secure, Path=/ and no Domain. No neighbouring host can plant one.",
        ),
        (
            "__Host-Http-",
            "The same, and HttpOnly as well: no script can have made it. Browsers that do not \
             know this newer prefix see the first one in it.",
        ),
    ];
    let rows: Html = WORDS
        .iter()
        .map(|(word, meaning)| html!("<tr><td><code>{}</code></td><td>{}</td></tr>", word, meaning))
        .collect();
    html!(
        "<section class=\"card\"><h2>The words on a cookie</h2><p>The browser is told these when the \
         cookie is set. It never sends them back, only name and value.</p>\
         <table class=\"stack words\"><tbody>{}</tbody></table></section>",
        rows
    )
}
