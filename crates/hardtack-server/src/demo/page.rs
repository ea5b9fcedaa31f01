//! The frame of every page: header, contents, and the round trip beside them.

use axum::response::{IntoResponse, Response};
use hardtack_tower::session::{Cause, Kind, Locator};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::failure::Failure;
use super::html::{Html, html};
use super::visit::{Sent, Theme, Visit, span};
use super::{known, trace};

/// The pages that the navigation names, in its order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Shop,
    Account,
    Cookies,
    Countdown,
    Scope,
    Sent,
    Url,
    Race,
    Steal,
    Computer,
}

impl Tab {
    fn path(self) -> &'static str {
        Tab::ALL.iter().find(|(tab, ..)| *tab == self).map_or("/", |(_, path, _)| path)
    }

    const ALL: [(Tab, &'static str, &'static str); 10] = [
        (Tab::Shop, "/", "Shop"),
        (Tab::Account, "/account", "Account"),
        (Tab::Cookies, "/cookies", "Cookies"),
        (Tab::Countdown, "/countdown", "Countdown"),
        (Tab::Scope, "/scope", "Scope"),
        (Tab::Sent, "/sent", "Would it be sent?"),
        (Tab::Url, "/url", "In the URL"),
        (Tab::Race, "/race", "Race"),
        (Tab::Steal, "/steal", "Steal"),
        (Tab::Computer, "/computer", "On your computer"),
    ];
}

/// A page of the shop, with the round trip of its own request beside it.
///
/// Private until proven otherwise: no cache keeps it. What browsers keep in memory all the same
/// is seen to at sign-out, in `account.rs`.
pub(crate) async fn page(
    visit: &Visit,
    tab: Tab,
    title: &str,
    main: Html,
) -> Result<Response, Failure> {
    // Before the round trip, which shows what is left when the messages are taken.
    let notices = notices(visit).await?;
    let body = html!(
        "<header class=\"top\"><div class=\"wrap bar\">{}{}</div>\
         <nav class=\"wrap\" aria-label=\"Pages\">{}</nav></header>\
         <div class=\"wrap columns\"><main>{}{}</main>\
         {}</div>",
        brand(),
        who(visit, tab),
        navigation(tab),
        notices,
        main,
        round_trip(visit)
    );
    Ok(respond(StatusCode::OK, visit.theme(), title, body))
}

/// A page without a session: for errors, and for the hosts that are not the shop.
pub(crate) fn bare_page(status: StatusCode, title: &str, main: Html) -> Response {
    let body = html!(
        "<header class=\"top\"><div class=\"wrap bar\">{}</div></header>\
         <div class=\"wrap\"><main class=\"alone\">{}</main></div>",
        brand(),
        main
    );
    respond(status, Theme::Auto, title, body)
}

fn respond(status: StatusCode, theme: Theme, title: &str, body: Html) -> Response {
    let document = html!(
        "<!doctype html><html lang=\"en\" data-theme=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} \u{b7} Biscuit Shop</title>\
         <link rel=\"icon\" href=\"/static/icon.svg\" type=\"image/svg+xml\">\
         <link rel=\"stylesheet\" href=\"/static/demo.css\">\
         <script src=\"/static/demo.js\" defer></script></head><body>{}{}</body></html>",
        theme.as_str(),
        title,
        body,
        html!(
            "<footer class=\"wrap\">A demo of <b>hardtack</b>, sessions and cookies for the web. It \
             runs on this computer only, and nothing is for sale.</footer>"
        )
    );
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, document.into_string()).into_response()
}

fn brand() -> Html {
    html!(
        "<a class=\"brand\" href=\"/\"><svg viewBox=\"0 0 32 32\" aria-hidden=\"true\">\
         <rect x=\"3\" y=\"3\" width=\"26\" height=\"26\" rx=\"7\"/>\
         <path d=\"M10 10h.01M16 10h.01M22 10h.01M10 16h.01M16 16h.01M22 16h.01M10 22h.01M16 22h.01\
         M22 22h.01\"/></svg><span>Biscuit Shop</span></a>"
    )
}

fn who(visit: &Visit, tab: Tab) -> Html {
    let person = match visit.session.user() {
        Some(user) => html!(
            "<span class=\"user\">{}</span><form method=\"post\" action=\"/sign-out\">\
             <button class=\"plain\">Sign out</button></form>",
            user
        ),
        None => html!("<a class=\"plain\" href=\"/account\">Sign in</a>"),
    };
    let chosen = visit.theme();
    let themes: Html = [(Theme::Auto, "Auto"), (Theme::Light, "Light"), (Theme::Dark, "Dark")]
        .into_iter()
        .map(|(theme, label)| {
            let pressed = if theme == chosen { "true" } else { "false" };
            html!(
                "<button name=\"theme\" value=\"{}\" aria-pressed=\"{}\">{}</button>",
                theme.as_str(),
                pressed,
                label
            )
        })
        .collect();
    html!(
        "<div class=\"who\">{}<form class=\"themes\" method=\"post\" action=\"/theme\" \
         aria-label=\"Theme\"><input type=\"hidden\" name=\"back\" value=\"{}\">{}</form></div>",
        person,
        tab.path(),
        themes
    )
}

fn navigation(here: Tab) -> Html {
    Tab::ALL
        .into_iter()
        .map(|(tab, path, label)| {
            let current = (tab == here).then(|| html!(" aria-current=\"page\""));
            html!("<a href=\"{}\"{}>{}</a>", path, current, label)
        })
        .chain([html!("<a class=\"jump\" href=\"#trip\">Round trip \u{2193}</a>")])
        .collect()
}

/// Messages left by the request before, and word of a session that has ended.
async fn notices(visit: &Visit) -> Result<Html, Failure> {
    let over = why_over(visit).map(|why| {
        html!(
            "<p class=\"notice\" role=\"status\"><b>Your session has ended.</b> {} Your browser \
             still sends its key, but that opens nothing any more.</p>",
            why
        )
    });
    let flashes = visit.session.take_flashes().await?;
    let messages = flashes.iter().map(|flash| {
        html!("<p class=\"notice {}\" role=\"status\">{}</p>", flash.kind, flash.text)
    });
    Ok(over.into_iter().chain(messages).collect())
}

/// Why there is no session any more, if that is news to the visitor.
fn why_over(visit: &Visit) -> Option<&'static str> {
    if !visit.has_dead_key() {
        return None;
    }
    match visit.session.ended() {
        Some(Cause::Logout | Cause::Replaced) => None,
        Some(Cause::Idle) => Some("It was not used for too long."),
        Some(Cause::Lifetime) => Some("Its time was up."),
        Some(Cause::Revoked) => Some("It was ended from somewhere else."),
        Some(Cause::Reuse) => Some("An old key of it was used again, which looks like theft."),
        // Causes are remembered for a minute only.
        _ => visit.cookie(known::SIGNED_IN).map(|_| "The server knows nothing more of it."),
    }
}

/// What went there and back with this very request.
fn round_trip(visit: &Visit) -> Html {
    let sent: Html = visit.sent.iter().map(|sent| sent_cookie(visit, sent)).collect();
    let sent = if visit.sent.is_empty() {
        html!("<p class=\"quiet\">No cookie at all. To the server you are a stranger.</p>")
    } else {
        sent
    };
    html!(
        "<aside class=\"trip\" id=\"trip\" aria-label=\"Round trip\"><h2>Round trip</h2>\
         <p class=\"quiet\">What went there and back with this page.</p>\
         <section class=\"there\"><h3>Your browser sent</h3>\
         <p class=\"line\"><code>{}</code></p>{}</section>\
         <section class=\"back\"><h3>This answer sets</h3>{}</section>\
         <section class=\"eye\"><h3>Scripts can see</h3>\
         <p class=\"line\"><code data-scripts-see>{}</code></p>\
         <p class=\"quiet\" data-scripts-note>Only cookies without HttpOnly. This is what \
         <code>document.cookie</code> gives to any script on the page.</p></section>\
         <section class=\"held\"><h3>The server holds</h3>{}</section></aside>",
        visit.request,
        sent,
        Mark,
        visit.readable(),
        held(visit)
    )
}

fn sent_cookie(visit: &Visit, sent: &Sent) -> Html {
    let (title, purpose) = known::find(&sent.name)
        .map_or(("A cookie of another program", ""), |known| (known.title, known.purpose));
    let origin = match &sent.origin {
        Some(setting) => html!(
            "<p class=\"line\">from the answer to <b>{}</b>:<br>\
             <code>Set-Cookie: {}</code></p>",
            setting.request,
            setting.line
        ),
        None => html!("<p class=\"quiet\">Set before this program was started.</p>"),
    };
    html!(
        "<details class=\"cookie\"{}><summary><b>{}</b> {}<br><span class=\"name\">{}</span> \
         {}</summary><p>{}</p>{}</details>",
        (opens(visit, &sent.name) == Some(true)).then(|| html!(" open")),
        title,
        badge(visit, &sent.name),
        sent.name,
        known::show(&sent.name, &sent.value),
        purpose,
        origin
    )
}

/// Whether a session's key opens one; `None` for what is no key.
fn opens(visit: &Visit, name: &str) -> Option<bool> {
    Some(match name {
        known::SIGNED_IN => visit.session.kind() == Some(Kind::User),
        known::RENEWED => {
            let handle = visit.cookie(name).and_then(Locator::of_id);
            visit.session.kind() == Some(Kind::User) && visit.session.handle() == handle
        }
        known::ANONYMOUS => visit.session.kind() == Some(Kind::Anonymous),
        // A live one would have signed in.
        known::REMEMBER if visit.session.kind() != Some(Kind::User) => false,
        _ => return None,
    })
}

pub(crate) fn badge(visit: &Visit, name: &str) -> Option<Html> {
    opens(visit, name).map(|opens| {
        if opens {
            html!("<span class=\"here\">opens your session</span>")
        } else {
            html!("<span class=\"here over\">a dead key</span>")
        }
    })
}

/// The session as the server sees it, without what would open it.
pub(crate) fn held(visit: &Visit) -> Html {
    let session = &visit.session;
    let Some(handle) = session.handle() else {
        return html!(
            "<p class=\"quiet\">No session. One begins when there is something to keep, \
             never by looking.</p>"
        );
    };
    let handle = handle.to_string();
    let left = session.remaining().map(|left| {
        html!(
            "<dt>ends</dt><dd>after {} without a visit, in {} at the latest</dd>",
            span(left.idle),
            span(left.lifetime)
        )
    });
    let entries: Html = session
        .keys()
        .unwrap_or_default()
        .iter()
        .map(|key| {
            let json = session.json(key).ok().flatten().unwrap_or_default().to_string();
            html!(
                "<dt><code>{}</code></dt><dd><code>{}</code> <small>{} B</small></dd>",
                key,
                shorten(&json, 48),
                json.len()
            )
        })
        .collect();
    html!(
        "<dl><dt>session</dt><dd><code>{}\u{2026}</code> <small>its public handle; the key is \
         not kept, only a fingerprint of it</small></dd>\
         <dt>user</dt><dd>{}</dd>{}{}</dl>",
        handle.chars().take(8).collect::<String>(),
        session.user().unwrap_or_else(|| "nobody yet".to_owned()),
        left,
        entries
    )
}

/// The first characters, and a sign that there are more.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\u{2026}", &text[..at]),
        None => text.to_owned(),
    }
}

/// Where [`trace::record`] puts the list.
struct Mark;

impl super::html::Place for Mark {
    fn place(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(trace::MARK)
    }
}
