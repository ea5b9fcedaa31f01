//! A store whose calls happen when the search says so.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use super::history::History;
use crate::wrap::pass_on;

/// What all nodes' stores share: who may go on, and what has happened.
#[derive(Default)]
pub(super) struct Stage {
    /// Whose future is being polled; `None` while calls just happen.
    pub(super) current: Option<usize>,
    granted: Option<(usize, Fate)>,
    /// By part: what its next call concerns.
    pub(super) waiting: Vec<Option<Concerns>>,
    pub(super) history: History,
}

/// What becomes of a call whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It happens and is answered.
    Answered,
    /// It happens, and its answer is lost.
    AnswerLost,
    /// It does not happen; the caller cannot know.
    CallLost,
}

pub(super) type Shared = Arc<Mutex<Stage>>;

pub(super) fn lock(stage: &Shared) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call reads and what it writes. Two calls of which none writes what the
/// other reads or writes can change places.
#[derive(Clone, Debug, Default)]
pub(super) struct Concerns {
    reads: BTreeSet<Thing>,
    writes: BTreeSet<Thing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Record(Locator),
    Epochs,
    Everything,
}

impl Concerns {
    fn reads(keys: &[Locator]) -> Self {
        let reads = keys.iter().copied().map(Thing::Record).chain([Thing::Epochs]);
        Self { reads: reads.collect(), writes: BTreeSet::new() }
    }

    fn writes(keys: &[Locator]) -> Self {
        let writes = keys.iter().copied().map(Thing::Record);
        Self { reads: [Thing::Epochs].into(), writes: writes.collect() }
    }

    pub(super) fn everything() -> Self {
        Self { reads: BTreeSet::new(), writes: [Thing::Everything].into() }
    }

    /// Whether the call can change anything.
    pub(super) fn is_write(&self) -> bool {
        !self.writes.is_empty()
    }

    fn is_everything(&self) -> bool {
        self.writes.contains(&Thing::Everything)
    }

    pub(super) fn can_change_places(&self, other: &Self) -> bool {
        let apart =
            |a: &Self, b: &Self| a.writes.is_disjoint(&b.writes) && a.writes.is_disjoint(&b.reads);
        !self.is_everything() && !other.is_everything() && apart(self, other) && apart(other, self)
    }
}

impl Stage {
    /// Lets the call that `part` waits with have its fate when it is polled next.
    pub(super) fn grant(&mut self, part: usize, fate: Fate) {
        self.granted = Some((part, fate));
    }
}

/// Waits until the part whose future this is may go on, and answers how.
pub(super) async fn turn(stage: &Shared, concerns: Concerns) -> Fate {
    let mut whose = None;
    poll_fn(|_| {
        let mut stage = lock(stage);
        let Some(part) = whose.or(stage.current) else { return Poll::Ready(Fate::Answered) };
        whose = Some(part);
        if let Some((_, fate)) = stage.granted.take_if(|(whose, _)| *whose == part) {
            stage.waiting[part] = None;
            return Poll::Ready(fate);
        }
        stage.waiting[part] = Some(concerns.clone());
        Poll::Pending
    })
    .await
}

/// One node's way to the store.
pub(super) struct Staged {
    pub(super) inner: Arc<dyn Store>,
    pub(super) stage: Shared,
}

impl Staged {
    /// Makes a call when its turn has come, and notes what became of it.
    fn when_let<'a, T: Send + Unpin + 'a>(
        &'a self,
        concerns: Concerns,
        call: impl Future<Output = Result<T, StoreError>> + Send + 'a,
        note: impl FnOnce(&mut History, &T) + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        Reply::later(async move {
            let lost = || StoreError::new(StoreErrorKind::Timeout, "the search lost this answer");
            let fate = turn(&self.stage, concerns).await;
            if fate == Fate::CallLost {
                return Err(lost());
            }
            let answer = call.await;
            if let Ok(answer) = &answer {
                let mut stage = lock(&self.stage);
                let whose = stage.current;
                stage.history.whose = whose;
                note(&mut stage.history, answer);
            }
            if fate == Fate::AnswerLost { Err(lost()) } else { answer }
        })
    }
}

impl Store for Staged {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    pass_on! { undelivered delivered census }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        let call = async move { self.inner.load(key).await };
        self.when_let(Concerns::reads(&[*key]), call, |history, loaded| history.loaded(key, loaded))
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        let copy = record.clone();
        let call = async move { self.inner.insert(key, record, admission).await };
        self.when_let(Concerns::writes(&[*key]), call, move |history, inserted| {
            history.inserted(key, copy, *inserted);
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        let copy = record.clone();
        let call = async move { self.inner.replace(key, seen, record).await };
        self.when_let(Concerns::writes(&[*key]), call, move |history, replaced| {
            history.replaced(key, copy, *replaced);
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
        let copy = record.clone();
        let call = async move { self.inner.relocate(old, seen, new, record, admission).await };
        self.when_let(Concerns::writes(&[*old, *new]), call, move |history, relocated| {
            history.relocated(old, new, copy, *relocated);
        })
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        let keys: Vec<Locator> = batch.iter().map(|touch| touch.key).collect();
        let call = async move { self.inner.touch(batch).await };
        self.when_let(Concerns::writes(&keys), call, |history, ()| history.touched(batch))
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        let call = async move { self.inner.end(key, cause, at).await };
        self.when_let(Concerns::writes(&[*key]), call, move |history, ended| {
            history.ended(key, cause, *ended);
        })
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        let call = async move { self.inner.list(user, after, limit).await };
        self.when_let(Concerns::everything(), call, |_, _| {})
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        let call = async move { self.inner.epochs(user).await };
        self.when_let(Concerns::reads(&[]), call, |history, epochs| history.told_epochs(*epochs))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        let call = async move { self.inner.raise(user, at).await };
        let concerns = Concerns { reads: BTreeSet::new(), writes: [Thing::Epochs].into() };
        self.when_let(concerns, call, move |history, raised| history.raised(user, *raised))
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        let call = async move { self.inner.sweep(now, limit).await };
        self.when_let(Concerns::everything(), call, move |history, swept| history.swept(now, swept))
    }
}
