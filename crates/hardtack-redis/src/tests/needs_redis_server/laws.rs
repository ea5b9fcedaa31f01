//! The laws of every store.

use hardtack_testkit::redis::{RedisCluster, RedisServer};
use hardtack_testkit::store::{Fixture, block_on, run};
use hardtack_testkit::together;

use crate::{Durability, RedisStore};

hardtack_testkit::store_suite!(on_one_server, on_one_server());

fn on_one_server() -> Fixture {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let open = move || RedisStore::open(&url, Durability::Async).unwrap();
    let reopen = open.clone();
    let store = Fixture::new(open()).limited(LIMITS).keeping(server);
    store.reopened_by(move || std::future::ready(reopen()))
}

/// The laws that `Durability::Async` keeps as far as its master lives on.
const LIMITS: &[usize] = &[2, 3];

/// A cluster takes seconds to form, so all laws share one, each with its prefix.
#[test]
fn every_law_holds_on_a_cluster() {
    let cluster = RedisCluster::start();
    together(run::ALL, |name, law| {
        let (url, prefix) = (cluster.url(), format!("{name}:"));
        let open = move || {
            RedisStore::builder(&url, Durability::Async).prefix(prefix.clone()).open().unwrap()
        };
        let reopen = open.clone();
        block_on(async move {
            let store = Fixture::new(open()).called("redis cluster").limited(LIMITS);
            law(store.reopened_by(move || std::future::ready(reopen()))).await;
        });
    });
}
