//! One request, as the pages want to know it: what the browser sent and what
//! the server holds.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use hardtack_tower::cookie::CookieHeader;
use hardtack_tower::time::UnixTime;
use hardtack_tower::{Session, SessionError};
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;

use super::trace::Setting;
use super::{App, known};

/// A request to one of the shop's pages.
pub(crate) struct Visit {
    pub(crate) app: App,
    pub(crate) session: Session,
    /// The cookies that came with it, in the order they came.
    pub(crate) sent: Vec<Sent>,
    /// Such as `GET /account`.
    pub(crate) request: String,
    pub(crate) device: String,
}

/// A cookie that the browser sent, and how it once got it.
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) origin: Option<Arc<Setting>>,
}

/// What the visitor chose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Auto,
    Light,
    Dark,
}

impl Visit {
    pub(crate) fn now(&self) -> UnixTime {
        self.app.clock.now()
    }

    /// The value of a cookie that came exactly once.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let mut values = self.sent.iter().filter(|sent| sent.name == name);
        let first = values.next()?;
        values.next().is_none().then_some(first.value.as_str())
    }

    pub(crate) fn theme(&self) -> Theme {
        match self.cookie(known::THEME) {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::Auto,
        }
    }

    /// The browser sent a key, but there is no session that it opens.
    pub(crate) fn has_dead_key(&self) -> bool {
        self.session.handle().is_none()
            && [known::SIGNED_IN, known::ANONYMOUS].iter().any(|name| self.cookie(name).is_some())
    }
}

impl Theme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Visit, SessionError> {
        let app = App::from_ref(state);
        let session = Session::from_request_parts(parts, state).await?;
        let sent = CookieHeader::from_headers(&parts.headers)
            .map(|pair| {
                let name = String::from_utf8_lossy(pair.name).into_owned();
                let value = String::from_utf8_lossy(pair.value).into_owned();
                let origin = app.ledger.origin(&name, &value);
                Sent { name, value, origin }
            })
            .collect();
        let request = format!("{} {}", parts.method, parts.uri.path());
        Ok(Visit { app, session, sent, request, device: device(&parts.headers) })
    }
}

/// "Firefox on Linux", as far as the browser says.
fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("");
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    // Each browser also names those that it wants to be taken for, so the order counts.
    let browser = first(&[
        ("Edg", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chromium"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => "an unknown browser".to_owned(),
    }
}

/// A span of time as a person says it: `28 s`, `12 min`, `3 h`, `29 days`.
pub(crate) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_device_is_named_by_what_it_is_not_by_what_it_pretends() {
        let cases = [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                "Chromium on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.14.1", "curl"),
            ("<script>", "an unknown browser"),
        ];
        for (agent, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(USER_AGENT, HeaderValue::from_static(agent));
            assert_eq!(device(&headers), expected);
        }
        assert_eq!(device(&HeaderMap::new()), "an unknown browser");
    }

    #[test]
    fn spans_are_said_in_the_largest_fitting_unit() {
        let said = [28, 119, 120, 7_199, 7_200, 172_800].map(|s| span(Duration::from_secs(s)));
        assert_eq!(said, ["28 s", "119 s", "2 min", "119 min", "2 h", "2 days"]);
    }
}
