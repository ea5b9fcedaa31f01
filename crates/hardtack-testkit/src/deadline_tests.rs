//! Who keeps the deadline of a load or a replace: the store if it says that it does, else
//! the engine.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hardtack::seal::{Key, Keyring};
use hardtack::session::store::*;
use hardtack::session::{
    About, Cause, Epochs, Locator, Record, Runtime, Sessions, UserKey, Version,
};
use hardtack::time::UnixTime;
use http::{HeaderMap, HeaderValue};

use crate::wrap::pass_on;

/// The memory store, with answers that are never there at once.
struct Slow {
    inner: MemoryStore,
    deadline: Option<Duration>,
    loads: Arc<AtomicUsize>,
}

async fn step() {
    let mut has_waited = false;
    poll_fn(|_| match std::mem::replace(&mut has_waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

impl Store for Slow {
    fn info(&self) -> StoreInfo {
        let mut info = StoreInfo::new("slow", "nothing survives", true).waits(true);
        info.deadline = self.deadline;
        info
    }

    pass_on! { insert relocate touch end list epochs raise sweep undelivered delivered census clock }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        self.loads.fetch_add(1, SeqCst);
        Reply::later(async move {
            step().await;
            self.inner.load(key).await
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        Reply::later(async move {
            step().await;
            self.inner.replace(key, seen, record).await
        })
    }
}

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

fn done<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// What a request that adds one costs: how many timers, and how many loads.
fn an_add(deadline: Option<Duration>) -> (usize, usize) {
    let (timers, loads) = (Timers::default(), Arc::new(AtomicUsize::new(0)));
    let store = Slow { inner: MemoryStore::new(), deadline, loads: loads.clone() };
    let sessions = Sessions::builder(store, Keyring::new(Key::generate().unwrap()))
        .deadline(Duration::from_secs(2))
        .build()
        .unwrap();
    sessions.attach(Arc::new(timers.clone()));
    let cookie = done(sessions.issue_for_test("ada")).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("cookie", HeaderValue::from_str(&cookie).unwrap());
    let before = (timers.0.load(SeqCst), loads.load(SeqCst));
    let session = sessions.session();
    done(session.load_as(&headers, About::default())).unwrap();
    session.add("n", 1).unwrap();
    assert!(done(session.finish()).error.is_none());
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
