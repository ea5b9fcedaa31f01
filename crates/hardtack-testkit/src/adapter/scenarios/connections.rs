//! Clients that go, handlers that panic, and responses that go on.

use super::{Adapter, Connection, Request, Server};
use crate::{Fault, Gate, Verb};

/// A browser's request for a websocket.
fn websocket(origin: &str) -> Request {
    Request::get("/ws")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("origin", origin)
}

pub(crate) async fn a_handler_that_panics_commits_nothing(adapter: Adapter) {
    let server = adapter.server().await;
    let browser = server.visitor().await;
    let before = server.writes();
    for request in [browser.dress(Request::get("/s/panic")), Request::get("/s/panic")] {
        // Some servers close the connection, some answer 500.
        if let Some(answer) = server.connect().await.ask(&request).await {
            answer.expect(500).without_cookie();
        }
    }
    assert_eq!(server.writes(), before);
    assert_eq!(browser.clone().text("/s/read").await, "1");
}

pub(crate) async fn a_client_that_goes_before_the_commit_commits_nothing(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let before = server.writes();
    let requests = [
        browser.start(Request::get("/s/add?gate=handler")).await,
        server.browser().start(Request::get("/s/add?gate=handler")).await,
    ];
    server.site.gate("handler").arrived(2).await;
    for request in requests {
        request.hang_up().await;
    }
    server.site.gate("handler").open();
    assert_eq!(browser.text("/s/read").await, "1");
    assert_eq!(server.writes(), before);
}

/// Makes a request whose client goes while the store does `verb` for it, and lets
/// the store go on only after that.
async fn leave_during(server: &Server, browser: &super::Browser, verb: Verb, target: &str) {
    let gate = Gate::new();
    server.store.at(verb, 1, Fault::HeldBefore(gate.clone()));
    let request = browser.start(Request::get(target)).await;
    gate.arrived(1).await;
    request.hang_up().await;
    gate.open();
}

pub(crate) async fn a_client_that_goes_during_the_commit_does_not_stop_it(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    leave_during(&server, &browser, Verb::Replace, "/s/add").await;
    // A commit that is under way is one that the next is combined with.
    browser.get("/s/add").await.expect(200);
    assert_eq!(browser.text("/s/read").await, "3");
    leave_during(&server, &browser, Verb::Relocate, "/s/login").await;
    server.settle(|causes| causes == ["replaced"]).await;
    let mut alice = server.alice().await;
    assert_eq!(alice.text("/s/list").await, "2", "the login that nobody heard of, too");
    leave_during(&server, &alice, Verb::End, "/s/logout").await;
    server.settle(|causes| causes == ["replaced", "logout"]).await;
    assert_eq!(alice.text("/user").await, "nobody");
}

/// Sends a request for a stream and reads its head.
async fn streaming(server: &Server, request: &Request) -> (super::Response, Connection) {
    let mut connection = server.connect().await;
    connection.send(request).await;
    let head = connection.head().await.expect("a head").expect(200);
    (head, connection)
}

pub(crate) async fn a_streamed_head_leaves_after_the_commit(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    let (head, _connection) = streaming(&server, &Request::get("/stream/late")).await;
    assert_eq!(head.set_cookies().len(), 1);
    browser.take(&head);
    assert_eq!(browser.text("/s/read").await, "1", "while the body has not begun");

    server.store.every(Verb::Replace, Fault::Refused(hardtack::session::StoreErrorKind::Full));
    browser.get("/stream/late").await.expect(503).without_cookie();
}

pub(crate) async fn after_the_head_the_handle_is_closed(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    let request = browser.dress(Request::get("/stream/late?gate=body"));
    let (mut head, mut connection) = streaming(&server, &request).await;
    server.site.gate("body").open();
    connection.body(&mut head).await.expect("a body");
    assert_eq!(head.text(), "(Err(Closed), false)");
    assert_eq!(browser.text("/s/read").await, "2", "what came before the head stays");
}

pub(crate) async fn a_stream_may_go_on_with_the_live_session(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let request = browser.dress(Request::get("/stream/live?gate=first"));
    let (mut head, mut connection) = streaming(&server, &request).await;
    server.site.gate("first").open();
    connection.body(&mut head).await.expect("a body");
    assert_eq!(head.text(), "Ok(())");
    assert_eq!(browser.text("/s/read").await, "1");

    let request = browser.dress(Request::get("/stream/live?gate=second"));
    let (mut head, mut connection) = streaming(&server, &request).await;
    browser.get("/s/logout").await.expect(200);
    server.site.gate("second").open();
    connection.body(&mut head).await.expect("a body");
    assert_eq!(head.text(), "Err(Ended(Some(Logout)))");
}

pub(crate) async fn a_live_session_goes_on_through_renewals(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let waiting = browser.dress(Request::get("/stream/ended"));
    let (mut end, mut waits) = streaming(&server, &waiting).await;
    let writing = browser.dress(Request::get("/stream/live?gate=later"));
    let (mut head, mut connection) = streaming(&server, &writing).await;
    browser.get("/s/renew").await.expect(200);
    assert_eq!(browser.text("/user").await, "alice");
    // The old secret is dead for browsers. Who was let in with it is not.
    server.pass(11);
    server.maintain().await;
    server.site.gate("later").open();
    connection.body(&mut head).await.expect("a body");
    assert_eq!(head.text(), "Ok(())");
    for _ in 0..3 {
        browser.get("/s/renew").await.expect(200);
        assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
        server.pass(11);
        server.maintain().await;
    }
    assert_eq!(server.sessions.counts().reuse, 0);
    browser.get("/s/logout").await.expect(200);
    waits.body(&mut end).await.expect("a body");
    assert_eq!(end.text(), "logout");
}

pub(crate) async fn whoever_waits_for_the_end_is_told_at_the_logout(adapter: Adapter) {
    let server = adapter.server().await;
    for (end, cause) in
        [("/s/logout", "logout"), ("/s/end_all", "revoked"), ("/s/login", "replaced")]
    {
        let mut browser = server.alice().await;
        let request = browser.dress(Request::get("/stream/ended"));
        let (mut head, mut connection) = streaming(&server, &request).await;
        browser.get(end).await.expect(200);
        connection.body(&mut head).await.expect("a body");
        assert_eq!(head.text(), cause);
    }
}

pub(crate) async fn a_websocket_of_another_origin_is_403(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.visitor().await;
    for origin in
        ["http://evil.example", "null", &format!("http://{}.evil.example", server.address)]
    {
        let request = browser.dress(websocket(origin));
        server.ask(request).await.expect(403).without_cookie();
    }
    assert_eq!(browser.text("/s/read").await, "1");
}

pub(crate) async fn a_websocket_is_accepted_after_the_commit(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    let origin = format!("http://{}", server.address);
    let mut connection = server.connect().await;
    connection.send(&browser.dress(websocket(&origin))).await;
    let head = connection.head().await.expect("a head").expect(101);
    assert_eq!(head.set_cookies().len(), 1);
    browser.take(&head);
    assert_eq!(browser.text("/s/read").await, "1");
}
