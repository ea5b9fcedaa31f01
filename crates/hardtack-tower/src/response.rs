//! What a session does to a response.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use hardtack::session::url::UrlAnswer;
use hardtack::session::{self, Caching, Outcome, ValueError};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, Entry, RETRY_AFTER, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::layer::Shared;

/// Puts what came of the session into the response.
pub(crate) fn apply<R: From<Bytes>>(
    outcome: Outcome,
    mut response: Response<R>,
    shared: &Shared,
) -> Response<R> {
    if let Some(error) = outcome.error {
        tracing::warn!(error = %error, "a session could not be committed");
        let mut refused = SessionError::Session(error).response();
        mark(refused.headers_mut(), outcome.caching, shared.sessions.varies_by());
        return refused;
    }
    if outcome.headers.iter().any(|(name, _)| name == SET_COOKIE) {
        warn_if_none_come_back(shared);
    }
    let headers = response.headers_mut();
    for (name, value) in outcome.headers {
        headers.append(name, value);
    }
    mark(headers, outcome.caching, shared.sessions.varies_by());
    response
}

/// Law 13: a response that shows something of a session is nobody else's.
fn mark(headers: &mut HeaderMap, caching: Caching, by: &HeaderName) {
    const PRIVATE: HeaderValue = HeaderValue::from_static("private");
    const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
    const BY_COOKIE: HeaderValue = HeaderValue::from_static("Cookie");
    let directive = match caching {
        Caching::Private => PRIVATE,
        Caching::NoStore => NO_STORE,
        _ => return,
    };
    match headers.entry(CACHE_CONTROL) {
        Entry::Vacant(none) => drop(none.insert(directive)),
        Entry::Occupied(mut said) => {
            let says = |word| lists(said.get(), word);
            // What the handler said stays if it is as strict.
            if !says("no-store") && (caching == Caching::NoStore || !says("private")) {
                said.insert(directive);
            }
        }
    }
    let value = || match *by == COOKIE {
        true => BY_COOKIE,
        false => by.clone().into(),
    };
    match headers.entry(VARY) {
        Entry::Vacant(none) => drop(none.insert(value())),
        Entry::Occupied(mut said) => {
            if !said.iter().any(|said| lists(said, by.as_str()) || lists(said, "*")) {
                said.append(value());
            }
        }
    }
}

/// Whether a word is in a header's list.
fn lists(list: &HeaderValue, word: &str) -> bool {
    let mut words = list.as_bytes().split(|b| matches!(b, b',' | b' '));
    words.any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
}

/// How many cookies may be set before one must have come back.
const SET_BEFORE_WARNING: u32 = 20;

fn warn_if_none_come_back(shared: &Shared) {
    let issued = shared.issued.fetch_add(1, Relaxed);
    if issued == SET_BEFORE_WARNING && !shared.came_back.load(Relaxed) {
        tracing::warn!(
            "{issued} session cookies were set and none has come back: browsers keep Secure cookies only over https \
             (and http://localhost). Serve this site over https, or see danger::insecure_cookie"
        );
    }
}

/// The response to a request that came with a token in its URL.
pub(crate) fn by_url<R: From<Bytes>>(answer: &UrlAnswer) -> Response<R> {
    let mut response = Response::new(R::from(Bytes::from(answer.body())));
    *response.status_mut() = answer.status();
    response.headers_mut().extend(answer.headers());
    response
}

/// Something asked of a session could not be done; answers by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The session says no.
    Session(session::SessionError),
    /// No [`SessionLayer`](crate::SessionLayer) is around this route: 500.
    NoLayer,
    /// A page of another origin asked for an upgrade: 403.
    ForeignUpgrade,
}

impl SessionError {
    /// The status that answers it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Session(error) => error.status(),
            Self::NoLayer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ForeignUpgrade => StatusCode::FORBIDDEN,
        }
    }

    /// The whole response: a status, one line of text, no Set-Cookie; where the
    /// store is to blame with Retry-After.
    pub fn response<R: From<Bytes>>(&self) -> Response<R> {
        if let Self::Session(session::SessionError::ByUrl(answer)) = self {
            return by_url(answer);
        }
        let text = match self {
            Self::Session(error) => error.public_message(),
            Self::NoLayer => "something went wrong on our side",
            Self::ForeignUpgrade => "this connection may only be opened by a page of this site",
        };
        let mut response = Response::new(R::from(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(error) => error.fmt(f),
            Self::NoLayer => f.write_str(
                "the route has no session: put it inside a SessionLayer (of the same marker type)",
            ),
            Self::ForeignUpgrade => {
                f.write_str("a page of another origin asked for an upgrade of the connection")
            }
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Session(error) => error.source(),
            _ => None,
        }
    }
}

impl From<session::SessionError> for SessionError {
    fn from(error: session::SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<ValueError> for SessionError {
    fn from(error: ValueError) -> Self {
        Self::Session(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_of_a_session_is_private_unless_its_handler_said_more() {
        for (said, caching, want) in [
            (None, Caching::Private, "private"),
            (None, Caching::NoStore, "no-store"),
            (Some("public, max-age=60"), Caching::Private, "private"),
            (Some("private, max-age=60"), Caching::Private, "private, max-age=60"),
            (Some("private, max-age=60"), Caching::NoStore, "no-store"),
            (Some("No-Store"), Caching::NoStore, "No-Store"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(said) = said {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static(said));
            }
            mark(&mut headers, caching, &COOKIE);
            assert_eq!(headers[CACHE_CONTROL], want, "{said:?} {caching:?}");
            assert_eq!(headers[VARY], "Cookie");
        }
        let mut untouched = HeaderMap::new();
        mark(&mut untouched, Caching::AsItIs, &COOKIE);
        assert!(untouched.is_empty());
    }

    #[test]
    fn it_varies_by_the_header_that_ids_come_in_said_once() {
        let own = HeaderName::from_static("x-session");
        for (said, by, want) in [
            (None, COOKIE, &["Cookie"][..]),
            (None, own.clone(), &["x-session"]),
            (Some("accept, cookie"), COOKIE, &["accept, cookie"]),
            (Some("accept, cookie"), own, &["accept, cookie", "x-session"]),
            (Some("*"), COOKIE, &["*"]),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(said.map(|said| (VARY, HeaderValue::from_static(said))));
            mark(&mut headers, Caching::Private, &by);
            assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), want, "{said:?}");
        }
    }
}
