//! What a request's session is made from, for extractors and other middleware.

use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use hardtack::session::{About, Session};
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Uri};

use crate::layer::Shared;
use crate::response::SessionError;

/// The extension that [`SessionLayer`](crate::SessionLayer) puts into a request.
pub struct Handle<L = ()> {
    request: Arc<PerRequest>,
    of: PhantomData<fn() -> L>,
}

/// What the handle and the response's future share: one allocation, and no session
/// before it is asked for.
pub(crate) struct PerRequest {
    pub(crate) shared: Arc<Shared>,
    session: OnceLock<Session>,
    /// The layer was told that such requests are not the user's.
    passive: bool,
}

impl PerRequest {
    pub(crate) fn new(shared: Arc<Shared>, passive: bool) -> Self {
        Self { shared, session: OnceLock::new(), passive }
    }

    /// The session, not loaded.
    pub(crate) fn session(&self) -> &Session {
        self.session.get_or_init(|| self.shared.sessions.session())
    }

    /// The session, if anybody has asked for it.
    pub(crate) fn asked(&self) -> Option<&Session> {
        self.session.get()
    }
}

impl<L: 'static> Handle<L> {
    pub(crate) fn new(request: Arc<PerRequest>) -> Self {
        Self { request, of: PhantomData }
    }

    /// The session, not loaded.
    pub(crate) fn session(&self) -> &Session {
        self.request.session()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.request.shared
    }

    /// The session of a request, told all that the request says about it. It is
    /// not loaded yet.
    ///
    /// # Errors
    /// No layer has given the request a session, or it asks for an upgrade from
    /// another origin.
    pub fn from_parts(parts: &Parts) -> Result<&Self, SessionError> {
        Self::of_request(&parts.extensions, &parts.method, &parts.uri, &parts.headers)
    }

    /// As [`from_parts`](Self::from_parts), and loads it.
    pub(crate) async fn load(parts: &Parts) -> Result<&Session, SessionError> {
        Self::load_of(&parts.extensions, &parts.method, &parts.uri, &parts.headers).await
    }

    async fn load_of<'a>(
        extensions: &'a Extensions,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<&'a Session, SessionError> {
        let (handle, about) = Self::of_layer(extensions, method, uri, headers)?;
        let session = handle.session();
        session.load_as(headers, about).await?;
        Ok(session)
    }

    fn of_request<'a>(
        extensions: &'a Extensions,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<&'a Self, SessionError> {
        let (handle, about) = Self::of_layer(extensions, method, uri, headers)?;
        handle.session().present_as(headers, about);
        Ok(handle)
    }

    fn of_layer<'a>(
        extensions: &'a Extensions,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(&'a Self, About), SessionError> {
        let handle = extensions.get::<Self>().ok_or(SessionError::NoLayer)?;
        let Wants { upgrade, prefetch } = Wants::of(method, headers);
        if upgrade && is_foreign(uri, headers) {
            return Err(SessionError::ForeignUpgrade);
        }
        handle.notice_cookie(headers);
        let passive = handle.request.passive || prefetch;
        Ok((handle, About { unsafe_method: !is_safe(method), passive }))
    }

    /// Remembers that a cookie of ours has come back.
    fn notice_cookie(&self, headers: &HeaderMap) {
        let shared = self.shared();
        if shared.issued.load(Relaxed) == 0 || shared.came_back.load(Relaxed) {
            return;
        }
        let lines: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        for name in shared.sessions.cookie_names() {
            if lines.iter().any(|line| line.windows(name.len()).any(|w| w == name.as_bytes())) {
                shared.came_back.store(true, Relaxed);
            }
        }
    }
}

impl<L> Clone for Handle<L> {
    fn clone(&self) -> Self {
        Self { request: self.request.clone(), of: PhantomData }
    }
}

impl<L> std::fmt::Debug for Handle<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("session", &self.request.asked()).finish_non_exhaustive()
    }
}

/// Gives tower middleware and services without axum the session of a request.
pub trait SessionOf {
    /// The session, loaded.
    ///
    /// # Errors
    /// As [`Session::load`](hardtack::session::Session::load), and if no layer has
    /// given the request one.
    fn session(&self) -> impl Future<Output = Result<Session, SessionError>> + Send;
}

impl<B: Send + Sync> SessionOf for Request<B> {
    async fn session(&self) -> Result<Session, SessionError> {
        let (uri, headers) = (self.uri(), self.headers());
        Handle::<()>::load_of(self.extensions(), self.method(), uri, headers).await.cloned()
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// What a request wants beside a page for its user.
#[derive(Debug, PartialEq)]
struct Wants {
    /// An upgrade: a websocket; over HTTP/2 a CONNECT.
    upgrade: bool,
    /// A page that the browser fetches before the user asked for it.
    prefetch: bool,
}

impl Wants {
    /// Goes over the headers once, which takes less than looking for each of three.
    fn of(method: &Method, headers: &HeaderMap) -> Self {
        let mut wants = Self { upgrade: *method == Method::CONNECT, prefetch: false };
        for (name, value) in headers {
            match name.as_str() {
                "upgrade" => wants.upgrade = true,
                "purpose" | "sec-purpose" => {
                    let mut words = value.as_bytes().windows(8);
                    wants.prefetch |= words.any(|w| w.eq_ignore_ascii_case(b"prefetch"));
                }
                _ => {}
            }
        }
        wants
    }
}

/// Whether a page of another origin asks. Upgrades are GETs that carry cookies and that no
/// same-origin policy holds back (ASVS 5.0 4.4.2).
fn is_foreign(uri: &Uri, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().unwrap_or_default();
    let named = headers.get(HOST).and_then(|h| h.to_str().ok());
    let host = named.or(uri.authority().map(|a| a.as_str())).unwrap_or_default();
    let origin_host = origin.split_once("://").map_or("", |(_, host)| host);
    host.is_empty() || !origin_host.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| ((*n).parse().expect("a name"), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn an_upgrade_from_another_origin_is_told_apart() {
        let upgrade = ("upgrade", "websocket");
        let host = ("host", "shop.example:8443");
        let (path, whole) =
            (Uri::from_static("/ws"), Uri::from_static("https://shop.example:8443/ws"));
        for (origin, foreign) in [
            (None, false),
            (Some("https://shop.example:8443"), false),
            (Some("https://SHOP.example:8443"), false),
            (Some("https://shop.example"), true),
            (Some("https://evil.example"), true),
            (Some("https://shop.example:8443.evil.example"), true),
            (Some("null"), true),
        ] {
            let mut all = headers(&[upgrade, host]);
            all.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            assert_eq!(is_foreign(&path, &all), foreign, "{origin:?}");
            assert!(Wants::of(&Method::GET, &all).upgrade);
            all.remove("upgrade");
            assert!(!Wants::of(&Method::GET, &all).upgrade, "an ordinary request");
            all.remove(HOST);
            assert_eq!(is_foreign(&whole, &all), foreign, "HTTP/2");
            assert!(Wants::of(&Method::CONNECT, &all).upgrade, "HTTP/2");
        }
    }

    #[test]
    fn a_prefetch_is_not_the_user() {
        for (pairs, prefetch) in [
            (&[("sec-purpose", "prefetch;prerender")][..], true),
            (&[("purpose", "Prefetch")], true),
            (&[("purpose", "x")], false),
            (&[], false),
        ] {
            let want = Wants { upgrade: false, prefetch };
            assert_eq!(Wants::of(&Method::GET, &headers(pairs)), want);
        }
    }
}
