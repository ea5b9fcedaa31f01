//! Servers that are refused, hung, killed, full or replicas: what was answered
//! stays, nothing that ended comes back, and no outage is a logout.

use std::time::Duration;

use hardtack::session::Cause;
use hardtack::session::store::{Admission, Ended, Loaded, Store, StoreErrorKind, Touch};
use hardtack_testkit::records::{anonymous, locator, next, put, signed_in, user};
use tokio::time::Instant;

use super::{NOW, load, recovers};
use crate::{Durability, RedisStore};
use hardtack_testkit::redis::RedisServer;

fn store(server: &RedisServer) -> RedisStore {
    let builder = RedisStore::builder(&server.url(), Durability::Async);
    builder.deadline(Duration::from_millis(500)).open().unwrap()
}

#[tokio::test]
async fn a_server_that_refuses_is_an_error_and_is_used_again_when_it_is_back() {
    let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (store, key, record) = (store(&server), locator(None), anonymous(NOW));
    put(&store, &key, &record).await;
    server.signal("KILL");
    for _ in 0..20 {
        let error = store.load(&key).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    }
    server.restart();
    recovers(&store, &key).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(r) if r == record));
}

#[tokio::test]
async fn a_hung_server_is_a_timeout_within_the_deadline_and_nobody_is_logged_out() {
    let server = RedisServer::start(&[]);
    let (store, key, record) = (store(&server), locator(None), anonymous(NOW));
    put(&store, &key, &record).await;
    server.signal("STOP");
    let began = Instant::now();
    let touch = [Touch::new(key, NOW, record.expires)];
    let (loaded, ended, touched, replaced) = tokio::join!(
        store.load(&key),
        store.end(&key, Cause::Idle, NOW),
        store.touch(&touch),
        store.replace(&key, record.version, next(&record, "late")),
    );
    let errors =
        [loaded.unwrap_err(), ended.unwrap_err(), touched.unwrap_err(), replaced.unwrap_err()];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error:?}");
    }
    // While the breaker is open callers do not wait at all.
    for _ in 0..200 {
        store.load(&key).await.unwrap_err();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.signal("CONT");
    recovers(&store, &key).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
}

#[tokio::test]
async fn a_killed_server_loses_nothing_that_was_answered() {
    let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server);
    let load = load(&store);
    for _ in 0..3 {
        load.makes(50).await;
        server.signal("KILL");
        server.restart();
        recovers(&store, &locator(None)).await;
    }
    let found = load.stop().await.look(&store).await;
    found.is_enough();
    assert_eq!((found.lost, found.revived, found.logged_out), (0, 0, 0));
}

#[tokio::test]
async fn a_replica_is_read_only_and_says_so() {
    let master = RedisServer::start(&[]);
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    let (store, key) = (store(&replica), locator(None));
    let error = store.insert(&key, anonymous(NOW), Admission::at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error:?}");
    let error = store.end(&key, Cause::Logout, NOW).await;
    assert_eq!(error.unwrap(), Ended::Before(None), "nothing was to be written");
}

#[tokio::test]
async fn a_full_server_refuses_new_sessions_and_ends_those_it_has() {
    let server = RedisServer::start(&[]);
    let ada = user("ada");
    let (store, key, record) = (store(&server), locator(Some(&ada)), signed_in(&ada, NOW));
    put(&store, &key, &record).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    let inserted = store.insert(&locator(None), anonymous(NOW), Admission::at(NOW)).await;
    assert_eq!(inserted.unwrap_err().kind(), StoreErrorKind::Full);
    let replaced = store.replace(&key, record.version, next(&record, "second")).await;
    assert_eq!(replaced.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(store.end(&key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Ended(Cause::Logout)));
    assert_eq!(store.undelivered(9).await.unwrap().len(), 1);
    store.delivered(&[key]).await.unwrap();
}
