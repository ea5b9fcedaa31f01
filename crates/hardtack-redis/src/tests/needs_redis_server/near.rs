//! The near-cache: its laws on one server, and what is Redis's own about it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hardtack::session::Record;
use hardtack::session::store::{Loaded, Store};
use hardtack_testkit::near::{Place, warm};
use hardtack_testkit::records::{anonymous, locator, put};
use hardtack_testkit::redis::RedisServer;
use hardtack_testkit::store::Fixture;
use tokio::time::Instant;

use super::NOW;
use crate::{Durability, RedisStore};

const LAG: Duration = Duration::from_millis(100);

hardtack_testkit::store_suite!(near_cached, near_cached());

fn near_cached() -> Fixture {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let open = move || lagging(&url, Duration::from_millis(10));
    let reopen = open.clone();
    let store = Fixture::new(open()).keeping(server);
    store.reopened_by(move || std::future::ready(reopen()))
}

pub(super) fn lagging(url: &str, lag: Duration) -> RedisStore {
    let builder = RedisStore::builder(url, Durability::Async);
    builder.near_cache(8 << 20).near_lag(lag).open().unwrap()
}

hardtack_testkit::near_suite!(near_nodes, Nodes(RedisServer::start(&AOF)));

/// With which a server that is killed loses nothing.
const AOF: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

struct Nodes(RedisServer);

impl Place for Nodes {
    async fn open(&self, port: u16, lag: Option<Duration>) -> Arc<dyn Store> {
        let url = format!("redis://127.0.0.1:{port}");
        Arc::new(match lag {
            Some(lag) => lagging(&url, lag),
            None => RedisStore::open(&url, Durability::Async).unwrap(),
        })
    }

    fn port(&self) -> u16 {
        self.0.port()
    }

    fn signal(&self, signal: &str) {
        self.0.signal(signal);
    }

    fn restart(&mut self) {
        self.0.restart();
    }

    async fn cut(&self) {
        self.0.tell(&["CLIENT", "KILL", "TYPE", "normal"]);
    }
}

fn near(server: &RedisServer) -> RedisStore {
    lagging(&server.url(), LAG)
}

#[tokio::test]
async fn what_it_remembers_is_bounded_and_no_listener_outlives_its_store() {
    let server = RedisServer::start(&[]);
    let most = 1 << 20;
    let builder = RedisStore::builder(&server.url(), Durability::Async);
    let store = builder.near_cache(most).open().unwrap();
    let first = locator(None);
    put(&store, &first, &anonymous(NOW)).await;
    warm(&store, &first).await;
    let one = async || {
        let (key, record) = (locator(None), anonymous(NOW));
        put(&store, &key, &Record { data: vec![7; 1000].into(), ..record }).await;
        store.load(&key).await.unwrap();
    };
    join_all((0..3000).map(|_| one())).await;
    let bytes = store.0.near.as_ref().unwrap().bytes();
    assert!(bytes <= most && bytes > most / 2, "{bytes}");
    let listeners = || server.tell(&["CLIENT", "LIST"]).matches("resp=3").count();
    assert_eq!(listeners(), 1);
    drop(store);
    let began = Instant::now();
    while listeners() > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on asking");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Not only what stores write: keys that expire, or that somebody deletes.
#[tokio::test]
async fn what_the_server_drops_is_told_too() {
    let server = RedisServer::start(&[]);
    let store = near(&server);
    let near = store.0.near.as_ref().unwrap();
    for (what, before, drops) in [
        ("deleted", "", "redis.call('DEL', k)"),
        // It takes two seconds, in which the record is remembered again.
        ("expired", "redis.call('PEXPIRE', k, 2000)", ""),
        ("flushed", "", "redis.call('FLUSHALL')"),
    ] {
        let each = |call| format!("for _, k in ipairs(redis.call('KEYS', '*')) do {call} end");
        let key = locator(None);
        put(&store, &key, &anonymous(NOW)).await;
        server.tell(&["EVAL", &each(before), "0"]);
        warm(&store, &key).await;
        server.tell(&["EVAL", &each(drops), "0"]);
        let began = Instant::now();
        while near.bytes() > 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}, and still remembered");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(near.before(&key).is_some(), "the listener was lost");
        let load = store.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Unknown), "{what}: {load:?}");
    }
}
