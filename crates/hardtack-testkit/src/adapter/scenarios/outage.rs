//! A store that is down, slow, or whose answers get lost.

use std::time::Duration;

use hardtack::session::StoreErrorKind::{Timeout, Unavailable};

use super::{Adapter, Browser, Request, Response, Server};
use crate::{Fault, Gate, Verb};

/// A deadline that is worth waiting for.
const SOON: Duration = Duration::from_millis(200);

/// A 503 as it must be.
#[track_caller]
fn unavailable(response: Response) {
    let response = response.expect(503).without_cookie();
    let seconds = response.one("retry-after").and_then(|after| after.parse::<u32>().ok());
    assert!(seconds.is_some_and(|s| s > 0), "{response:?}");
    assert_eq!(response.one("cache-control"), Some("no-store"));
}

pub(crate) async fn a_store_that_is_down_is_503_and_nobody_is_logged_out(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let cookies = browser.cookie_header();
    server.store.down();
    for target in ["/s/read", "/s/add", "/user", "/members", "/lazy/read", "/stream/late", "/both"]
    {
        unavailable(browser.get(target).await);
    }
    for target in ["/ign", "/lazy/none"] {
        browser.get(target).await.expect(200).without_cookie();
    }
    server.store.heal();
    assert_eq!(browser.text("/user").await, "alice");
    assert_eq!(browser.cookie_header(), cookies);

    // Down between the load and the commit.
    let held = browser.start(Request::get("/s/add?gate=held")).await;
    server.site.gate("held").arrived(1).await;
    server.store.down();
    server.site.gate("held").open();
    unavailable(held.answer().await);
    server.store.heal();
    assert_eq!(browser.text("/s/dump").await, "user=alice");
}

pub(crate) async fn whoever_has_no_session_is_served_without_the_store(adapter: Adapter) {
    let server = adapter.server().await;
    let mut stranger = server.browser();
    let mut forger = server.browser();
    forger.set_cookie(&server.cookie(hardtack::session::Kind::User), &"A".repeat(96));
    server.store.down();
    for browser in [&mut stranger, &mut forger] {
        for target in ["/ign", "/s/read", "/lazy/read", "/user"] {
            browser.get(target).await.expect(200).without_cookie();
        }
        // Something to keep is something to write.
        unavailable(browser.get("/s/add").await);
    }
}

pub(crate) async fn a_login_without_a_store_is_503(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    for verb in [Verb::Epochs, Verb::Relocate] {
        server.store.every(verb, Fault::Refused(Unavailable));
        unavailable(browser.get("/s/login").await);
        server.store.heal();
        assert_eq!(browser.text("/s/dump").await, "n=1");
    }
    browser.get("/s/login").await.expect(200);
}

pub(crate) async fn a_store_that_hangs_is_503_at_the_deadline(adapter: Adapter) {
    let server = adapter.server_with(|b| b.deadline(SOON)).await;
    let mut browser = server.alice().await;
    for verb in [Verb::Load, Verb::Replace] {
        let never = Gate::new();
        server.store.every(verb, Fault::HeldBefore(never.clone()));
        unavailable(browser.get("/s/add").await);
        server.browser().get("/s/read").await.expect(200);
        server.store.heal();
    }
    assert_eq!(browser.text("/s/dump").await, "user=alice");
}

pub(crate) async fn a_logout_that_the_store_did_not_hear_is_503(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    server.store.at(Verb::End, 1, Fault::Refused(Unavailable));
    unavailable(browser.get("/s/logout").await);
    assert_eq!(browser.text("/user").await, "alice", "it must not look like one");
    browser.get("/s/logout").await.expect(200);
    assert_eq!(browser.text("/user").await, "nobody");
}

/// Adds once with this fault in the way, and answers what `n` is then.
async fn add_through(server: &Server, browser: &mut Browser, verb: Verb, fault: Fault) -> String {
    server.store.at(verb, 1, fault);
    browser.get("/s/add").await.expect(200);
    browser.text("/s/read").await
}

pub(crate) async fn a_commit_whose_answer_was_lost_counts_once(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    for (kind, n) in [(Timeout, "2"), (Unavailable, "3")] {
        let fault = Fault::Lost(kind);
        assert_eq!(add_through(&server, &mut browser, Verb::Replace, fault).await, n);
    }
    assert_eq!(server.sessions.counts().unknown_outcomes, 2);
}

pub(crate) async fn a_commit_that_did_not_happen_is_tried_again(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let fault = Fault::Refused(Timeout);
    assert_eq!(add_through(&server, &mut browser, Verb::Replace, fault).await, "2");
}

pub(crate) async fn a_commit_whose_answer_never_came_counts_once(adapter: Adapter) {
    let server = adapter.server_with(|b| b.deadline(SOON)).await;
    let mut browser = server.visitor().await;
    let fault = Fault::HeldAfter(Gate::new());
    assert_eq!(add_through(&server, &mut browser, Verb::Replace, fault).await, "2");
}

pub(crate) async fn a_creation_whose_answer_was_lost_is_one_session(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    let fault = Fault::Lost(Timeout);
    assert_eq!(add_through(&server, &mut browser, Verb::Insert, fault).await, "1");
    server.only_record().await;
}

pub(crate) async fn a_login_whose_answer_was_lost_is_one_session(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    server.store.at(Verb::Relocate, 1, Fault::Lost(Timeout));
    browser.get("/s/login").await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
    server.only_record().await;
}
