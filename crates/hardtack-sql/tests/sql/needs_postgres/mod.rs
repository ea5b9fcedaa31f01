//! The store on PostgreSQL.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hardtack_sql::Durability;
use hardtack_sql::postgres::{Builder, PostgresStore};
use hardtack_testkit::store::Fixture;
use tokio_postgres::NoTls;

use crate::server::{self, POSTGRES};

hardtack_testkit::store_suite!(laws, fresh().await);

/// A store in a schema of its own on the server that all tests share.
async fn fresh() -> Fixture {
    let url = own_schema(server::shared(POSTGRES)).await;
    let store = quick(&url).open().await.unwrap();
    Fixture::new(store).reopened_by(move || {
        let url = url.clone();
        async move { quick(&url).migrate(false).open().await.unwrap() }
    })
}

/// For the server that does not sync.
fn quick(url: &str) -> Builder {
    PostgresStore::builder(url).durability(Durability::AsServer)
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn own_schema(port: u16) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
    let sql = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    client(&url(port)).await.batch_execute(&sql).await.unwrap();
    format!("{}?options=-csearch_path%3D{name}", url(port))
}
