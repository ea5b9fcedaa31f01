//! A connection that many requests share.
//!
//! What is asked at the same time goes to the server in one write, and nobody waits for
//! others to come: the task that sends runs as soon as those have had their turn that
//! already were to run. A server answers in the order in which it was asked, so the n-th
//! answer is that of the n-th asked, also where who asked has gone, or was told that it
//! is late. Nothing is ever sent twice.
//!
//! | file | what it does |
//! | --- | --- |
//! | `dial.rs`, `tls.rs` | connecting |
//! | `task.rs` | the task that writes, reads, and tells who is late |
//! | `together.rs` | calls of one script that go as one |
//! | `reply.rs` | reading what servers answer |

mod dial;
mod reply;
mod task;
#[cfg(test)]
mod tests;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod together;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use redis::{ErrorKind, RedisError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::time::Instant;

pub(crate) use dial::{Server, dial};
pub(crate) use reply::Value;
use task::Task;
pub(crate) use tls::Tls;
use together::{By, Together};

use crate::script::Call;

/// A connection. Closes when it is dropped and what was asked is answered, or too late.
pub(crate) struct Wire {
    queue: Arc<Mutex<Queue>>,
    /// That of its task.
    runtime: runtime::Id,
}

/// What is still to be taken over by the task that sends.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    asked: Vec<Asked>,
    /// Behind those.
    together: Together,
    /// How many bytes were ever asked to be sent.
    total: u64,
    task: Option<Waker>,
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Nobody can ask any more.
    Left,
    Closed,
}

/// What is answered by one answer.
struct Asked {
    by: By,
    until: Instant,
    /// How many bytes were to be sent before it.
    from: u64,
}

/// The answer to come. Whoever drops it is not answered, and nobody else is in its place.
pub(crate) struct Pending(oneshot::Receiver<Result<Value, Unanswered>>);

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Unanswered {
    /// The connection ended before anything of it was written: it was not done.
    NotSent(RedisError),
    /// The connection ended after: it may have been done.
    Lost(RedisError),
    /// It was not answered in time, and may have been done.
    Late,
}

impl Wire {
    /// Sends over `stream`, by a task of this runtime.
    fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let queue = Arc::new(Mutex::new(Queue::default()));
        tokio::spawn(Task::new(stream, queue.clone()));
        Self { queue, runtime: Handle::current().id() }
    }

    /// Whether its task is of the caller's runtime: else that may stand still while the
    /// caller waits, and tells nobody that it is late.
    pub(crate) fn is_here(&self) -> bool {
        Handle::try_current().is_ok_and(|handle| handle.id() == self.runtime)
    }

    /// One call. An error that the server answers is an answer.
    pub(crate) fn ask(&self, call: &Call, until: Instant) -> Result<Pending, Unanswered> {
        let mut queue = lock(&self.queue);
        if call.shares().is_some() { queue.share(call, until) } else { queue.push(call, until) }
    }

    /// Several calls, with nobody's in between.
    pub(crate) fn ask_all<'a>(
        &self,
        calls: impl IntoIterator<Item = &'a Call>,
        until: Instant,
    ) -> Result<Vec<Pending>, Unanswered> {
        let mut queue = lock(&self.queue);
        calls.into_iter().map(|call| queue.push(call, until)).collect()
    }

    /// Whether it has come to its end.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.queue).state == State::Closed
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        if queue.state == State::Open {
            queue.state = State::Left;
        }
        if let Some(task) = &queue.task {
            task.wake_by_ref();
        }
    }
}

impl Queue {
    fn push(&mut self, call: &Call, until: Instant) -> Result<Pending, Unanswered> {
        if self.state != State::Open {
            return Err(Unanswered::NotSent(ended()));
        }
        let (by, pending) = oneshot::channel();
        let (before, from) = (self.bytes.len(), self.total);
        call.pack(&mut self.bytes);
        self.total += (self.bytes.len() - before) as u64;
        self.asked.push(Asked { by: By::One(by), until, from });
        self.wake();
        Ok(Pending(pending))
    }

    /// The same, in one with others of its script.
    fn share(&mut self, call: &Call, until: Instant) -> Result<Pending, Unanswered> {
        if self.state != State::Open {
            return Err(Unanswered::NotSent(ended()));
        }
        if !self.together.has_room_for(call) {
            self.close_together();
        }
        let (by, pending) = oneshot::channel();
        self.together.add(call, by, until);
        self.wake();
        Ok(Pending(pending))
    }

    /// Those that share a call are what is asked next.
    fn close_together(&mut self) {
        let before = self.bytes.len();
        let asked = self.together.close(&mut self.bytes, self.total);
        self.total += (self.bytes.len() - before) as u64;
        self.asked.extend(asked);
    }

    /// For all that come after the first the task is about to run already.
    fn wake(&self) {
        if let (1, Some(task)) = (self.asked.len() + self.together.count(), &self.task) {
            task.wake_by_ref();
        }
    }
}

impl Pending {
    pub(crate) async fn answer(self) -> Result<Value, Unanswered> {
        // Its task is gone without a word only if the runtime is.
        self.0.await.unwrap_or_else(|_| Err(Unanswered::Lost(ended())))
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> RedisError {
    (ErrorKind::Io, "the connection has ended").into()
}
