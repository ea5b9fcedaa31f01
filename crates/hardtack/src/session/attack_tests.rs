//! Attempts to break the laws of sessions, each by the name of what must hold.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::store::*;
use super::tests::{Browser, Site, TestClock, now, plain};
use super::*;
use crate::seal::{Key as SealKey, Keyring};
use crate::time::UnixTime;

/// A memory store that says it is persistent, so that bodies are sealed, and
/// whose next calls go wrong as told.
#[derive(Clone, Default)]
struct Rigged {
    inner: MemoryStore,
    faults: Arc<Mutex<VecDeque<(&'static str, Fault)>>>,
    late: Arc<Mutex<Vec<Box<dyn FnOnce() + Send>>>>,
}

enum Fault {
    /// Not done, and the answer is a timeout.
    Refuse,
    /// Done; then this happens; and the answer is a timeout.
    Lose(Box<dyn FnOnce() + Send>),
    /// The answer is a timeout, and it is done just before the next call of the
    /// same verb (only `replace`).
    Late,
    /// Done when the gate is open.
    Hold(Arc<AtomicBool>),
}

impl Rigged {
    fn next(&self, verb: &'static str, fault: Fault) {
        self.faults.lock().unwrap().push_back((verb, fault));
    }

    fn around<'a, T: Unpin + Send + 'a>(
        &'a self,
        verb: &'static str,
        call: impl Fn() -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        let lost = || Err(StoreError::new(StoreErrorKind::Timeout, "rigged"));
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            match faults.front() {
                Some((v, _)) if *v == verb => faults.pop_front(),
                _ => None,
            }
        };
        match fault {
            None => call(),
            Some((_, Fault::Refuse)) => Reply::ready(lost()),
            Some((_, Fault::Late)) => unreachable!("only replace is late"),
            Some((_, Fault::Lose(then))) => {
                let _ = now(call());
                then();
                Reply::ready(lost())
            }
            Some((_, Fault::Hold(gate))) => Reply::later(async move {
                std::future::poll_fn(|_| {
                    if gate.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                call().await
            }),
        }
    }
}

impl Store for Rigged {
    fn info(&self) -> StoreInfo {
        StoreInfo::new("rigged", "as the memory store's", true)
    }
    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        self.around("load", || self.inner.load(key))
    }
    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        self.around("insert", move || self.inner.insert(key, record.clone(), admission))
    }
    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        for arrive in std::mem::take(&mut *self.late.lock().unwrap()) {
            arrive();
        }
        let mut faults = self.faults.lock().unwrap();
        if matches!(faults.front(), Some(("replace", Fault::Late))) {
            faults.pop_front();
            let (inner, key) = (self.inner.clone(), *key);
            self.late.lock().unwrap().push(Box::new(move || {
                let _ = now(inner.replace(&key, seen, record));
            }));
            return Reply::ready(Err(StoreError::new(StoreErrorKind::Timeout, "rigged")));
        }
        drop(faults);
        self.around("replace", move || self.inner.replace(key, seen, record.clone()))
    }
    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        self.around("relocate", move || {
            self.inner.relocate(old, seen, new, record.clone(), admission)
        })
    }
    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        self.around("touch", || self.inner.touch(batch))
    }
    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        self.inner.end(key, cause, at)
    }
    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        self.inner.list(user, after, limit)
    }
    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        self.inner.epochs(user)
    }
    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        self.inner.raise(user, at)
    }
    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        self.inner.sweep(now, limit)
    }
    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        self.inner.undelivered(limit)
    }
    fn delivered<'a>(&'a self, keys: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        self.inner.delivered(keys)
    }
    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        self.inner.census()
    }
}

/// Two engines (processes) over one rigged store.
struct Nodes {
    store: Rigged,
    clock: TestClock,
    one: Site,
    two: Site,
}

fn nodes(setup: impl Fn(SessionsBuilder) -> SessionsBuilder) -> Nodes {
    let (store, clock) = (Rigged::default(), TestClock(Arc::new(AtomicU64::new(1_800_000_000))));
    let keys = Keyring::new(SealKey::generate().unwrap());
    let node = || {
        let builder = Sessions::builder(store.clone(), keys.clone()).clock(clock.clone());
        Site {
            sessions: setup(builder).build().unwrap(),
            store: store.inner.clone(),
            clock: clock.clone(),
        }
    };
    Nodes { one: node(), two: node(), store, clock }
}

fn poll<T>(future: &mut Pin<Box<impl Future<Output = T>>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn status(outcome: &Outcome) -> Option<u16> {
    outcome.error.as_ref().map(|e| e.status().as_u16())
}

/// Changes the stored record as somebody who can write to the store would.
fn tamper(store: &Rigged, key: &Locator, change: impl FnOnce(&mut Record)) {
    let Loaded::Live(record) = now(store.inner.load(key)).unwrap() else { panic!("not live") };
    let mut changed = record.clone();
    change(&mut changed);
    changed.version = record.version.next();
    assert_eq!(now(store.inner.replace(key, record.version, changed)).unwrap(), Replaced::Ok);
}

// Law 10: the store does not make a session anybody else's.

#[test]
fn a_body_put_into_the_store_in_clear_is_not_taken_for_a_sealed_one() {
    let nodes = nodes(|b| b);
    let mut mallory = Browser::default();
    let key = nodes.one.visit(&mut mallory, |s| {
        now(s.login("mallory")).unwrap();
        s.handle().unwrap()
    });
    // A body in clear, as a store that is not sealed would have it.
    tamper(&nodes.store, &key, |record| {
        let head = body::Head::read(&record.data).unwrap();
        let facts = body::Facts {
            kind: Kind::User,
            created: record.created,
            authenticated: Some(record.created),
            issued: record.created,
            epochs: record.epochs,
            idle: Duration::from_secs(1800),
            lifetime: record.dies.since(record.created),
            remember: None,
            user: "admin".into(),
        };
        let keys = nodes.one.sessions.keys();
        let id = id::SessionId::parse(mallory.0[0].1.as_bytes(), Kind::User, keys).unwrap();
        record.data =
            body::seal(&body::Head::new(head.verifier, false), &facts, &data::Data::default(), &id)
                .unwrap();
    });
    nodes.one.visit(&mut mallory, |s| {
        assert_eq!((s.user(), s.ended()), (None, Some(Cause::Tampered)));
    });
}

#[test]
fn a_record_moved_to_another_user_in_the_index_is_tampered_with() {
    let nodes = nodes(|b| b);
    let mut browser = Browser::default();
    let key = nodes.one.visit(&mut browser, |s| {
        now(s.login("alice")).unwrap();
        s.handle().unwrap()
    });
    tamper(&nodes.store, &key, |record| record.user = UserKey::new(b"bob"));
    nodes.one.visit(&mut browser, |s| {
        assert_eq!((s.user(), s.ended()), (None, Some(Cause::Tampered)));
    });
}

#[test]
fn a_head_that_was_changed_is_tampered_with() {
    let nodes = nodes(|b| b);
    let mut browser = Browser::default();
    let key = nodes.one.visit(&mut browser, |s| {
        now(s.login("alice")).unwrap();
        s.handle().unwrap()
    });
    // The last byte of the only commit tag.
    tamper(&nodes.store, &key, |record| {
        let mut data = record.data.to_vec();
        data[26] ^= 1;
        record.data = data.into();
    });
    nodes.one.visit(&mut browser, |s| {
        assert_eq!((s.user(), s.ended()), (None, Some(Cause::Tampered)));
    });
}

// Law 5: what we hold ourselves is not a reuse.

/// Renews, presents the new id and lets the grace pass.
fn renew_and_confirm(site: &Site, browser: &mut Browser) {
    site.visit(browser, |s| now(s.renew()).unwrap());
    site.visit(browser, |s| assert!(s.user().is_some()));
    site.pass(11);
}

#[test]
fn a_slow_request_or_a_socket_does_not_end_a_session_that_was_renewed_meanwhile() {
    let Nodes { one, two, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let slow = one.open(&browser);
    slow.add("n", 1).unwrap();
    let socket = one.open(&browser).detach().unwrap();
    let mut ended = Box::pin(socket.ended());
    assert!(poll(&mut ended).is_pending());
    renew_and_confirm(&two, &mut browser);
    now(one.sessions.maintain()).unwrap();
    assert!(poll(&mut ended).is_pending());
    assert_eq!(status(&now(slow.finish())), None);
    now(socket.add("n", 1)).unwrap();
    // A socket that is used, or watched, follows any number of renewals.
    renew_and_confirm(&two, &mut browser);
    now(one.sessions.maintain()).unwrap();
    renew_and_confirm(&two, &mut browser);
    now(socket.add("n", 1)).unwrap();
    assert!(poll(&mut ended).is_pending());
    assert_eq!(two.visit(&mut browser, |s| s.get::<i64>("n").unwrap()), Some(3));
    assert_eq!(two.sessions.counts().reuse + one.sessions.counts().reuse, 0);
}

#[test]
fn a_second_renewal_leaves_the_first_old_id_its_grace() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let first = browser.clone();
    site.visit(&mut browser, |s| now(s.renew()).unwrap());
    site.visit(&mut browser, |s| now(s.renew()).unwrap());
    site.pass(9);
    assert!(site.visit(&mut first.clone(), |s| s.user().is_some()));
    site.pass(1);
    site.visit(&mut browser, |s| now(s.renew()).unwrap());
    assert!(site.visit(&mut browser, |s| s.user().is_some()));
}

// Laws 2 and 5: what a login takes along, and what a failed one loses.

#[test]
fn nothing_of_another_users_session_is_taken_into_a_login() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        now(s.login("alice")).unwrap();
        s.set("secret", "alice's").unwrap();
    });
    site.visit(&mut browser, |s| {
        s.set("copy", &s.get::<String>("secret").unwrap()).unwrap();
        now(s.login("bob")).unwrap();
        assert_eq!(s.keys().unwrap(), Vec::<String>::new());
    });
    assert_eq!(site.visit(&mut browser, |s| s.keys().unwrap()), Vec::<String>::new());
}

#[test]
fn a_login_that_is_refused_loses_no_changes() {
    let one = std::num::NonZeroU32::new(1).unwrap();
    let site = Site::new(|b| b.sessions_per_user(one, WhenFull::Refuse));
    let (mut first, mut second) = (Browser::default(), Browser::default());
    site.visit(&mut first, |s| now(s.login("alice")).unwrap());
    site.visit(&mut second, |s| s.add("attempts", 1).unwrap());
    site.visit(&mut second, |s| {
        s.add("attempts", 1).unwrap();
        assert!(matches!(now(s.login("alice")), Err(SessionError::TooManySessions)));
        s.add("attempts", 1).unwrap();
    });
    assert_eq!(site.visit(&mut second, |s| s.get::<i64>("attempts").unwrap()), Some(3));
}

#[test]
fn a_transaction_that_cannot_open_a_session_loses_no_changes() {
    let Nodes { one, store, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| {
        s.add("n", 1).unwrap();
        store.next("insert", Fault::Refuse);
        assert!(now(s.transact(|t| t.set("t", &1))).is_err());
    });
    assert_eq!(one.visit(&mut browser, |s| s.keys().unwrap()), ["n"]);
}

#[test]
fn a_login_ends_what_remembered_the_user_before_it() {
    let site = Site::new(|b| b.remember(Duration::from_secs(90_000)));
    let mut browser = Browser::default();
    let remembered = |browser: &Browser| {
        let mut alone = browser.clone();
        alone.0.retain(|(name, _)| name == "__Host-Http-rem");
        assert_eq!(alone.0.len(), 1);
        alone
    };
    site.visit(&mut browser, |s| now(s.login(Login::from("alice").remember())).unwrap());
    let first = remembered(&browser);
    site.visit(&mut browser, |s| now(s.login(Login::from("alice").remember())).unwrap());
    let second = remembered(&browser);
    assert_eq!(site.visit(&mut first.clone(), |s| s.user()), None, "a newer token took its place");
    site.visit(&mut browser, |s| now(s.login("bob")).unwrap());
    site.visit(&mut browser, |s| now(s.logout()).unwrap());
    assert_eq!(site.visit(&mut browser, |s| s.user()), None, "bob signed out and is not alice");
    assert_eq!(site.visit(&mut second.clone(), |s| s.user()), None);
}

#[test]
fn two_sessions_are_refused_at_every_load_of_the_request() {
    let (site, mut a, mut b) = (plain(), Browser::default(), Browser::default());
    site.visit(&mut a, |s| now(s.login("alice")).unwrap());
    site.visit(&mut b, |s| now(s.login("mallory")).unwrap());
    a.0.extend(b.0.clone());
    let post = site.sessions.session();
    post.present_as(&a.headers(), About { unsafe_method: true, passive: false });
    for _ in 0..2 {
        assert!(matches!(now(post.load()), Err(SessionError::TwoSessions)));
    }
}

#[test]
fn a_load_that_is_given_up_or_made_twice_at_once_forgets_no_cookie() {
    let Nodes { one, store, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let session = one.sessions.session();
    session.present(&browser.headers());
    let gate = Arc::new(AtomicBool::new(false));
    store.next("load", Fault::Hold(gate.clone()));
    let mut first = Box::pin(session.load());
    assert!(poll(&mut first).is_pending());
    now(session.load()).unwrap();
    assert_eq!(session.user().as_deref(), Some("alice"));
    now(session.login("bob")).unwrap();
    gate.store(true, SeqCst);
    assert!(poll(&mut first).is_ready());
    assert_eq!(session.user().as_deref(), Some("bob"), "the late look changes nothing");
}

#[test]
fn a_login_after_the_answer_is_refused() {
    let site = plain();
    let session = site.open(&Browser::default());
    now(session.finish());
    assert!(matches!(now(session.login("alice")), Err(SessionError::Value(ValueError::Closed))));
    assert!(site.store.is_empty());
}
