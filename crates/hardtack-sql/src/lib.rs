//! The session stores on PostgreSQL and on MySQL or MariaDB.

mod columns;
#[cfg(feature = "postgres")]
pub mod postgres;

#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;

use std::collections::BTreeMap;

use hardtack::session::Locator;
use hardtack::session::store::Touch;
use hardtack::time::UnixTime;

/// What a crash of the database server may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing that was answered. A server that is set up to forget is refused.
    #[default]
    Full,
    /// What the server's settings say, which may be the last second of logins,
    /// logouts and commits: whoever signed out in it may be signed in again.
    AsServer,
}

/// The latest times of each locator, in the order of the locators: whoever locks
/// rows in one order waits for nobody who waits for them.
fn merged(batch: &[Touch]) -> BTreeMap<Locator, (UnixTime, UnixTime)> {
    let mut merged = BTreeMap::<Locator, (UnixTime, UnixTime)>::new();
    for touch in batch {
        let times = merged.entry(touch.key).or_default();
        *times = (times.0.max(touch.last_seen), times.1.max(touch.expires));
    }
    merged
}
