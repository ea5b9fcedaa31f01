//! The store on MariaDB.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hardtack::session::store::{Store, StoreErrorKind};
use hardtack_sql::{Builder, Durability, MysqlStore};
use hardtack_testkit::store::Fixture;
use mysql_async::prelude::Queryable;

use crate::faults::{self, HASTY, PATIENT};
use crate::proxy::Proxy;
use crate::server::{self, MARIADB, Server};

hardtack_testkit::store_suite!(laws, fresh().await);

/// A store in a database of its own on the server that all tests share.
async fn fresh() -> Fixture {
    let url = own_database(server::shared(MARIADB)).await;
    let store = quick(&url).open().await.unwrap();
    Fixture::new(store).reopened_by(move || {
        let url = url.clone();
        async move { quick(&url).migrate(false).open().await.unwrap() }
    })
}

/// For the server that does not sync.
fn quick(url: &str) -> Builder<MysqlStore> {
    MysqlStore::builder(url).durability(Durability::AsServer)
}

async fn own_database(port: u16) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
    let server = format!("mysql://root@127.0.0.1:{port}/mysql");
    let mut conn = mysql_async::Conn::from_url(&server).await.unwrap();
    conn.query_drop(format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    conn.query_drop(format!("CREATE DATABASE {name}")).await.unwrap();
    conn.disconnect().await.unwrap();
    format!("mysql://root@127.0.0.1:{port}/{name}")
}

/// A server of its own, and a store on it that promises all it can.
async fn own(deadline: std::time::Duration) -> (Arc<dyn Store>, Server) {
    let server = Server::start(MARIADB, "");
    let url = own_database(server.port).await;
    let store = MysqlStore::builder(&url).deadline(deadline).open().await;
    (Arc::new(store.unwrap()), server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_acknowledged() {
    let (store, server) = own(PATIENT).await;
    faults::nothing_acknowledged_is_lost(store, server).await;
}

#[tokio::test]
async fn a_hung_server_is_a_timeout() {
    let (store, server) = own(HASTY).await;
    faults::a_hung_server_is_a_timeout(store, server).await;
}

#[tokio::test]
async fn a_dead_server_is_unavailable() {
    let (store, server) = own(PATIENT).await;
    faults::a_dead_server_is_unavailable(store, server).await;
}

#[tokio::test]
async fn a_lost_answer_leaves_a_whole_change() {
    let port = server::shared(MARIADB);
    let proxy = Proxy::to(port).await;
    let url = own_database(port).await;
    let through = url.replace(&format!(":{port}"), &format!(":{}", proxy.port));
    let store = quick(&through).connections(1).open().await.unwrap();
    faults::a_lost_answer_leaves_a_whole_change(Arc::new(store), proxy).await;
}

#[tokio::test]
async fn deadlocks_are_tried_again() {
    let url = own_database(server::shared(MARIADB)).await;
    let store = quick(&url).deadline(PATIENT).open().await.unwrap();
    faults::deadlocks_are_tried_again(Arc::new(store)).await;
}

#[tokio::test]
async fn a_server_that_forgets_is_refused() {
    let url = own_database(server::shared(MARIADB)).await;
    let error = MysqlStore::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("innodb_flush_log_at_trx_commit = 0"), "{error}");
}

#[tokio::test]
async fn a_missing_schema_is_refused() {
    let url = own_database(server::shared(MARIADB)).await;
    let error = quick(&url).migrate(false).open().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn debug_and_errors_tell_no_password() {
    let server = "mysql://ada:s3cret@127.0.0.1:1/shop";
    let builder = MysqlStore::builder(server);
    let error = builder.clone().open().await.unwrap_err();
    let said = format!("{builder:?} {error:?} {error}");
    assert!(!said.contains("s3cret"), "{said}");
    assert!(error.to_string().contains("mysql://127.0.0.1/shop"), "{error}");
}
