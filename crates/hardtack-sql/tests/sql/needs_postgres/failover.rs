//! A server that is lost, and its standby that takes its place.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::Store;
use hardtack_sql::PostgresStore;
use hardtack_testkit::faults::under_load;
use hardtack_testkit::history::Callers;
use hardtack_testkit::load::Load;
use hardtack_testkit::near::recorded;

use super::{client, url};
use crate::server::{POSTGRES, Server};

/// A server that answers a write when its standby has it, too.
struct Pair {
    first: Server,
    standby: Server,
}

impl Pair {
    async fn start() -> Self {
        let first = Server::start(POSTGRES, "");
        let standby = first.standby();
        let admin = client(&url(first.port())).await;
        let follows = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
        while admin.query_one(follows, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Only here: the standby is to go on alone.
        admin.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let waits = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while admin.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { first, standby }
    }

    /// Whichever of the two may be written.
    fn url(&self) -> String {
        let (first, standby) = (self.first.port(), self.standby.port());
        format!("postgres://postgres@127.0.0.1:{first},127.0.0.1:{standby}/postgres")
    }

    async fn open(&self, near: Option<Duration>) -> Arc<dyn Store> {
        let builder = PostgresStore::builder(&self.url()).deadline(Duration::from_secs(1));
        Arc::new(match near {
            Some(lag) => builder.near_cache(8 << 20).near_lag(lag).open().await.unwrap(),
            None => builder.open().await.unwrap(),
        })
    }

    async fn promote(&self) {
        let standby = client(&url(self.standby.port())).await;
        standby.batch_execute("SELECT pg_promote()").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_the_loss_of_the_server() {
    let pair = Pair::start().await;
    let store = pair.open(None).await;
    let kill = async |load: &Load| {
        pair.first.signal("KILL");
        load.fails(8).await;
    };
    let engine = "postgres with a standby";
    let promote = async || pair.promote().await;
    let found = under_load(engine, "killed, standby takes over", &store, kill, promote).await;
    found.nothing_is_lost();
    assert!(found.errors > 0, "killed under load: {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nodes_are_answered_around_a_failover_can_be_put_in_an_order() {
    let (pair, lag) = (Pair::start().await, Duration::from_millis(40));
    let nodes = [pair.open(Some(lag)).await, pair.open(Some(lag)).await, pair.open(None).await];
    let failover = async |callers: &Callers| {
        pair.first.signal("KILL");
        callers.make(30).await;
        pair.promote().await;
    };
    recorded("a standby takes over", nodes, lag, failover).await;
}
