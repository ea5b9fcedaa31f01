//! What the server or the way to it says, in words for whoever can do something.

use std::error::Error as _;
use std::io::ErrorKind;

use deadpool_postgres::PoolError;
use deadpool_postgres::tokio_postgres::Error;
use deadpool_postgres::tokio_postgres::error::SqlState;
use hardtack::session::store::{StoreError, StoreErrorKind as Kind};

/// Whether the server has undone the statement because of another one, so that
/// it may be sent again.
pub(super) fn was_undone(error: &Error) -> bool {
    let undone = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| undone.contains(code))
}

/// Whether the server answers that it knows no such prepared statement, or one
/// for tables that were changed since: nothing was done.
pub(super) fn was_forgotten(error: &Error) -> bool {
    let stale = error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::FEATURE_NOT_SUPPORTED
            && error.routine() == Some("RevalidateCachedQuery")
    });
    stale || error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME)
}

/// The error of a statement on the database at `place`.
pub(super) fn explain(place: &str, error: Error) -> StoreError {
    let (kind, what) = match error.code() {
        Some(code) => by_code(code),
        None => by_transport(&error),
    };
    StoreError::new(kind, format!("session store {place}: {what}")).caused_by(error)
}

pub(super) fn no_connection(place: &str, error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => explain(place, error),
        other => {
            let what = format!("session store {place}: no connection: {other}");
            StoreError::new(Kind::Unavailable, what)
        }
    }
}

fn by_code(code: &SqlState) -> (Kind, &'static str) {
    match code.code() {
        "57014" => (
            Kind::Timeout,
            "the server cancelled the statement, which took longer than the deadline",
        ),
        "25006" => (Kind::ReadOnly, "it is read-only: a standby, or set up so"),
        "42501" => (
            Kind::ReadOnly,
            "this user may not do that; it needs SELECT, INSERT, UPDATE and DELETE on the tables",
        ),
        "53100" => (Kind::Full, "its disk is full"),
        "53300" => {
            (Kind::Unavailable, "it has no connection left; give it more, or this store fewer")
        }
        "42P01" | "42703" | "3F000" => (
            Kind::Corrupt,
            "a table or column of the store is missing: migrate it, or apply the schema by hand",
        ),
        "40001" | "40P01" | "55P03" => {
            (Kind::Unavailable, "other statements were in the way again and again")
        }
        "3D000" => (Kind::Unavailable, "there is no such database"),
        code if code.starts_with("XX00") => (Kind::Corrupt, "it says that it is damaged"),
        code if code.starts_with("28") => (Kind::Unavailable, "it refuses this user or password"),
        code if ["08", "53", "57", "58"].contains(&&code[..2]) => {
            (Kind::Unavailable, "it is not ready: starting, stopping, or short of something")
        }
        _ => (Kind::Bug, "it refuses a statement of the store; please report it"),
    }
}

fn by_transport(error: &Error) -> (Kind, &'static str) {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == ErrorKind::PermissionDenied
            && io.get_ref().is_some()
        {
            return (Kind::ReadOnly, "it is read-only: a standby, or set up so");
        }
        if error.is::<crate::columns::Unreadable>() {
            return (Kind::Corrupt, "it holds a session that cannot be read");
        }
        cause = error.source();
    }
    (Kind::Unavailable, "the connection failed")
}

/// A row that cannot be read.
pub(super) fn unreadable(
    place: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    let what = format!("session store {place}: it holds a session that cannot be read: {error}");
    StoreError::new(Kind::Corrupt, what).caused_by(error)
}
