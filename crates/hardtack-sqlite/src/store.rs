//! The store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{
    Admission, Census, EndEvent, Ended, Inserted, Loaded, Relocated, Replaced, Reply, Store,
    StoreError, StoreErrorKind, StoreInfo, Swept, Touch,
};
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use crate::backup::Request;
use crate::cache::Note;
use crate::inner::Shared;
use crate::open::{Builder, Inner};
use crate::queue::{Answer, Lane, Slot};
use crate::stopwatch;
use crate::verbs::{
    Delivered, End, Insert, Load, Raise, Relocate, Replace, STEP, Sweep, TouchNow, Undelivered,
    Verb,
};
use crate::{readers, row};

/// Sessions in an SQLite file. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub struct SqliteStore(pub(crate) Arc<Inner>);

/// What a power failure may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing that was answered.
    #[default]
    Full,
    /// Changes and anonymous sessions of the last second. Ends, logins and
    /// epochs are on the disk before they are answered, as with `Full`. A crash
    /// of the process alone takes nothing.
    Relaxed,
}

impl SqliteStore {
    /// Opens the store at `path`, and makes it if it is not there.
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open()
    }

    /// Sets up a store at `path`.
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        Builder::new(path.as_ref())
    }

    /// Writes all activity that is only in memory so far, and answers when it is
    /// on the disk (with [`Durability::Relaxed`], within a second after).
    ///
    /// # Errors
    /// [`StoreErrorKind::Timeout`] if there is more than can be written within
    /// the deadline; the rest is written later.
    pub fn flush(&self) -> Reply<'_, Result<(), StoreError>> {
        let parts = self.shared().flush();
        Reply::later(async {
            for part in parts {
                part.await?;
            }
            Ok(())
        })
    }

    /// Copies the store to `to` while it is in use. The copy is complete, may be
    /// opened like any store, and has everything that was answered before this
    /// was called. It takes as long as it takes: the deadline is for verbs.
    ///
    /// # Errors
    /// If `to` exists or cannot be written, or if another backup is under way.
    pub fn backup(&self, to: impl AsRef<Path>) -> Reply<'static, Result<(), StoreError>> {
        let slot = Slot::new();
        let request = Request { to: to.as_ref().into(), slot: slot.clone() };
        if !self.shared().backup.put(Arc::new(request)) {
            let what = "a backup of the session store is waiting already; try again after it";
            return Reply::ready(Err(StoreError::new(StoreErrorKind::Unavailable, what)));
        }
        Reply::later(Answer(slot))
    }

    /// Writes what is in memory, brings the log into the file and closes the
    /// store for all its clones; verbs then answer
    /// [`StoreErrorKind::Unavailable`]. Dropping the last clone does the same.
    /// Blocks the thread, usually for milliseconds.
    pub fn close(&self) {
        self.0.close();
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    fn ask<V: Verb>(&self, lane: Lane, verb: V) -> Reply<'static, Result<V::Answer, StoreError>> {
        Reply::later(self.shared().ask(lane, verb))
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.shared().path).finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn info(&self) -> StoreInfo {
        let durability = match self.shared().settings.durability {
            Durability::Full => "everything that was answered survives a power failure",
            Durability::Relaxed => {
                "everything survives a crash of the process; a power failure may take the last \
                 second of changes, but no end, login or epoch"
            }
        };
        StoreInfo::new("sqlite", durability, true)
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        let cache = &self.shared().cache;
        if let Some(record) = cache.load(key) {
            return Reply::ready(Ok(Loaded::Live(record)));
        }
        // Once more if a commit came in between; then the writer knows best.
        for _ in 0..2 {
            let Some(since) = cache.before_read(key) else { break };
            let read = self.shared().readers.with(|conn| readers::load(conn, key));
            let (gone, record) = match read {
                Ok(Loaded::Live(record)) => (Loaded::Unknown, Some(record)),
                Ok(gone) => (gone, None),
                Err(error) => return Reply::ready(Err(error)),
            };
            if let Some(record) = cache.after_read(key, since, record) {
                return Reply::ready(Ok(record.map_or(gone, Loaded::Live)));
            }
        }
        self.ask(Lane::Front, Load(*key))
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        self.ask(Lane::Front, Insert { key: *key, record, admission })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        self.ask(Lane::Front, Replace { key: *key, seen, record })
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        self.ask(Lane::Front, Relocate { old: *old, seen, new: *new, record, admission })
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        let (mut closed, mut too_many) = (Vec::new(), false);
        for touch in batch {
            match self.shared().cache.note(touch) {
                Note::Taken => {}
                Note::Closed => closed.push(*touch),
                Note::TooMany => too_many = true,
            }
        }
        if too_many {
            let what = "the activity of too many sessions waits to be written; the disk is slow or \
                        overloaded";
            return Reply::ready(Err(StoreError::new(StoreErrorKind::Unavailable, what)));
        }
        if closed.is_empty() {
            return Reply::ready(Ok(()));
        }
        self.ask(Lane::Front, TouchNow(closed))
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        self.ask(Lane::Front, End { key: *key, cause, at })
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        let shared = self.shared();
        // Activity that goes to the file in the middle of this would be in neither
        // of the two that are put together, so then it is done again. Between two
        // flushes there is time for many lists.
        let mut tries = 0;
        loop {
            let before = shared.cache.flushes();
            let listed = shared.readers.with(|conn| readers::list(conn, user, after, limit));
            let Ok(mut listed) = listed else { return Reply::ready(listed) };
            for (key, record) in &mut listed {
                if let Some(noted) = shared.cache.noted(key) {
                    noted.apply(record);
                }
            }
            tries += 1;
            if shared.cache.flushes() == before || tries == 8 {
                return Reply::ready(Ok(listed));
            }
        }
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        Reply::ready(self.shared().readers.with(|conn| row::epochs(conn, user)))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        _at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        self.ask(Lane::Front, Raise(user.cloned()))
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        Reply::later(async move {
            // In steps, between which others get their turn; what does not fit
            // into the time is left to the next call.
            let (began, patience) = (stopwatch::now(), self.shared().settings.deadline / 2);
            let mut all = Swept::default();
            loop {
                let left = limit.saturating_sub(all.ended).min(STEP);
                let step = self.ask(Lane::Back, Sweep { now, limit: left }).await?;
                all.ended += step.ended;
                all.forgotten += step.forgotten;
                all.more = step.more;
                if !all.more || all.ended >= limit || began.elapsed() >= patience {
                    return Ok(all);
                }
            }
        })
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        self.ask(Lane::Back, Undelivered(limit))
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        let parts: Vec<_> =
            ended.chunks(STEP).map(|part| self.ask(Lane::Back, Delivered(part.to_vec()))).collect();
        Reply::later(async {
            for part in parts {
                part.await?;
            }
            Ok(())
        })
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        // It looks at every session: on a thread of its own, so as not to hold
        // up the caller's.
        let slot = Slot::new();
        let (store, answer) = (self.clone(), slot.clone());
        let counting =
            std::thread::Builder::new().name("hardtack-census".into()).spawn(move || {
                let deadline: Duration = store.shared().settings.deadline;
                answer.put(readers::census(&store.shared().readers, deadline));
            });
        match counting {
            Ok(_) => Reply::later(Answer(slot)),
            Err(error) => {
                let what = format!("cannot start a thread to count the sessions ({error})");
                Reply::ready(Err(StoreError::new(StoreErrorKind::Unavailable, what)))
            }
        }
    }
}
