//! A store that notes what it is asked and answers.

use std::fmt;
use std::sync::Arc;

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use super::model::{Call, State};
use super::{Entry, History};
use crate::wrap::pass_on;

/// A store around another, whose calls go into a [`History`].
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<dyn Store>,
    history: History,
}

/// A call that has been made; its answer is unknown until it is noted.
struct Made<'a>(&'a History, usize);

impl Recorder {
    pub(super) fn new(inner: Arc<dyn Store>, history: History) -> Self {
        Self { inner, history }
    }

    /// What it has noted.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn made(&self, key: &Locator, call: Call) -> Made<'_> {
        let made = self.history.now();
        let mut entries = self.history.entries();
        entries.push((*key, Entry::new(made, None, call)));
        Made(&self.history, entries.len() - 1)
    }
}

impl Made<'_> {
    fn answered<T>(self, answer: &Result<T, StoreError>, call: impl FnOnce(&T) -> Call) {
        let answered = self.0.now();
        if let Ok(answer) = answer {
            let entry = &mut self.0.entries()[self.1].1;
            (entry.answered, entry.call) = (Some(answered), call(answer));
        }
    }
}

impl Store for Recorder {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    pass_on! { touch list epochs raise sweep undelivered delivered census clock }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        Reply::later(async move {
            let made = self.made(key, Call::Load(None));
            let answer = self.inner.load(key).await;
            made.answered(&answer, |seen| Call::Load(Some(State::from(seen))));
            answer
        })
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        Reply::later(async move {
            let new = State::of(&record);
            let made = self.made(key, Call::Insert(new, None));
            let answer = self.inner.insert(key, record, admission).await;
            made.answered(&answer, |answer| Call::Insert(new, Some(*answer)));
            answer
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        Reply::later(async move {
            let new = State::of(&record);
            let made = self.made(key, Call::Replace(seen, new, None));
            let answer = self.inner.replace(key, seen, record).await;
            made.answered(&answer, |answer| Call::Replace(seen, new, Some(*answer)));
            answer
        })
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        Reply::later(async move {
            let created = State::of(&record);
            let leave = self.made(old, Call::Leave(seen, None));
            let arrive = self.made(new, Call::Arrive(created, None));
            let answer = self.inner.relocate(old, seen, new, record, admission).await;
            leave.answered(&answer, |answer| Call::Leave(seen, Some(*answer)));
            arrive.answered(&answer, |answer| Call::Arrive(created, Some(*answer)));
            answer
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        Reply::later(async move {
            let made = self.made(key, Call::End(cause, None));
            let answer = self.inner.end(key, cause, at).await;
            made.answered(&answer, |answer| Call::End(cause, Some(*answer)));
            answer
        })
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}
