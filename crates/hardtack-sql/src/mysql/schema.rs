//! The tables, and how an older schema becomes a newer one.

use hardtack::session::store::StoreError;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

use super::link::Link;
use crate::shared::check_schema;

/// Step `n` brings a database from version `n` to `n + 1`. The server commits
/// after each of its statements, so each may be run again after a failure.
/// Never edit a released one.
const STEPS: [&str; 1] = [include_str!("schema.sql")];

/// The version of the schema that this crate reads and writes.
pub const VERSION: i32 = STEPS.len() as i32;

/// The SQL that makes the tables, for whoever applies it by hand;
/// [`MysqlStore::migrate`] does the same.
///
/// ```sql
#[doc = include_str!("schema.sql")]
/// ```
///
/// The store itself needs `SELECT, INSERT, UPDATE, DELETE` on these tables.
///
/// [`MysqlStore::migrate`]: super::MysqlStore::migrate
pub const SCHEMA: &str = STEPS[0];

/// The version of the schema that is there; 0 for none.
async fn version(conn: &mut Conn) -> Result<i32, Error> {
    const THERE: &str = "SELECT count(*) FROM information_schema.tables \
        WHERE table_schema = database() AND table_name = 'hardtack_schema'";
    if conn.query_first::<i64, _>(THERE).await? != Some(1) {
        return Ok(0);
    }
    Ok(conn.query_first("SELECT version FROM hardtack_schema").await?.unwrap_or(0))
}

/// Refuses a schema that is missing, older or newer.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let found = link.run(|conn| Box::pin(version(conn))).await?;
    check_schema(link.place(), found, VERSION)
}

/// Makes the tables, or brings them up to date. Programs that start at once wait
/// for one another.
pub(super) async fn migrate(link: &Link) -> Result<(), StoreError> {
    link.run(|conn| Box::pin(advance(conn))).await?;
    check(link).await
}

async fn advance(conn: &mut Conn) -> Result<(), Error> {
    const LOCK: &str = "DO GET_LOCK(CONCAT('hardtack.schema.', MD5(DATABASE())), 60)";
    const UNLOCK: &str = "DO RELEASE_LOCK(CONCAT('hardtack.schema.', MD5(DATABASE())))";
    if version(conn).await? >= VERSION {
        return Ok(());
    }
    conn.query_drop(LOCK).await?;
    let done = take_steps(conn).await;
    // Not left to the end of the connection, which goes back to the others.
    conn.query_drop(UNLOCK).await?;
    done
}

async fn take_steps(conn: &mut Conn) -> Result<(), Error> {
    let found = usize::try_from(version(conn).await?).unwrap_or(0);
    for step in STEPS.iter().skip(found) {
        for statement in step.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            conn.query_drop(statement).await?;
        }
    }
    Ok(())
}
