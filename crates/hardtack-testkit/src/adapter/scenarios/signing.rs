//! Signing in and out, and several tabs at once.

use std::num::NonZeroU32;

use hardtack::session::store::WhenFull;
use hardtack::session::{Cause, Kind};

use super::{Adapter, Request};

pub(crate) async fn login_gives_a_new_id_and_ends_the_old_session(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let mut before = browser.clone();
    let (aid, sid) = (server.cookie(Kind::Anonymous), server.cookie(Kind::User));
    assert_eq!(browser.names(), [&aid]);
    browser.get("/s/login?user=alice").await.expect(200);
    assert_eq!(browser.names(), [&aid, &sid], "each kind has a cookie of its own name");
    assert_ne!(browser.cookie(&aid), browser.cookie(&sid));
    assert_eq!(browser.text("/user").await, "alice");
    assert_eq!(before.text("/s/dump").await, "", "the old id names nothing");
    let first = browser.clone();
    browser.get("/s/login?user=alice").await.expect(200);
    assert_ne!(browser.cookie(&sid), first.cookie(&sid), "at every login");
    assert_eq!(first.clone().text("/user").await, "nobody");
    assert_eq!(server.causes().await, [Cause::Replaced, Cause::Replaced]);
}

pub(crate) async fn login_takes_the_visitors_data_along_but_never_another_users(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    browser.get("/s/login?user=alice").await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
    browser.get("/s/login?user=alice").await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
    browser.get("/s/login?user=bob").await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "user=bob");
}

pub(crate) async fn both_writes_of_two_tabs_survive(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    for (gate, one, two, want) in [
        ("a", "/s/set?k=x&v=1&gate=a", "/s/set?k=y&v=2&gate=a", "x=\"1\" y=\"2\" user=alice"),
        ("b", "/s/add?k=n&gate=b", "/s/add?k=n&gate=b", "n=2 x=\"1\" y=\"2\" user=alice"),
        ("c", "/s/incslow?gate=c", "/s/incslow?gate=c", "n=4 x=\"1\" y=\"2\" user=alice"),
    ] {
        let tabs = [browser.start(Request::get(one)).await, browser.start(Request::get(two)).await];
        server.site.gate(gate).arrived(2).await;
        server.site.gate(gate).open();
        for tab in tabs {
            tab.answer().await.expect(200).without_cookie();
        }
        assert_eq!(browser.text("/s/dump").await, want);
    }
}

pub(crate) async fn a_set_that_read_an_older_value_is_409(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let slow = browser.start(Request::get("/s/inc?gate=slow")).await;
    server.site.gate("slow").arrived(1).await;
    assert_eq!(browser.text("/s/add").await, "ok");
    server.site.gate("slow").open();
    slow.answer().await.expect(409).without_cookie();
    assert_eq!(browser.text("/s/read").await, "2");
    assert_eq!(server.sessions.counts().clashes, 1);
}

pub(crate) async fn logout_ends_the_session_for_every_copy_of_its_cookie(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let mut copy = browser.clone();
    browser.get("/s/logout").await.expect(200);
    for one in [&mut browser, &mut copy] {
        assert_eq!(one.text("/user").await, "nobody");
        assert_eq!(one.text("/s/ended").await, "logout");
    }
    assert_eq!(server.causes().await, [Cause::Logout]);
}

pub(crate) async fn writes_after_a_logout_go_to_a_new_anonymous_session(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    browser.get("/s/add").await.expect(200);
    browser.get("/s/logout").await.expect(200);
    let old = browser.clone();
    let answer = browser.get("/s/add").await.expect(200);
    assert_eq!(answer.set_cookies().len(), 1);
    assert_eq!(browser.text("/s/dump").await, "n=1");
    let (aid, sid) = (server.cookie(Kind::Anonymous), server.cookie(Kind::User));
    assert_ne!(browser.cookie(&aid), old.cookie(&sid));
}

pub(crate) async fn a_write_that_comes_when_the_end_is_forgotten_is_401(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let write = browser.start(Request::get("/s/add?gate=write")).await;
    server.site.gate("write").arrived(1).await;
    browser.get("/s/logout").await.expect(200);
    server.maintain().await; // tells the end ...
    server.pass(120);
    server.maintain().await; // ... and forgets it
    server.site.gate("write").open();
    write.answer().await.expect(401).without_cookie();
    let answer = browser.get("/s/ended").await.expect(200).without_cookie();
    assert_eq!(answer.text(), "", "nobody knows any more");
}

pub(crate) async fn two_logins_at_once_both_stand(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let logins = [
        browser.start(Request::get("/s/login?check=go")).await,
        browser.start(Request::get("/s/login?check=go")).await,
    ];
    server.site.gate("go").arrived(2).await;
    server.site.gate("go").open();
    for login in logins {
        let answer = login.answer().await.expect(200);
        browser.take(&answer);
        assert_eq!(browser.text("/user").await, "alice");
    }
    assert_eq!(browser.text("/s/list").await, "2");
    assert_eq!(server.causes().await, [Cause::Replaced]);
}

pub(crate) async fn a_write_after_the_logout_of_the_same_request_is_a_visitors(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    browser.get("/s/add").await.expect(200);
    let answer = browser.get("/s/logout?add=1").await.expect(200);
    assert_eq!(answer.set_cookies().len(), 2, "the sign-out's and the visitor's: {answer:?}");
    assert_eq!(browser.text("/s/dump").await, "n=1");
    assert_eq!(browser.text("/user").await, "nobody");
}

pub(crate) async fn a_write_that_a_login_overtook_is_409(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let write = browser.start(Request::get("/s/add?gate=write")).await;
    server.site.gate("write").arrived(1).await;
    browser.get("/s/login").await.expect(200);
    server.site.gate("write").open();
    let late = write.answer().await.expect(409).without_cookie();
    browser.take(&late);
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
}

pub(crate) async fn a_late_answer_to_a_first_visit_does_not_overwrite_the_login(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    let visit = browser.start(Request::get("/s/add?gate=visit")).await;
    server.site.gate("visit").arrived(1).await;
    browser.get("/s/login").await.expect(200);
    server.site.gate("visit").open();
    let late = visit.answer().await.expect(200);
    assert_eq!(late.set_cookies().len(), 1, "it made a session of its own");
    browser.take(&late);
    assert_eq!(browser.text("/user").await, "alice");
}

pub(crate) async fn a_login_begun_before_everything_ended_is_401(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let login = server.browser().start(Request::get("/s/login?check=slow")).await;
    server.site.gate("slow").arrived(1).await;
    browser.get("/s/end_all").await.expect(200);
    server.site.gate("slow").open();
    login.answer().await.expect(401).without_cookie();
    browser.get("/s/login").await.expect(200);
    assert_eq!(browser.text("/user").await, "alice", "one that began later is fine");
}

pub(crate) async fn ending_the_others_leaves_this_one(adapter: Adapter) {
    let server = adapter.server().await;
    let (mut one, mut two, mut three) =
        (server.alice().await, server.alice().await, server.alice().await);
    assert_eq!(one.text("/s/list").await, "3");
    let held = two.start(Request::get("/s/add?gate=held")).await;
    server.site.gate("held").arrived(1).await;
    assert_eq!(one.text("/s/end_others").await, "2");
    server.site.gate("held").open();
    held.answer().await.expect(401).without_cookie();
    let users = [one.text("/user").await, two.text("/user").await, three.text("/user").await];
    assert_eq!(users, ["alice", "nobody", "nobody"]);
    assert_eq!(one.text("/s/list").await, "1");
    server.browser().get("/s/end_others").await.expect(401);
}

pub(crate) async fn ending_all_ends_this_one_too(adapter: Adapter) {
    let server = adapter.server().await;
    let (mut one, mut two) = (server.alice().await, server.alice().await);
    let mut bob = server.browser();
    bob.get("/s/login?user=bob").await.expect(200);
    one.get("/s/end_all").await.expect(200).with_the_sign_out_alone();
    let users = [one.text("/user").await, two.text("/user").await, bob.text("/user").await];
    assert_eq!(users, ["nobody", "nobody", "bob"]);
    assert_eq!(server.causes().await, [Cause::Revoked, Cause::Revoked]);
}

pub(crate) async fn forget_removes_the_cookies(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let mut copy = browser.clone();
    let answer = browser.get("/s/forget").await.expect(200);
    let all = server.sessions.cookie_names().count();
    assert_eq!(answer.set_cookies().len(), all);
    assert_eq!(browser.names(), Vec::<&str>::new());
    assert_eq!(copy.text("/user").await, "nobody", "and the session has ended");
}

pub(crate) async fn one_login_too_many_is_409_and_changes_nothing(adapter: Adapter) {
    let two = NonZeroU32::new(2).expect("two");
    let server = adapter.server_with(|b| b.sessions_per_user(two, WhenFull::Refuse)).await;
    let (mut one, _two) = (server.alice().await, server.alice().await);
    let mut visitor = server.visitor().await;
    visitor.get("/s/login").await.expect(409).without_cookie();
    assert_eq!(visitor.text("/s/dump").await, "n=1");
    visitor.get("/s/login?user=bob").await.expect(200);
    one.get("/s/login").await.expect(200);
    assert_eq!(one.text("/s/list").await, "2", "in place of one's own there is room");
}

pub(crate) async fn one_login_too_many_ends_the_oldest_where_so_configured(adapter: Adapter) {
    let two = NonZeroU32::new(2).expect("two");
    let server = adapter.server_with(|b| b.sessions_per_user(two, WhenFull::EndOldest)).await;
    let mut browsers = Vec::new();
    for _ in 0..3 {
        browsers.push(server.alice().await);
        server.pass(1);
    }
    let mut users = Vec::new();
    for browser in &mut browsers {
        users.push(browser.text("/user").await);
    }
    assert_eq!(users, ["nobody", "alice", "alice"]);
    assert_eq!(server.causes().await, [Cause::Evicted]);
}
