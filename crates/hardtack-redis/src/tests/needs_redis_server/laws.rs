//! The laws of every store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use hardtack_testkit::store::{Fixture, block_on, run};

use crate::{Durability, RedisStore};
use hardtack_testkit::redis::{RedisCluster, RedisServer};

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
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((name, law)) = run::ALL.get(next.fetch_add(1, SeqCst)) {
                    let url = cluster.url();
                    let open = move || {
                        let builder = RedisStore::builder(&url, Durability::Async);
                        builder.prefix(format!("{name}:")).open().unwrap()
                    };
                    let reopen = open.clone();
                    let test = move || {
                        block_on(async move {
                            let store =
                                Fixture::new(open()).called("redis cluster").limited(LIMITS);
                            law(store.reopened_by(move || std::future::ready(reopen()))).await;
                        });
                    };
                    if catch_unwind(AssertUnwindSafe(test)).is_err() {
                        failed.lock().unwrap().push(*name);
                    }
                }
            });
        }
    });
    assert_eq!(failed.into_inner().unwrap(), [""; 0]);
}
