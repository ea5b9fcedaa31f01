//! Cookies that are not what we set.

use hardtack::seal::{Key, KeyUsage};
use hardtack::session::Kind;
use hardtack::time::UnixTime;

use super::{Adapter, Browser, Request, Server};

pub(crate) async fn ids_that_are_not_ours_are_anonymous_and_never_adopted(adapter: Adapter) {
    let server = adapter.server().await;
    let foreign = adapter.server().await;
    let [aid, sid] = [Kind::Anonymous, Kind::User].map(|kind| server.cookie(kind));
    let genuine = server.alice().await.cookie(&sid).expect("signed in").to_owned();
    let visitors = server.visitor().await.cookie(&aid).expect("a session").to_owned();
    let foreigners = foreign.alice().await.cookie(&sid).expect("signed in").to_owned();
    let mut flipped: Vec<String> = Vec::new();
    for at in [0, 3, 10, 40, 60, 95] {
        let mut bytes = genuine.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        flipped.push(String::from_utf8(bytes).expect("base64url"));
    }
    let others = [
        "".to_owned(),
        "x".to_owned(),
        "A".repeat(96),
        genuine[..95].to_owned(),
        genuine[..48].to_owned(),
        format!("{genuine}A"),
        format!("{genuine}="),
        format!("\"{genuine}\""),
        genuine.to_uppercase(),
        genuine.replacen(|c: char| c.is_ascii_alphanumeric(), "%41", 1),
        visitors,
        foreigners,
    ];
    for value in flipped.iter().chain(&others) {
        let mut browser = server.browser();
        browser.set_cookie(&sid, value);
        let answer = browser.get("/user").await.expect(200).without_cookie();
        assert_eq!(answer.text(), "nobody", "{value}");
        browser.get("/s/add").await.expect(200);
        assert!(browser.cookie(&aid).is_some_and(|new| new != value), "{value}");
        browser.get("/s/login").await.expect(200);
        assert!(browser.cookie(&sid).is_some_and(|new| new != value), "{value}");
    }
    let counts = server.sessions.counts();
    assert!(counts.forged > 0 && counts.unknown_key > 0 && counts.malformed > 0, "{counts:?}");
}

pub(crate) async fn an_id_of_a_retired_key_is_anonymous_and_nobody_is_logged_out(adapter: Adapter) {
    let server = adapter.server().await;
    let (old, new) = (server.keys.sealing().id(), Key::generate().expect("random bytes"));
    let (mut early, id) = (server.alice().await, new.id());
    server.keys.add(new).expect("room for a key");
    assert_eq!(early.text("/user").await, "alice");
    server.keys.promote(id).expect("a key of the ring");
    assert_eq!(early.text("/user").await, "alice", "all keys open");
    let mut late = server.alice().await;
    let usage = KeyUsage::counted(old, 0, UnixTime::from_millis(0));
    server.keys.retire(usage, server.sessions.now()).expect("said to be unused");
    let answer = early.get("/user").await.expect(200).without_cookie();
    assert_eq!(answer.text(), "nobody");
    assert_eq!(late.text("/user").await, "alice");
    assert_eq!(server.sessions.counts().unknown_key, 1);
    assert_eq!(server.causes().await, [], "what cannot be opened here is not ended");
}

/// Sends a Cookie header as it is. A server may refuse it; it may not fail, and
/// nobody is signed in by it.
async fn send_cookie(server: &Server, line: &[u8]) {
    for target in ["/user", "/s/dump"] {
        let request = Request::get(target).header("cookie", line);
        let answer = server.ask(request).await;
        let line = String::from_utf8_lossy(&line[..line.len().min(60)]);
        match answer.status {
            200 => assert!(matches!(answer.text(), "nobody" | ""), "{line}: {answer:?}"),
            400 | 431 => {}
            _ => panic!("{line}: {answer:?}"),
        }
        answer.without_cookie();
    }
}

pub(crate) async fn any_bytes_in_a_cookie_header_are_no_error(adapter: Adapter) {
    let server = adapter.server().await;
    let sid = server.cookie(Kind::User);
    for byte in (0..=u8::MAX).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let mut line = [byte; 8].to_vec();
        line.extend_from_slice(sid.as_bytes());
        line.push(byte);
        line.push(b'=');
        line.extend_from_slice(&[byte; 96]);
        line.extend_from_slice(b"; ");
        line.extend_from_slice(sid.as_bytes());
        line.push(b'=');
        line.extend_from_slice(&[byte; 96]);
        send_cookie(&server, &line).await;
    }
    for text in ["", ";", "=", ";;;=;", "$Version=1; a=\"x; b=y\"", "a=\"", "a; b; =c"] {
        send_cookie(&server, text.as_bytes()).await;
    }
    send_cookie(&server, sid.as_bytes()).await;
    // A live session is found among all of that.
    let mut line = b"a=\"x; \xff\xfe=1; $Version=1; ".to_vec();
    line.extend_from_slice(server.alice().await.cookie_header().as_bytes());
    line.extend_from_slice(b"; b=y\"");
    let answer = server.ask(Request::get("/user").header("cookie", line)).await;
    assert_eq!(answer.expect(200).text(), "alice");
}

pub(crate) async fn a_cookie_of_100_kilobytes_is_no_error(adapter: Adapter) {
    let server = adapter.server().await;
    for name in [server.cookie(Kind::User), "other".to_owned()] {
        send_cookie(&server, format!("{name}={}", "A".repeat(100_000)).as_bytes()).await;
    }
    send_cookie(&server, "x".repeat(100_000).as_bytes()).await;
    send_cookie(&server, ";".repeat(64_000).as_bytes()).await;
}

pub(crate) async fn ten_thousand_cookies_are_no_error(adapter: Adapter) {
    let server = adapter.server().await;
    let sid = server.cookie(Kind::User);
    let many = |name: &str| vec![format!("{name}=1"); 10_000].join("; ").into_bytes();
    send_cookie(&server, &many("c")).await;
    send_cookie(&server, &many(&sid)).await;
    let forged = vec![format!("{sid}={}", "A".repeat(96)); 3000].join("; ");
    send_cookie(&server, forged.as_bytes()).await;
    assert_eq!(server.store.calls(crate::Verb::Load), 0, "none of them is worth a look-up");
}

/// The cookies of two browsers in one header, as a sibling host can make it.
fn tossed(one: &Browser, two: &Browser) -> String {
    format!("{}; {}", one.cookie_header(), two.cookie_header())
}

pub(crate) async fn two_live_sessions_are_anonymous_and_may_change_nothing(adapter: Adapter) {
    let server = adapter.server().await;
    let (mut alice, mut mallory) = (server.alice().await, server.browser());
    mallory.get("/s/login?user=mallory").await.expect(200);
    let both = [tossed(&alice, &mallory), tossed(&mallory, &alice)];
    for line in &both {
        let answer = server.ask(Request::get("/user").header("cookie", line)).await;
        assert_eq!(answer.expect(200).without_cookie().text(), "nobody");
        let before = server.writes();
        for target in ["/s/add", "/s/login", "/s/logout"] {
            let post = Request::post(target).header("cookie", line);
            server.ask(post).await.expect(400).without_cookie();
        }
        assert_eq!(server.writes(), before);
    }
    assert_eq!(server.events.named("two live sessions in one request"), 8);
    assert_eq!(alice.text("/s/dump").await, "user=alice");
    assert_eq!(mallory.text("/s/dump").await, "user=mallory");
}

pub(crate) async fn a_dead_id_beside_a_live_one_does_not_matter(adapter: Adapter) {
    let server = adapter.server().await;
    let mut dead = server.alice().await;
    dead.get("/s/logout").await.expect(200);
    let live = server.alice().await;
    for line in [tossed(&dead, &live), tossed(&live, &dead)] {
        let post = Request::post("/s/add").header("cookie", line);
        server.ask(post).await.expect(200).without_cookie();
    }
    assert_eq!(live.clone().text("/s/dump").await, "n=2 user=alice");
}

pub(crate) async fn one_cookie_twice_is_one_session(adapter: Adapter) {
    let server = adapter.server().await;
    let alice = server.alice().await;
    let post = Request::post("/s/add").header("cookie", tossed(&alice, &alice));
    server.ask(post).await.expect(200);
    // As two header lines, too.
    let line = alice.cookie_header();
    let post = Request::post("/s/add").header("cookie", &line).header("cookie", &line);
    server.ask(post).await.expect(200);
    assert_eq!(alice.clone().text("/s/read").await, "2");
}

pub(crate) async fn a_nameless_cookie_is_not_ours(adapter: Adapter) {
    let server = adapter.server().await;
    let line = server.alice().await.cookie_header();
    for spoofed in [
        format!("={line}"),
        format!("x={line}"),
        format!("\u{2000}{line}"),
        line.replacen("__Host", "__host", 1),
        line.replacen("__Host", "__%48ost", 1),
        line.replacen('=', " =x", 1),
    ] {
        let answer = server.ask(Request::get("/user").header("cookie", &spoofed)).await;
        assert_eq!(answer.expect(200).text(), "nobody", "{spoofed}");
    }
}
