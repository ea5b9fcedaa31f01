//! A slot that moves from one master to another under load.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::Store;
use hardtack_testkit::faults::under_load;
use hardtack_testkit::load::Load;
use hardtack_testkit::records::user;

use super::connect;
use crate::cluster::owners;
use crate::wire::Value;
use crate::{Durability, RedisStore};
use hardtack_testkit::redis::{RedisCluster, RedisServer};

/// Takes a slot from one master to another, key by key.
pub(super) async fn move_slot(cluster: &RedisCluster, slot: u16, from: usize, to: usize) {
    let [from, to] = [from, to].map(|n| &cluster.masters()[n]);
    let (mut source, mut target) = (connect(from).await, connect(to).await);
    let id = |server: &RedisServer| {
        let answer = server.tell(&["CLUSTER", "MYID"]);
        answer.lines().nth(1).unwrap().to_owned()
    };
    let (from_id, to_id) = (id(from), id(to));
    let set = |state: &'static str, node: &str| {
        let mut cmd = redis::cmd("CLUSTER");
        cmd.arg("SETSLOT").arg(slot).arg(state).arg(node);
        cmd
    };
    set("IMPORTING", &from_id).exec_async(&mut target).await.unwrap();
    set("MIGRATING", &to_id).exec_async(&mut source).await.unwrap();
    loop {
        let mut some = redis::cmd("CLUSTER");
        some.arg("GETKEYSINSLOT").arg(slot).arg(10);
        let keys: Vec<Vec<u8>> = some.query_async(&mut source).await.unwrap();
        if keys.is_empty() {
            break;
        }
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(to.port()).arg("").arg(0).arg(5000);
        migrate.arg("KEYS").arg(keys).exec_async(&mut source).await.unwrap();
    }
    // The new owner first. Older news that is still on its way may undo it, so that all are
    // told until all say the same.
    let mut all = vec![target, source];
    let others =
        cluster.masters().iter().filter(|n| n.port() != from.port() && n.port() != to.port());
    for other in others {
        all.push(connect(other).await);
    }
    loop {
        let mut agree = true;
        for master in &mut all {
            set("NODE", &to_id).exec_async(master).await.unwrap();
        }
        for master in &mut all {
            let slots = redis::cmd("CLUSTER").arg("SLOTS").query_async(master).await.unwrap();
            let owners = owners("127.0.0.1", Value::of(slots).unwrap()).unwrap();
            let place = (0..=u8::MAX).position(|n| crate::key::slot(n) == slot).unwrap();
            agree &= owners[place].as_ref().is_some_and(|(_, port)| *port == to.port());
        }
        if agree {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_slot_that_moves_takes_nothing_with_it() {
    let cluster = RedisCluster::start();
    let store = RedisStore::open(&cluster.url(), Durability::Async).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let slot = crate::key::slot(crate::key::of_user(&user("ada")));
    let from = usize::from(slot) * 3 / 16384;
    let move_it = async |_: &Load| move_slot(&cluster, slot, from, (from + 1) % 3).await;
    let found = under_load("redis cluster", "a slot moves", &store, move_it, async || ()).await;
    found.nothing_is_lost();
}
