//! Attempts to break the laws of sessions, each by the name of what must hold.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::store::*;
use super::tests::{Browser, Site, TestClock, now, plain};
use super::*;
use crate::seal::{Key as SealKey, Keyring};
use crate::time::UnixTime;

/// A memory store that says it is persistent, so that bodies are sealed, and
/// whose next calls go wrong as told.
#[derive(Clone, Default)]
pub(super) struct Rigged {
    inner: MemoryStore,
    faults: Arc<Mutex<VecDeque<(&'static str, Fault)>>>,
    late: Arc<Mutex<Vec<Arrival>>>,
    shows: Arc<AtomicU64>,
}

type Arrival = Box<dyn FnOnce() + Send>;

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
    /// Gives the store a clock that shows this.
    pub(super) fn shows(&self, time: UnixTime) {
        self.shows.store(time.as_secs(), SeqCst);
    }

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
                Some((v, Fault::Hold(_))) if *v == verb => {
                    return Reply::later(self.held(call));
                }
                Some((v, _)) if *v == verb => faults.pop_front(),
                _ => None,
            }
        };
        match fault {
            None => call(),
            Some((_, Fault::Refuse)) => Reply::ready(lost()),
            Some((_, Fault::Late | Fault::Hold(_))) => unreachable!("taken care of above"),
            Some((_, Fault::Lose(then))) => {
                let _ = now(call());
                then();
                Reply::ready(lost())
            }
        }
    }

    async fn held<'a, T>(
        &'a self,
        call: impl Fn() -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Result<T, StoreError>
    where
        T: Unpin + Send + 'a,
    {
        // Only now: a reply that is given up unpolled has not been asked for.
        if let Some((_, Fault::Hold(gate))) = { self.faults.lock().unwrap().pop_front() } {
            std::future::poll_fn(
                |_| {
                    if gate.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
                },
            )
            .await;
        }
        call().await
    }
}

impl Store for Rigged {
    fn info(&self) -> StoreInfo {
        StoreInfo::new("rigged", "as the memory store's", true).at_once()
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
    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        let shows = self.shows.load(SeqCst);
        Reply::ready(Ok((shows > 0).then(|| UnixTime::from_secs(shows))))
    }
}

/// Two engines (processes) over one rigged store.
pub(super) struct Nodes {
    pub(super) store: Rigged,
    pub(super) clock: TestClock,
    pub(super) one: Site,
    two: Site,
}

pub(super) fn nodes(setup: impl Fn(SessionsBuilder) -> SessionsBuilder) -> Nodes {
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
        let text = mallory.0[0].1.as_bytes();
        let id = id::SessionId::parse(text, Kind::User, id::Scope::default(), keys).unwrap();
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
fn a_session_that_is_renewed_twice_while_it_is_looked_for_has_not_ended() {
    let Nodes { one, two, store, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let socket = one.open(&browser).detach().unwrap();
    let gate = Arc::new(AtomicBool::new(false));
    store.next("load", Fault::Hold(gate.clone()));
    let mut ended = Box::pin(socket.ended());
    assert!(poll(&mut ended).is_pending(), "it is being looked for");
    for _ in 0..2 {
        renew_and_confirm(&two, &mut browser);
        now(one.sessions.maintain()).unwrap();
    }
    gate.store(true, SeqCst);
    assert!(poll(&mut ended).is_pending(), "and goes on");
    two.visit(&mut browser, |s| now(s.logout()).unwrap());
    now(one.sessions.maintain()).unwrap();
    assert_eq!(poll(&mut ended), Poll::Ready(Some(Cause::Logout)));
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

/// The cookie of a renewed id, on its way while its user signs in anew.
#[test]
fn a_late_renewal_does_not_take_a_newer_login_away() {
    let (site, mut browser) = (plain(), Browser::default());
    let handle = |browser: &Browser| site.visit(&mut browser.clone(), |s| s.handle());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let mut renewing = browser.clone();
    site.visit(&mut renewing, |s| now(s.renew()).unwrap());
    let late = renewing.0.pop().unwrap();
    assert_eq!(late.0, "__Host-Http-sid2");
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let newer = handle(&browser);
    browser.0.push(late.clone());
    assert_eq!(handle(&browser), newer);
    // Nor does it take the place of the newer session's own renewed id for good.
    site.visit(&mut browser, |s| now(s.renew()).unwrap());
    assert_eq!((browser.0.len(), handle(&browser)), (2, newer));
    assert_eq!(site.sessions.counts().reuse, 0);
}

#[test]
fn the_text_of_an_id_shows_its_locator_before_and_after_a_renewal() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let handle = site.visit(&mut browser, |s| {
        now(s.renew()).unwrap();
        s.handle()
    });
    assert_eq!(browser.0.len(), 2);
    for (_, id) in &browser.0 {
        assert_eq!(Locator::of_id(id), handle);
        assert_eq!(Locator::of_id(&id[..95]), None);
        assert_eq!(Locator::of_id(&format!("{id}A")), None);
    }
    assert_eq!(Locator::of_id(&"\u{e9}".repeat(48)), None);
}

#[test]
fn a_renewed_id_names_nothing_without_the_cookie_of_its_sign_in() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    site.visit(&mut browser, |s| now(s.renew()).unwrap());
    let [sid, renewed] = [0, 1].map(|n| browser.0[n].clone());
    let user = |cookies: &[&(String, String)]| {
        let mut browser = Browser(cookies.iter().map(|c| (*c).clone()).collect());
        site.visit(&mut browser, |s| s.user())
    };
    let visitor = {
        let mut other = Browser::default();
        site.visit(&mut other, |s| s.set("n", &1).unwrap());
        other.0.remove(0)
    };
    assert_eq!(user(&[&renewed]), None);
    assert_eq!(user(&[&visitor, &renewed]), None);
    let junk = (renewed.0.clone(), "x".repeat(96));
    for cookies in [&[&renewed, &sid][..], &[&sid, &renewed, &renewed], &[&junk, &sid, &renewed]] {
        assert_eq!(user(cookies).as_deref(), Some("alice"), "in any order, and among others");
    }
    // It is in use: what it took the place of has its grace, and no more.
    site.pass(11);
    assert_eq!(user(&[&sid, &renewed]).as_deref(), Some("alice"));
    assert_eq!(site.sessions.counts().reuse, 0);
    assert_eq!(user(&[&sid, &junk]), None);
    assert_eq!(site.sessions.counts().reuse, 1);
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

// Law 2: commits.

#[test]
fn a_commit_whose_tag_has_left_the_window_is_not_made_twice() {
    let Nodes { one, two, store, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| s.set("n", &0).unwrap());
    for others in [0, 15, 16, 30] {
        let before = two.visit(&mut browser, |s| s.get::<i64>("n").unwrap().unwrap());
        let session = one.open(&browser);
        session.add("n", 1).unwrap();
        let rival = two.open(&browser).detach().unwrap();
        store.next(
            "replace",
            Fault::Lose(Box::new(move || {
                for _ in 0..others {
                    now(rival.add("other", 1)).unwrap();
                }
            })),
        );
        let outcome = now(session.finish());
        let after = two.visit(&mut browser, |s| s.get::<i64>("n").unwrap().unwrap());
        assert_eq!(after, before + 1, "{others} others");
        assert_eq!(status(&outcome), (others > 15).then_some(503), "{others} others");
    }
}

#[test]
fn the_result_of_a_transaction_is_that_of_the_attempt_that_won() {
    let Nodes { one, store, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| s.set("n", &0).unwrap());
    let session = one.open(&browser);
    let runs = AtomicU64::new(0);
    store.next("replace", Fault::Late);
    let told = now(session.transact(move |t| {
        let run = runs.fetch_add(1, SeqCst); // as a random value would be
        t.set("run", &run).map(|()| run)
    }));
    let told = told.unwrap().unwrap();
    assert_eq!(one.visit(&mut browser, |s| s.get::<u64>("run").unwrap()), Some(told));
}

/// A session that is held at its commit, with whom others then wait in line.
fn held(one: &Site, store: &Rigged, browser: &Browser) -> (Session, Arc<AtomicBool>) {
    let (session, gate) = (one.open(browser), Arc::new(AtomicBool::new(false)));
    session.add("leader", 1).unwrap();
    store.next("replace", Fault::Hold(gate.clone()));
    (session, gate)
}

#[test]
fn of_commits_in_one_line_each_fails_for_its_own_reasons_only() {
    let Nodes { one, store, .. } = nodes(|b| b.most_data(600, 8));
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| s.set("n", &0).unwrap());
    let (leader, gate) = held(&one, &store, &browser);
    let mut leading = Box::pin(leader.finish());
    assert!(poll(&mut leading).is_pending());
    let sessions: Vec<Session> = (0..4).map(|_| one.open(&browser)).collect();
    sessions[0].set("large", &"x".repeat(300)).unwrap();
    sessions[1].set("too large beside it", &"x".repeat(300)).unwrap();
    sessions[3].add("n", 1).unwrap();
    let mut panics = Box::pin(sessions[2].transact(|_| -> Result<(), ()> { panic!("by design") }));
    let mut others: Vec<_> = [0, 1, 3].map(|i| Box::pin(sessions[i].finish())).into();
    for other in &mut others {
        assert!(poll(other).is_pending());
    }
    assert!(poll(&mut panics).is_pending());
    gate.store(true, SeqCst);
    assert_eq!(status(&now(leading)), None);
    let mut answers: Vec<Option<Option<u16>>> = vec![None; 3];
    for _ in 0..2 {
        for (i, other) in others.iter_mut().enumerate() {
            if answers[i].is_none()
                && let Poll::Ready(outcome) = poll(other)
            {
                answers[i] = Some(status(&outcome));
            }
        }
    }
    assert_eq!(answers, [Some(None), Some(Some(409)), Some(None)]);
    assert!(matches!(now(panics), Err(SessionError::Store(_))));
    one.visit(&mut browser, |s| assert_eq!(s.get::<i64>("n").unwrap(), Some(1)));
}

#[test]
fn who_leads_a_commit_is_answered_with_it_and_does_not_wait_for_those_behind() {
    let Nodes { one, store, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| s.set("n", &0).unwrap());
    let (leader, first) = held(&one, &store, &browser);
    let second = Arc::new(AtomicBool::new(false));
    store.next("replace", Fault::Hold(second.clone()));
    let followers: Vec<Session> = (0..3).map(|_| one.open(&browser)).collect();
    let mut leading = Box::pin(leader.finish());
    assert!(poll(&mut leading).is_pending());
    let mut waiting: Vec<_> = followers
        .iter()
        .map(|s| {
            s.add("n", 1).unwrap();
            Box::pin(s.finish())
        })
        .collect();
    for follower in &mut waiting {
        assert!(poll(follower).is_pending());
    }
    first.store(true, SeqCst);
    assert!(poll(&mut leading).is_ready());
    // Whoever leads next may be gone by then: the others are told at once.
    for follower in &mut waiting {
        assert!(poll(follower).is_pending());
    }
    drop(waiting.remove(0));
    for follower in &mut waiting {
        let Poll::Ready(outcome) = poll(follower) else { panic!("left waiting") };
        assert_eq!(status(&outcome), Some(503));
    }
    drop(waiting);
    store.faults.lock().unwrap().clear();
    one.visit(&mut browser, |s| s.add("n", 1).unwrap());
}

#[test]
fn a_set_of_a_key_read_before_a_transaction_carries_the_revision_that_was_read() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("k", &0).unwrap());
    let session = site.open(&browser);
    let seen = session.get::<i64>("k").unwrap().unwrap();
    site.visit(&mut browser, |s| s.set("k", &10).unwrap());
    now(session.transact(|t| t.set("other", &1))).unwrap().unwrap();
    session.set("k", &(seen + 1)).unwrap();
    assert_eq!(status(&now(session.finish())), Some(409));
    // What the transaction itself wrote is no surprise to its author.
    let session = site.open(&browser);
    assert_eq!(session.get::<i64>("k").unwrap(), Some(10));
    now(session.transact(|t| t.set("k", &11))).unwrap().unwrap();
    session.set("k", &12).unwrap();
    assert_eq!(status(&now(session.finish())), None);
}

#[test]
fn appending_leaves_the_other_elements_as_they_are() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("l", &[u128::MAX, 1]).unwrap());
    site.visit(&mut browser, |s| s.append("l", &2).unwrap());
    site.visit(&mut browser, |s| {
        assert_eq!(s.get::<Vec<u128>>("l").unwrap(), Some(vec![u128::MAX, 1, 2]));
        s.append("new", "x").unwrap();
        s.append("new", "y").unwrap();
        assert_eq!(s.get::<Vec<String>>("new").unwrap().unwrap(), ["x", "y"]);
        s.set("no list", "[]").unwrap();
        assert!(s.append("no list", &1).is_err());
    });
}

// Law 8: what does not count as activity.

#[test]
fn what_tasks_and_passive_requests_write_does_not_keep_a_session_alive() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let task = site.open(&browser).detach().unwrap();
    for _ in 0..3 {
        site.pass(600);
        now(task.add("n", 1)).unwrap();
        let polling = site.sessions.session();
        polling.present_as(&browser.headers(), About { unsafe_method: false, passive: true });
        now(polling.load()).unwrap();
        polling.add("n", 1).unwrap();
        assert_eq!(status(&now(polling.finish())), None);
    }
    site.pass(91);
    assert_eq!(site.visit(&mut browser, |s| (s.user(), s.ended())), (None, Some(Cause::Idle)));
}

// Configuration and housekeeping.

#[test]
fn a_profile_counts_in_the_touch_interval_on_top_of_the_idle_timeout() {
    let builder = || {
        Sessions::builder(MemoryStore::new(), Keyring::new(SealKey::generate().unwrap()))
            .profile(Profile::Aal3)
    };
    let minutes = |m: u64| Duration::from_secs(60 * m);
    assert!(builder().idle(minutes(15)).build().is_err(), "would end after 15 min 45 s");
    builder().idle(minutes(14)).build().unwrap();
}

#[test]
fn being_remembered_needs_a_cookie_of_its_own() {
    let builder = Sessions::builder(MemoryStore::new(), Keyring::new(SealKey::generate().unwrap()))
        .in_header(http::HeaderName::from_static("x-session"));
    let day = Duration::from_secs(86_400);
    let error = builder.remember(day).build().unwrap_err().to_string();
    assert!(error.contains("cookie"), "{error}");
}

#[test]
fn where_the_later_set_wins_what_it_overwrites_is_counted() {
    let site = Site::new(SessionsBuilder::let_later_set_win);
    let mut browser = Browser::default();
    site.visit(&mut browser, |s| s.set("k", &0).unwrap());
    let (one, two) = (site.open(&browser), site.open(&browser));
    for (session, value) in [(&one, 1), (&two, 2)] {
        assert_eq!(session.get::<i64>("k").unwrap(), Some(0));
        session.set("k", &value).unwrap();
    }
    for session in [&one, &two] {
        assert_eq!(status(&now(session.finish())), None);
    }
    assert_eq!(site.visit(&mut browser, |s| s.get::<i64>("k").unwrap()), Some(2));
    assert_eq!(site.sessions.counts().overwritten, 1);
}

#[test]
fn a_listener_that_panics_does_not_stop_the_housekeeping() {
    let told = Arc::new(AtomicU64::new(0));
    let count = told.clone();
    let site = Site::new(|b| {
        b.on_event(|_| panic!("by design")).on_event(move |_| {
            count.fetch_add(1, SeqCst);
        })
    });
    let mut browser = Browser::default();
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    site.visit(&mut browser, |s| now(s.logout()).unwrap());
    now(site.sessions.maintain()).unwrap();
    assert_eq!(told.load(SeqCst), 2);
}

#[test]
fn activity_outlives_a_touch_that_failed_and_newer_notes_stay() {
    let Nodes { one, two, store, clock } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    for secs in [1700, 1700] {
        clock.0.fetch_add(secs, SeqCst);
        assert!(one.visit(&mut browser, |s| s.user().is_some()));
        store.next("touch", Fault::Refuse);
        assert!(now(one.sessions.maintain()).is_err());
    }
    assert!(one.visit(&mut browser, |s| s.user().is_some()), "known here before the store knows");
    now(one.sessions.maintain()).unwrap();
    clock.0.fetch_add(1700, SeqCst);
    assert!(two.visit(&mut browser, |s| s.user().is_some()));
    assert!(now(two.sessions.maintain()).is_ok());
}

#[test]
fn what_may_show_a_signed_in_session_is_kept_by_nobody_though_it_ends_with_the_request() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let session = site.open(&browser);
    assert!(session.user().is_some());
    now(session.logout()).unwrap();
    assert_eq!(now(session.finish()).caching, Caching::NoStore);
}

/// Runs a future on this thread, which sleeps until it is woken.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn many_threads_and_two_processes_lose_no_addition_and_nobody_is_left_waiting() {
    let Nodes { one, two, .. } = nodes(|b| b);
    let mut browser = Browser::default();
    one.visit(&mut browser, |s| s.set("n", &0).unwrap());
    let added: i64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|i| {
                let (site, browser) = (if i % 4 == 0 { &two } else { &one }, &browser);
                scope.spawn(move || {
                    let mut added = 0;
                    for _ in 0..100 {
                        let session = site.sessions.session();
                        session.present(&browser.headers());
                        block_on(session.load()).unwrap();
                        session.add("n", 1).unwrap();
                        added += i64::from(block_on(session.finish()).error.is_none());
                    }
                    added
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(added, 800, "64 attempts are enough");
    assert_eq!(one.visit(&mut browser, |s| s.get::<i64>("n").unwrap()), Some(800));
}

#[test]
fn users_who_left_leave_nothing_in_the_memory_store() {
    let site = plain();
    for i in 0..50 {
        let mut browser = Browser::default();
        site.visit(&mut browser, |s| now(s.login(format!("user {i}"))).unwrap());
        site.visit(&mut browser, |s| now(s.logout()).unwrap());
    }
    assert_eq!(site.store.users_kept(), 0);
    // Who had everything ended is remembered for that.
    now(site.sessions.admin().end_all("user 1")).unwrap();
    assert_eq!(site.store.users_kept(), 1);
}
