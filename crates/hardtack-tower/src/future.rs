//! The response's future: the handler first, then the commit, then the head.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hardtack::session::Finish;
use http::Response;
use pin_project_lite::pin_project;

use crate::handle::PerRequest;
use crate::response::apply;

pin_project! {
    /// Answers when the handler has and its session is committed.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, R> {
        // None: the layer answers by itself.
        #[pin]
        inner: Option<F>,
        request: Arc<PerRequest>,
        // Boxed, since most responses do not wait.
        committing: Option<Box<Committing<R>>>,
    }
}

/// A response whose head waits for the commit.
struct Committing<R> {
    response: Option<Response<R>>,
    outcome: Finish,
}

impl<F, R> ResponseFuture<F, R> {
    pub(crate) fn new(inner: F, request: Arc<PerRequest>) -> Self {
        Self { inner: Some(inner), request, committing: None }
    }

    /// Answers without the service, with what comes of loading the session.
    pub(crate) fn answered(response: Response<R>, request: Arc<PerRequest>) -> Self {
        let outcome = request.session().load_and_finish();
        let committing = Some(Box::new(Committing { response: Some(response), outcome }));
        Self { inner: None, request, committing }
    }
}

impl<F, R, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<Bytes>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.committing.is_none()
            && let Some(inner) = this.inner.as_mut().as_pin_mut()
        {
            let response = ready!(inner.poll(cx))?;
            let Some(session) = this.request.asked() else { return Poll::Ready(Ok(response)) };
            let mut outcome = session.finish();
            if let Poll::Ready(outcome) = Pin::new(&mut outcome).poll(cx) {
                return Poll::Ready(Ok(apply(outcome, response, &this.request.shared)));
            }
            *this.committing = Some(Box::new(Committing { response: Some(response), outcome }));
            return Poll::Pending;
        }
        let Some(committing) = this.committing else { return Poll::Pending };
        let outcome = ready!(Pin::new(&mut committing.outcome).poll(cx));
        let response = committing.response.take().expect("polled only until it is ready");
        Poll::Ready(Ok(apply(outcome, response, &this.request.shared)))
    }
}

impl<F, R> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
