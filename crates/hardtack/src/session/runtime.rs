//! What the engine needs of an async runtime, and what it does with one.
//!
//! The core depends on none. An adapter attaches its own
//! ([`Sessions::attach`](super::Sessions::attach)); from then on calls to the
//! store have a deadline, a commit once begun runs to its end even if its client
//! has gone, and the housekeeping runs by itself. Without one, calls run where
//! they are awaited, and whoever owns the engine calls
//! [`Sessions::maintain`](super::Sessions::maintain).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::store::{Reply, StoreError, StoreErrorKind};

/// A future without a name of its own.
type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An async runtime, as far as the engine needs one.
pub trait Runtime: Send + Sync + 'static {
    /// Runs a task to its end, on its own.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);
    /// Is ready after `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Waits for a store's answer, at most until the deadline.
pub(crate) async fn within<T: Unpin>(
    runtime: Option<&Arc<dyn Runtime>>,
    deadline: Duration,
    reply: Reply<'_, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let Some(runtime) = runtime else { return reply.await };
    Within { reply, runtime, deadline, timer: None }.await
}

struct Within<'a, T> {
    reply: Reply<'a, Result<T, StoreError>>,
    runtime: &'a Arc<dyn Runtime>,
    deadline: Duration,
    /// Made only when the store does not answer at once.
    timer: Option<Boxed>,
}

impl<T: Unpin> Future for Within<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(answer) = Pin::new(&mut this.reply).poll(cx) {
            return Poll::Ready(answer);
        }
        let timer = this.timer.get_or_insert_with(|| this.runtime.sleep(this.deadline));
        timer.as_mut().poll(cx).map(|()| {
            let what = format!("the session store did not answer within {:?}", this.deadline);
            Err(StoreError::new(StoreErrorKind::Timeout, what))
        })
    }
}

/// A future that runs to its end: if it is dropped half-way, the runtime takes
/// it over.
pub(crate) struct ToTheEnd<T: Send + 'static> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    runtime: Option<Arc<dyn Runtime>>,
    begun: bool,
}

impl<T: Send + 'static> ToTheEnd<T> {
    pub(crate) fn new(
        runtime: Option<Arc<dyn Runtime>>,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Self { future: Some(Box::pin(future)), runtime, begun: false }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        // Taken out meanwhile: one that panics cannot go on.
        let mut future = self.future.take().expect("polled only until it is ready");
        let done = future.as_mut().poll(cx);
        if done.is_pending() {
            self.future = Some(future);
        }
        done
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let (Some(future), Some(runtime), true) = (self.future.take(), &self.runtime, self.begun)
        {
            runtime.spawn(Box::pin(async move {
                future.await;
            }));
        }
    }
}
