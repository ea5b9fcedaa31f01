//! Who keeps the deadline of a load or a replace: the store if it says that it does, else
//! the engine.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use hardtack::seal::{Key, Keyring};
use hardtack::session::store::*;
use hardtack::session::{
    About, Cause, Epochs, Locator, Record, Runtime, Sessions, UserKey, Version,
};
use hardtack::time::UnixTime;
use http::{HeaderMap, HeaderValue};

use crate::steps::{finish, step};
use crate::wrap::{Around, Verb, store_around};

/// The memory store, with answers that are never there at once.
struct Slow {
    inner: MemoryStore,
    deadline: Option<Duration>,
    /// Also those that are given up.
    loads: Arc<AtomicUsize>,
}

impl Around for Slow {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    fn info(&self) -> StoreInfo {
        let mut info = StoreInfo::new("slow", "nothing survives", true).waits(true);
        info.deadline = self.deadline;
        info
    }

    fn around<'a, T: Send + Unpin + 'a>(
        &'a self,
        verb: Verb,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        self.loads.fetch_add(usize::from(verb == Verb::Load), SeqCst);
        Reply::later(async move {
            step().await;
            call(usize::MAX).await
        })
    }
}

store_around!(Slow);

/// Counts timers, of which none ever rings.
#[derive(Clone, Default)]
struct Timers(Arc<AtomicUsize>);

impl Runtime for Timers {
    fn spawn(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) {}

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.fetch_add(1, SeqCst);
        Box::pin(std::future::pending())
    }
}

/// An engine with a deadline of two seconds over such a store.
fn engine(deadline: Option<Duration>) -> (Sessions, Timers, Arc<AtomicUsize>) {
    let (timers, loads) = (Timers::default(), Arc::new(AtomicUsize::new(0)));
    let store = Slow { inner: MemoryStore::new(), deadline, loads: loads.clone() };
    let sessions = Sessions::builder(store, Keyring::new(Key::generate().unwrap()))
        .deadline(Duration::from_secs(2))
        .build()
        .unwrap();
    sessions.attach(Arc::new(timers.clone()));
    (sessions, timers, loads)
}

/// What a request that adds one costs: how many timers, and how many loads.
fn an_add(deadline: Option<Duration>) -> (usize, usize) {
    let (sessions, timers, loads) = engine(deadline);
    let cookie = finish(sessions.issue_for_test("ada")).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("cookie", HeaderValue::from_str(&cookie).unwrap());
    let before = (timers.0.load(SeqCst), loads.load(SeqCst));
    let session = sessions.session();
    finish(session.load_as(&headers, About::default())).unwrap();
    session.add("n", 1).unwrap();
    assert!(finish(session.finish()).error.is_none());
    (timers.0.load(SeqCst) - before.0, loads.load(SeqCst) - before.1)
}

#[test]
fn the_engine_sets_no_timer_where_the_store_answers_in_time_by_itself() {
    assert_eq!(an_add(Some(Duration::from_secs(2))).0, 0);
    assert_eq!(an_add(Some(Duration::from_secs(1))).0, 0);
    assert_eq!(an_add(None).0, 2, "of the load and of the replace");
    assert_eq!(an_add(Some(Duration::from_secs(3))).0, 2, "the engine's is shorter");
}

#[test]
fn a_store_that_has_no_answer_at_hand_is_asked_once() {
    assert_eq!(an_add(None).1, 1);
}

/// It may have to look at a million sessions.
#[test]
fn a_census_takes_as_long_as_the_store_takes() {
    let (sessions, timers, _) = engine(None);
    finish(sessions.admin().census()).unwrap();
    assert_eq!(timers.0.load(SeqCst), 0);
}
