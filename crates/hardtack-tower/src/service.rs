//! The service: gives a request its session, and the response what comes of it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use crate::future::ResponseFuture;
use crate::handle::{Handle, PerRequest};
use crate::layer::SessionLayer;
use crate::response::by_url;
use crate::runtime::TokioRuntime;

/// A service whose requests have sessions. Made by [`SessionLayer`].
pub struct SessionService<S, L = ()> {
    inner: S,
    layer: SessionLayer<L>,
}

impl<S, L> SessionService<S, L> {
    pub(crate) fn new(inner: S, layer: SessionLayer<L>) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R, L> Service<Request<B>> for SessionService<S, L>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<Bytes>,
    L: 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shared = &self.layer.shared;
        if !shared.sessions.is_attached()
            && let Some(runtime) = TokioRuntime::current()
        {
            shared.sessions.attach(Arc::new(runtime));
        }
        let (mut passive, mut client) = (false, None);
        if shared.passive.is_some() || shared.client.is_some() {
            let (parts, body) = request.into_parts();
            passive = shared.passive.as_ref().is_some_and(|is_passive| is_passive(&parts));
            client = shared.client.as_ref().and_then(|client_of| client_of(&parts));
            request = Request::from_parts(parts, body);
        }
        let this = Arc::new(PerRequest::new(shared.clone(), passive));
        if let Some(client) = client {
            this.session().set_client(&client);
        }
        if shared.sessions.takes_url_parameter()
            && let (method, uri, headers) = (request.method(), request.uri(), request.headers())
            && let Some(url) = this.session().present_url(method, uri, headers)
        {
            *request.uri_mut() = url.uri;
            if let Some(answer) = url.answer {
                this.session().present(request.headers());
                return ResponseFuture::answered(by_url(&answer), this);
            }
        }
        request.extensions_mut().insert(Handle::<L>::new(this.clone()));
        ResponseFuture::new(self.inner.call(request), this)
    }
}

impl<S: Clone, L> Clone for SessionService<S, L> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, L> fmt::Debug for SessionService<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
