use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cookie::BuildError;
use crate::session::{About, Caching, ConfigError, Event, Kind, SessionKey, ValueError, danger};

#[test]
fn reading_sets_no_cookie_and_writing_sets_one() {
    let (site, mut browser) = (plain(), Browser::default());
    assert_eq!(site.visit(&mut browser, |s| s.get::<i64>("n").unwrap()), None);
    site.visit(&mut browser, |s| s.remove("n").unwrap()); // nothing of nothing
    assert_eq!(browser, Browser::default());
    site.visit(&mut browser, |s| {
        assert_eq!(s.kind(), None);
        s.add("n", 1).unwrap();
    });
    assert_eq!(browser.names(), ["__Host-Http-ses"]);
    assert_eq!(site.visit(&mut browser, |s| s.get("n").unwrap()), Some(1));
    assert_eq!(site.sessions.counts().started, 1);
    let untouched = site.sessions.session();
    untouched.present(&browser.headers());
    assert!(untouched.is_untouched());
    assert_eq!(untouched.finish().caching, Caching::AsItIs);
}

#[test]
fn all_kinds_of_changes_are_there_in_the_next_request() {
    const CART: SessionKey<Vec<String>> = SessionKey::new("cart");
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.set("gone", &1).unwrap();
        s.set_value(&CART, &vec!["tea".to_owned()]).unwrap();
        s.append("cart", "jam").unwrap();
        s.update("name", |old: Option<String>| old.unwrap_or_default() + "x").unwrap();
        s.add("n", 2).unwrap();
    });
    site.visit(&mut browser, |s| {
        s.remove("gone").unwrap();
        s.update("name", |old: Option<String>| old.unwrap_or_default() + "y").unwrap();
    });
    let s = site.open(&browser);
    assert_eq!(s.keys().unwrap(), ["cart", "n", "name"]);
    assert_eq!(s.value(&CART).unwrap().unwrap(), ["tea", "jam"]);
    assert_eq!(s.get::<String>("name").unwrap().unwrap(), "xy");
    assert_eq!(s.get::<i64>("n").unwrap(), Some(2));
}

/// Law 9.
#[test]
fn a_key_that_does_not_decode_is_that_keys_error_only() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.set("old", "text").unwrap();
        s.set("n", &1).unwrap();
    });
    site.visit(&mut browser, |s| {
        assert!(matches!(s.get::<i64>("old"), Err(ValueError::Decode { .. })));
        assert!(matches!(s.add("old", 1), Err(ValueError::Decode { .. })));
        assert_eq!(s.get("n").unwrap(), Some(1));
    });
}

#[test]
fn names_of_our_own_and_handles_that_are_closed_are_refused() {
    let (site, browser) = (plain(), Browser::default());
    let s = site.sessions.session();
    assert_eq!(s.set("k", &1), Err(ValueError::NotLoaded));
    let s = site.open(&browser);
    assert!(matches!(s.set("~k", &1), Err(ValueError::Name { .. })));
    assert!(matches!(s.remove(""), Err(ValueError::Name { .. })));
    assert!(matches!(s.login(&"u".repeat(256)), Err(SessionError::UserId { length: 256 })));
    s.finish();
    assert_eq!(s.set("k", &1), Err(ValueError::Closed));
    for late in [s.login("alice"), s.logout()] {
        assert!(matches!(late, Err(SessionError::Value(ValueError::Closed))));
    }
}

/// Some peers' stateless sessions have no time inside the seal: their limit is
/// the cookie's Max-Age, which binds nobody who has a copy.
#[test]
fn a_copy_is_dead_when_idle_time_or_lifetime_is_over_whatever_the_browser_does() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let copy = browser.clone();
    site.clock.pass(IDLE + IDLE / 20 - 1);
    assert_eq!(site.sees(&copy).as_deref(), Some("alice"));
    site.clock.pass(1);
    assert_eq!(site.sees(&copy), None);
    // Activity does not extend the lifetime.
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    for _ in 0..LIFETIME / 600 - 1 {
        site.clock.pass(600);
        assert_eq!(site.visit(&mut browser, |s| s.user()).as_deref(), Some("alice"));
    }
    site.clock.pass(599);
    assert_eq!(site.sees(&browser).as_deref(), Some("alice"));
    site.clock.pass(1);
    assert_eq!(site.sees(&browser), None);
}

/// In some peers idle time counts from the last *change*, so that somebody who
/// only reads is logged out while reading.
#[test]
fn who_only_reads_stays_signed_in_and_gets_a_cookie_only_once_per_interval() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let mut set = 0;
    for _ in 0..3 * IDLE / 10 {
        site.clock.pass(10);
        let s = site.open(&browser);
        assert_eq!(s.user().as_deref(), Some("alice"));
        assert_eq!(s.remaining().unwrap().idle, Duration::from_secs(IDLE));
        let outcome = s.finish();
        set += outcome.headers.len();
        browser.apply(&outcome);
    }
    assert_eq!(set, 3 * 20);
}

#[test]
fn a_passive_request_does_not_count_as_activity() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    for _ in 0..IDLE / 60 {
        site.clock.pass(60);
        let s = site.sessions.session();
        s.passive();
        s.present(&browser.headers());
        s.load().unwrap();
        s.add("polls", 1).unwrap();
        assert!(s.remaining().unwrap().idle < Duration::from_secs(IDLE));
        browser.apply(&s.finish());
    }
    site.clock.pass(IDLE / 20);
    assert_eq!(site.sees(&browser), None);
}

#[test]
fn what_runs_out_while_the_handler_runs_is_said_if_changes_are_lost() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let (reads, writes) = (site.open(&browser), site.open(&browser));
    writes.set("k", &1).unwrap();
    site.clock.pass(LIFETIME);
    let (read, wrote) = (reads.finish(), writes.finish());
    assert!(read.error.is_none() && read.headers.is_empty());
    assert!(matches!(wrote.error, Some(SessionError::Ended(_))) && wrote.headers.is_empty());
}

/// Law 13.
#[test]
fn what_shows_a_session_is_private_and_what_shows_a_user_or_sets_a_cookie_is_not_kept() {
    let (site, mut browser) = (plain(), Browser::default());
    assert_eq!(site.open(&browser).finish().caching, Caching::Private);
    let s = site.open(&browser);
    s.set("k", &1).unwrap();
    let outcome = s.finish();
    assert_eq!(outcome.caching, Caching::NoStore);
    browser.apply(&outcome);
    assert_eq!(site.open(&browser).finish().caching, Caching::Private);
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    assert_eq!(site.open(&browser).finish().caching, Caching::NoStore);
    let s = site.open(&browser);
    s.logout().unwrap();
    assert_eq!(s.finish().caching, Caching::NoStore);
}

/// What sealed sessions do not promise, and [`crate::session::Session`] does.
#[test]
fn of_parallel_writes_the_last_response_wins_and_the_other_is_lost() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("n", &0).unwrap());
    let (one, two) = (site.open(&browser), site.open(&browser));
    one.add("n", 1).unwrap();
    two.set("other", &1).unwrap();
    browser.apply(&one.finish());
    browser.apply(&two.finish());
    let s = site.open(&browser);
    assert_eq!((s.get("n").unwrap(), s.get("other").unwrap()), (Some(0), Some(1)));
}

#[test]
fn logout_without_a_store_clears_the_browser_and_leaves_a_copy_alive_until_it_expires() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let stolen = browser.clone();
    site.visit(&mut browser, |s| {
        s.set("private", &1).unwrap();
        s.logout().unwrap();
        assert_eq!((s.user(), s.get::<i64>("private").unwrap()), (None, None));
    });
    assert_eq!(browser, Browser::default());
    assert_eq!(site.sees(&stolen).as_deref(), Some("alice"));
    site.clock.pass(IDLE + IDLE / 20);
    assert_eq!(site.sees(&stolen), None);
    assert!(site.sessions.promises().contains("a copied cookie lives until its own expiry"));
}

#[test]
fn a_login_takes_along_the_data_of_nobody_and_of_the_same_user_only() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.set("cart", &1).unwrap());
    let before = site.open(&browser).handle();
    site.clock.pass(3600 / 4);
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let s = site.open(&browser);
    assert_eq!((s.get("cart").unwrap(), s.kind()), (Some(1), Some(Kind::User)));
    assert_ne!(s.handle(), before);
    assert_eq!(s.created(), Some(site.clock.now()));
    assert!(s.fresh_within(Duration::ZERO));
    site.clock.pass(1);
    assert!(!s.fresh_within(Duration::ZERO));
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    assert_eq!(site.open(&browser).get("cart").unwrap(), Some(1));
    site.visit(&mut browser, |s| s.login("bob").unwrap());
    assert_eq!(site.open(&browser).get::<i64>("cart").unwrap(), None);
}

/// A framework took session data in plain text when decryption failed. Nothing
/// that does not open in the one way that we seal is ever looked at.
#[test]
fn what_we_did_not_seal_for_this_is_anonymous_and_gets_no_cookie() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let genuine = browser.0[0].1.clone();
    let build = |keys: &Keyring, name: &str| {
        let named = SealedSessions::builder(keys.clone()).clock(site.clock.clone());
        let sessions = if name.is_empty() { named } else { named.name(name) }.build().unwrap();
        Site { sessions, clock: site.clock.clone(), keys: keys.clone() }
    };
    let sealed_by = |other: Site| {
        let mut browser = Browser::default();
        other.visit(&mut browser, |s| s.login("alice").unwrap());
        browser.0.remove(0).1
    };
    let signed = crate::seal::Sealer::new(&site.keys, "hardtack sealed session, until expiry");
    let later = site.clock.now().saturating_add(Duration::from_secs(60));
    let json = r#"{"user":"alice"}"#;
    let name = "__Host-Http-ses";
    for (what, value) in [
        ("empty", String::new()),
        ("plain", "user:alice".to_owned()),
        ("base64 of JSON", base64_simd::URL_SAFE_NO_PAD.encode_to_string(json)),
        ("truncated", genuine[..genuine.len() - 1].to_owned()),
        ("longer", format!("{genuine}A")),
        ("padded", format!("{genuine}==")),
        ("in pieces where it is whole", format!("2AAAAAAAAAAA{genuine}")),
        ("another key", sealed_by(build(&ring(), ""))),
        ("another application's name", sealed_by(build(&site.keys, "admin"))),
        ("signed", signed.sign(name, "alice", later, site.clock.now()).unwrap()),
        ("not a session", signed.encrypt(name, b"\x01alice", later, site.clock.now()).unwrap()),
        ("another format", signed.encrypt(name, b"\x02", later, site.clock.now()).unwrap()),
    ] {
        let forged = Browser(vec![(name.to_owned(), value)]);
        assert_eq!(site.sees(&forged), None, "{what}");
        // And it takes nothing away from a genuine one beside it.
        let beside = Browser([forged.0, browser.0.clone()].concat());
        assert_eq!(site.sees(&beside).as_deref(), Some("alice"), "{what}");
    }
    let counts = site.sessions.counts();
    assert!(counts.forged > 0 && counts.unknown_key > 0, "{counts:?}");
    for at in 0..genuine.len() {
        let mut value = genuine.clone().into_bytes();
        value[at] = if value[at] == b'A' { b'B' } else { b'A' };
        let forged = Browser(vec![(name.to_owned(), String::from_utf8(value).unwrap())]);
        assert_eq!(site.sees(&forged), None, "byte {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_in_the_cookie_header_are_anonymous(
        pairs in prop::collection::vec(("(\\.[0-9a]{0,2})?", "[2-9]?[ -~&&[^;]]{0,40}"), 0..40),
    ) {
        let site = plain();
        let line: Vec<String> =
            pairs.iter().map(|(rest, value)| format!("__Host-Http-ses{rest}={value}")).collect();
        let session = site.sessions.session();
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_str(&line.join(";")).unwrap());
        session.present(&headers);
        prop_assert!(session.load().is_ok());
        prop_assert_eq!(session.kind(), None);
        prop_assert!(session.finish().headers.is_empty());
    }
}

/// Law 4.
#[test]
fn two_live_sessions_in_one_request_are_nobody_and_both_are_forgotten() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let site = Site::new(|b| b.on_event(move |e| log.lock().unwrap().push(e.clone())));
    let (mut alice, mut mallory) = (Browser::default(), Browser::default());
    site.visit(&mut alice, |s| s.login("alice").unwrap());
    site.visit(&mut mallory, |s| s.login("mallory").unwrap());
    let mut both = Browser([alice.0.clone(), mallory.0].concat());
    for is_unsafe in [false, true] {
        let s = site.sessions.session();
        s.present_as(&both.headers(), About { unsafe_method: is_unsafe, passive: false });
        let loaded = s.load();
        assert_eq!(matches!(loaded, Err(SessionError::TwoSessions)), is_unsafe);
        assert!(s.carried_two_sessions() && s.user().is_none());
        if is_unsafe {
            both.apply(&s.finish());
            assert_eq!(both, Browser::default());
        }
    }
    assert_eq!(site.sessions.counts().two_sessions, 2);
    let told = told.lock().unwrap().clone();
    assert_eq!(told.iter().filter(|e| matches!(e, Event::TwoSessions { .. })).count(), 2);
    assert_eq!(told.iter().filter(|e| matches!(e, Event::Started { .. })).count(), 2);
    // One that is nobody's beside one that is somebody's: the latter.
    let mut nobody = Browser::default();
    site.visit(&mut nobody, |s| s.set("k", &1).unwrap());
    for both in [[alice.0.clone(), nobody.0.clone()], [nobody.0, alice.0]] {
        assert_eq!(site.sees(&Browser(both.concat())).as_deref(), Some("alice"));
    }
}

#[test]
fn an_old_key_opens_and_the_next_response_is_sealed_with_the_new_one() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| s.login("alice").unwrap());
    let old = site.keys.ids()[0];
    let new = SealKey::generate().unwrap();
    let new_id = new.id();
    site.keys.add(new).unwrap();
    site.keys.promote(new_id).unwrap();
    let before = browser.clone();
    assert_eq!(site.visit(&mut browser, |s| s.user()).as_deref(), Some("alice"));
    assert_ne!(browser, before, "sealed again at once");
    let usage = crate::seal::KeyUsage::counted(old, 0, UnixTime::from_millis(0));
    site.keys.retire(usage, site.clock.now()).unwrap();
    assert_eq!(site.sees(&browser).as_deref(), Some("alice"));
    assert_eq!(site.sees(&before), None);
}

#[test]
fn a_configuration_that_cannot_be_right_is_refused() {
    let build = |setup: fn(SealedSessionsBuilder) -> SealedSessionsBuilder| {
        setup(SealedSessions::builder(ring())).build().map(drop).unwrap_err()
    };
    let second = Duration::from_secs(1);
    assert!(matches!(build(|b| b.idle(Duration::ZERO)), ConfigError::TooShort { .. }));
    assert!(matches!(build(|b| b.lifetime(Duration::ZERO)), ConfigError::TooShort { .. }));
    assert!(matches!(build(|b| b.most_data(0, 1)), ConfigError::TooShort { .. }));
    assert!(matches!(build(|b| b.most_data(1, 0)), ConfigError::TooShort { .. }));
    assert!(matches!(
        build(|b| b.lifetime(Duration::from_secs(1))),
        ConfigError::IdleOverLifetime { lifetime, .. } if lifetime == second
    ));
    let name = build(|b| b.name("a;b"));
    assert!(matches!(name, ConfigError::Cookie { rule: BuildError::ForbiddenByte { .. }, .. }));
    assert!(matches!(build(|b| b.most_data(usize::MAX, 1)), ConfigError::TooMuchData { .. }));
}

#[test]
fn cookies_are_hardened_unless_someone_says_otherwise() {
    let header = |site: &Site| {
        let session = site.open(&Browser::default());
        session.login("alice").unwrap();
        session.finish().headers.remove(0).1
    };
    let value = header(&Site::new(|b| b.name("shop")));
    assert!(value.is_sensitive());
    let text = value.to_str().unwrap();
    assert!(text.starts_with("__Host-Http-shop-ses="), "{text}");
    assert!(text.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{text}");
    let value = header(&Site::new(danger::insecure_sealed_cookie));
    let text = value.to_str().unwrap();
    assert!(text.starts_with("ses=") && text.ends_with("; Path=/; HttpOnly; SameSite=Lax"));
}

#[test]
fn debug_shows_no_data_and_nobody() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.set("secret", "hidden").unwrap();
        s.login("alice").unwrap();
    });
    let s = site.open(&browser);
    let builder = SealedSessions::builder(site.keys.clone());
    for text in [format!("{s:?}"), format!("{:?}", site.sessions), format!("{builder:?}")] {
        for secret in ["secret", "hidden", "alice", &browser.0[0].1] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// Sealed by the release that began the format; every later one must open it.
#[test]
fn a_cookie_of_format_1_opens() {
    let keys = Keyring::new(SealKey::from_bytes(b"not random, but for tests only..").unwrap());
    let clock = TestClock::new();
    let sessions = SealedSessions::builder(keys.clone()).clock(clock.clone()).build().unwrap();
    let site = Site { sessions, clock, keys };
    let cookie = Browser(vec![("__Host-Http-ses".to_owned(), FORMAT_1.to_owned())]);
    let s = site.open(&cookie);
    assert_eq!((s.user().as_deref(), s.created()), (Some("alice"), Some(site.clock.now())));
    assert_eq!(s.get::<Vec<i64>>("n").unwrap(), Some(vec![1, 2]));
}

const FORMAT_1: &str = "AQy0SVyVZqdxRPvDO9RDpGvSE-CPNZJ98eJYqDk1DaH9yQMlBdNU0d5DNOu1rp2HTEQtTLlbUEgt3Wsi\
    5J-0ckyqxSWLZf0NmdWS_y8FHoNIK8zHEIxb8qQef_QmQseK6jP1NsNNJgWW1Fx4z5AyiMp1uz9QtCBI\
    e0YNDB5GyPZG3KSV7-wXZgxUxRuoyy0SRQbqMOqcAWAl4ly5hcSNFVOXTQ";
