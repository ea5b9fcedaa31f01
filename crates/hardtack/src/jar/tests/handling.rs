use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::cookie::Limits;

#[test]
fn a_jar_can_be_carried_elsewhere_and_back() {
    let url = "https://a.example.com/x/y";
    let (page, other) = (at(url), at("https://other.test/"));
    let mut jar = jar(
        &Profile::CHROMIUM,
        &[
            (url, "a=1"),
            (url, "b=2; Domain=example.com; Secure; HttpOnly; SameSite=Strict"),
            (url, "=v; Path=/"),
        ],
    );
    let line = b"p=1; SameSite=None; Secure; Partitioned; Max-Age=100; Priority=High";
    jar.set(line, &RequestContext::iframe(&page, &other), NOW);
    let mut copy = Jar::default();
    for cookie in jar.iter() {
        let cookie = Cookie::from_parts(cookie.to_parts()).expect("what a jar had, it takes");
        copy.restore(cookie.clone());
        copy.restore(cookie);
    }
    let parts = |jar: &Jar| jar.iter().map(Cookie::to_parts).collect::<Vec<_>>();
    assert_eq!(parts(&copy).len(), 4);
    assert!(parts(&copy) == parts(&jar));
    let context = RequestContext::client(&page);
    assert_eq!(sent(&copy, &context), sent(&jar, &context));
    let identity = jar.iter().next().expect("a cookie").identity();
    assert!(copy.find(&identity).is_some());
    assert_eq!(copy.remove(&identity).map(|cookie| cookie.identity()), Some(identity.clone()));
    assert!(copy.remove(&identity).is_none() && copy.find(&identity).is_none());
    copy.clear();
    assert_eq!(copy.iter().count(), 0);
}

#[test]
fn parts_that_no_server_could_set_are_refused() {
    let parts = || CookieParts::new("a", "1", "example.com", NOW);
    assert!(Cookie::from_parts(parts()).is_ok());
    type Spoil = fn(&mut CookieParts);
    let cases: [(Spoil, PartsError); 9] = [
        (|parts| parts.name = b"a=b".to_vec(), PartsError::Name),
        (|parts| parts.name = b"a;b".to_vec(), PartsError::Name),
        (|parts| parts.value = b"a\r\nb".to_vec(), PartsError::Value),
        (|parts| (parts.name, parts.value) = (Vec::new(), Vec::new()), PartsError::Value),
        (|parts| parts.path = b"x".to_vec(), PartsError::Path),
        (|parts| parts.domain = "Example.com".into(), PartsError::Domain),
        (|parts| parts.domain = "exa mple".into(), PartsError::Domain),
        (|parts| (parts.domain, parts.host_only) = ("127.0.0.1".into(), false), PartsError::Domain),
        (|parts| parts.value = vec![b'v'; 1 << 21], PartsError::TooLong),
    ];
    for (spoil, error) in cases {
        let mut parts = parts();
        spoil(&mut parts);
        assert_eq!(Cookie::from_parts(parts).err(), Some(error));
    }
}

#[test]
fn a_watcher_hears_of_every_change() {
    let target = at("https://example.com/");
    let context = RequestContext::client(&target);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let mut jar = Jar::builder().limits(Limits::NONE).build();
    jar.watch(move |change| {
        let entry = match change {
            Change::Stored { cookie, before } => {
                format!(
                    "{} over {:?}",
                    cookie.pair().escape_ascii(),
                    before.map(|it| it.value().len())
                )
            }
            Change::Gone { cookie, cause } => format!("{} {cause:?}", cookie.pair().escape_ascii()),
        };
        log.lock().expect("no test panicked").push(entry);
    });
    let before = jar.revision();
    for line in [&b"a=1"[..], b"a=22", b"a=22; Max-Age=0", b"b=1; Max-Age=1", b"c=1"] {
        jar.set(line, &context, NOW);
    }
    jar.clear_expired(NOW.saturating_add(Duration::from_secs(1)));
    jar.clear();
    let heard = heard.lock().expect("no test panicked");
    let expected = [
        "a=1 over None",
        "a=22 over Some(1)",
        "a=22 Removed",
        "b=1 over None",
        "c=1 over None",
        "b=1 Expired",
        "c=1 Removed",
    ];
    assert_eq!(*heard, expected);
    assert_eq!(jar.revision() - before, 7);
}

#[test]
fn headers_of_a_response_are_set_in_order() {
    let target = at("https://example.com/");
    let mut headers = HeaderMap::new();
    for line in ["a=1", "b=2; Domain=com", "a=3"] {
        headers.append(SET_COOKIE, HeaderValue::from_static(line));
    }
    let mut jar = Jar::default();
    let outcomes = jar.set_all(&headers, &RequestContext::client(&target), NOW);
    let expected = [
        Outcome::Stored { evicted: 0 },
        Outcome::Ignored(Ignored::DomainPublicSuffix),
        Outcome::Replaced,
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn another_suffix_list_takes_effect_at_once() {
    let set = |jar: &mut Jar| {
        let target = at("https://a.shop.example/");
        jar.set(b"a=1; Domain=shop.example", &RequestContext::client(&target), NOW)
    };
    let mut jar = Jar::default();
    assert_eq!(set(&mut jar), Outcome::Stored { evicted: 0 });
    jar.replace_suffixes(Suffixes::parse("example\nshop.example\n").expect("a list"));
    assert_eq!(jar.len(), 1);
    assert_eq!(set(&mut jar), Outcome::Ignored(Ignored::DomainPublicSuffix));
}

#[test]
fn debug_output_has_no_value() {
    let jar = jar(&Profile::CHROMIUM, &[("https://example.com/", "sid=supersecret")]);
    let cookie = jar.iter().next().expect("a cookie");
    let shown = format!("{jar:?} {cookie:?} {:?} {:?}", cookie.to_parts(), cookie.identity());
    assert!(shown.contains("sid") && !shown.contains("supersecret"), "{shown}");
}

#[test]
fn looking_does_not_need_the_jar_for_itself() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let jar = jar(&Profile::CHROMIUM, &[("https://example.com/", "a=1")]);
    is_shared(&jar);
    let found = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let target = at("https://example.com/");
                found.fetch_add(
                    jar.cookies(&RequestContext::client(&target), NOW).count(),
                    Ordering::Relaxed,
                );
            });
        }
    });
    assert_eq!(found.into_inner(), 4);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_dropped_and_come_back_as_they_were(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8),
        profile in 0..3usize,
    ) {
        let target = at("https://a.example.com/x");
        let context = RequestContext::client(&target);
        let mut jar = Jar::new(Profile::ALL[profile]);
        for line in &lines {
            let before = jar.len();
            let outcome = jar.set(line, &context, NOW);
            prop_assert_eq!(jar.len() > before, matches!(outcome, Outcome::Stored { .. }));
        }
        for cookie in jar.iter() {
            prop_assert!(Cookie::from_parts(cookie.to_parts()).is_ok());
        }
        prop_assert_eq!(jar.header(&context, NOW).is_some(), jar.cookies(&context, NOW).count() > 0);
    }
}
