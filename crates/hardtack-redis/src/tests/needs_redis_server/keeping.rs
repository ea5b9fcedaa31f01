//! What Redis keeps, for how long, and what is found of what it loses.

use hardtack::session::store::{Loaded, Store, TOMBSTONE_KEPT};
use hardtack::session::{Cause, Epochs, Kind, Locator, Record};
use hardtack::time::UnixTime;
use hardtack_testkit::records::{LIFETIME, anonymous, locator, next, put, signed_in, user};
use redis::aio::MultiplexedConnection;

use super::{NOW, connect};
use crate::{Durability, RedisStore};
use hardtack_testkit::redis::RedisServer;

const DAY: u64 = 24 * 60 * 60 * 1000;

async fn ttl(conn: &mut MultiplexedConnection, store: &RedisStore, key: &Locator) -> i64 {
    let mut cmd = redis::cmd("PTTL");
    cmd.arg(store.0.keys.record(key).as_ref()).query_async(conn).await.unwrap()
}

#[tokio::test]
async fn redis_drops_a_session_a_day_after_its_lifetime_and_an_end_never_before_it_is_told() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let mut conn = connect(&server).await;
    let (key, record) = (locator(None), anonymous(NOW));
    put(&store, &key, &record).await;
    let most = (LIFETIME.as_millis() as u64 + DAY) as i64;
    let near = |left: i64| left > most - 60_000 && left <= most;
    assert!(near(ttl(&mut conn, &store, &key).await));
    let second = next(&record, "second");
    store.replace(&key, record.version, second.clone()).await.unwrap();
    assert!(near(ttl(&mut conn, &store, &key).await), "a commit keeps it");
    let third = Record { dies: UnixTime::MAX, ..next(&second, "third") };
    store.replace(&key, second.version, third).await.unwrap();
    assert_eq!(ttl(&mut conn, &store, &key).await, -1, "for ever");
    store.end(&key, Cause::Logout, NOW).await.unwrap();
    assert_eq!(ttl(&mut conn, &store, &key).await, -1, "not told yet");
    store.delivered(&[key]).await.unwrap();
    let left = ttl(&mut conn, &store, &key).await;
    assert!(left > DAY as i64 - 60_000 && left <= DAY as i64, "{left}");
}

#[tokio::test]
async fn what_redis_lost_is_found_and_told() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let mut conn = connect(&server).await;
    let (ada, mut keys) = (user("ada"), Vec::new());
    for record in [anonymous(NOW), signed_in(&ada, NOW)] {
        let key = locator(record.user.as_ref());
        put(&store, &key, &record).await;
        let mut cmd = redis::cmd("DEL");
        cmd.arg(store.0.keys.record(&key).as_ref()).exec_async(&mut conn).await.unwrap();
        assert!(matches!(store.load(&key).await.unwrap(), Loaded::Unknown));
        keys.push((key, record.kind));
    }
    let over = NOW.saturating_add(LIFETIME);
    assert_eq!(store.sweep(over, 10).await.unwrap().ended, 2);
    let mut told = store.undelivered(10).await.unwrap();
    told.sort_unstable_by_key(|event| event.kind);
    let told: Vec<(Locator, Kind)> = told.iter().map(|event| (event.key, event.kind)).collect();
    assert_eq!(told, keys);
    assert!(matches!(store.load(&keys[0].0).await.unwrap(), Loaded::Ended(Cause::Lost)));
}

/// Everything of a store is gone when its sessions are and nobody is to be told.
#[tokio::test]
async fn nothing_is_left_behind() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let ada = user("ada");
    for _ in 0..50 {
        put(&store, &locator(Some(&ada)), &signed_in(&ada, NOW)).await;
        put(&store, &locator(None), &anonymous(NOW)).await;
    }
    let over = NOW.saturating_add(LIFETIME);
    while store.sweep(over, 1000).await.unwrap().more {}
    let told: Vec<_> = store.undelivered(1000).await.unwrap().iter().map(|e| e.key).collect();
    assert_eq!(told.len(), 100);
    store.delivered(&told).await.unwrap();
    let later = over.saturating_add(TOMBSTONE_KEPT);
    while store.sweep(later, 1000).await.unwrap().more {}
    let mut conn = connect(&server).await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut conn).await.unwrap();
    assert!(keys.iter().all(|key| key.ends_with("}g")), "{keys:?}");
}

#[tokio::test]
async fn scripts_that_a_server_forgot_are_told_again() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    for _ in 0..3 {
        let (key, record) = (locator(None), anonymous(NOW));
        put(&store, &key, &record).await;
        server.tell(&["SCRIPT", "FLUSH"]);
        store.replace(&key, record.version, next(&record, "second")).await.unwrap();
        store.touch(&[]).await.unwrap();
        store.sweep(NOW, 10).await.unwrap();
        server.tell(&["SCRIPT", "FLUSH"]);
    }
}

/// A raise that broke off in the middle is finished by the sweeper.
#[tokio::test]
async fn a_global_raise_that_broke_off_is_finished() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let (key, record) = (locator(None), anonymous(NOW));
    put(&store, &key, &record).await;
    let (_, counter) = store.0.keys.counter();
    let mut conn = connect(&server).await;
    redis::cmd("INCR").arg(counter.as_ref()).exec_async(&mut conn).await.unwrap();
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)), "it was not answered");
    while store.sweep(NOW, 10).await.unwrap().more {}
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Ended(Cause::Revoked)));
    assert_eq!(store.epochs(None).await.unwrap(), Epochs { user: 0, global: 1 });
}

/// After a failover the counter may be behind what partitions already have.
#[tokio::test]
async fn a_counter_that_fell_back_catches_up() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    for _ in 0..3 {
        store.raise(None, NOW).await.unwrap();
    }
    let (_, counter) = store.0.keys.counter();
    let mut conn = connect(&server).await;
    redis::cmd("SET").arg(counter.as_ref()).arg(1).exec_async(&mut conn).await.unwrap();
    while store.sweep(NOW, 10).await.unwrap().more {}
    assert_eq!(store.raise(None, NOW).await.unwrap(), 4);
}

#[tokio::test]
async fn the_clock_is_the_servers() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let first = store.clock().await.unwrap().unwrap();
    let second = store.clock().await.unwrap().unwrap();
    assert!(second >= first && second.since(first).as_secs() < 60, "{first:?} {second:?}");
}

#[tokio::test]
async fn a_sweep_has_been_everywhere_though_another_goes_on_beside_it() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    for _ in 0..64 {
        put(&store, &locator(None), &anonymous(NOW)).await;
    }
    let over = NOW.saturating_add(LIFETIME);
    let (early, late) = tokio::join!(store.sweep(NOW, 1000), store.sweep(over, 1000));
    assert_eq!((early.unwrap().ended, late.unwrap().ended), (0, 64));
}
