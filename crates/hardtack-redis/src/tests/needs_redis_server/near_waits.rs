//! Whoever ends a session waits for those who remember it, with a near-cache or without.

use std::time::Duration;

use futures_util::future::join_all;
use hardtack::session::Cause;
use hardtack::session::store::{Loaded, Store};
use hardtack_testkit::near::{remembered, warm};
use hardtack_testkit::proxy::Proxy;
use hardtack_testkit::records::{anonymous, locator, put};
use hardtack_testkit::redis::RedisServer;

use super::NOW;
use super::near::lagging;
use crate::{Durability, RedisStore};

const LAG: Duration = Duration::from_millis(100);

fn through(way: &Proxy) -> String {
    format!("redis://127.0.0.1:{}", way.port())
}

/// Each has a prefix of its own, so that nobody has announced itself before. B hears
/// late, and A ends the session at some moment of its beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_near_cache_that_begins_while_a_session_ends_does_not_remember_it() {
    let server = RedisServer::start(&[]);
    let way = Proxy::to(server.port()).await;
    let open = |url: &str, prefix: &str| RedisStore::builder(url, Durability::Async).prefix(prefix);
    way.delay(LAG / 5);
    let round = async |n: u32| {
        let (key, prefix) = (locator(None), format!("{n}:"));
        let a = open(&server.url(), &prefix).open().unwrap();
        let b = open(&through(&way), &prefix).near_cache(1 << 20).near_lag(LAG).open().unwrap();
        put(&a, &key, &anonymous(NOW)).await;
        let ends = async {
            // The last ones however slow the machine is.
            if n < 36 {
                tokio::time::sleep(n * LAG / 10).await;
            } else {
                warm(&b, &key).await;
            }
            a.end(&key, Cause::Logout, NOW).await.unwrap();
            assert_eq!(remembered(&b, &key), None, "round {n}");
        };
        let loads = async {
            while matches!(b.load(&key).await.unwrap(), Loaded::Live(_)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::join!(ends, loads);
    };
    join_all((0..40).map(round)).await;
}

#[tokio::test]
async fn who_cannot_announce_itself_remembers_nothing() {
    let server = RedisServer::start(&[]);
    let (store, key) = (lagging(&server.url(), LAG), locator(None));
    put(&store, &key, &anonymous(NOW)).await;
    server.tell(&["ACL", "SETUSER", "default", "-pttl"]);
    for _ in 0..10 {
        assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
        assert_eq!(remembered(&store, &key), None);
        tokio::time::sleep(LAG / 10).await;
    }
    server.tell(&["ACL", "SETUSER", "default", "+pttl"]);
    warm(&store, &key).await;
}

#[tokio::test]
async fn the_greatest_lag_stands_as_long_as_somebody_has_it() {
    let server = RedisServer::start(&[]);
    let key = locator(None);
    let lag = crate::key::Keys::new("ht:");
    let lag = lag.index_of(&key, crate::key::Index::Lag);
    let lag = String::from_utf8(lag.as_ref().to_vec()).unwrap();
    let stands = || server.tell(&["GET", &lag]).lines().nth(1).map(str::to_owned);
    let small = lagging(&server.url(), LAG / 10);
    put(&small, &key, &anonymous(NOW)).await;
    warm(&small, &key).await;
    assert_eq!(stands().as_deref(), Some("10"));
    let great = lagging(&server.url(), LAG);
    warm(&great, &key).await;
    assert_eq!(stands().as_deref(), Some("100"));
    warm(&small, &key).await;
    assert_eq!(stands().as_deref(), Some("100"), "the smaller one has not replaced it");
    drop(great);
    server.tell(&["PEXPIRE", &lag, "1"]);
    while stands().as_deref() != Some("10") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    warm(&small, &key).await;
}
