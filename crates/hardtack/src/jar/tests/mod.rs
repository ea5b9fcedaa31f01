//! The jar's laws: which cookies are sent (here), how many are kept (`limits.rs`), and how the jar
//! is handled as a whole (`handling.rs`).

mod handling;
mod limits;

use std::time::Duration;

use http::Method;

use super::*;
use crate::cookie::{Ignored, Profile, SameSite};
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn at(url: &str) -> Target {
    Target::parse(url).expect(url)
}

/// Sets lines as typed navigations do.
fn jar(profile: &'static Profile, lines: &[(&str, &str)]) -> Jar {
    let mut jar = Jar::new(profile);
    for (url, line) in lines {
        jar.set(line.as_bytes(), &RequestContext::navigation(&at(url)), NOW);
    }
    jar
}

fn sent(jar: &Jar, context: &RequestContext<'_>) -> String {
    sent_at(jar, context, NOW)
}

fn sent_at(jar: &Jar, context: &RequestContext<'_>, now: UnixTime) -> String {
    let mut header = Vec::new();
    jar.write_header(context, now, &mut header);
    let as_value = jar.header(context, now);
    assert_eq!(as_value.map(|it| it.as_bytes().to_vec()).unwrap_or_default(), header);
    String::from_utf8(header).expect("these tests set UTF-8")
}

#[test]
fn a_cookie_goes_where_it_belongs() {
    let https = "https://a.example.com/";
    for (set, line, asked, expected) in [
        (https, "a=1", "https://a.example.com/", "a=1"),
        (https, "a=1", "https://a.example.com:8443/x", "a=1"),
        (https, "a=1", "https://b.a.example.com/", ""),
        (https, "a=1", "https://example.com/", ""),
        (https, "a=1; Domain=example.com", "https://b.example.com/", "a=1"),
        (https, "a=1; Domain=.EXAMPLE.com", "https://example.com/", "a=1"),
        (https, "a=1; Domain=example.com", "https://notexample.com/", ""),
        (https, "a=1; Domain=com", "https://a.example.com/", ""),
        (https, "a=1; Domain=b.a.example.com", "https://a.example.com/", ""),
        (https, "a=1; Secure", "http://a.example.com/", ""),
        (https, "a=1; Secure", "wss://a.example.com/", "a=1"),
        (https, "a=1; Secure", "ws://a.example.com/", ""),
        (https, "a=1", "ws://a.example.com/", "a=1"),
        ("http://a.example.com/", "a=1; Secure", https, ""),
        (https, "a=1; Path=/x", "https://a.example.com/x/y", "a=1"),
        (https, "a=1; Path=/x", "https://a.example.com/xy", ""),
        ("https://a.example.com/x/y/z", "a=1", "https://a.example.com/x/y", "a=1"),
        ("https://a.example.com/x/y/z", "a=1", "https://a.example.com/x", ""),
        ("http://127.0.0.1/", "a=1; Secure", "http://127.0.0.1:8080/", "a=1"),
        ("http://127.0.0.1/", "a=1; Domain=127.0.0.1", "http://127.0.0.1/", "a=1"),
        ("http://127.0.0.1/", "a=1; Domain=0.0.1", "http://127.0.0.1/", ""),
        ("http://[::1]/", "a=1; Secure", "http://[0::1]/", "a=1"),
        ("http://[::1]/", "a=1; Domain=[::1]", "http://[::1]/", "a=1"),
        ("http://app.localhost/", "a=1; Secure", "http://app.localhost/", "a=1"),
        ("http://app.localhost/", "a=1; Domain=localhost", "http://localhost/", ""),
        ("https://github.io/", "a=1; Domain=github.io", "https://github.io/", "a=1"),
        ("https://github.io/", "a=1; Domain=github.io", "https://a.github.io/", ""),
        ("https://example.com./", "a=1", "https://example.com/", ""),
        ("https://example.com./", "a=1; Domain=example.com.", "https://a.example.com./", "a=1"),
        ("https://example.com./", "a=1; Domain=example.com", "https://example.com./", ""),
        (
            "https://a.xn--bcher-kva.de/",
            "a=1; Domain=b\u{fc}cher.de",
            "https://xn--bcher-kva.de/",
            "a=1",
        ),
    ] {
        let jar = jar(&Profile::CHROMIUM, &[(set, line)]);
        assert_eq!(
            sent(&jar, &RequestContext::client(&at(asked))),
            expected,
            "{set} {line} {asked}"
        );
    }
}

#[test]
fn longer_paths_come_first_and_then_older_cookies() {
    let url = "https://example.com/a/b/c";
    let lines = ["x=1; Path=/", "y=2; Path=/a/b", "z=3; Path=/a/b", "w=4; Path=/a", "x=5; Path=/"];
    let lines = lines.map(|line| (url, line));
    let context = at(url);
    let context = RequestContext::client(&context);
    assert_eq!(sent(&jar(&Profile::CHROMIUM, &lines), &context), "y=2; z=3; w=4; x=5");
    let overwritten = [(url, "x=1"), (url, "y=2"), (url, "x=3"), (url, "y=2")];
    assert_eq!(sent(&jar(&Profile::CHROMIUM, &overwritten), &context), "y=2; x=3");
    assert_eq!(sent(&jar(&Profile::FIREFOX, &overwritten), &context), "x=3; y=2");
    assert_eq!(sent(&jar(&Profile::RFC6265BIS, &overwritten), &context), "x=3; y=2");
}

#[test]
fn a_cookie_ends_when_it_said() {
    let target = at("https://example.com/");
    let context = RequestContext::client(&target);
    let mut jar = Jar::default();
    jar.set(b"a=1; Max-Age=10", &context, NOW);
    jar.set(b"b=2", &context, NOW);
    let after = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
    assert_eq!(sent_at(&jar, &context, after(9)), "a=1; b=2");
    assert_eq!(sent_at(&jar, &context, after(10)), "b=2");
    assert_eq!(jar.len(), 2);
    assert_eq!(jar.clear_expired(after(10)), 1);
    assert_eq!(jar.end_session(), 1);
    assert!(jar.is_empty());
    for (line, outcome) in [
        (&b"a=1"[..], Outcome::Stored { evicted: 0 }),
        (b"a=2", Outcome::Replaced),
        (b"a=2; Max-Age=0", Outcome::Removed),
        (b"a=2; Max-Age=0", Outcome::Expired),
        (b"a\x01=2", Outcome::Ignored(Ignored::ControlByte { byte: 1, position: 1 })),
    ] {
        assert_eq!(jar.set(line, &context, NOW), outcome);
    }
}

#[test]
fn what_names_no_same_site_goes_with_a_post_from_elsewhere_for_two_minutes() {
    let (shop, bank) = (at("https://shop.example/"), at("https://bank.example/"));
    let jar = jar(
        &Profile::CHROMIUM,
        &[("https://shop.example/", "a=1"), ("https://shop.example/", "b=2; SameSite=Lax")],
    );
    let post = RequestContext::form_post(&shop, &bank);
    let after = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
    assert_eq!(sent_at(&jar, &post, after(120)), "a=1");
    assert_eq!(sent_at(&jar, &post, after(121)), "");
    let link = RequestContext::link(&shop, &bank);
    assert_eq!(sent_at(&jar, &link, after(121)), "a=1; b=2");
    assert_eq!(sent(&jar, &RequestContext::link(&shop, &bank).method(&Method::PUT)), "a=1");
    assert_eq!(sent(&jar, &RequestContext::subresource(&shop, &bank)), "");
    assert_eq!(sent(&jar, &RequestContext::iframe(&shop, &bank)), "");
    assert_eq!(sent(&jar, &RequestContext::subresource(&shop, &shop)), "a=1; b=2");
}

#[test]
fn a_frame_below_another_site_is_cross_site_even_at_home() {
    let (a, b) = (at("https://a.example/"), at("https://b.test/"));
    let line = "s=1; SameSite=Strict";
    let jar = jar(&Profile::CHROMIUM, &[("https://a.example/", line)]);
    assert_eq!(sent(&jar, &RequestContext::subresource(&a, &a)), "s=1");
    assert_eq!(sent(&jar, &RequestContext::subresource(&a, &a).in_frames_of(&[&b])), "");
    assert_eq!(sent(&jar, &RequestContext::iframe(&a, &b).in_frames_of(&[&a])), "");
    let opaque = RequestContext::navigation(&a).initiated_by(Initiator::Opaque);
    assert_eq!(sent(&jar, &opaque), "");
}

#[test]
fn redirects_count_where_the_profile_says_so() {
    let (shop, bank) = (at("https://shop.example/"), at("https://bank.example/"));
    for (profile, expected) in [
        (&Profile::CHROMIUM, "l=2; s=1"),
        (&Profile::FIREFOX, "l=2"),
        (&Profile::RFC6265BIS, "l=2"),
    ] {
        let url = "https://shop.example/";
        let jar = jar(profile, &[(url, "l=2; SameSite=Lax"), (url, "s=1; SameSite=Strict")]);
        let straight = RequestContext::link(&shop, &shop);
        assert_eq!(sent(&jar, &straight), "l=2; s=1");
        let around = RequestContext::link(&bank, &shop).redirected(&shop);
        assert_eq!(sent(&jar, &around), expected, "{}", profile.name);
        let home = RequestContext::link(&shop, &shop).redirected(&shop);
        assert_eq!(sent(&jar, &home), "l=2; s=1");
    }
}

#[test]
fn http_and_https_are_two_sites_where_the_profile_says_so() {
    let (plain, tls) = (at("http://example.com/"), at("https://example.com/"));
    for (profile, expected) in [(&Profile::CHROMIUM, ""), (&Profile::FIREFOX, "s=1")] {
        let jar = jar(profile, &[("https://example.com/", "s=1; SameSite=Strict")]);
        assert_eq!(sent(&jar, &RequestContext::link(&tls, &plain)), expected, "{}", profile.name);
    }
}

#[test]
fn a_partitioned_cookie_stays_with_the_page_it_was_set_in() {
    let line = b"c=1; SameSite=None; Secure; Partitioned";
    let (chat, shop, bank) =
        (at("https://chat.example/"), at("https://shop.test/"), at("https://bank.test/"));
    let mut jar = Jar::default();
    jar.set(line, &RequestContext::iframe(&chat, &shop), NOW);
    assert_eq!(sent(&jar, &RequestContext::subresource(&chat, &shop)), "c=1");
    assert_eq!(sent(&jar, &RequestContext::subresource(&chat, &bank)), "");
    assert_eq!(sent(&jar, &RequestContext::navigation(&chat)), "");
    let cookie = jar.iter().next().expect("one cookie");
    let partition = Partition::new(Site::parse("https://shop.test").expect("a site"), true);
    assert_eq!(cookie.partition(), Some(&partition));
    // At home below another site is not at home.
    let mut jar = Jar::default();
    jar.set(line, &RequestContext::navigation(&chat), NOW);
    assert_eq!(sent(&jar, &RequestContext::subresource(&chat, &chat)), "c=1");
    assert_eq!(
        sent(&jar, &RequestContext::subresource(&chat, &chat).in_frames_of(&[&chat, &bank])),
        ""
    );
}

#[test]
fn firefox_keeps_all_third_party_cookies_apart() {
    let (chat, shop, bank) =
        (at("https://chat.example/"), at("https://shop.test/"), at("https://bank.test/"));
    let mut jar = jar(&Profile::FIREFOX, &[("https://chat.example/", "own=1")]);
    jar.set(b"third=2", &RequestContext::subresource(&chat, &shop), NOW);
    assert_eq!(sent(&jar, &RequestContext::subresource(&chat, &shop)), "third=2");
    assert_eq!(sent(&jar, &RequestContext::subresource(&chat, &bank)), "");
    assert_eq!(sent(&jar, &RequestContext::navigation(&chat)), "own=1");
}

#[test]
fn scripts_neither_see_nor_touch_http_only_cookies() {
    let page = at("https://example.com/");
    let script = RequestContext::script(&page);
    let mut jar = jar(
        &Profile::CHROMIUM,
        &[("https://example.com/", "h=1; HttpOnly"), ("https://example.com/", "v=1")],
    );
    assert_eq!(sent(&jar, &script), "v=1");
    for (line, reason) in [
        (&b"n=1; HttpOnly"[..], Ignored::HttpOnlyFromScript),
        (b"h=2", Ignored::OverwritesHttpOnly),
        (b"h=2; Max-Age=0", Ignored::OverwritesHttpOnly),
    ] {
        assert_eq!(jar.set(line, &script, NOW), Outcome::Ignored(reason));
    }
    assert_eq!(jar.set(b"v=2", &script, NOW), Outcome::Replaced);
    assert_eq!(sent(&jar, &RequestContext::client(&page)), "h=1; v=2");
}

#[test]
fn plain_http_leaves_secure_cookies_alone() {
    let plain = at("http://a.example.com/login");
    let context = RequestContext::client(&plain);
    for (secure, line, refused) in [
        ("s=1; Secure", "s=2", true),
        ("s=1; Secure", "t=2", false),
        ("s=1; Secure; Path=/login", "s=2; Path=/", false),
        ("s=1; Secure; Path=/", "s=2; Path=/login", true),
        ("s=1; Secure; Domain=example.com", "s=2", true),
        ("s=1; Secure", "s=2; Domain=example.com", true),
    ] {
        let mut jar = jar(&Profile::CHROMIUM, &[("https://a.example.com/", secure)]);
        let outcome = jar.set(line.as_bytes(), &context, NOW);
        let ignored = Outcome::Ignored(Ignored::OverlaysSecure);
        assert_eq!(outcome == ignored, refused, "{secure} then {line}");
    }
}

#[test]
fn every_cookie_that_stays_has_its_reason() {
    let (shop, bank) = (at("https://shop.example/x"), at("https://bank.example/"));
    let url = "https://shop.example/x";
    let mut jar = jar(
        &Profile::CHROMIUM,
        &[
            (url, "sent=1; SameSite=None; Secure"),
            ("https://other.example/", "domain=1"),
            ("https://example.org/", "elsewhere=1"),
            (url, "path=1; Path=/y"),
            (url, "strict=1; SameSite=Strict"),
            (url, "lax=1"),
            (url, "kept=1; Partitioned; Secure; SameSite=None"),
            (url, "short=1; Max-Age=1"),
        ],
    );
    let late = NOW.saturating_add(Duration::from_secs(2));
    jar.set(b"parent=1; Path=/", &RequestContext::client(&at("https://example/")), NOW);
    let context = RequestContext::subresource(&shop, &bank);
    let found: Vec<_> = jar
        .explain_cookies(&context, late)
        .into_iter()
        .map(|(cookie, verdict)| (String::from_utf8_lossy(cookie.name()).into_owned(), verdict))
        .collect();
    let lax = Withheld::SameSite { rule: SameSite::Lax, by_default: true };
    let strict = Withheld::SameSite { rule: SameSite::Strict, by_default: false };
    let expected = [
        ("sent", Ok(())),
        ("domain", Err(Withheld::Domain)),
        ("elsewhere", Err(Withheld::Domain)),
        ("path", Err(Withheld::Path)),
        ("strict", Err(strict)),
        ("lax", Err(lax)),
        ("kept", Err(Withheld::Partition)),
        ("short", Err(Withheld::Expired)),
        ("parent", Err(Withheld::HostOnly)),
    ];
    assert_eq!(found, expected.map(|(name, verdict)| (name.to_owned(), verdict)));
    for (_, verdict) in expected {
        if let Err(reason) = verdict {
            assert!(!reason.section().is_empty() && reason.advice().ends_with('.'));
            assert!(!reason.to_string().is_empty());
        }
    }
}
