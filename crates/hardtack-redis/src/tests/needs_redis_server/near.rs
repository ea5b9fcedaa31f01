//! The near-cache: what a process remembers is used only while it is proven, and who
//! ends a session is answered when nobody uses it any more.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use hardtack::session::store::{
    Admission, Ended, Loaded, Relocated, Replaced, SessionLimit, Store, Touch, WhenFull,
};
use hardtack::session::{Cause, Locator, Record};
use hardtack_testkit::proxy::Proxy;
use hardtack_testkit::records::{anonymous, locator, next, put, signed_in, user};
use hardtack_testkit::redis::RedisServer;
use hardtack_testkit::store::Fixture;
use tokio::time::Instant;

use super::{NOW, recovers};
use crate::{Durability, RedisStore};

const LAG: Duration = Duration::from_millis(100);

hardtack_testkit::store_suite!(near_cached, near_cached());

fn near_cached() -> Fixture {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let open = move || lagging(&url, Duration::from_millis(10));
    let reopen = open.clone();
    let store = Fixture::new(open()).keeping(server);
    store.reopened_by(move || std::future::ready(reopen()))
}

pub(super) fn lagging(url: &str, lag: Duration) -> RedisStore {
    let builder = RedisStore::builder(url, Durability::Async);
    builder.near_cache(8 << 20).near_lag(lag).open().unwrap()
}

fn near(server: &RedisServer) -> RedisStore {
    lagging(&server.url(), LAG)
}

/// The answer that is there without asking the server.
pub(super) fn remembered(store: &RedisStore, key: &Locator) -> Option<Record> {
    match store.load(key).into_ready() {
        Ok(Ok(Loaded::Live(record))) => Some(record),
        Ok(other) => panic!("only live records are remembered, and not {other:?}"),
        Err(_) => None,
    }
}

/// Loads until the record is remembered.
pub(super) async fn warm(store: &RedisStore, key: &Locator) {
    let began = Instant::now();
    while remembered(store, key).is_none() {
        assert!(matches!(store.load(key).await.unwrap(), Loaded::Live(_)));
        assert!(began.elapsed() < Duration::from_secs(20), "it is never remembered");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn without_a_proof_nothing_remembered_is_used_and_with_one_it_is_again() {
    let server = RedisServer::start(&[]);
    let (store, key) = (near(&server), locator(None));
    put(&store, &key, &anonymous(NOW)).await;
    warm(&store, &key).await;
    server.signal("STOP");
    tokio::time::sleep(LAG).await;
    assert_eq!(remembered(&store, &key), None, "a server that is silent proves nothing");
    server.signal("CONT");
    warm(&store, &key).await;
    server.tell(&["CLIENT", "KILL", "TYPE", "normal"]);
    tokio::time::sleep(LAG).await;
    recovers(&store, &key).await;
    warm(&store, &key).await;
    server.signal("KILL");
    tokio::time::sleep(LAG).await;
    assert_eq!(remembered(&store, &key), None);
    store.load(&key).await.unwrap_err();
}

/// What is written while nobody tells is not known afterwards either.
#[tokio::test]
async fn a_connection_that_was_cut_takes_everything_with_it() {
    let server = RedisServer::start(&[]);
    let (a, b) = (near(&server), near(&server));
    for round in 0..5 {
        let (key, record) = (locator(None), anonymous(NOW));
        recovers(&a, &key).await;
        put(&a, &key, &record).await;
        recovers(&b, &key).await;
        warm(&b, &key).await;
        server.tell(&["CLIENT", "KILL", "TYPE", "normal"]);
        recovers(&a, &key).await;
        assert_eq!(a.end(&key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
        assert_eq!(remembered(&b, &key), None, "round {round}");
        recovers(&b, &key).await;
        let load = b.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Ended(Cause::Logout)), "round {round}: {load:?}");
    }
}

/// B hears nothing for longer than it may trust what it has.
#[tokio::test]
async fn an_end_is_final_for_a_process_that_is_told_late() {
    let server = RedisServer::start(&[]);
    let way = Proxy::to(server.port()).await;
    let (a, b) = (near(&server), lagging(&format!("redis://127.0.0.1:{}", way.port()), LAG));
    for round in 0..5 {
        let key = locator(None);
        put(&a, &key, &anonymous(NOW)).await;
        warm(&b, &key).await;
        // The proxy passes on nothing while a question is on its way.
        way.delay(10 * LAG);
        tokio::time::sleep(LAG / 4).await;
        assert_eq!(a.end(&key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
        assert_eq!(remembered(&b, &key), None, "round {round}");
        way.delay(Duration::ZERO);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_on_one_node_is_seen_by_another_at_once() {
    let server = RedisServer::start(&[]);
    let (a, b) = (near(&server), near(&server));
    let round = async || {
        let key = locator(None);
        put(&a, &key, &anonymous(NOW)).await;
        warm(&b, &key).await;
        assert_eq!(a.end(&key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
        let load = b.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Ended(Cause::Logout)), "{load:?}");
    };
    for _ in 0..20 {
        join_all((0..500).map(|_| round())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_that_begins_after_an_end_was_answered_finds_it_live() {
    let server = RedisServer::start(&[]);
    let (a, b) = (near(&server), near(&server));
    for _ in 0..20 {
        let key = locator(None);
        put(&a, &key, &anonymous(NOW)).await;
        warm(&b, &key).await;
        let (answered, b) = (std::sync::Arc::new(AtomicBool::new(false)), b.clone());
        let reader = tokio::spawn({
            let answered = answered.clone();
            async move {
                let mut hits = 0;
                loop {
                    let after = answered.load(SeqCst);
                    match b.load(&key).await.unwrap() {
                        Loaded::Live(_) => assert!(!after, "live after the end was answered"),
                        _ if after => return hits,
                        _ => {}
                    }
                    hits += 1;
                    tokio::task::yield_now().await;
                }
            }
        });
        a.end(&key, Cause::Logout, NOW).await.unwrap();
        answered.store(true, SeqCst);
        assert!(reader.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn raises_evictions_and_logins_end_what_others_remember() {
    let server = RedisServer::start(&[]);
    let (a, b, ada) = (near(&server), near(&server), user("ada"));
    let limit = SessionLimit::new(std::num::NonZeroU32::MIN, WhenFull::EndOldest);
    for round in 0..4 {
        let key = locator(Some(&ada));
        let epochs = a.epochs(Some(&ada)).await.unwrap();
        let record = Record { epochs, ..signed_in(&ada, NOW) };
        let (visit, visitor) = (locator(None), Record { epochs, ..anonymous(NOW) });
        let visitor = Record { epochs: a.epochs(None).await.unwrap(), ..visitor };
        put(&a, &key, &record).await;
        put(&a, &visit, &visitor).await;
        warm(&b, &key).await;
        warm(&b, &visit).await;
        let new = locator(Some(&ada));
        let key = match round {
            0 => {
                a.raise(Some(&ada), NOW).await.unwrap();
                key
            }
            1 => {
                a.raise(None, NOW).await.unwrap();
                key
            }
            2 => {
                let admission = Admission::at(NOW).limited(Some(limit));
                a.insert(&new, record, admission).await.unwrap();
                key
            }
            _ => {
                let moved = a.relocate(&visit, visitor.version, &new, record, Admission::at(NOW));
                assert_eq!(moved.await.unwrap(), Relocated::Ok);
                visit
            }
        };
        let load = b.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Ended(_)), "round {round}: {load:?}");
        a.raise(Some(&ada), NOW).await.unwrap();
    }
}

/// A conflict and a session that is not due send whoever asked back to the server.
#[tokio::test]
async fn who_is_told_that_it_is_behind_reads_the_newest() {
    let server = RedisServer::start(&[]);
    let way = Proxy::to(server.port()).await;
    let a = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let b = lagging(&format!("redis://127.0.0.1:{}", way.port()), Duration::from_millis(250));
    let (key, first) = (locator(None), anonymous(NOW));
    put(&a, &key, &first).await;
    warm(&b, &key).await;
    let second = next(&first, "second");
    a.replace(&key, first.version, second.clone()).await.unwrap();
    let replaced = b.replace(&key, first.version, next(&first, "late")).await.unwrap();
    assert_eq!(replaced, Replaced::Conflict);
    assert!(matches!(b.load(&key).await.unwrap(), Loaded::Live(r) if r == second));
    warm(&b, &key).await;
    let later = second.expires.saturating_add(LAG);
    a.touch(&[Touch::new(key, second.expires, later)]).await.unwrap();
    assert_eq!(b.end(&key, Cause::Idle, second.expires).await.unwrap(), Ended::NotDue);
    assert!(matches!(b.load(&key).await.unwrap(), Loaded::Live(r) if r.expires == later));
}

/// A load whose answer comes after a write of another node was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_load_that_races_a_write_never_brings_the_old_back() {
    let server = RedisServer::start(&[]);
    let (a, b, first) = (near(&server), near(&server), locator(None));
    put(&a, &first, &anonymous(NOW)).await;
    warm(&b, &first).await;
    for round in 0..20 {
        let race = async || {
            let (key, record) = (locator(None), anonymous(NOW));
            put(&a, &key, &record).await;
            let new = next(&record, "new");
            let task = {
                let b = b.clone();
                tokio::spawn(async move { join_all((0..8).map(|_| b.load(&key))).await })
            };
            a.replace(&key, record.version, new.clone()).await.unwrap();
            task.await.unwrap();
            (key, new)
        };
        let raced = join_all((0..100).map(|_| race())).await;
        tokio::time::sleep(LAG).await;
        for (key, new) in raced {
            let load = b.load(&key).await.unwrap();
            assert!(matches!(load, Loaded::Live(r) if r == new), "round {round}");
        }
    }
}

#[tokio::test]
async fn what_it_remembers_is_bounded_and_no_listener_outlives_its_store() {
    let server = RedisServer::start(&[]);
    let most = 1 << 20;
    let builder = RedisStore::builder(&server.url(), Durability::Async);
    let store = builder.near_cache(most).open().unwrap();
    let first = locator(None);
    put(&store, &first, &anonymous(NOW)).await;
    warm(&store, &first).await;
    let one = async || {
        let (key, record) = (locator(None), anonymous(NOW));
        put(&store, &key, &Record { data: vec![7; 1000].into(), ..record }).await;
        store.load(&key).await.unwrap();
    };
    join_all((0..3000).map(|_| one())).await;
    let bytes = store.0.near.as_ref().unwrap().bytes();
    assert!(bytes <= most && bytes > most / 2, "{bytes}");
    let listeners = || server.tell(&["CLIENT", "LIST"]).matches("resp=3").count();
    assert_eq!(listeners(), 1);
    drop(store);
    let began = Instant::now();
    while listeners() > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on asking");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Not only what stores write: keys that expire, or that somebody deletes.
#[tokio::test]
async fn what_the_server_drops_is_told_too() {
    let server = RedisServer::start(&[]);
    let store = near(&server);
    let near = store.0.near.as_ref().unwrap();
    for (what, before, drops) in [
        ("deleted", "", "redis.call('DEL', k)"),
        // It takes two seconds, in which the record is remembered again.
        ("expired", "redis.call('PEXPIRE', k, 2000)", ""),
        ("flushed", "", "redis.call('FLUSHALL')"),
    ] {
        let each = |call| format!("for _, k in ipairs(redis.call('KEYS', '*')) do {call} end");
        let key = locator(None);
        put(&store, &key, &anonymous(NOW)).await;
        server.tell(&["EVAL", &each(before), "0"]);
        warm(&store, &key).await;
        server.tell(&["EVAL", &each(drops), "0"]);
        let began = Instant::now();
        while near.bytes() > 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}, and still remembered");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(near.before(&key).is_some(), "the listener was lost");
        let load = store.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Unknown), "{what}: {load:?}");
    }
}
