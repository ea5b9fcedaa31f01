//! A master that is lost, and a replica that takes its place.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::Cause;
use hardtack::session::store::{Admission, Ended, Inserted, Loaded, Store, StoreErrorKind};
use hardtack_testkit::records::{anonymous, locator, put, signed_in, user};

use super::NOW;
use crate::{Durability, RedisStore};
use hardtack_testkit::faults::under_load;
use hardtack_testkit::load::{Found, Load};
use hardtack_testkit::redis::RedisServer;

/// A master and its replica, in step.
pub(super) fn pair() -> (RedisServer, RedisServer) {
    let quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
    let master = RedisServer::start(&quick);
    let port = master.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    // Confirmed once: before that nothing waits for it.
    let is_in_step = |info: &str| info.contains("state=online") && !info.contains(",offset=0,");
    while !is_in_step(&master.tell(&["INFO", "replication"])) {
        std::thread::sleep(Duration::from_millis(10));
    }
    (master, replica)
}

/// What comes out is printed: with `Async` the losses are what they are.
async fn failover(durability: Durability) -> Found {
    let (master, replica) = pair();
    let sentinel = RedisServer::sentinel(&master);
    while !sentinel.tell(&["SENTINEL", "REPLICAS", "main"]).contains(&replica.port().to_string()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&url, durability).unwrap());
    let engine = format!("redis with a replica, {durability:?}");
    let kill = async |_: &Load| master.signal("KILL");
    let found =
        under_load(&engine, "master killed, replica takes over", &store, kill, async || ()).await;
    eprintln!("{durability:?}: {found:?}");
    found.is_enough();
    found
}

#[tokio::test]
async fn what_a_replica_confirmed_survives_the_loss_of_the_master() {
    let found = failover(Durability::Wait(1)).await;
    assert_eq!((found.revived, found.logged_out), (0, 0), "ends and logins");
}

#[tokio::test]
async fn without_waiting_a_failover_is_served_by_the_new_master() {
    failover(Durability::Async).await;
}

#[tokio::test]
async fn too_few_replicas_are_an_error_and_not_a_logout() {
    let (master, replica) = pair();
    let builder = RedisStore::builder(&master.url(), Durability::Wait(1));
    let store = builder.deadline(Duration::from_millis(300)).open().unwrap();
    let ada = user("ada");
    let (first, second) = (locator(Some(&ada)), locator(Some(&ada)));
    let admission = Admission::at(NOW);
    let inserted = store.insert(&first, signed_in(&ada, NOW), admission).await;
    assert_eq!(inserted.unwrap(), Inserted::Ok);
    replica.signal("STOP");
    let error = store.insert(&second, signed_in(&ada, NOW), admission).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    let error = store.end(&first, Cause::Logout, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    // Done on the master; but asking again does not make it final either.
    let error = store.end(&first, Cause::Logout, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    store.raise(Some(&ada), NOW).await.unwrap_err();
    store.raise(None, NOW).await.unwrap_err();
    let anonymous = store.insert(&locator(None), anonymous(NOW), admission).await;
    assert_eq!(anonymous.unwrap(), Inserted::Outdated, "the raise was done, if not confirmed");
    replica.signal("CONT");
    let ended = store.end(&first, Cause::Logout, NOW).await;
    assert_eq!(ended.unwrap(), Ended::Before(Some(Cause::Logout)));
}

/// What waits for a replica holds up what comes after it, until that is too late as
/// well. It says nothing of the server itself.
#[tokio::test]
async fn loads_are_answered_while_replicas_are_missing() {
    let (master, replica) = pair();
    let builder = RedisStore::builder(&master.url(), Durability::Wait(1));
    let store = builder.deadline(Duration::from_millis(300)).open().unwrap();
    let (ada, key) = (user("ada"), locator(Some(&user("ada"))));
    put(&store, &key, &signed_in(&ada, NOW)).await;
    replica.signal("STOP");
    let insert = async || {
        let key = locator(Some(&ada));
        store.insert(&key, signed_in(&ada, NOW), Admission::at(NOW)).await.unwrap_err();
    };
    futures_util::future::join_all((0..40).map(|_| insert())).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
    replica.signal("CONT");
}
