//! One request, as the pages want to know it: what the browser sent and what
//! the server holds.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use hardtack_tower::cookie::CookieHeader;
use hardtack_tower::time::UnixTime;
use hardtack_tower::{Session, SessionError};
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

    /// What `document.cookie` gives, as far as the server can tell.
    pub(crate) fn readable(&self) -> String {
        let scripts = |sent: &&Sent| known::find(&sent.name).is_some_and(|known| known.scripts);
        let pairs = self.sent.iter().filter(scripts);
        let pairs: Vec<_> = pairs.map(|sent| format!("{}={}", sent.name, sent.value)).collect();
        if pairs.is_empty() { "nothing".to_owned() } else { pairs.join("; ") }
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
        Ok(Visit { app, session, sent, request })
    }
}

/// A span of time as a person says it, rounded: `28 s`, `12 min`, `4 h`, `30 days`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = (time.as_millis() + 500) / 1000;
    let rounded = |unit: u128| (seconds + unit / 2) / unit;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", rounded(60)),
        7_200..172_800 => format!("{} h", rounded(3600)),
        _ => format!("{} days", rounded(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_the_largest_fitting_unit() {
        let said =
            [28, 119, 120, 1_799, 7_200, 14_390, 2_591_999].map(|s| span(Duration::from_secs(s)));
        assert_eq!(said, ["28 s", "119 s", "2 min", "30 min", "2 h", "4 h", "30 days"]);
        assert_eq!(span(Duration::from_millis(29_990)), "30 s");
    }
}
