//! Calls that come at the same time share a statement.
//!
//! What a statement costs the server is mostly its own: messages, waking up, a
//! plan that starts and ends, a commit; its rows cost little beside that. A call
//! that finds a lane free goes at once. Else it waits until one is, and the next
//! statement takes whoever waits: the busier the server, the more share one.
//!
//! # Why no law changes
//! - A statement begins after each of its calls has, so none is answered from
//!   before it asked.
//! - A statement is one transaction. If its outcome is unknown, that of each call
//!   is, as if it had been alone; nothing is sent again.
//! - Two calls that write one session are in different statements.
//! - A call that the server refuses for what it is does not take the others with
//!   it: the statement has then done nothing, and each goes alone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hardtack::session::Locator;
use hardtack::session::store::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::link::Link;
use crate::shared::too_late;

/// The most calls that share a statement.
const MOST: usize = 64;

/// How many statements of one kind are under way at once.
const LANES: usize = 2;

/// A kind of call that can share a statement with others of it.
pub(super) trait Shared: Sized + Send + Sync + 'static {
    type Answer: Send + 'static;

    /// Whether calls change their sessions.
    const WRITES: bool;

    fn key(&self) -> &Locator;

    /// Answers the calls in their order, which is that of their keys.
    fn ask(
        link: &Link,
        calls: &[Self],
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer, StoreError>>, StoreError>> + Send;
}

/// The calls of one kind.
pub(super) struct Together<C: Shared> {
    link: Arc<Link>,
    line: Mutex<Line<C>>,
}

struct Line<C: Shared> {
    waiting: VecDeque<Waiting<C>>,
    lanes: usize,
}

struct Waiting<C: Shared> {
    call: C,
    answer: oneshot::Sender<Result<C::Answer, StoreError>>,
}

impl<C: Shared> Together<C> {
    pub(super) fn new(link: &Arc<Link>) -> Arc<Self> {
        let line = Line { waiting: VecDeque::new(), lanes: 0 };
        Arc::new(Self { link: link.clone(), line: Mutex::new(line) })
    }

    /// Answers by `until`, if only that it is too late.
    pub(super) async fn ask(
        self: &Arc<Self>,
        call: C,
        until: Instant,
    ) -> Result<C::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.line_up(Waiting { call, answer }) {
            tokio::spawn(Lane { of: self.clone(), open: true }.run());
        }
        match timeout_at(until, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                let what = format!("session store {}: its runtime has stopped", self.link.place);
                Err(StoreError::new(StoreErrorKind::Unavailable, what))
            }
            Err(_) => Err(too_late(&self.link.place, self.link.deadline)),
        }
    }

    /// Whether a lane is to be opened for it.
    fn line_up(&self, waiting: Waiting<C>) -> bool {
        let mut line = self.line();
        line.waiting.push_back(waiting);
        let opens = line.lanes < LANES;
        line.lanes += usize::from(opens);
        opens
    }

    /// The next calls in the order of their keys, so that statements lock rows in one
    /// order. Those that nobody waits for are left out.
    fn next(&self) -> Option<Vec<Waiting<C>>> {
        let mut line = self.line();
        let mut batch = Vec::<Waiting<C>>::new();
        let mut later = Vec::new();
        while batch.len() + later.len() < MOST
            && let Some(waiting) = line.waiting.pop_front()
        {
            if waiting.answer.is_closed() {
                continue;
            }
            match batch.binary_search_by(|other| other.call.key().cmp(waiting.call.key())) {
                Ok(_) if C::WRITES => later.push(waiting),
                Ok(place) | Err(place) => batch.insert(place, waiting),
            }
        }
        for waiting in later.into_iter().rev() {
            line.waiting.push_front(waiting);
        }
        if batch.is_empty() {
            line.lanes -= 1;
            return None;
        }
        Some(batch)
    }

    fn line(&self) -> MutexGuard<'_, Line<C>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, batch: Vec<Waiting<C>>) {
        let (calls, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.call, waiting.answer)).unzip();
        // Nobody may be waiting for an answer any more.
        match C::ask(&self.link, &calls).await {
            Ok(found) => {
                for (to, answer) in answers.into_iter().zip(found) {
                    let _ = to.send(answer);
                }
            }
            Err(error) if calls.len() > 1 && refuses_one(&error) => {
                for (to, call) in answers.into_iter().zip(&calls) {
                    let found = C::ask(&self.link, std::slice::from_ref(call)).await;
                    if let Some(answer) = found.map_or_else(|e| Some(Err(e)), |mut one| one.pop()) {
                        let _ = to.send(answer);
                    }
                }
            }
            Err(error) => {
                for to in answers {
                    let _ = to.send(Err(StoreError::new(error.kind(), error.to_string())));
                }
            }
        }
    }
}

/// Whether the server has refused a statement for what is in it, or in the rows that
/// it looks at.
fn refuses_one(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Bug | StoreErrorKind::Corrupt)
}

/// One statement after another, until nobody waits.
struct Lane<C: Shared> {
    of: Arc<Together<C>>,
    open: bool,
}

impl<C: Shared> Lane<C> {
    async fn run(mut self) {
        while let Some(batch) = self.of.next() {
            self.of.answer(batch).await;
        }
        self.open = false;
    }
}

impl<C: Shared> Drop for Lane<C> {
    /// Its task may end at any moment: with the runtime, for example.
    fn drop(&mut self) {
        if self.open {
            self.of.line().lanes -= 1;
        }
    }
}
