//! With a store that can say "ended".

use std::num::NonZeroU32;

use super::*;
use crate::session::store::*;
use crate::session::{
    Cause, Epochs, Locator, MemoryStore, Record, SessionInfo, Store, StoreError, StoreErrorKind,
    UserKey, Version,
};

struct Shop {
    sealed: SealedSessions<Revocable>,
    store: MemoryStore,
    clock: TestClock,
    keys: Keyring,
}

impl Shop {
    fn new(limit: Option<u32>) -> Self {
        let (store, clock, keys) = (MemoryStore::new(), TestClock::new(), ring());
        let mut builder = Sessions::builder(store.clone(), keys.clone()).clock(clock.clone());
        if let Some(limit) = limit.and_then(NonZeroU32::new) {
            builder = builder.sessions_per_user(limit, WhenFull::Refuse);
        }
        let sealed = SealedSessions::builder(keys.clone());
        let sealed = sealed.revocation(&builder.build().unwrap()).build().unwrap();
        Self { sealed, store, clock, keys }
    }

    fn open(&self, browser: &Browser) -> SealedSession<Revocable> {
        let session = self.sealed.session();
        session.present(&browser.headers());
        now(session.load()).unwrap();
        session
    }

    fn login(&self, user: &str) -> Browser {
        let mut browser = Browser::default();
        let session = self.sealed.session();
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static("Mozilla/5.0 Firefox/140.0"));
        session.present(&headers);
        now(session.login(user)).unwrap();
        browser.apply(&session.finish());
        browser
    }

    fn user(&self, browser: &Browser) -> Option<String> {
        let session = self.open(browser);
        let user = session.user();
        assert!(user.is_some() || session.finish().headers.is_empty());
        user
    }
}

#[test]
fn logout_ends_every_copy_and_a_late_response_brings_nothing_back() {
    let shop = Shop::new(None);
    let mut browser = shop.login("alice");
    let (copy, other) = (browser.clone(), shop.login("alice"));
    let late = shop.open(&browser);
    late.set("k", &1).unwrap();
    let session = shop.open(&browser);
    now(session.logout()).unwrap();
    assert_eq!(shop.user(&copy), None, "when awaited, before any response");
    browser.apply(&session.finish());
    assert_eq!(browser, Browser::default());
    browser.apply(&late.finish());
    assert_eq!((shop.user(&browser), shop.user(&copy)), (None, None));
    assert_eq!(shop.user(&other).as_deref(), Some("alice"), "this session only");
    assert!(shop.sealed.promises().contains("a logout ends all copies"));
}

#[test]
fn end_all_ends_all_of_the_user_and_also_a_login_that_had_begun() {
    let shop = Shop::new(None);
    let (one, two, bob) = (shop.login("alice"), shop.login("alice"), shop.login("bob"));
    let nobody = shop.open(&Browser::default());
    let begun = now(nobody.begin_login("alice")).unwrap();
    now(shop.open(&one).end_all()).unwrap();
    assert_eq!([&one, &two].map(|b| shop.user(b)), [None, None]);
    assert_eq!(shop.user(&bob).as_deref(), Some("bob"));
    assert!(matches!(now(nobody.login(begun)), Err(SessionError::LoginOutdated)));
    assert_eq!(nobody.user(), None);
    assert!(matches!(now(nobody.end_all()), Err(SessionError::NotSignedIn)));
    assert_eq!(shop.user(&shop.login("alice")).as_deref(), Some("alice"));
}

#[test]
fn an_operator_lists_and_ends_them_through_the_sessions_that_lend_the_store() {
    let shop = Shop::new(None);
    let (one, two) = (shop.login("alice"), shop.login("alice"));
    let admin = shop.sealed.sessions().admin();
    let listed = now(admin.list(Some("alice"), None)).unwrap();
    assert_eq!(listed.len(), 2);
    let handle = shop.open(&one).handle().unwrap();
    let device = |info: &SessionInfo| info.device.as_deref().unwrap_or_default().to_owned();
    assert!(listed.iter().any(|i| i.handle == handle && device(i).contains("Firefox")));
    assert!(now(admin.end(&handle)).unwrap());
    assert_eq!((shop.user(&one), shop.user(&two).as_deref()), (None, Some("alice")));
    now(admin.end_everything()).unwrap();
    assert_eq!(shop.user(&two), None);
}

#[test]
fn signing_in_again_ends_what_was_there_and_does_not_count_twice() {
    let shop = Shop::new(Some(1));
    let mut browser = shop.login("alice");
    let copy = browser.clone();
    let session = shop.open(&browser);
    session.set("cart", &1).unwrap();
    now(session.login("alice")).unwrap();
    browser.apply(&session.finish());
    assert_eq!((shop.user(&copy), shop.user(&browser).as_deref()), (None, Some("alice")));
    assert_eq!(shop.open(&browser).get("cart").unwrap(), Some(1));
    let second = shop.open(&Browser::default());
    assert!(matches!(now(second.login("alice")), Err(SessionError::TooManySessions)));
    let session = shop.open(&browser);
    now(session.login("bob")).unwrap();
    browser.apply(&session.finish());
    let session = shop.open(&browser);
    assert_eq!((session.user().as_deref(), session.keys().unwrap().len()), (Some("bob"), 0));
}

#[test]
fn the_store_is_written_at_login_and_logout_only_and_forgets_what_is_over() {
    let shop = Shop::new(None);
    let mut browser = Browser::default();
    let session = shop.open(&browser);
    session.set("k", &1).unwrap();
    browser.apply(&session.finish());
    assert!(shop.store.is_empty(), "nobody's sessions have no record");
    let session = shop.open(&browser);
    now(session.login("alice")).unwrap();
    browser.apply(&session.finish());
    let before = now(shop.sealed.sessions().admin().list(None, None)).unwrap();
    for _ in 0..20 {
        shop.clock.pass(IDLE / 2);
        let session = shop.open(&browser);
        session.add("k", 1).unwrap();
        browser.apply(&session.finish());
    }
    assert_eq!(now(shop.sealed.sessions().admin().list(None, None)).unwrap(), before);
    assert_eq!(shop.open(&browser).get("k").unwrap(), Some(21));
    shop.clock.pass(LIFETIME);
    now(shop.sealed.sessions().maintain()).unwrap();
    shop.clock.pass(3600);
    now(shop.sealed.sessions().maintain()).unwrap();
    assert!(shop.store.is_empty());
    assert_eq!(shop.user(&browser), None);
}

#[test]
fn switching_revocation_on_or_off_accepts_nothing_from_before() {
    let shop = Shop::new(None);
    let plain = SealedSessions::builder(shop.keys.clone()).clock(shop.clock.clone());
    let site = Site {
        sessions: plain.build().unwrap(),
        clock: shop.clock.clone(),
        keys: shop.keys.clone(),
    };
    let browser = shop.login("alice");
    now(shop.open(&browser).logout()).unwrap();
    assert_eq!(site.sees(&browser), None, "what was revoked stays so");
    let mut browser = Browser::default();
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    assert_eq!(shop.user(&browser), None);
}

/// Law 7.
#[test]
fn a_store_that_is_down_lets_nobody_in_logs_nobody_out_and_does_not_concern_others() {
    let shop = Shop::new(None);
    let signed_in = shop.login("alice");
    let mut nobody = Browser::default();
    let session = shop.open(&nobody);
    session.set("k", &1).unwrap();
    nobody.apply(&session.finish());

    let sessions = Sessions::builder(Down, shop.keys.clone()).clock(shop.clock.clone());
    let sealed = SealedSessions::builder(shop.keys.clone());
    let sealed = sealed.revocation(&sessions.build().unwrap()).build().unwrap();
    let session = sealed.session();
    session.present(&signed_in.headers());
    let error = now(session.load()).unwrap_err();
    assert_eq!(error.status(), 503);
    assert_eq!(session.user(), None);
    let outcome = session.finish();
    assert!(outcome.headers.is_empty() && outcome.error.is_none());
    for browser in [&Browser::default(), &nobody] {
        let session = sealed.session();
        session.present(&browser.headers());
        now(session.load()).unwrap();
        session.set("k", &2).unwrap();
        assert!(session.finish().error.is_none());
        let session = sealed.session();
        assert_eq!(now(session.login("alice")).unwrap_err().status(), 503);
        assert!(session.finish().headers.is_empty());
    }
    assert_eq!(shop.user(&signed_in).as_deref(), Some("alice"), "when it is up again");
}

/// A store that never answers anything but an error.
struct Down;

fn down<'a, T>() -> Reply<'a, Result<T, StoreError>> {
    Reply::ready(Err(StoreError::new(StoreErrorKind::Unavailable, "down, for the test")))
}

impl Store for Down {
    fn info(&self) -> StoreInfo {
        StoreInfo::new("down", "nothing survives", true)
    }
    fn load<'a>(&'a self, _: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        down()
    }
    fn insert<'a>(
        &'a self,
        _: &'a Locator,
        _: Record,
        _: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        down()
    }
    fn replace<'a>(
        &'a self,
        _: &'a Locator,
        _: Version,
        _: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        down()
    }
    fn relocate<'a>(
        &'a self,
        _: &'a Locator,
        _: Version,
        _: &'a Locator,
        _: Record,
        _: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        down()
    }
    fn touch<'a>(&'a self, _: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        down()
    }
    fn end<'a>(
        &'a self,
        _: &'a Locator,
        _: Cause,
        _: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        down()
    }
    fn list<'a>(
        &'a self,
        _: Option<&'a UserKey>,
        _: Option<Locator>,
        _: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        down()
    }
    fn epochs<'a>(&'a self, _: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        down()
    }
    fn raise<'a>(
        &'a self,
        _: Option<&'a UserKey>,
        _: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        down()
    }
    fn sweep<'a>(&'a self, _: UnixTime, _: usize) -> Reply<'a, Result<Swept, StoreError>> {
        down()
    }
    fn undelivered<'a>(&'a self, _: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        down()
    }
    fn delivered<'a>(&'a self, _: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        down()
    }
    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        down()
    }
}
