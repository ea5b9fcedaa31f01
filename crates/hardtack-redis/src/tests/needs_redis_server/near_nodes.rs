//! Nodes with near-caches on a cluster.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{Loaded, Store};
use hardtack::session::{Cause, Locator};
use hardtack_testkit::history::Callers;
use hardtack_testkit::near::{recorded, remembered, warm};
use hardtack_testkit::records::{anonymous, locator, put};
use hardtack_testkit::redis::RedisCluster;
use hardtack_testkit::store::{Fixture, block_on, run};
use hardtack_testkit::together;

use super::NOW;
use super::resharding::move_slot;
use crate::{Durability, RedisStore};

const LAG: Duration = Duration::from_millis(40);

fn node(url: &str, near: usize) -> RedisStore {
    let builder = RedisStore::builder(url, Durability::Async).near_cache(near).near_lag(LAG);
    builder.deadline(Duration::from_millis(500)).open().unwrap()
}

/// Two nodes that remember, and one that does not.
fn nodes(url: &str) -> [RedisStore; 3] {
    [node(url, 8 << 20), node(url, 8 << 20), node(url, 0)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nodes_are_answered_can_be_put_in_an_order_on_a_cluster() {
    let cluster = RedisCluster::start();
    let url = cluster.url();
    let master = &cluster.masters()[0];
    let hang = async |callers: &Callers| {
        master.signal("STOP");
        callers.make(30).await;
        master.signal("CONT");
    };
    let nodes = nodes(&url).map(|node| Arc::new(node) as Arc<dyn Store>);
    recorded("a master hangs", nodes, LAG, hang).await;
}

/// Each law on a cluster, with a near-cache.
#[test]
fn every_law_holds_on_a_cluster_with_a_near_cache() {
    let cluster = RedisCluster::start();
    together(run::ALL, |name, law| {
        let (url, prefix) = (cluster.url(), format!("{name}:"));
        let open = move || {
            let builder = RedisStore::builder(&url, Durability::Async).prefix(prefix.clone());
            builder.near_cache(8 << 20).near_lag(Duration::from_millis(10)).open().unwrap()
        };
        let reopen = open.clone();
        block_on(async move {
            let store = Fixture::new(open()).called("redis cluster");
            law(store.reopened_by(move || std::future::ready(reopen()))).await;
        });
    });
}

/// And keeps its keys, so that nobody is told of anything.
#[tokio::test]
async fn a_master_proves_nothing_for_a_slot_that_it_does_not_own_any_more() {
    let cluster = RedisCluster::start();
    let ([a, ..], key) = (nodes(&cluster.url()), locator(None));
    let slot_of = |key: &Locator| crate::key::slot(crate::key::of(key));
    let owner_of = |key: &Locator| usize::from(slot_of(key)) * 3 / 16384;
    let other = loop {
        let other = locator(None);
        if owner_of(&other) == owner_of(&key) && slot_of(&other) != slot_of(&key) {
            break other;
        }
    };
    put(&a, &key, &anonymous(NOW)).await;
    put(&a, &other, &anonymous(NOW)).await;
    warm(&a, &key).await;
    // The keys that say so are looked at twice in the beginning, and then seldom.
    tokio::time::sleep(2 * LAG).await;
    warm(&a, &key).await;
    let (slot, owner) = (slot_of(&key), &cluster.masters()[owner_of(&key)]);
    owner.tell(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    owner.tell(&["CLUSTER", "DELSLOTS", &slot.to_string()]);
    tokio::time::sleep(LAG).await;
    // It is heard, and proves what else it owns.
    warm(&a, &other).await;
    assert_eq!(remembered(&a, &key), None);
    owner.tell(&["CLUSTER", "ADDSLOTS", &slot.to_string()]);
    warm(&a, &key).await;
}

/// A slot goes to another master, while A remembers a session in it and asks nobody.
#[tokio::test]
async fn what_is_remembered_of_a_slot_does_not_outlive_its_move() {
    let cluster = RedisCluster::start();
    let [a, _, plain] = nodes(&cluster.url());
    for round in 0..3 {
        let key = locator(None);
        put(&plain, &key, &anonymous(NOW)).await;
        warm(&a, &key).await;
        let slot = crate::key::slot(crate::key::of(&key));
        let from = usize::from(slot) * 3 / 16384;
        move_slot(&cluster, slot, from, (from + 1) % 3).await;
        plain.end(&key, Cause::Logout, NOW).await.unwrap();
        assert_eq!(remembered(&a, &key), None, "round {round}");
        let load = a.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Ended(Cause::Logout)), "round {round}: {load:?}");
        // And there it is remembered again.
        let key = loop {
            let key = locator(None);
            if crate::key::slot(crate::key::of(&key)) == slot {
                break key;
            }
        };
        put(&plain, &key, &anonymous(NOW)).await;
        warm(&a, &key).await;
        plain.end(&key, Cause::Logout, NOW).await.unwrap();
        assert_eq!(remembered(&a, &key), None, "round {round}");
        move_slot(&cluster, slot, (from + 1) % 3, from).await;
    }
}
