//! The future that a store's verbs answer with.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A store's answer: at once, or after waiting.
///
/// A store that has the answer in memory gives it without an allocation
/// ([`Reply::ready`]); one that must wait boxes its future ([`Reply::later`]).
#[must_use = "a store's verb does nothing until its reply is awaited"]
pub struct Reply<'a, T>(Inner<'a, T>);

enum Inner<'a, T> {
    Ready(Option<T>),
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Reply<'a, T> {
    /// An answer that is there already.
    pub fn ready(answer: T) -> Self {
        Self(Inner::Ready(Some(answer)))
    }

    /// The answer, if it is there already, or the reply as it was: not begun.
    ///
    /// # Errors
    ///
    /// The reply, where the answer takes its time.
    pub fn into_ready(self) -> Result<T, Self> {
        match self.0 {
            Inner::Ready(Some(answer)) => Ok(answer),
            other => Err(Self(other)),
        }
    }

    /// An answer that takes its time. The future does nothing before it is polled.
    pub fn later(answer: impl Future<Output = T> + Send + 'a) -> Self {
        Self(Inner::Later(Box::pin(answer)))
    }
}

impl<T: Unpin> Future for Reply<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Inner::Ready(answer) => {
                Poll::Ready(answer.take().expect("a reply is polled to its end only once"))
            }
            Inner::Later(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for Reply<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Ready(_) => "Reply(ready)",
            Inner::Later(_) => "Reply(later)",
        })
    }
}
