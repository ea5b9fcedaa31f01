//! What time does to a session: idle time, lifetime, touches and renewals.

use std::time::Duration;

use hardtack::seal::{Key, KeyUsage};
use hardtack::session::{Cause, Kind};
use hardtack::time::UnixTime;

use super::{Adapter, Request};
use crate::{FakeClock, Verb};

const MINUTE: u64 = 60;

pub(crate) async fn idle_time_ends_a_session_and_activity_puts_that_off(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    for _ in 0..10 {
        server.pass(29 * MINUTE);
        assert_eq!(browser.text("/user").await, "alice");
        server.maintain().await;
    }
    server.pass(32 * MINUTE);
    let answer = browser.get("/user").await.expect(200).without_cookie();
    assert_eq!(answer.text(), "nobody");
    assert_eq!(browser.text("/s/ended").await, "idle");
    assert_eq!(server.causes().await, [Cause::Idle]);
}

pub(crate) async fn nothing_extends_the_lifetime(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    for _ in 0..12 * 3 - 1 {
        server.maintain().await;
        server.pass(20 * MINUTE);
        browser.get("/s/add").await.expect(200);
    }
    assert_eq!(browser.text("/user").await, "alice");
    server.maintain().await;
    server.pass(20 * MINUTE);
    assert_eq!(browser.text("/user").await, "nobody");
    assert_eq!(browser.text("/s/ended").await, "lifetime");
    assert_eq!(server.causes().await, [Cause::Lifetime]);
}

pub(crate) async fn reading_writes_nothing_but_a_touch_that_is_due(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let before = server.writes();
    for _ in 0..50 {
        browser.get("/s/read").await.expect(200).without_cookie();
    }
    server.maintain().await;
    assert_eq!(server.writes(), before);
    // Half a touch interval (a twentieth of the idle time) later one is due.
    server.pass(45);
    for _ in 0..50 {
        browser.get("/s/read").await.expect(200).without_cookie();
    }
    server.maintain().await;
    assert_eq!(server.sessions.counts().touches, 1);
    assert_eq!(server.writes(), before + 1);
    let (_, record) = server.only_record().await;
    assert_eq!(record.last_seen, server.sessions.now());
}

pub(crate) async fn a_prefetch_is_no_activity(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    server.pass(20 * MINUTE);
    let prefetch = Request::get("/user").header("sec-purpose", "prefetch;prerender");
    assert_eq!(browser.ask(prefetch).await.expect(200).text(), "alice");
    server.maintain().await;
    server.pass(12 * MINUTE);
    assert_eq!(browser.text("/user").await, "nobody");
}

pub(crate) async fn a_renewal_whose_answer_was_lost_locks_nobody_out(adapter: Adapter) {
    let server = adapter.server().await;
    let renewed = format!("{}2", server.cookie(Kind::User));
    let mut browser = server.alice().await;
    server.maintain().await;
    server.pass(25 * MINUTE);
    assert_eq!(browser.text("/user").await, "alice");
    for _ in 0..3 {
        server.maintain().await;
        server.pass(25 * MINUTE);
        // The answer with the new id never arrives.
        let lost = browser.start(Request::get("/user")).await.answer().await.expect(200);
        assert_eq!(lost.text(), "alice");
        assert_eq!(browser.cookie(&renewed), None);
    }
    let answer = browser.get("/s/add").await.expect(200);
    assert_eq!(answer.set_cookies().len(), 1, "each answer carries it until it has arrived");
    assert!(browser.cookie(&renewed).is_some());
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
    server.maintain().await;
    assert_eq!(server.sessions.counts().reuse, 0);
}

pub(crate) async fn parallel_requests_get_the_same_renewed_id(adapter: Adapter) {
    let server = adapter.server_with(|b| b.renew_after(Some(Duration::from_secs(60)))).await;
    let browser = server.alice().await;
    server.pass(61);
    let mut tabs = Vec::new();
    for target in ["/s/add?gate=go", "/s/read?gate=go", "/s/incslow?gate=go", "/s/read?gate=go"] {
        tabs.push((browser.clone(), browser.start(Request::get(target)).await));
    }
    server.site.gate("go").arrived(tabs.len()).await;
    server.site.gate("go").open();
    let mut ids = Vec::new();
    for (mut tab, request) in tabs {
        tab.take(&request.answer().await.expect(200));
        ids.push(tab.cookie_header());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one new id for all");
    assert_ne!(ids[0], browser.cookie_header());
    // Until it has been seen for 10 seconds both are good.
    let mut after = browser.clone();
    assert_eq!(after.text("/s/dump").await, "n=2 user=alice");
    assert_eq!(after.cookie_header(), ids[0]);
}

pub(crate) async fn a_renewed_id_used_again_ends_the_session(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let mut thief = browser.clone();
    browser.get("/s/renew").await.expect(200);
    assert_ne!(browser.cookie_header(), thief.cookie_header());
    assert_eq!(browser.text("/user").await, "alice");
    server.pass(9);
    assert_eq!(thief.clone().text("/user").await, "alice", "the grace for requests under way");
    server.pass(1);
    thief.get("/s/read").await.expect(200).without_cookie();
    assert_eq!(browser.text("/user").await, "nobody");
    assert_eq!(thief.text("/user").await, "nobody");
    assert_eq!(server.events.named("renewed secret used again"), 1);
    assert_eq!(server.causes().await, [Cause::Reuse]);
}

pub(crate) async fn a_request_that_outlasts_a_renewal_still_commits(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let slow = browser.start(Request::get("/s/add?gate=slow")).await;
    server.site.gate("slow").arrived(1).await;
    browser.get("/s/renew").await.expect(200);
    assert_eq!(browser.text("/s/read").await, "0");
    server.pass(11);
    server.site.gate("slow").open();
    slow.answer().await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
    assert_eq!(server.sessions.counts().reuse, 0);
}

pub(crate) async fn a_session_stays_signed_in_through_many_renewals(adapter: Adapter) {
    let server = adapter.server_with(|b| b.renew_after(Some(Duration::from_secs(60)))).await;
    let mut browser = server.alice().await;
    let mut ids = vec![browser.cookie_header()];
    for n in 1..=20 {
        server.pass(61);
        browser.get("/s/add").await.expect(200);
        assert!(!ids.contains(&browser.cookie_header()));
        ids.push(browser.cookie_header());
        assert_eq!(browser.text("/s/read").await, n.to_string());
    }
    let (handles, _) = server.only_record().await;
    assert_eq!(server.store.calls(Verb::Insert), 1, "all of them are {handles}");
}

pub(crate) async fn a_renewal_moves_a_session_to_the_key_that_seals(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    browser.get("/s/add").await.expect(200);
    let (old, new) = (server.keys.sealing().id(), Key::generate().expect("random bytes"));
    let id = new.id();
    server.keys.add(new).expect("room for a key");
    server.keys.promote(id).expect("a key of the ring");
    browser.get("/s/renew").await.expect(200);
    assert_eq!(browser.text("/s/read").await, "1");
    let usage = KeyUsage::counted(old, 0, UnixTime::from_millis(0));
    server.keys.retire(usage, server.sessions.now()).expect("nothing uses it any more");
    browser.get("/s/add").await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "n=2 user=alice");
}

pub(crate) async fn a_clock_that_is_set_back_logs_nobody_out(adapter: Adapter) {
    let server = adapter.server().await;
    server.pass(2 * 60 * MINUTE);
    let mut browser = server.alice().await;
    server.clock.set(FakeClock::START);
    for n in 1..3 {
        browser.get("/s/add").await.expect(200);
        assert_eq!(browser.text("/s/dump").await, format!("n={n} user=alice"));
        server.maintain().await;
    }
    server.pass(2 * 60 * MINUTE + 29 * MINUTE);
    assert_eq!(browser.text("/user").await, "alice");
}
