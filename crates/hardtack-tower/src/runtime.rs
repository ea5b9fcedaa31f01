//! Tokio as the engine's runtime.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use hardtack::session::Runtime;
use tokio::runtime::Handle;

/// The tokio runtime that it was made in.
#[derive(Clone, Debug)]
pub struct TokioRuntime(Handle);

impl TokioRuntime {
    /// The runtime of the calling task; `None` outside of one.
    pub fn current() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }
}

impl Runtime for TokioRuntime {
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}
