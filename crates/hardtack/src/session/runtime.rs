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

use super::sessions::Engine;
use super::store::{Reply, StoreError, StoreErrorKind};

/// A future without a name of its own.
pub(crate) type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An async runtime, as far as the engine needs one.
pub trait Runtime: Send + Sync + 'static {
    /// Runs a task to its end, on its own.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);
    /// Is ready after `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A store's answer, waited for at most until the deadline where there is a
/// runtime; failures are counted.
#[must_use = "a store's verb does nothing until its reply is awaited"]
pub(crate) struct Within<'a, T> {
    pub(crate) reply: Reply<'a, Result<T, StoreError>>,
    pub(crate) engine: &'a Engine,
    /// Made only when the store does not answer at once.
    pub(crate) timer: Option<Boxed>,
    /// The store sees to the deadline by itself.
    pub(crate) in_time: bool,
}

impl<T: Unpin> Future for Within<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut answer = Pin::new(&mut this.reply).poll(cx);
        if answer.is_pending()
            && !this.in_time
            && let Some(runtime) = this.engine.runtime()
        {
            let deadline = this.engine.settings.deadline;
            let timer = this.timer.get_or_insert_with(|| runtime.sleep(deadline));
            answer = timer.as_mut().poll(cx).map(|()| {
                let what = format!("the session store did not answer within {deadline:?}");
                Err(StoreError::new(StoreErrorKind::Timeout, what))
            });
        }
        if let Poll::Ready(Err(_)) = &answer {
            this.engine.counters.store_errors.up();
        }
        answer
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
