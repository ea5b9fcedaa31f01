//! The tables, and how an older schema becomes a newer one.

use hardtack::session::store::StoreError;

use super::link::Link;
use crate::shared::check_schema;

/// Step `n` brings a database from version `n` to `n + 1`. Never edit a released one.
const STEPS: [&str; 1] = [include_str!("schema.sql")];

/// The version of the schema that this crate reads and writes.
pub const VERSION: i32 = STEPS.len() as i32;

/// The SQL that makes the tables in the first schema of the `search_path`, for
/// whoever applies it by hand; [`PostgresStore::migrate`] does the same. To be
/// run as one transaction:
///
/// ```sql
#[doc = include_str!("schema.sql")]
/// ```
///
/// The store itself needs `SELECT, INSERT, UPDATE, DELETE` on these tables.
///
/// [`PostgresStore::migrate`]: super::PostgresStore::migrate
pub const SCHEMA: &str = STEPS[0];

/// The version of the schema that is there; 0 for none.
async fn version(link: &Link) -> Result<i32, StoreError> {
    const THERE: &str = "SELECT to_regclass('hardtack_schema') IS NOT NULL";
    const VERSION: &str = "SELECT version FROM hardtack_schema";
    let mut call = link.call();
    let there = call.query(THERE, &[]).await?;
    match there.first().map(|row| row.try_get(0)) {
        Some(Ok(true)) => {}
        _ => return Ok(0),
    }
    let rows = call.query(VERSION, &[]).await?;
    Ok(rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or(0))
}

/// Refuses a schema that is missing, older or newer.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let found = version(link).await?;
    check_schema(link.place(), found, VERSION)
}

/// Makes the tables, or brings them up to date.
pub(super) async fn migrate(link: &Link) -> Result<(), StoreError> {
    let found = version(link).await?;
    let Some(steps) = usize::try_from(found).ok().and_then(|from| STEPS.get(from..)) else {
        return check(link).await;
    };
    if steps.is_empty() {
        return Ok(());
    }
    // Programs that start at once wait for one another here, and each looks
    // again once it is alone: a step that was done meanwhile is left out.
    let mut script = String::from("BEGIN; SELECT pg_advisory_xact_lock(1213483859); ");
    for (from, step) in (found..).zip(steps) {
        let there = match from {
            0 => "to_regclass('hardtack_schema') IS NULL".to_owned(),
            _ => format!("EXISTS (SELECT FROM hardtack_schema WHERE version = {from})"),
        };
        script += &format!("DO $do$ BEGIN IF {there} THEN {step} END IF; END $do$; ");
    }
    script += "COMMIT";
    link.call().script(&script).await?;
    check(link).await
}
