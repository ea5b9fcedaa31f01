//! Two ends that come by themselves: that of an idle session and that of a cookie.

use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use hardtack_tower::cookie::SetCookie;
use http::header::SET_COOKIE;
use serde::Deserialize;

use super::failure::Failure;
use super::html::{Html, html};
use super::landing::arrive;
use super::page::{Tab, page};
use super::visit::{Visit, span};
use super::{App, IDLE, known};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/countdown", get(show))
        .route("/countdown/begin", post(begin))
        .route("/countdown/idle", post(idle))
        .route("/countdown/cookie", post(cookie))
}

/// The short idle timeout of the switch.
const SHORT: Duration = Duration::from_secs(30);

/// A session is kept for one more touch interval, a twentieth of the idle timeout, and
/// the page waits a moment longer, so that its own question comes after the end.
fn grace(idle: Duration) -> Duration {
    idle / 20 + Duration::from_secs(1)
}

const TWENTY_SECONDS: Duration = Duration::from_secs(20);

async fn show(visit: Visit) -> Result<Response, Failure> {
    let main = html!(
        "<h1>Ends that come by themselves</h1>\
         <p class=\"lead\">A session ends on the server when nobody has used it for a while. A cookie \
         ends in the browser when its time is up. Neither needs the other.</p>{}{}",
        session_card(&visit),
        cookie_card(&visit)
    );
    page(&visit, Tab::Countdown, "Countdown", main).await
}

fn session_card(visit: &Visit) -> Html {
    let Some(left) = visit.session.remaining() else {
        return html!(
            "<section class=\"card\" id=\"idle\"><h2>The session</h2><p>{}</p>\
             <form method=\"post\" action=\"/countdown/begin\"><button>Begin a session</button></form>\
             </section>",
            if visit.has_dead_key() {
                "It has ended. The key that your browser still sends opens nothing any more."
            } else {
                "You have none, so nothing can run out."
            }
        );
    };
    let short = left.idle <= SHORT;
    let (seconds, label) = if short {
        (IDLE.as_secs(), format!("Back to {}", span(IDLE)))
    } else {
        (SHORT.as_secs(), format!("Make it {}", span(SHORT)))
    };
    let remembered = visit.cookie(known::REMEMBER).map(|_| {
        html!(
            "<p class=\"quiet\">You asked to be remembered. So when this session has ended, your next \
             click gives you a new one, signed in, but not fresh.</p>"
        )
    });
    html!(
        "<section class=\"card\" id=\"idle\" data-left=\"{}\" data-grace=\"{}\" \
         data-then=\"reload\"><h2>The session</h2>\
         <p>If you do nothing, it ends in about</p><p class=\"clock\"><span data-digits>{}</span> \
         <small>seconds</small></p><progress max=\"{}\" value=\"{}\" aria-hidden=\"true\"></progress>\
         <p>Every page that you open sets it back to the start, in any tab. What does not move is \
         the absolute end: in {}, however busy you are.</p>{}\
         <form method=\"post\" action=\"/countdown/idle\"><button name=\"seconds\" value=\"{}\">{}</button>\
         </form><p class=\"why\">The time runs on the server; this page only counts along. It is \
         approximate by a twentieth: visits are noted in batches, so that reading a page costs no \
         write, and a session is kept that much longer so that nobody is thrown out early. A \
         moment after zero the page asks the server, and you see what is left: nothing.</p></section>",
        left.idle.as_millis().to_string(),
        grace(if short { SHORT } else { IDLE }).as_millis().to_string(),
        left.idle.as_secs(),
        left.idle.as_millis().to_string(),
        left.idle.as_millis().to_string(),
        span(left.lifetime),
        remembered,
        seconds,
        label
    )
}

fn cookie_card(visit: &Visit) -> Html {
    let expires = visit.cookie(known::TWENTY).and_then(|value| value.parse::<u64>().ok());
    let left = expires.map(|at| Duration::from_secs(at).saturating_sub(visit.now().since(EPOCH)));
    let state = match left {
        Some(left) => html!(
            "<div data-left=\"{}\" data-watch=\"{}\"><p>Your browser sent it with this page. It will \
             delete it in</p><p class=\"clock\"><span data-digits>{}</span> <small>seconds</small></p>\
             <progress max=\"20000\" value=\"{}\" aria-hidden=\"true\"></progress>\
             <p data-after hidden><b>Gone.</b> The browser has deleted it; <code>document.cookie</code> \
             no longer has it, and nobody was asked. Open this page again: it is not sent.</p></div>",
            left.as_millis().to_string(),
            known::TWENTY,
            left.as_secs(),
            left.as_millis().to_string()
        ),
        None => html!("<p>Your browser did not send it: not set yet, or deleted by now.</p>"),
    };
    html!(
        "<section class=\"card\" id=\"twenty\"><h2>A cookie of twenty seconds</h2>{}\
         <form method=\"post\" action=\"/countdown/cookie\"><button class=\"second\">Set it</button></form>\
         <p class=\"why\">It is set with <code>Max-Age=20</code>. The server does not come back for \
         it. An expiry date is a request to the browser, not a lock: who copied the value keeps it. \
         That is why the end of a session is kept on the server.</p></section>",
        state
    )
}

const EPOCH: hardtack_tower::time::UnixTime = hardtack_tower::time::UnixTime::from_secs(0);

async fn begin(visit: Visit) -> Result<Response, Failure> {
    visit.session.set("began", &true)?;
    Ok(arrive(&visit, "/countdown"))
}

#[derive(Deserialize)]
struct Switch {
    seconds: u64,
}

async fn idle(visit: Visit, Form(switch): Form<Switch>) -> Result<Response, Failure> {
    let idle = if switch.seconds == SHORT.as_secs() { SHORT } else { IDLE };
    if visit.session.handle().is_some() {
        visit.session.set_idle(idle).await?;
    }
    Ok(Redirect::to("/countdown").into_response())
}

async fn cookie(visit: Visit) -> Result<Response, Failure> {
    let at = visit.now().saturating_add(TWENTY_SECONDS).as_secs();
    let cookie = SetCookie::builder(known::TWENTY, at.to_string())
        .max_age(TWENTY_SECONDS)
        .readable_by_scripts()
        .build()?;
    let headers = [(SET_COOKIE, cookie.to_header_value())];
    Ok((headers, Redirect::to("/countdown#twenty")).into_response())
}
