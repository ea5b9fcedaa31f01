//! What needs the program redis-server.

mod access;
mod failover;
mod keeping;
mod laws;
mod memory;
mod near;
mod near_nodes;
mod near_replicas;
mod near_waits;
mod outages;
mod resharding;

use std::time::Duration;

use hardtack::session::Locator;
use hardtack::session::store::Store;
use hardtack_testkit::redis::RedisServer;
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::RedisStore;

const NOW: hardtack::time::UnixTime = hardtack_testkit::FakeClock::START;

async fn connect(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// Tries until the store answers again; how long that took.
async fn recovers(store: &RedisStore, key: &Locator) -> Duration {
    let began = Instant::now();
    loop {
        match store.load(key).await {
            Ok(_) => return began.elapsed(),
            Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
