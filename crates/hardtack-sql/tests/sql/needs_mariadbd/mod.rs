//! The store on MariaDB.

use std::sync::Arc;

use hardtack::session::store::{Store, StoreErrorKind};
use hardtack_sql::{Builder, Durability, MysqlStore};
use hardtack_testkit::proxy::Proxy;
use mysql_async::prelude::Queryable;

use crate::faults::{self, HASTY, PATIENT};
use crate::server::{self, MARIADB, Server};

faults::suite!(MysqlStore, MARIADB, "mysql", forgets: "innodb_flush_log_at_trx_commit = 0");

/// A user whom `read_only` concerns, which root does not mind.
async fn may_be_forbidden(url: &str) -> (String, impl AsyncFn(bool)) {
    let mut admin = mysql_async::Conn::from_url(url).await.unwrap();
    admin.query_drop("CREATE USER shop@'127.0.0.1'").await.unwrap();
    admin
        .query_drop("GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO shop@'127.0.0.1'")
        .await
        .unwrap();
    let (shop, root) = (url.replace("root@", "shop@"), url.to_owned());
    let forbid = async move |on: bool| {
        let mut root = mysql_async::Conn::from_url(&root).await.unwrap();
        root.query_drop(format!("SET GLOBAL read_only = {on}")).await.unwrap();
    };
    (shop, forbid)
}
