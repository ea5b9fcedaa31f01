//! Loops: short ones, and at their full length under `HARDTACK_SOAK`.

use tokio::task::JoinSet;

use super::{Adapter, Request, soaking};

const CLIENTS: usize = 64;

/// How often: in full, or for a short run.
fn times(full: usize, short: usize) -> usize {
    if soaking() { full } else { short }
}

pub(crate) async fn a_logout_is_final_for_what_is_in_flight(adapter: Adapter) {
    let server = adapter.server().await;
    for run in 0..times(10_000, 200) {
        let gate = format!("run{run}");
        let mut browser = server.alice().await;
        let mut old = browser.clone();
        let read = browser.start(Request::get(format!("/s/read?gate={gate}"))).await;
        let write = browser.start(Request::get(format!("/s/add?gate={gate}"))).await;
        server.site.gate(&gate).arrived(2).await;
        browser.get("/s/logout").await.expect(200);
        server.site.gate(&gate).open();
        let answers = [
            read.answer().await.expect(200).without_cookie(),
            write.answer().await.expect(401).without_cookie(),
        ];
        for answer in &answers {
            browser.take(answer);
        }
        for one in [&mut browser, &mut old] {
            assert_eq!(one.text("/s/dump").await, "", "run {run}");
        }
        server.site.forget_gate(&gate);
    }
}

pub(crate) async fn a_logout_is_final_for_what_races_it(adapter: Adapter) {
    let server = adapter.server().await;
    let mut overtaken = 0;
    for run in 0..times(10_000, 200) {
        let gate = format!("run{run}");
        let mut browser = server.alice().await;
        let target = |act: &str| Request::get(format!("/s/{act}?gate={gate}"));
        let requests = [
            browser.start(target("add")).await,
            browser.start(target("logout")).await,
            browser.start(target("incslow")).await,
        ];
        server.site.gate(&gate).arrived(3).await;
        server.site.gate(&gate).open();
        let [add, logout, update] = requests;
        logout.answer().await.expect(200).with_the_sign_out_alone();
        for write in [add, update] {
            let answer = write.answer().await.without_cookie();
            assert!(matches!(answer.status, 200 | 401), "run {run}: {answer:?}");
            overtaken += usize::from(answer.status == 401);
        }
        assert_eq!(browser.text("/s/dump").await, "", "run {run}");
        server.site.forget_gate(&gate);
    }
    assert!(overtaken > 0, "a race that is always won is none");
}

/// Lets all clients ask for `target` in one session, each on a connection of its
/// own, and answers how many were answered 200 and what `n` is in the end.
async fn storm(adapter: &Adapter, target: &'static str) -> (usize, usize, usize) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    browser.get("/s/set?k=other&v=x").await.expect(200);
    let each = times(1000, 50);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let request = browser.dress(Request::get(target));
        let mut connection = server.connect().await;
        clients.spawn(async move {
            let mut counted = 0;
            for _ in 0..each {
                let answer = connection.ask(&request).await.expect("an answer");
                assert!(matches!(answer.status, 200 | 409), "{answer:?}");
                counted += usize::from(answer.without_cookie().status == 200);
            }
            counted
        });
    }
    let counted = clients.join_all().await.iter().sum();
    let n = browser.text("/s/read").await.parse().expect("a number");
    (CLIENTS * each, counted, n)
}

pub(crate) async fn no_addition_is_lost(adapter: Adapter) {
    let (asked, counted, n) = storm(&adapter, "/s/add").await;
    assert_eq!((counted, n), (asked, asked));
}

pub(crate) async fn no_slow_update_is_lost(adapter: Adapter) {
    let (asked, counted, n) = storm(&adapter, "/s/incslow").await;
    assert_eq!((counted, n), (asked, asked));
}

pub(crate) async fn of_get_then_set_every_200_counts_and_the_rest_is_409(adapter: Adapter) {
    let (asked, counted, n) = storm(&adapter, "/s/inc").await;
    assert_eq!(counted, n);
    assert!(0 < counted && counted <= asked);
}

pub(crate) async fn visits_without_a_cookie_write_nothing(adapter: Adapter) {
    const CONNECTIONS: usize = 8;
    let server = adapter.server().await;
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = server.connect().await;
        clients.spawn(async move {
            for _ in 0..times(1_000_000, 2000) / CONNECTIONS {
                let answer = connection.ask(&Request::get("/s/read")).await.expect("an answer");
                answer.expect(200).without_cookie();
            }
        });
    }
    clients.join_all().await;
    assert_eq!(server.writes(), 0);
    assert_eq!(server.store.calls(crate::Verb::Load), 0);
}
