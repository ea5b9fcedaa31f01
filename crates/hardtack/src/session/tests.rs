//! The engine end to end, over the store in memory.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::*;
use crate::seal::{Key as SealKey, Keyring};
use crate::time::{Clock, UnixTime};

/// Everything over the memory store is ready at once.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store never waits"),
    }
}

#[derive(Clone)]
pub(super) struct TestClock(pub(super) Arc<AtomicU64>);

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(SeqCst))
    }
}

/// A browser that applies Set-Cookie in the order of arrival.
#[derive(Clone, Default)]
pub(super) struct Browser(pub(super) Vec<(String, String)>);

impl Browser {
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.0.is_empty() {
            let line: Vec<String> = self.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
            headers.insert("cookie", HeaderValue::from_str(&line.join("; ")).unwrap());
        }
        headers
    }

    pub(super) fn apply(&mut self, outcome: &Outcome) {
        for (_, value) in &outcome.headers {
            let text = value.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            self.0.retain(|(n, _)| n != name);
            if !text.contains("Max-Age=0") {
                self.0.push((name.to_owned(), rest.split(';').next().unwrap().to_owned()));
            }
        }
    }
}

pub(super) struct Site {
    pub(super) sessions: Sessions,
    pub(super) store: MemoryStore,
    pub(super) clock: TestClock,
}

impl Site {
    pub(super) fn new(setup: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        let (store, clock) =
            (MemoryStore::new(), TestClock(Arc::new(AtomicU64::new(1_800_000_000))));
        let builder = Sessions::builder(store.clone(), Keyring::new(SealKey::generate().unwrap()))
            .clock(clock.clone());
        Self { sessions: setup(builder).build().unwrap(), store, clock }
    }

    pub(super) fn pass(&self, secs: u64) {
        self.clock.0.fetch_add(secs, SeqCst);
    }

    pub(super) fn open(&self, browser: &Browser) -> Session {
        let session = self.sessions.session();
        now(session.load_as(&browser.headers(), About::default())).unwrap();
        session
    }

    /// One request from beginning to end.
    pub(super) fn visit<T>(&self, browser: &mut Browser, handler: impl FnOnce(&Session) -> T) -> T {
        let session = self.open(browser);
        let result = handler(&session);
        let outcome = now(session.finish());
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        browser.apply(&outcome);
        result
    }
}

pub(super) fn plain() -> Site {
    Site::new(|b| b)
}

#[test]
fn reading_opens_no_session_and_writing_opens_one() {
    let (site, mut browser) = (plain(), Browser::default());
    assert_eq!(site.visit(&mut browser, |s| s.get::<i64>("n").unwrap()), None);
    assert!(browser.0.is_empty() && site.store.is_empty());
    site.visit(&mut browser, |s| s.add("n", 1).unwrap());
    assert_eq!(browser.0[0].0, "__Host-Http-aid");
    assert_eq!(site.visit(&mut browser, |s| s.get::<i64>("n").unwrap()), Some(1));
    assert_eq!(site.store.len(), 1);
}

#[test]
fn requests_at_once_lose_no_addition_and_a_set_that_saw_an_older_value_is_refused() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("n", &0).unwrap());
    let open: Vec<Session> = (0..10).map(|_| site.open(&browser)).collect();
    for s in &open {
        s.add("n", 1).unwrap();
        s.append("l", "x").unwrap();
    }
    let stale = site.open(&browser);
    let n: i64 = stale.get("n").unwrap().unwrap();
    stale.set("n", &(n + 1)).unwrap();
    let blind = site.open(&browser);
    blind.set("other", &1).unwrap();
    for s in &open {
        assert!(now(s.finish()).error.is_none());
    }
    assert_eq!(now(stale.finish()).error.unwrap().status(), 409);
    assert!(now(blind.finish()).error.is_none());
    site.visit(&mut browser, |s| {
        assert_eq!(s.get::<i64>("n").unwrap(), Some(10));
        assert_eq!(s.get::<Vec<String>>("l").unwrap().unwrap().len(), 10);
        assert_eq!(s.get::<i64>("other").unwrap(), Some(1));
    });
}

#[test]
fn login_gives_a_new_id_and_ends_the_old_one_with_its_data_taken_along() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("cart", &["tea"]).unwrap());
    let before = browser.clone();
    let late = site.open(&before);
    late.add("n", 1).unwrap();
    site.visit(&mut browser, |s| {
        now(s.login("alice")).unwrap();
        s.set("seen", &true).unwrap();
    });
    assert_eq!(
        now(late.finish()).error.unwrap().status(),
        409,
        "a write onto the session that the login replaced"
    );
    site.visit(&mut browser, |s| {
        assert_eq!(s.user().as_deref(), Some("alice"));
        assert_eq!(s.get::<Vec<String>>("cart").unwrap().unwrap(), ["tea"]);
        assert!(s.get::<bool>("seen").unwrap().unwrap() && s.fresh_within(Duration::from_secs(1)));
    });
    assert_eq!(site.open(&before).user(), None);
    assert_eq!(site.open(&before).ended(), Some(Cause::Replaced));
}

#[test]
fn a_logout_is_final_for_reads_and_writes_in_flight() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let (read, write, renew) = (site.open(&browser), site.open(&browser), site.open(&browser));
    write.add("n", 1).unwrap();
    let old = browser.clone();
    site.visit(&mut browser, |s| now(s.logout()).unwrap());
    for (session, status) in [(&read, None), (&write, Some(401))] {
        let outcome = now(session.finish());
        assert_eq!(outcome.error.map(|e| e.status().as_u16()), status);
        assert!(outcome.headers.is_empty(), "no Set-Cookie for a session that has ended");
    }
    assert!(now(renew.renew()).is_err());
    assert_eq!(site.open(&old).user(), None);
    // Further writes of the same browser go to a new anonymous session.
    site.visit(&mut browser, |s| s.set("theme", "dark").unwrap());
    site.visit(&mut browser, |s| {
        assert_eq!((s.user(), s.kind()), (None, Some(Kind::Anonymous)));
    });
}

#[test]
fn idle_time_follows_activity_and_the_lifetime_is_never_extended() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    for _ in 0..(12 * 60 / 25 - 1) {
        site.pass(25 * 60);
        assert!(site.visit(&mut browser, |s| s.user().is_some()));
        now(site.sessions.maintain()).unwrap();
    }
    site.pass(32 * 60);
    assert_eq!(site.visit(&mut browser, |s| (s.user(), s.ended())), (None, Some(Cause::Idle)));
    now(site.sessions.maintain()).unwrap();
    assert!(site.store.is_empty());

    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    for _ in 0..12 * 60 - 1 {
        site.pass(60);
        assert!(site.visit(&mut browser, |s| s.user().is_some()));
    }
    site.pass(60);
    assert_eq!(site.visit(&mut browser, |s| (s.user(), s.ended())), (None, Some(Cause::Lifetime)));
}

#[test]
fn renewal_answers_every_parallel_request_with_the_same_new_id_and_kills_the_old_after_its_grace() {
    let site = Site::new(|b| b.renew_after(Some(Duration::from_secs(600))));
    let mut browser = Browser::default();
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let old = browser.clone();
    site.pass(601);
    let (mut one, mut two) = (old.clone(), old.clone());
    site.visit(&mut one, |s| s.user());
    site.visit(&mut two, |s| s.user());
    assert_ne!(one.0, old.0);
    assert_eq!(one.0, two.0);
    // The answer may be lost: the old id stays good, however long it takes.
    site.pass(300);
    let mut three = old.clone();
    assert!(site.visit(&mut three, |s| s.user().is_some()));
    assert_eq!(three.0, one.0);
    // Presented, the new id starts the grace.
    assert!(site.visit(&mut one, |s| s.user().is_some()));
    site.pass(9);
    assert!(site.visit(&mut old.clone(), |s| s.user().is_some()));
    site.pass(1);
    assert_eq!(site.visit(&mut old.clone(), |s| (s.user(), s.ended())), (None, Some(Cause::Reuse)));
    assert_eq!(site.visit(&mut one, |s| s.user()), None, "by default the reuse ends the session");
    assert_eq!(site.sessions.counts().reuse, 1);
}

#[test]
fn only_ids_that_we_issued_name_a_session() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let genuine = browser.0[0].1.clone();
    let mut flipped = genuine.clone().into_bytes();
    flipped[50] = if flipped[50] == b'A' { b'B' } else { b'A' };
    for value in
        ["A".repeat(96), "x".to_owned(), String::from_utf8(flipped).unwrap(), "A".repeat(100_000)]
    {
        let mut forger = Browser(vec![("__Host-Http-sid".into(), value.clone())]);
        assert_eq!(site.visit(&mut forger, |s| s.user()), None);
        site.visit(&mut forger, |s| s.set("x", &1).unwrap());
        assert!(forger.0.iter().any(|(n, v)| n == "__Host-Http-aid" && *v != value));
    }
    // A genuine id in the cookie of the other kind names nothing.
    let mut wrong = Browser(vec![("__Host-Http-aid".into(), genuine)]);
    assert_eq!(site.visit(&mut wrong, |s| s.user()), None);
    assert!(site.sessions.counts().forged >= 1);
}

#[test]
fn ids_of_one_name_are_not_ids_of_another_over_the_same_store_and_keys() {
    let site = plain();
    let keys = site.sessions.keys().clone();
    let admin = Sessions::builder(site.store.clone(), keys).name("admin").build().unwrap();
    let mut browser = Browser::default();
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    browser.0[0].0 = admin.cookie_name(Kind::User).unwrap().to_owned();
    let intruder = admin.session();
    intruder.present(&browser.headers());
    now(intruder.load()).unwrap();
    assert_eq!((intruder.user(), admin.counts().forged), (None, 1));
}

#[test]
fn two_live_sessions_in_one_request_are_anonymous_and_refuse_unsafe_methods() {
    let (site, mut a, mut b) = (plain(), Browser::default(), Browser::default());
    site.visit(&mut a, |s| now(s.login("alice")).unwrap());
    site.visit(&mut b, |s| now(s.login("mallory")).unwrap());
    let mut tossed = a.clone();
    tossed.0.extend(b.0.clone());
    assert_eq!(site.visit(&mut tossed, |s| s.user()), None);
    let post = site.sessions.session();
    post.present_as(&tossed.headers(), About { unsafe_method: true, passive: false });
    assert_eq!(now(post.load()).unwrap_err().status(), 400);
}

#[test]
fn end_all_ends_every_session_and_a_login_that_began_before_it() {
    let (site, mut a, mut b, mut c) =
        (plain(), Browser::default(), Browser::default(), Browser::default());
    site.visit(&mut a, |s| now(s.login("alice")).unwrap());
    site.visit(&mut b, |s| now(s.login("alice")).unwrap());
    let slow = site.open(&c);
    let begun = now(slow.begin_login("alice")).unwrap();
    assert_eq!(site.visit(&mut a, |s| now(s.list()).unwrap().len()), 2);
    site.visit(&mut a, |s| now(s.end_all()).unwrap());
    assert!(matches!(now(slow.login(begun)), Err(SessionError::LoginOutdated)));
    for browser in [&mut a, &mut b, &mut c] {
        assert_eq!(site.visit(browser, |s| s.user()), None);
    }
    now(site.sessions.maintain()).unwrap();
    assert!(site.store.is_empty());
}

#[test]
fn being_remembered_gives_a_new_session_that_is_never_fresh_and_dies_with_its_token() {
    let month = Duration::from_secs(30 * 24 * 3600);
    let (site, mut browser) = (Site::new(|b| b.remember(month)), Browser::default());
    site.visit(&mut browser, |s| now(s.login(Login::from("alice").remember())).unwrap());
    // The browser is closed: the session cookie goes, the token stays.
    browser.0.retain(|(name, _)| name == "__Host-Http-rem");
    let stolen = browser.clone();
    site.visit(&mut browser, |s| {
        assert_eq!(s.user().as_deref(), Some("alice"));
        assert!(s.is_remembered() && !s.fresh_within(month));
    });
    assert_eq!(browser.0.len(), 2);
    // The owner comes back with the new token; the old one is then dead, and its
    // use ends the family.
    browser.0.retain(|(name, _)| name == "__Host-Http-rem");
    site.visit(&mut browser, |s| assert!(s.user().is_some()));
    site.pass(11);
    assert_eq!(site.visit(&mut stolen.clone(), |s| s.user()), None);
    assert_eq!(site.visit(&mut browser, |s| s.user()), None);
}

#[test]
fn ending_another_session_ends_its_being_remembered_too() {
    let (site, mut a, mut b) = (
        Site::new(|b| b.remember(Duration::from_secs(86_400))),
        Browser::default(),
        Browser::default(),
    );
    for browser in [&mut a, &mut b] {
        site.visit(browser, |s| now(s.login(Login::from("alice").remember())).unwrap());
    }
    site.visit(&mut a, |s| {
        let other = now(s.list()).unwrap().into_iter().find(|info| !info.current).unwrap();
        assert!(now(s.end_session(&other.handle)).unwrap());
    });
    assert_eq!(site.visit(&mut b, |s| s.user()), None);
    b.0.retain(|(name, _)| name == "__Host-Http-rem");
    assert_eq!(site.visit(&mut b, |s| s.user()), None);
    let mut c = Browser::default();
    site.visit(&mut c, |s| now(s.login(Login::from("alice").remember())).unwrap());
    assert_eq!(site.visit(&mut a, |s| now(s.end_others()).unwrap()), 1);
    c.0.retain(|(name, _)| name == "__Host-Http-rem");
    assert_eq!(site.visit(&mut c, |s| s.user()), None);
    assert!(site.visit(&mut a, |s| s.user().is_some()));
}

#[test]
fn one_key_that_does_not_decode_is_that_keys_error() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.set("n", "text").unwrap();
        s.set("fine", &1).unwrap();
    });
    site.visit(&mut browser, |s| {
        assert!(matches!(s.get::<i64>("n"), Err(ValueError::Decode { .. })));
        assert_eq!(s.get::<i64>("fine").unwrap(), Some(1));
        assert!(s.add("n", 1).is_err());
        s.add("fine", 1).unwrap();
    });
    assert_eq!(site.visit(&mut browser, |s| s.get::<i64>("fine").unwrap()), Some(2));
}

#[test]
fn a_transaction_sees_the_newest_data_and_may_refuse() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("stock", &1).unwrap());
    let take = |s: &Session| {
        now(s.transact(|t| {
            let stock: i64 = t.get("stock").map_err(|_| "damaged")?.unwrap_or(0);
            if stock == 0 {
                return Err("sold out");
            }
            t.set("stock", &(stock - 1)).map_err(|_| "damaged")?;
            Ok(stock - 1)
        }))
        .unwrap()
    };
    let (one, two) = (site.open(&browser), site.open(&browser));
    assert_eq!(take(&one), Ok(0));
    assert_eq!(take(&two), Err("sold out"), "although it had loaded a stock of 1");
    assert_eq!(one.get::<i64>("stock").unwrap(), Some(0), "later reads see it");
    now(one.finish());
    assert!(matches!(one.set("x", &1), Err(ValueError::Closed)));
}

#[test]
fn a_flash_message_in_a_session_is_shown_once() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("x", &1).unwrap());
    site.visit(&mut browser, |s| s.flash("info", "Saved").unwrap());
    let (one, two) = (site.open(&browser), site.open(&browser));
    assert_eq!(now(one.take_flashes()).unwrap()[0].text, "Saved");
    assert_eq!(now(two.take_flashes()).unwrap(), []);
    site.visit(&mut browser, |s| assert_eq!(s.keys().unwrap(), ["x"]));
}

#[test]
fn every_end_is_told_once_with_its_cause() {
    let told: Arc<std::sync::Mutex<Vec<Event>>> = Arc::default();
    let sink = told.clone();
    let site = Site::new(|b| b.on_event(move |e| sink.lock().unwrap().push(e.clone())));
    let mut browser = Browser::default();
    site.visit(&mut browser, |s| s.set("x", &1).unwrap());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    site.visit(&mut browser, |s| now(s.logout()).unwrap());
    for _ in 0..3 {
        now(site.sessions.maintain()).unwrap();
    }
    let causes: Vec<_> = told.lock().unwrap().iter().filter_map(Event::cause).collect();
    assert_eq!(causes, [Cause::Replaced, Cause::Logout]);
}

#[test]
fn csrf_tokens_are_bound_to_the_session_and_masked() {
    let (site, mut a, mut b) = (plain(), Browser::default(), Browser::default());
    site.visit(&mut a, |s| now(s.login("alice")).unwrap());
    site.visit(&mut b, |s| now(s.login("bob")).unwrap());
    let (one, two) = site.visit(&mut a, |s| (s.csrf_token().unwrap(), s.csrf_token().unwrap()));
    assert_ne!(one, two);
    site.visit(&mut a, |s| {
        assert!(
            s.check_csrf(&one)
                && s.check_csrf(&two)
                && !s.check_csrf("")
                && !s.check_csrf(&one[1..])
        )
    });
    site.visit(&mut b, |s| assert!(!s.check_csrf(&one)));
}

#[test]
fn what_cannot_be_right_is_refused_with_the_value_and_the_rule() {
    let builder =
        || Sessions::builder(MemoryStore::new(), Keyring::new(SealKey::generate().unwrap()));
    let hours = |h: u64| Duration::from_secs(h * 3600);
    for (builder, says) in [
        (builder().idle(hours(13)), "idle timeout (46800s) is longer than the lifetime (43200s)"),
        (builder().idle(Duration::ZERO), "idle timeout is 0ns"),
        (builder().domain("example.com"), "no Domain"),
        (builder().path("/app"), "Path=/"),
        (builder().name("a b"), "position"),
        (builder().profile(Profile::Aal3), "allows at most 900s"),
        (builder().remember(hours(1)), "not longer than a session lives"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(says), "{error:?} should say {says:?}");
    }
    danger::insecure_cookie(builder().domain("example.com").path("/app")).build().unwrap();
}
