//! The laws of every store.

use crate::{Durability, RedisStore};
use hardtack_testkit::store::Fixture;

use crate::tests::server::Server;

hardtack_testkit::store_suite!(on_one_server, on_one_server());

fn on_one_server() -> Fixture {
    let server = Server::start(&[]);
    let url = server.url();
    let open = move || RedisStore::open(&url, Durability::Async).unwrap();
    let reopen = open.clone();
    Fixture::new(open()).reopened_by(move || std::future::ready(reopen())).keeping(server)
}
