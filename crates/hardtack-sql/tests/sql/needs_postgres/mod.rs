//! The store on PostgreSQL.

use std::sync::Arc;

use hardtack::session::store::{Admission, Loaded, Store, StoreErrorKind, Touch};
use hardtack_sql::{Builder, Durability, PostgresStore};
use hardtack_testkit::proxy::Proxy;
use hardtack_testkit::{FakeClock, records};
use tokio_postgres::NoTls;

use crate::faults::{self, HASTY, PATIENT};
use crate::server::{self, POSTGRES, Server};

mod failover;
mod near;

faults::suite!(PostgresStore, POSTGRES, "postgres", forgets: "= off");

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// All connections of the server follow its settings, also those that there are.
async fn may_be_forbidden(url: &str) -> (String, impl AsyncFn(bool)) {
    let admin = client(url).await;
    admin.batch_execute("SET default_transaction_read_only = off").await.unwrap();
    let forbid = async move |on: bool| {
        let sql = format!("ALTER SYSTEM SET default_transaction_read_only = {on}");
        admin.batch_execute(&sql).await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    };
    (url.to_owned(), forbid)
}

/// Whatever the server's default is.
#[tokio::test]
async fn every_login_waits_for_the_disk() {
    let server = Server::start(POSTGRES, "-c synchronous_commit=off");
    let store = PostgresStore::open(&url(server.port())).await.unwrap();
    let client = client(&url(server.port())).await;
    let syncs = async || -> i64 {
        client.query_one("SELECT wal_sync FROM pg_stat_wal", &[]).await.unwrap().get(0)
    };
    let before = syncs().await;
    for _ in 0..60 {
        records::put(&store, &records::locator(None), &records::anonymous(FakeClock::START)).await;
    }
    drop(store);
    // The counts come when the connections have ended.
    for _ in 0..5_000 {
        if syncs().await >= before + 60 {
            return;
        }
    }
    panic!("60 sessions were made with {} syncs", syncs().await - before);
}

#[tokio::test]
async fn over_tls_only_servers_of_a_trusted_authority_are_talked_to() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../hardtack-redis/src/tests/tls");
    let server = Server::start(POSTGRES, "");
    let plain = url(server.port());
    let admin = client(&plain).await;
    // The server writes them itself, for it trusts no key that others may read.
    for (name, file) in [("server.crt", "server.pem"), ("server.key", "server.key")] {
        let pem = std::fs::read_to_string(format!("{files}/{file}")).unwrap();
        let sql = format!(
            "COPY (SELECT unnest(string_to_array('{}', E'\\n'))) TO PROGRAM 'umask 077; cat >{name}'",
            pem.trim()
        );
        admin.batch_execute(&sql).await.unwrap();
    }
    admin.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let says_on = async || {
        let row = client(&plain).await.query_one("SHOW ssl", &[]).await.unwrap();
        row.get::<_, &str>(0) == "on"
    };
    while !says_on().await {}
    let builder = || PostgresStore::builder(&format!("{plain}?sslmode=require"));
    let store = builder().root_certificates(format!("{files}/ca.pem")).open().await.unwrap();
    records::put(&store, &records::locator(None), &records::anonymous(FakeClock::START)).await;
    let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
               WHERE application_name = 'hardtack'";
    assert_eq!(admin.query_one(sql, &[]).await.unwrap().get::<_, Option<bool>>(0), Some(true));
    let error = builder().open().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let not_an_authority = builder().root_certificates(format!("{files}/server.key"));
    assert_eq!(not_an_authority.open().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_standby_is_read_only() {
    let url = server::database(POSTGRES);
    let url = format!("{url}%20-cdefault_transaction_read_only%3Don");
    let error = quick(&url).open().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
}

#[tokio::test]
async fn too_many_connections_are_unavailable() {
    let port = server::shared(POSTGRES);
    let name = format!("full{}", std::process::id());
    let role = format!("CREATE ROLE {name} LOGIN CONNECTION LIMIT 0");
    client(&url(port)).await.batch_execute(&role).await.unwrap();
    let url = format!("postgres://{name}@127.0.0.1:{port}/postgres");
    let error = quick(&url).open().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("no connection left"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let url = server::database(POSTGRES);
    client(&url).await.batch_execute(hardtack_sql::postgres::SCHEMA).await.unwrap();
    quick(&url).migrate(false).open().await.unwrap();
    client(&url).await.batch_execute("UPDATE hardtack_schema SET version = 99").await.unwrap();
    let newer = quick(&url).open().await.unwrap_err();
    assert!(newer.to_string().contains("version 99"), "{newer}");
}

/// A touch moves no index: what it leaves behind is cleared within the page.
#[tokio::test]
async fn touches_are_heap_only() {
    let url = server::database(POSTGRES);
    let store = quick(&url).open().await.unwrap();
    let key = records::locator(None);
    records::put(&store, &key, &records::anonymous(FakeClock::START)).await;
    for n in 1..=50u64 {
        let seen = hardtack::time::UnixTime::from_millis(FakeClock::START.as_millis() + n);
        store.touch(&[Touch::new(key, seen, seen.saturating_add(records::IDLE))]).await.unwrap();
    }
    let client = client(&url).await;
    let sql = "SELECT pg_stat_get_tuples_updated(c.oid) + pg_stat_get_xact_tuples_updated(c.oid), \
               pg_stat_get_tuples_hot_updated(c.oid) + pg_stat_get_xact_tuples_hot_updated(c.oid) \
               FROM pg_class c WHERE c.oid = 'hardtack_activity'::regclass";
    drop(store);
    loop {
        let row = client.query_one(sql, &[]).await.unwrap();
        let (updated, hot): (i64, i64) = (row.get(0), row.get(1));
        if updated == 50 {
            assert_eq!(hot, 50);
            return;
        }
        // The counts come when the connections have ended.
        tokio::task::yield_now().await;
    }
}

/// Calls that share a statement.
#[tokio::test]
async fn what_the_server_refuses_of_one_it_does_for_others() {
    let url = server::database(POSTGRES);
    let store = Arc::new(quick(&url).open().await.unwrap());
    let admin = client(&url).await;
    let sql = "ALTER TABLE hardtack_sessions ADD CHECK (device IS DISTINCT FROM 'refused')";
    admin.batch_execute(sql).await.unwrap();
    let keys: Vec<_> = (0..40).map(|_| records::locator(None)).collect();
    let insert = |n: usize| {
        let (store, key) = (store.clone(), keys[n]);
        let device = (n == 20).then(|| "refused".into());
        let record = hardtack::session::Record { device, ..records::anonymous(FakeClock::START) };
        tokio::spawn(async move {
            store.insert(&key, record, Admission::at(FakeClock::START)).await.is_ok()
        })
    };
    for (n, done) in (0..40).map(insert).collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(done.await.unwrap(), n != 20, "session {n}");
    }
    // A row that cannot be read is one session's trouble, too.
    let sql = "UPDATE hardtack_sessions SET issuer = 'no' WHERE id = $1";
    admin.execute(sql, &[&&keys[7].as_bytes()[..]]).await.unwrap();
    let load = |n: usize| {
        let (store, key) = (store.clone(), keys[n]);
        tokio::spawn(async move { matches!(store.load(&key).await, Ok(Loaded::Live(_))) })
    };
    for (n, there) in (0..40).map(load).collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(there.await.unwrap(), n != 20 && n != 7, "session {n}");
    }
}

/// However many ask at once, one session's requests among them, few statements do.
#[tokio::test]
async fn calls_share_statements() {
    let url = server::database(POSTGRES);
    let store = Arc::new(quick(&url).deadline(PATIENT).open().await.unwrap());
    let key = records::locator(None);
    records::put(&*store, &key, &records::anonymous(FakeClock::START)).await;
    let admin = client(&url).await;
    // All wait for this one, and none goes before the others have come.
    admin.batch_execute("BEGIN; LOCK TABLE hardtack_sessions").await.unwrap();
    let load = |_| {
        let store = store.clone();
        tokio::spawn(async move { matches!(store.load(&key).await, Ok(Loaded::Live(_))) })
    };
    let loads: Vec<_> = (0..100).map(load).collect();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                 AND datname = current_database() AND application_name = 'hardtack'";
    // Not in the transaction: what that sees of others it sees once.
    let other = client(&url).await;
    let waiting = async || other.query_one(waits, &[]).await.unwrap().get::<_, i64>(0);
    while waiting().await < 2 {
        assert!(!loads.iter().any(|load| load.is_finished()), "one did not wait");
    }
    assert_eq!(waiting().await, 2);
    admin.batch_execute("COMMIT").await.unwrap();
    for load in loads {
        assert!(load.await.unwrap());
    }
}
