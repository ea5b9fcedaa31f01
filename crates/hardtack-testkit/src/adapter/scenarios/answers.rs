//! What a session does to the response.

use hardtack::session::Kind;

use super::{Adapter, Request};
use crate::Verb;

/// The value of the cookie that this line sets, and the rest of the line.
fn split<'a>(line: &'a str, name: &str) -> (&'a str, &'a str) {
    let rest = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    rest.and_then(|rest| rest.split_once("; ")).expect("name, value and attributes")
}

pub(crate) async fn set_cookie_is_exactly_this(adapter: Adapter) {
    let server =
        adapter.server_with(|b| b.remember(std::time::Duration::from_secs(30 * 24 * 3600))).await;
    let usual = "Path=/; Secure; HttpOnly; SameSite=Lax";
    let mut browser = server.browser();
    let answer = browser.get("/s/add").await.expect(200);
    let [line] = answer.set_cookies()[..] else { panic!("{answer:?}") };
    let (value, attributes) = split(line, "__Host-Http-aid");
    assert_eq!((value.len(), attributes), (96, usual));
    assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')));

    let answer = browser.get("/s/login?remember=1").await.expect(200);
    let [session, token] = answer.set_cookies()[..] else { panic!("{answer:?}") };
    assert_eq!(split(session, "__Host-Http-sid").1, usual);
    // 30 days after the fake clock's 17 March 2030.
    let lasting = format!("Expires=Tue, 16 Apr 2030 17:46:40 GMT; Max-Age=2592000; {usual}");
    assert_eq!(split(token, "__Host-Http-rem").1, lasting);

    let answer = browser.get("/s/forget").await.expect(200);
    let gone = format!("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; {usual}");
    for (line, kind) in answer.set_cookies().iter().zip(Kind::ALL) {
        assert_eq!(split(line, &server.cookie(kind)), ("", gone.as_str()));
    }
}

pub(crate) async fn a_session_that_is_not_used_leaves_no_trace(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let before = Verb::ALL.map(|verb| server.store.calls(verb))[..6].to_vec();
    for target in ["/ign", "/lazy/none"] {
        let answer = browser.get(target).await.expect(200).without_cookie();
        assert_eq!((answer.one("vary"), answer.one("cache-control")), (None, None));
    }
    assert_eq!(Verb::ALL.map(|verb| server.store.calls(verb))[..6], before);
}

pub(crate) async fn reading_never_creates_and_never_sets_a_cookie(adapter: Adapter) {
    let server = adapter.server().await;
    let mut stranger = server.browser();
    let (mut visitor, mut alice) = (server.visitor().await, server.alice().await);
    let before = server.writes();
    for browser in [&mut stranger, &mut visitor, &mut alice] {
        for target in ["/s/read", "/s/dump", "/user", "/lazy/read", "/s/flashes", "/s/ended"] {
            browser.get(target).await.expect(200).without_cookie();
        }
        let head = Request::new("HEAD", "/s/read");
        browser.ask(head).await.expect(200).without_cookie();
    }
    assert_eq!(server.writes(), before);
}

pub(crate) async fn a_lazy_session_is_loaded_when_it_is_asked_for(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let loads = server.store.calls(Verb::Load);
    browser.get("/lazy/none").await.expect(200);
    assert_eq!(server.store.calls(Verb::Load), loads);
    browser.get("/lazy/add").await.expect(200).without_cookie();
    assert_eq!(server.store.calls(Verb::Load), loads + 1);
    assert_eq!(browser.text("/lazy/read").await, "1");
}

pub(crate) async fn what_a_session_may_show_is_not_for_caches(adapter: Adapter) {
    let server = adapter.server().await;
    let (stranger, visitor, alice) =
        (server.browser(), server.visitor().await, server.alice().await);
    for (who, browser, target, want) in [
        ("stranger", &stranger, "/s/read", "private"),
        ("stranger", &stranger, "/user", "private"),
        ("stranger", &stranger, "/s/read?public", "private"),
        ("stranger", &stranger, "/s/read?status=404", "private"),
        ("stranger", &stranger, "/s/add", "no-store"),
        ("stranger", &stranger, "/s/add?public", "no-store"),
        ("visitor", &visitor, "/s/read", "private"),
        ("visitor", &visitor, "/s/add?public", "private"),
        ("visitor", &visitor, "/s/read?status=304", "private"),
        ("alice", &alice, "/s/read", "no-store"),
        ("alice", &alice, "/s/read?public", "no-store"),
        ("alice", &alice, "/s/read?status=500", "no-store"),
        ("alice", &alice, "/members", "no-store"),
        ("alice", &alice, "/stream/late?gate=open", "no-store"),
    ] {
        server.site.gate("open").open();
        let answer = browser.clone().get(target).await;
        assert_eq!(answer.one("cache-control"), Some(want), "{who} {target}: {answer:?}");
        assert_eq!(answer.one("vary"), Some("Cookie"), "{who} {target}: {answer:?}");
    }
}

pub(crate) async fn changes_are_committed_at_every_status(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let statuses = [200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 599];
    for (n, status) in (2..).zip(statuses) {
        browser.get(&format!("/s/add?status={status}")).await.expect(status).without_cookie();
        assert_eq!(browser.text("/s/read").await, n.to_string(), "after {status}");
    }
    for status in statuses {
        let answer = server.browser().get(&format!("/s/add?status={status}")).await.expect(status);
        assert_eq!(answer.set_cookies().len(), 1, "{status}");
    }
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = server.ask(Request::new(method, "/s/add")).await.expect(200);
        assert_eq!(answer.set_cookies().len(), 1, "{method}");
    }
}

pub(crate) async fn discarded_changes_are_not_committed(adapter: Adapter) {
    let server = adapter.server().await;
    let (mut stranger, mut visitor) = (server.browser(), server.visitor().await);
    let before = server.writes();
    for browser in [&mut stranger, &mut visitor] {
        browser.get("/s/discard").await.expect(200).without_cookie();
    }
    assert_eq!(server.writes(), before);
    assert_eq!(visitor.text("/s/read").await, "1");
}

pub(crate) async fn errors_are_plain_text_without_a_cookie(adapter: Adapter) {
    let server = adapter.server().await;
    for (target, status) in [
        ("/s/list", 401),             // nobody is signed in
        ("/s/renew", 401),            // there is no session
        ("/s/login?user=", 500),      // a user's id is not empty
        ("/s/login?remember=1", 500), // not set up
        ("/s/set?k=~flash&v=1", 500), // a name of ours
    ] {
        let answer = server.browser().get(target).await.expect(status).without_cookie();
        assert_eq!(answer.one("content-type"), Some("text/plain; charset=utf-8"), "{target}");
        assert_eq!(answer.one("cache-control"), Some("no-store"), "{target}");
        assert!(answer.body.len() > 10 && !answer.text().contains("flash"), "{target}");
    }
}

pub(crate) async fn flash_messages_are_shown_once(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    browser.get("/s/add").await.expect(200); // opens a session, which keeps them
    browser.get("/s/flash?v=saved").await.expect(200);
    browser.get("/s/flash?v=sent").await.expect(200);
    let prefetch = Request::get("/s/flashes").header("sec-purpose", "prefetch");
    assert_eq!(browser.ask(prefetch).await.expect(200).text(), "");
    let tabs = [
        browser.start(Request::get("/s/flashes?gate=go")).await,
        browser.start(Request::get("/s/flashes?gate=go")).await,
    ];
    server.site.gate("go").arrived(2).await;
    server.site.gate("go").open();
    let mut shown = Vec::new();
    for tab in tabs {
        shown.push(tab.answer().await.expect(200).text().to_owned());
    }
    shown.sort_unstable();
    assert_eq!(shown, ["", "saved,sent"], "by one of two tabs");
    assert_eq!(browser.text("/s/flashes").await, "");
}

pub(crate) async fn tokens_and_messages_of_visitors_open_no_session(adapter: Adapter) {
    let server = adapter.server().await;
    let (mut browser, mut other) = (server.browser(), server.browser());
    let answer = browser.get("/s/token?public=1").await.expect(200);
    assert_eq!(answer.one("cache-control"), Some("no-store"));
    let form = answer.text().to_owned();
    let other_form = other.text("/s/token").await;
    let again = browser.get("/s/token?public=1").await.expect(200).without_cookie();
    assert_eq!(again.one("cache-control"), Some("private"));
    for (token, accepted) in [(&*form, "true"), (again.text(), "true"), (&other_form, "false")] {
        let target = format!("/s/check?v={token}");
        assert_eq!(browser.text(&target).await, accepted);
        assert_eq!(server.browser().text(&target).await, "false", "without the cookie");
    }
    browser.get("/s/flash?v=sent").await.expect(200);
    let prefetch = Request::get("/s/flashes").header("sec-purpose", "prefetch");
    assert_eq!(browser.ask(prefetch).await.expect(200).text(), "");
    assert_eq!(browser.text("/s/flashes").await, "sent");
    assert_eq!(browser.text("/s/flashes").await, "");
    assert_eq!(server.site.sessions.counts().started, 0);
    browser.get("/s/login").await.expect(200);
    assert_eq!(browser.text(&format!("/s/check?v={form}")).await, "false", "of before the login");
}

pub(crate) async fn the_header_transport_needs_no_cookie(adapter: Adapter) {
    let name = "x-session";
    let server =
        adapter.server_with(|b| b.in_header(http::HeaderName::from_static("x-session"))).await;
    let answer = server.ask(Request::get("/s/login")).await.expect(200).without_cookie();
    let id = answer.one(name).expect("the id").to_owned();
    assert_eq!(answer.one("cache-control"), Some("no-store"));
    let answer = server.ask(Request::get("/user").header(name, &id)).await.expect(200);
    assert_eq!((answer.text(), answer.one(name)), ("alice", None));
    assert_eq!(answer.one("vary"), Some(name), "it differs with this header, not with cookies");
    let cookie = format!("__Host-Http-sid={id}; {name}={id}");
    let answer = server.ask(Request::get("/user").header("cookie", cookie)).await.expect(200);
    assert_eq!(answer.text(), "nobody");
    server.ask(Request::post("/s/logout").header(name, &id)).await.expect(200);
    let answer = server.ask(Request::get("/user").header(name, &id)).await.expect(200);
    assert_eq!(answer.text(), "nobody");
}

pub(crate) async fn data_beyond_the_bounds_is_refused_and_the_rest_stays(adapter: Adapter) {
    let server = adapter.server_with(|b| b.most_data(200, 3)).await;
    let mut browser = server.visitor().await;
    let large = format!("/s/set?k=large&v={}", "x".repeat(200));
    browser.get(&large).await.expect(500).without_cookie();
    for key in ["b", "c"] {
        browser.get(&format!("/s/add?k={key}")).await.expect(200);
    }
    browser.get("/s/add?k=d").await.expect(500);
    assert_eq!(browser.text("/s/dump").await, "b=1 c=1 n=1");
}
