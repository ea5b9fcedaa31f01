//! A store to be tested, and what belongs to it.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use crate::{FakeClock, report};

/// When laws begin.
pub(crate) const NOW: UnixTime = FakeClock::START;

/// `millis` after laws begin.
pub(crate) const fn at(millis: u64) -> UnixTime {
    UnixTime::from_millis(NOW.as_millis() + millis)
}

/// A store to be tested, and what belongs to it. Has the verbs of a store, and
/// takes it for granted that they do not fail.
#[derive(Clone)]
pub struct Fixture {
    store: Arc<dyn Store>,
    reopen: Option<Arc<Reopen>>,
    guard: Arc<dyn Any + Send + Sync>,
    name: &'static str,
    limits: &'static [usize],
}

/// What the table of laws has to know of a [`Fixture`].
#[derive(Clone)]
pub(crate) struct Told {
    info: StoreInfo,
    name: &'static str,
    reopens: bool,
    limits: &'static [usize],
}

type Reopen = dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn Store>> + Send>> + Send + Sync;

impl Fixture {
    /// A store that is new and empty.
    pub fn new(store: impl Store) -> Self {
        let name = store.info().name;
        Self { store: Arc::new(store), reopen: None, guard: Arc::new(()), name, limits: &[] }
    }

    /// Its name in the table of laws, where a store is not called like its engine.
    #[must_use]
    pub fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Says that the laws with these numbers hold only as far as the store's sentence
    /// on durability goes; the table of laws gives that as the reason.
    #[must_use]
    pub fn limited(mut self, laws: &'static [usize]) -> Self {
        self.limits = laws;
        self
    }

    pub(crate) fn told(&self) -> Told {
        let Self { store, reopen, name, limits, .. } = self;
        Told { info: store.info(), name, reopens: reopen.is_some(), limits }
    }

    /// Says how to open the store again after it has been dropped. Without it
    /// the laws about what survives are not tested.
    #[must_use]
    pub fn reopened_by<S, F>(mut self, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        S: Store,
        F: Future<Output = S> + Send + 'static,
    {
        self.reopen = Some(Arc::new(move || {
            let opening = open();
            Box::pin(async move { Arc::new(opening.await) as Arc<dyn Store> })
        }));
        self
    }

    /// Keeps `guard` until the test is over: a folder, a server.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Arc::new((self.guard, guard));
        self
    }

    /// The store itself, for calls that may fail.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The store, and what is to be kept with it.
    pub(crate) fn into_parts(self) -> (Arc<dyn Store>, Arc<dyn Any + Send + Sync>) {
        (self.store, self.guard)
    }

    /// Drops the store and opens it again; `None` if it does not say how.
    pub(crate) async fn reopen(self) -> Option<Self> {
        let Self { store, reopen, guard, name, limits } = self;
        let open = reopen?;
        assert_eq!(Arc::strong_count(&store), 1, "a law drops every clone before it reopens");
        drop(store);
        Some(Self { store: open().await, reopen: Some(open), guard, name, limits })
    }
}

impl Told {
    /// Reports that a test has passed.
    pub(crate) fn holds(&self, group: &str, test: &str) {
        let Self { info, name, reopens, limits } = self;
        // Without a way to open it again nothing was tested there.
        if group == "survival" && !reopens {
            return report::line(&["missing", name, test, info.durability]);
        }
        report::line(&["holds", name, test, ""]);
        for law in *limits {
            report::line(&["limit", name, &law.to_string(), info.durability]);
        }
    }
}

impl<S: Store> From<S> for Fixture {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

/// Passes a verb on and takes its answer for granted.
macro_rules! sure {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        #[doc = concat!("[`Store::", stringify!($name), "`]")]
        pub async fn $name(&self, $($arg: $type),*) -> $answer {
            match self.store.$name($($arg),*).await {
                Ok(answer) => answer,
                Err(error) => panic!(concat!("the store fails at ", stringify!($name), ": {}"), error),
            }
        }
    )*};
}

impl Fixture {
    sure! {
        load(key: &Locator) -> Loaded;
        insert(key: &Locator, record: Record, admission: Admission) -> Inserted;
        replace(key: &Locator, seen: Version, record: Record) -> Replaced;
        relocate(old: &Locator, seen: Version, new: &Locator, record: Record, admission: Admission) -> Relocated;
        touch(batch: &[Touch]) -> ();
        end(key: &Locator, cause: Cause, at: UnixTime) -> Ended;
        list(user: Option<&UserKey>, after: Option<Locator>, limit: usize) -> Vec<(Locator, Record)>;
        epochs(user: Option<&UserKey>) -> Epochs;
        raise(user: Option<&UserKey>, at: UnixTime) -> u64;
        sweep(now: UnixTime, limit: usize) -> Swept;
        undelivered(limit: usize) -> Vec<EndEvent>;
        delivered(ended: &[Locator]) -> ();
        census() -> Census;
    }

    /// Inserts a record that must be taken.
    pub(crate) async fn put(&self, key: &Locator, record: &Record) {
        let inserted = self.insert(key, record.clone(), Admission::at(record.created)).await;
        assert_eq!(inserted, Inserted::Ok, "a new record under a new locator");
    }

    /// The live record under `key`.
    pub(crate) async fn live(&self, key: &Locator) -> Record {
        match self.load(key).await {
            Loaded::Live(record) => record,
            other => panic!("this session must be live, but is {other:?}"),
        }
    }

    /// Why the session under `key` ended.
    pub(crate) async fn cause(&self, key: &Locator) -> Cause {
        match self.load(key).await {
            Loaded::Ended(cause) => cause,
            other => panic!("this session must have ended, but is {other:?}"),
        }
    }

    /// Asserts that nothing is known of `key`.
    pub(crate) async fn unknown(&self, key: &Locator) {
        let loaded = self.load(key).await;
        assert!(matches!(loaded, Loaded::Unknown), "nothing may be known of this: {loaded:?}");
    }

    /// Sweeps until no more is due; answers how many sessions ended and how
    /// many tombstones were forgotten.
    pub(crate) async fn sweep_all(&self, now: UnixTime) -> (usize, usize) {
        let mut sum = (0, 0);
        for _ in 0..10_000 {
            let swept = self.sweep(now, 100).await;
            sum = (sum.0 + swept.ended, sum.1 + swept.forgotten);
            if !swept.more {
                return sum;
            }
        }
        panic!("after 10,000 sweeps the store still says that more is due");
    }

    /// Everything live, of a user or of everybody, through pages of `page`.
    pub(crate) async fn everything(
        &self,
        user: Option<&UserKey>,
        page: usize,
    ) -> Vec<(Locator, Record)> {
        let mut all: Vec<(Locator, Record)> = Vec::new();
        loop {
            let more = self.list(user, all.last().map(|(key, _)| *key), page).await;
            assert!(more.len() <= page, "a page of {page} has {} records", more.len());
            if more.is_empty() {
                return all;
            }
            let follows = all.last().is_none_or(|last| last.0 < more[0].0);
            assert!(follows, "a page begins after the last locator of the page before it");
            all.extend(more);
        }
    }
}
