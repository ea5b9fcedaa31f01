//! Extractors for axum.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use hardtack::session;
use http::header::{ACCEPT, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use crate::handle::Handle;
use crate::response::SessionError;
use crate::return_to::login_url;

/// The request's session, loaded.
///
/// `L` names the layer, where there are several. All that it can do is on
/// [`hardtack::session::Session`], which it dereferences to.
pub struct Session<L = ()>(session::Session, PhantomData<fn() -> L>);

impl<L> Session<L> {
    fn new(session: session::Session) -> Self {
        Self(session, PhantomData)
    }
}

impl<L> Deref for Session<L> {
    type Target = session::Session;

    fn deref(&self) -> &session::Session {
        &self.0
    }
}

impl<L> Clone for Session<L> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl<L> fmt::Debug for Session<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync, L: 'static> FromRequestParts<S> for Session<L> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Handle::<L>::load(parts).await.cloned().map(Self::new)
    }
}

/// The request's session, to be loaded only if the handler finds that it needs it.
pub struct LazySession<L = ()>(Session<L>);

impl<L> LazySession<L> {
    /// Loads it; at the second call it is there already.
    ///
    /// # Errors
    /// The store failed, or the request carries two sessions.
    pub async fn load(&self) -> Result<&Session<L>, SessionError> {
        self.0.load().await?;
        Ok(&self.0)
    }
}

impl<L> fmt::Debug for LazySession<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync, L: 'static> FromRequestParts<S> for LazySession<L> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Ok(Self(Session::new(Handle::<L>::from_parts(parts)?.session().clone())))
    }
}

/// Lets only signed-in users in. Scripts and other programs are answered 401,
/// pages are sent to the layer's login page, which is told where to return to.
#[derive(Debug)]
pub struct RequireLogin<L = ()>(PhantomData<fn() -> L>);

impl<S: Sync, L: 'static> FromRequestParts<S> for RequireLogin<L> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        signed_in::<L>(parts).await.map(|_| Self(PhantomData))
    }
}

/// The signed-in user's id. As an extractor it lets only signed-in users in, like
/// [`RequireLogin`]; `Option<User>` lets everybody in.
pub struct User<L = ()> {
    /// The user's id, as it was given to `login`.
    pub id: String,
    of: PhantomData<fn() -> L>,
}

impl<L> fmt::Debug for User<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("User").field(&self.id).finish()
    }
}

impl<S: Sync, L: 'static> FromRequestParts<S> for User<L> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        signed_in::<L>(parts).await.map(|id| Self { id, of: PhantomData })
    }
}

impl<S: Sync, L: 'static> OptionalFromRequestParts<S> for User<L> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, SessionError> {
        let session = Handle::<L>::load(parts).await?;
        Ok(session.user().map(|id| Self { id, of: PhantomData }))
    }
}

async fn signed_in<L: 'static>(parts: &Parts) -> Result<String, Response> {
    let session = Handle::<L>::load(parts).await.map_err(IntoResponse::into_response)?;
    if let Some(user) = session.user() {
        return Ok(user);
    }
    let refused = || SessionError::Session(session::SessionError::NotSignedIn).into_response();
    let handle = Handle::<L>::from_parts(parts).map_err(IntoResponse::into_response)?;
    let Some(page) = handle.shared().login_page.as_deref().filter(|_| is_page(parts)) else {
        return Err(refused());
    };
    let Ok(location) = HeaderValue::try_from(login_url(page, &parts.uri)) else {
        return Err(refused());
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, location);
    Err(response)
}

/// Whether somebody looks at the answer: a navigation, as browsers say it, or a
/// GET that wants HTML.
fn is_page(parts: &Parts) -> bool {
    match parts.headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate" && parts.method == Method::GET,
        None => {
            let accepts = parts
                .headers
                .get(ACCEPT)
                .is_some_and(|a| a.as_bytes().windows(9).any(|w| w == b"text/html"));
            accepts && parts.method == Method::GET
        }
    }
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        if self.status().is_server_error() {
            tracing::error!(error = %self, "a request could not be given its session");
        }
        self.response::<Body>()
    }
}

impl From<Infallible> for SessionError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
