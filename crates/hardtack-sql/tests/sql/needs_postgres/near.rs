//! The near-cache: what is PostgreSQL's own about it.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{Ended, Loaded, Store};
use hardtack::session::{Cause, Locator};
use hardtack_sql::PostgresStore;
use hardtack_testkit::FakeClock;
use hardtack_testkit::near::{Place, remembered, warm};
use hardtack_testkit::records::{anonymous, locator, put};
use hardtack_testkit::store::Fixture;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use super::{client, quick};
use crate::server::{self, POSTGRES, Server};

const LAG: Duration = Duration::from_millis(40);
const NOW: hardtack::time::UnixTime = FakeClock::START;

hardtack_testkit::store_suite!(near_cached, near_cached().await);

async fn near_cached() -> Fixture {
    let url = server::database(POSTGRES);
    let builder = move || quick(&url).near_cache(8 << 20).near_lag(Duration::from_millis(10));
    let store = builder().open().await.unwrap();
    let reopen = move || {
        let builder = builder();
        async move { builder.migrate(false).open().await.unwrap() }
    };
    Fixture::new(store).reopened_by(reopen)
}

hardtack_testkit::near_suite!(near_nodes, Nodes::start().await);

/// A server, and an administrator's connection to it for each cut.
struct Nodes(Server);

impl Nodes {
    async fn start() -> Self {
        let server = Server::start(POSTGRES, "");
        plain(&super::url(server.port())).await;
        Self(server)
    }
}

impl Place for Nodes {
    async fn open(&self, port: u16, lag: Option<Duration>) -> Arc<dyn Store> {
        let builder = quick(&super::url(port)).migrate(false).deadline(Duration::from_secs(1));
        Arc::new(match lag {
            Some(lag) => builder.near_cache(8 << 20).near_lag(lag).open().await.unwrap(),
            None => builder.open().await.unwrap(),
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
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'hardtack'";
        client(&super::url(self.0.port())).await.batch_execute(sql).await.unwrap();
    }
}

async fn near(url: &str, lag: Duration) -> PostgresStore {
    quick(url).near_cache(8 << 20).near_lag(lag).open().await.unwrap()
}

async fn plain(url: &str) -> PostgresStore {
    quick(url).open().await.unwrap()
}

/// Loads for a while, and the record is not remembered.
async fn stays_unknown(store: &PostgresStore, key: &Locator) -> bool {
    let began = Instant::now();
    while began.elapsed() < 10 * LAG {
        assert!(matches!(store.load(key).await.unwrap(), Loaded::Live(_)));
        if remembered(store, key).is_some() {
            return false;
        }
        sleep(Duration::from_millis(1)).await;
    }
    true
}

/// Waits until the record is not remembered any more.
async fn forgets(store: &PostgresStore, key: &Locator, why: &str) {
    let began = Instant::now();
    while remembered(store, key).is_some() {
        assert!(began.elapsed() < LONG, "{why}");
        sleep(Duration::from_millis(1)).await;
    }
}

const LONG: Duration = Duration::from_secs(20);

async fn visit(store: &PostgresStore) -> Locator {
    let key = locator(None);
    put(store, &key, &anonymous(NOW)).await;
    key
}

/// What `hardtack_near` says: number, lag, and for how many seconds that stands.
async fn stands(client: &Client) -> (i64, i32, f64) {
    let sql = "SELECT number, lag, \
               (until / 1000 - extract(epoch FROM clock_timestamp()))::float8 FROM hardtack_near";
    let row = client.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

async fn ends_in(store: &PostgresStore) -> Duration {
    let key = visit(store).await;
    let began = Instant::now();
    assert_eq!(store.end(&key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
    began.elapsed()
}

/// Without a near-cache nobody waits, and nobody is told; with one everybody waits, also
/// who has none.
#[tokio::test]
async fn ends_are_held_back_while_a_process_remembers_and_not_before() {
    let url = server::database(POSTGRES);
    let (node, admin) = (plain(&url).await, client(&url).await);
    assert_eq!(stands(&admin).await.1, 0);
    // At their fastest, which a busy machine does not change.
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        fastest = fastest.min(ends_in(&node).await);
    }
    assert!(fastest < 5 * LAG, "{fastest:?}");
    let store = near(&url, 5 * LAG).await;
    let key = visit(&store).await;
    warm(&store, &key).await;
    assert_eq!(stands(&admin).await.1, 200);
    for end in [ends_in(&node).await, ends_in(&store).await] {
        assert!(end >= 5 * LAG, "{end:?}");
    }
}

/// A statement that has not seen the lag is over before anything is remembered.
#[tokio::test]
async fn nothing_is_remembered_while_somebody_ends_who_does_not_know() {
    let url = server::database(POSTGRES);
    let (node, mut admin) = (plain(&url).await, client(&url).await);
    let key = visit(&node).await;
    let old = admin.transaction().await.unwrap();
    assert_eq!(old.query("SELECT FROM hardtack_near WHERE until > 0", &[]).await.unwrap().len(), 0);
    let store = near(&url, LAG).await;
    assert!(stays_unknown(&store, &key).await, "it may be ended by a statement from before");
    old.commit().await.unwrap();
    warm(&store, &key).await;
}

/// The row is another's, or was not there for a moment: what was remembered may have ended.
#[tokio::test]
async fn what_was_remembered_before_the_lag_stood_is_not_used() {
    let url = server::database(POSTGRES);
    let (admin, store) = (client(&url).await, near(&url, LAG).await);
    let key = visit(&store).await;
    for sql in [
        "UPDATE hardtack_near SET until = 0",
        "UPDATE hardtack_near SET number = number + 1",
        "UPDATE hardtack_near SET lag = lag - 1",
    ] {
        warm(&store, &key).await;
        admin.batch_execute(sql).await.unwrap();
        // Who ends it now need neither wait nor tell.
        admin
            .batch_execute("UPDATE hardtack_sessions SET cause = 1, ended = 1, delivered = true")
            .await
            .unwrap();
        forgets(&store, &key, sql).await;
        sleep(10 * LAG).await;
        assert!(matches!(store.load(&key).await.unwrap(), Loaded::Ended(_)), "{sql}");
        admin
            .batch_execute(
                "UPDATE hardtack_sessions SET cause = NULL, ended = NULL, delivered = NULL",
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_greatest_lag_stands_and_is_renewed_by_whom_it_serves() {
    let url = server::database(POSTGRES);
    let (admin, small) = (client(&url).await, near(&url, LAG).await);
    let key = visit(&small).await;
    warm(&small, &key).await;
    let great = near(&url, 2 * LAG).await;
    warm(&great, &key).await;
    warm(&small, &key).await;
    let (number, lag, left) = stands(&admin).await;
    assert!(lag == 80 && left > 20.0, "{lag} {left}");
    // When it would soon be over it is renewed where it stands, and by nobody else.
    admin.batch_execute("UPDATE hardtack_near SET until = until - 25000").await.unwrap();
    let began = Instant::now();
    while stands(&admin).await.2 < 40.0 {
        assert!(began.elapsed() < LONG);
    }
    assert_eq!(stands(&admin).await.0, number, "what is remembered stays");
    drop(great);
    admin.batch_execute("UPDATE hardtack_near SET until = until - 45000").await.unwrap();
    forgets(&small, &key, "it stands not for long enough").await;
    assert!(stays_unknown(&small, &key).await, "somebody may believe yet in the greater");
    admin.batch_execute("UPDATE hardtack_near SET until = until - 10000").await.unwrap();
    warm(&small, &key).await;
    let (_, lag, left) = stands(&admin).await;
    assert!(lag == 40 && left > 20.0, "{lag} {left}");
}

#[tokio::test]
async fn no_listener_outlives_its_store() {
    let url = server::database(POSTGRES);
    let (admin, store) = (client(&url).await, Arc::new(near(&url, LAG).await));
    let key = visit(&store).await;
    warm(&store, &key).await;
    let listeners = async || -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name = 'hardtack' AND query LIKE '%hardtack_near n%'";
        admin.query_one(sql, &[]).await.unwrap().get(0)
    };
    assert!(listeners().await >= 1);
    drop(store);
    let began = Instant::now();
    while listeners().await > 0 {
        assert!(began.elapsed() < LONG, "it goes on asking");
        sleep(Duration::from_millis(10)).await;
    }
}
