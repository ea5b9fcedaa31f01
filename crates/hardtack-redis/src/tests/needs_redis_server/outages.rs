//! Servers that are refused, hung, killed, full or replicas: what was answered
//! stays, nothing that ended comes back, and no outage is a logout.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::Cause;
use hardtack::session::store::{Admission, Ended, Loaded, Store, StoreErrorKind, Touch};
use hardtack_testkit::near::recovers;
use hardtack_testkit::records::{anonymous, locator, next, put, signed_in, user};
use tokio::time::Instant;

use super::NOW;
use crate::{Durability, RedisStore};
use hardtack_testkit::faults::{self, under_load};
use hardtack_testkit::load::Load;
use hardtack_testkit::proxy::Proxy;
use hardtack_testkit::redis::{RedisCluster, RedisServer};

fn store(server: &RedisServer) -> RedisStore {
    let builder = RedisStore::builder(&server.url(), Durability::Async);
    builder.deadline(Duration::from_millis(500)).open().unwrap()
}

#[tokio::test]
async fn a_server_that_refuses_is_an_error_and_is_used_again_when_it_is_back() {
    let server = safe_server();
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

fn safe_server() -> RedisServer {
    RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"])
}

/// What is true of any server on which `hurt` and `mend` do what they say.
async fn nothing_is_lost(
    fault: &str,
    server: &RedisServer,
    hurt: impl AsyncFnOnce(&Load),
    mend: impl AsyncFnOnce(),
) {
    let store: Arc<dyn Store> = Arc::new(store(server));
    under_load("redis", fault, &store, hurt, mend).await.nothing_is_lost();
}

#[tokio::test]
async fn a_killed_server_loses_nothing_that_was_answered() {
    let server = safe_server();
    for _ in 0..2 {
        let kill = async |_: &Load| server.signal("KILL");
        let restart = async || server.restart();
        nothing_is_lost("killed and started again", &server, kill, restart).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_under_load_loses_nothing() {
    let server = RedisServer::start(&[]);
    let stop = async |load: &Load| {
        server.signal("STOP");
        load.fails(8).await;
    };
    nothing_is_lost("hangs", &server, stop, async || server.signal("CONT")).await;
}

/// As a master that was replaced, until it is one again.
#[tokio::test]
async fn a_server_that_becomes_read_only_under_load_loses_nothing() {
    let server = RedisServer::start(&[]);
    let demote = async |load: &Load| {
        server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
        load.fails(8).await;
    };
    let promote = async || {
        server.tell(&["REPLICAOF", "NO", "ONE"]);
    };
    nothing_is_lost("becomes read-only", &server, demote, promote).await;
}

#[tokio::test]
async fn a_way_to_the_server_that_is_bad_loses_nothing() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::to(server.port()).await;
    let deadline = Duration::from_millis(500);
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let store = RedisStore::builder(&url, Durability::Async).deadline(deadline).open().unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    faults::connections_are_cut("redis", &store, &proxy).await;
    faults::calls_are_slow("redis", &store, &proxy, deadline).await;
}

#[tokio::test]
async fn a_master_of_a_cluster_that_hangs_under_load_loses_nothing() {
    let cluster = RedisCluster::start();
    let builder = RedisStore::builder(&cluster.url(), Durability::Async);
    let store = builder.deadline(Duration::from_millis(500)).open().unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let master = &cluster.masters()[0];
    let stop = async |load: &Load| {
        master.signal("STOP");
        load.fails(8).await;
    };
    let go_on = async || master.signal("CONT");
    let found = under_load("redis cluster", "a master hangs", &store, stop, go_on).await;
    found.nothing_is_lost();
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

/// One of several, each with a thread of its own, as some web servers have them.
#[test]
fn a_runtime_that_stands_still_does_not_hold_up_the_calls_of_another() {
    let server = RedisServer::start(&[]);
    let deadline = Duration::from_millis(200);
    let builder = RedisStore::builder(&server.url(), Durability::Async).deadline(deadline);
    let store = builder.open().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second, key) = (runtime(), runtime(), locator(None));
    // The connection is the first one's, and that is not run any more.
    first.block_on(async { store.load(&key).await }).unwrap();
    second.block_on(async {
        let late = tokio::time::timeout(Duration::from_secs(20), async { store.load(&key).await });
        let error = late.await.expect("it keeps the deadline").unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Timeout);
        // The next one has a connection of its own.
        assert!(matches!(store.load(&key).await.unwrap(), Loaded::Unknown));
    });
}
