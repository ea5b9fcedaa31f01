//! Recorded histories of sessions, and whether one session can have had them.
//!
//! A [`Recorder`] stands around a store and notes when each call was made, when it
//! was answered and what. A history is right if its calls can be put in an order in
//! which none comes before one that had been answered when it was made, and in
//! which one caller alone would have got the same answers (Herlihy and Wing 1990).
//! Sessions do not know of each other, so each is judged by itself; a login counts
//! for both of its sessions.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use hardtack::session::MemoryStore;
//! use hardtack_testkit::history::{Callers, History};
//!
//! let history = History::new();
//! let store = Arc::new(history.record(Arc::new(MemoryStore::new())));
//! let callers = Callers::start(&[store], 7);
//! callers.make(500).await;
//! callers.stop().await;
//! let verdict = history.judge(Duration::ZERO);
//! assert!(verdict.broken.is_empty(), "{verdict}");
//! # });
//! ```
//!
//! Load, insert, replace, relocate and end are judged. Touches change nothing that
//! is looked at here. What epochs and the sweeper end is not explained, so a history
//! must have neither.

mod callers;
mod model;
mod recorder;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hardtack::session::Locator;
use hardtack::session::store::Store;
use tokio::time::Instant;

pub use callers::Callers;
pub use model::{Call, State};
pub use recorder::Recorder;

/// What has been called, by everybody who records into it. Clones are the same one.
#[derive(Clone, Debug)]
pub struct History {
    began: Instant,
    entries: Arc<Mutex<Vec<(Locator, Entry)>>>,
}

/// A call for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When it was made, from the beginning of the history on.
    pub made: Duration,
    /// When it was answered; `None`: never, or by an error. Then it may have happened
    /// at any time since, or may never happen.
    pub answered: Option<Duration>,
    /// The call, and its answer.
    pub call: Call,
}

/// What became of a history.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// How many sessions it is of.
    pub sessions: usize,
    /// How many calls were answered.
    pub answered: usize,
    /// How many were not.
    pub unknown: usize,
    /// The sessions that no order explains.
    pub broken: Vec<Broken>,
}

/// A session whose calls no order explains.
#[derive(Debug)]
#[non_exhaustive]
pub struct Broken {
    /// Which.
    pub key: Locator,
    /// Its calls as they were made, each with whether the order that explains most
    /// has it.
    pub story: Vec<(Entry, bool)>,
    /// What the session is after those.
    pub state: State,
}

impl History {
    /// An empty one, which begins now.
    #[expect(clippy::new_without_default, reason = "it begins now")]
    pub fn new() -> Self {
        Self { began: Instant::now(), entries: Arc::default() }
    }

    /// A store whose calls are noted here.
    pub fn record(&self, store: Arc<dyn Store>) -> Recorder {
        Recorder::new(store, self.clone())
    }

    /// Notes a call by hand.
    pub fn note(&self, key: &Locator, entry: Entry) {
        self.entries().push((*key, entry));
    }

    /// Loads every session once more through `store`, which records here.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn revisit(&self, store: &dyn Store) {
        let mut keys: Vec<_> = self.entries().iter().map(|(key, _)| *key).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            store.load(&key).await.expect("the store answers");
        }
    }

    /// Looks for an order of each session's calls. A load may be as old as `stale`
    /// says, as one from a cache: it is explained by any moment from that long before
    /// it was made until it was answered.
    pub fn judge(&self, stale: Duration) -> Verdict {
        self.explain(stale, false)
    }

    /// The same of a near-cache: no load is older than an end that had been answered
    /// when it was made.
    pub fn judge_near(&self, stale: Duration) -> Verdict {
        self.explain(stale, true)
    }

    fn explain(&self, stale: Duration, ends_are_final: bool) -> Verdict {
        let mut sessions: BTreeMap<Locator, Vec<Entry>> = BTreeMap::new();
        let entries = self.entries();
        let mut ends: BTreeMap<Locator, Vec<Duration>> = BTreeMap::new();
        for (key, entry) in entries.iter().filter(|(_, entry)| entry.call.found_it_ended()) {
            ends.entry(*key).or_default().extend(entry.answered);
        }
        for (key, mut entry) in entries.iter().copied() {
            if matches!(entry.call, Call::Load(_)) {
                let ends = ends.get(&key).filter(|_| ends_are_final).into_iter().flatten();
                let end = ends.filter(|end| **end <= entry.made).max();
                let oldest = entry.made.saturating_sub(stale);
                // At the very moment of the answer the two might still be in either order.
                let after = end.map(|end| end.saturating_add(Duration::from_nanos(1)));
                entry.made = after.map_or(oldest, |after| oldest.max(after));
            }
            sessions.entry(key).or_default().push(entry);
        }
        drop(entries);
        let all = sessions.values().flatten();
        let answered = all.clone().filter(|entry| entry.answered.is_some()).count();
        let unknown = all.count() - answered;
        let mut verdict =
            Verdict { sessions: sessions.len(), answered, unknown, broken: Vec::new() };
        for (key, mut entries) in sessions {
            entries.sort_by_key(|entry| entry.made);
            if let Err((state, explained)) = search::explain(&entries) {
                let story = entries.into_iter().zip(explained).collect();
                verdict.broken.push(Broken { key, story, state });
            }
        }
        verdict
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<(Locator, Entry)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// A call with an answer.
    pub const fn new(made: Duration, answered: Option<Duration>, call: Call) -> Self {
        Self { made, answered, call }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, answered, unknown, broken } = self;
        let count = broken.len();
        write!(f, "{answered} calls answered and {unknown} not, of {sessions} sessions: ")?;
        write!(f, "no order explains {count} of them")?;
        broken.first().map_or(Ok(()), |first| write!(f, "\n{first}"))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "of these calls of one session no order explains those with a !")?;
        for (Entry { made, answered, call }, explained) in &self.story {
            let mark = if *explained { ' ' } else { '!' };
            let answered = answered.map_or("never".into(), |at| format!("{at:?}"));
            writeln!(f, "{mark} {made:?} to {answered}: {call:?}")?;
        }
        write!(f, "after the others it is {:?}", self.state)
    }
}
