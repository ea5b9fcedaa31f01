//! The store on MariaDB.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hardtack::session::store::{Store, StoreErrorKind};
use hardtack_sql::{Builder, Durability, MysqlStore};
use mysql_async::prelude::Queryable;

use crate::faults::{self, HASTY, PATIENT};
use crate::proxy::Proxy;
use crate::server::{self, MARIADB, Server};

faults::suite!(MysqlStore, MARIADB, "mysql", forgets: "innodb_flush_log_at_trx_commit = 0");

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
