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
mod sharing;

use hardtack_testkit::redis::RedisServer;
use redis::aio::MultiplexedConnection;

const NOW: hardtack::time::UnixTime = hardtack_testkit::FakeClock::START;

async fn connect(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}
