//! Remember-me, and its theft.

use std::time::Duration;

use hardtack::session::{Cause, Kind};

use super::{Adapter, Browser, Request, Server};
use crate::Verb;

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// A server that remembers, and a browser that is.
async fn remembered(adapter: &Adapter) -> (Server, Browser) {
    let server = adapter.server_with(|b| b.remember(MONTH)).await;
    let mut browser = server.browser();
    browser.get("/s/login?user=alice&remember=1").await.expect(200);
    (server, browser)
}

pub(crate) async fn a_remembered_browser_is_signed_in_again_and_not_fresh(adapter: Adapter) {
    let (server, mut browser) = remembered(&adapter).await;
    assert_eq!(browser.text("/s/fresh").await, "true");
    for _ in 0..3 {
        browser.restart();
        let token = browser.cookie_header();
        assert_eq!(browser.names(), [server.cookie(Kind::Remember)]);
        server.pass(7 * 24 * 3600);
        let answer = browser.get("/user").await.expect(200);
        assert_eq!(answer.text(), "alice");
        assert_eq!(answer.set_cookies().len(), 2, "a session, and the token's next form");
        assert!(!browser.cookie_header().contains(&token));
        assert_eq!(browser.text("/s/fresh").await, "false");
    }
    // Within one session nothing more is exchanged.
    let before = server.store.calls(Verb::Insert);
    browser.get("/user").await.expect(200).without_cookie();
    assert_eq!(server.store.calls(Verb::Insert), before);
}

pub(crate) async fn a_stolen_token_ends_with_all_that_came_of_it(adapter: Adapter) {
    let (server, mut owner) = remembered(&adapter).await;
    owner.restart();
    let mut thief = owner.clone();
    assert_eq!(thief.text("/user").await, "alice", "who comes first is the user ...");
    thief.restart();
    assert_eq!(thief.text("/user").await, "alice");
    server.pass(11);
    owner.get("/user").await.expect(200).without_cookie();
    // ... until the other copy is used.
    assert_eq!(owner.text("/user").await, "nobody");
    assert_eq!(thief.text("/user").await, "nobody", "its session has ended");
    thief.restart();
    assert_eq!(thief.text("/user").await, "nobody", "and its token, too");
    assert!(server.events.named("renewed secret used again") >= 1);
    assert!(server.causes().await.contains(&Cause::Reuse));
}

pub(crate) async fn logout_ends_being_remembered(adapter: Adapter) {
    let (_server, mut browser) = remembered(&adapter).await;
    let mut copy = browser.clone();
    browser.restart();
    browser.get("/s/logout").await.expect(200);
    for one in [&mut browser, &mut copy] {
        assert_eq!(one.text("/user").await, "nobody");
        one.restart();
        assert_eq!(one.text("/user").await, "nobody");
    }
}

pub(crate) async fn an_exchange_whose_answer_was_lost_locks_nobody_out(adapter: Adapter) {
    let (server, mut browser) = remembered(&adapter).await;
    browser.restart();
    for _ in 0..3 {
        let lost = browser.start(Request::get("/user")).await.answer().await;
        assert_eq!(lost.expect(200).text(), "alice");
        server.pass(3600);
    }
    assert_eq!(browser.text("/user").await, "alice");
    assert_eq!(server.sessions.counts().reuse, 0);
}

pub(crate) async fn a_prefetch_exchanges_nothing(adapter: Adapter) {
    let (server, mut browser) = remembered(&adapter).await;
    browser.restart();
    let before = server.store.calls(Verb::Insert);
    let prefetch = Request::get("/user").header("sec-purpose", "prefetch");
    assert_eq!(browser.ask(prefetch).await.without_cookie().text(), "nobody");
    assert_eq!(server.store.calls(Verb::Insert), before);
    assert_eq!(browser.text("/user").await, "alice");
}

pub(crate) async fn two_live_sessions_are_not_decided_by_a_token(adapter: Adapter) {
    let (server, alice) = remembered(&adapter).await;
    let mut mallory = server.browser();
    mallory.get("/s/login?user=mallory").await.expect(200);
    let line = format!("{}; {}", mallory.cookie_header(), alice.cookie_header());
    let before = server.writes();
    let answer = server.ask(Request::get("/user").header("cookie", &line)).await;
    assert_eq!(answer.expect(200).without_cookie().text(), "nobody");
    let post = Request::post("/s/add").header("cookie", &line);
    server.ask(post).await.expect(400).without_cookie();
    assert_eq!(server.writes(), before);
}

pub(crate) async fn a_new_token_ends_the_one_before(adapter: Adapter) {
    let (_server, mut browser) = remembered(&adapter).await;
    let mut copy = browser.clone();
    browser.get("/s/login?user=alice&remember=1").await.expect(200);
    copy.restart();
    assert_eq!(copy.text("/user").await, "nobody");
    browser.restart();
    assert_eq!(browser.text("/user").await, "alice");
}

pub(crate) async fn another_users_login_ends_being_remembered(adapter: Adapter) {
    let (_server, mut browser) = remembered(&adapter).await;
    browser.get("/s/login?user=bob").await.expect(200);
    assert_eq!(browser.text("/user").await, "bob");
    browser.restart();
    assert_eq!(browser.text("/user").await, "nobody", "and not the user before");
}
