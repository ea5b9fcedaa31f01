//! Near-caches where a replica may take the place of the master.

use std::time::Duration;

use hardtack::session::Cause;
use hardtack::session::store::{Loaded, Store};
use hardtack_testkit::near::{recovers, remembered, warm};
use hardtack_testkit::records::{anonymous, locator, put};
use hardtack_testkit::redis::RedisServer;
use tokio::time::Instant;

use super::NOW;
use super::failover::pair;
use crate::{Durability, RedisStore};

const LAG: Duration = Duration::from_millis(100);

fn near(url: &str, durability: Durability) -> RedisStore {
    RedisStore::builder(url, durability).near_cache(1 << 20).near_lag(LAG).open().unwrap()
}

fn watched(sentinel: &RedisServer) -> String {
    format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port())
}

#[tokio::test]
async fn what_was_remembered_of_a_master_is_forgotten_when_another_takes_its_place() {
    let (master, replica) = pair();
    let sentinel = RedisServer::sentinel(&master);
    while !sentinel.tell(&["SENTINEL", "REPLICAS", "main"]).contains(&replica.port().to_string()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let a = near(&watched(&sentinel), Durability::Async);
    let plain = RedisStore::open(&watched(&sentinel), Durability::Async).unwrap();
    let (key, later) = (locator(None), locator(None));
    put(&plain, &key, &anonymous(NOW)).await;
    warm(&a, &key).await;
    master.signal("KILL");
    recovers(&plain, &key).await;
    let load = plain.load(&key).await.unwrap();
    plain.end(&key, Cause::Logout, NOW).await.unwrap();
    assert_eq!(remembered(&a, &key), None, "{load:?}");
    recovers(&a, &key).await;
    put(&plain, &later, &anonymous(NOW)).await;
    warm(&a, &later).await;
    plain.end(&later, Cause::Logout, NOW).await.unwrap();
    assert_eq!(remembered(&a, &later), None);
}

/// The old master still runs, and thinks that it is one.
#[tokio::test]
async fn the_listener_follows_the_master_that_sentinels_name() {
    let (master, replica) = pair();
    let sentinel = RedisServer::sentinel(&master);
    let (a, key) = (near(&watched(&sentinel), Durability::Async), locator(None));
    put(&a, &key, &anonymous(NOW)).await;
    warm(&a, &key).await;
    let at_replica = RedisStore::open(&replica.url(), Durability::Async).unwrap();
    while !matches!(at_replica.load(&key).await.unwrap(), Loaded::Live(_)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sentinel.tell(&["SENTINEL", "REMOVE", "main"]);
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    let port = replica.port().to_string();
    sentinel.tell(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &port, "1"]);
    at_replica.end(&key, Cause::Logout, NOW).await.unwrap();
    let began = Instant::now();
    while !matches!(a.load(&key).await.unwrap(), Loaded::Ended(Cause::Logout)) {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on believing the old one");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_is_not_the_master_proves_nothing() {
    let (server, key) = (RedisServer::start(&[]), locator(None));
    let a = near(&server.url(), Durability::Async);
    put(&a, &key, &anonymous(NOW)).await;
    warm(&a, &key).await;
    server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
    tokio::time::sleep(LAG).await;
    assert_eq!(remembered(&a, &key), None);
}

/// As one does that another has replaced.
#[tokio::test]
async fn with_wait_a_master_whose_replicas_have_left_proves_nothing() {
    let ((master, replica), key) = (pair(), locator(None));
    let (a, b) = (near(&master.url(), Durability::Wait(1)), near(&master.url(), Durability::Async));
    put(&a, &key, &anonymous(NOW)).await;
    warm(&a, &key).await;
    warm(&b, &key).await;
    replica.signal("STOP");
    tokio::time::sleep(LAG).await;
    assert_eq!(remembered(&a, &key), None, "a replica that confirms nothing");
    // That is for `Wait` alone.
    warm(&b, &key).await;
    replica.signal("CONT");
    warm(&a, &key).await;
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    tokio::time::sleep(LAG).await;
    assert_eq!(remembered(&a, &key), None, "a replica that has become a master");
}
