//! What the server or the way to it says, in words for whoever can do something.

use deadpool::managed::PoolError;
use hardtack::session::store::{StoreError, StoreErrorKind as Kind};
use mysql_async::{DriverError, Error};

use crate::shared::Restless;

/// The server's code for a key that is there already.
pub(super) const DUPLICATE: u16 = 1062;

/// Whether the server has undone the whole transaction because of another one,
/// so that it may be sent again: a deadlock, or a row that changed meanwhile.
pub(super) fn was_undone(error: &Error) -> bool {
    matches!(error, Error::Server(error) if matches!(error.code, 1213 | 1020))
}

/// The error of a statement on the database at `place`.
pub(super) fn explain(place: &str, error: Error) -> StoreError {
    let (kind, what) = match &error {
        Error::Server(error) => by_code(error.code),
        Error::Other(other) if other.is::<Standby>() => STANDBY,
        Error::Driver(DriverError::FromValue { .. } | DriverError::FromRow { .. }) => {
            (Kind::Corrupt, "it holds a session that cannot be read")
        }
        Error::Other(other) if other.is::<crate::columns::Unreadable>() => {
            (Kind::Corrupt, "it holds a session that cannot be read")
        }
        Error::Other(other) if other.is::<Restless>() => {
            (Kind::Unavailable, "a session changed again and again while it was looked at")
        }
        _ => (Kind::Unavailable, "the connection failed"),
    };
    StoreError::new(kind, format!("session store {place}: {what}")).caused_by(error)
}

pub(super) fn no_connection(place: &str, error: PoolError<Error>) -> StoreError {
    match error {
        PoolError::Backend(error) => explain(place, error),
        other => {
            let what = format!("session store {place}: no connection: {other}");
            StoreError::new(Kind::Unavailable, what)
        }
    }
}

/// A server that may not be written is behind another one: it would bring back
/// who has signed out.
#[derive(Debug)]
pub(super) struct Standby;

impl std::fmt::Display for Standby {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server is read-only")
    }
}

impl std::error::Error for Standby {}

const STANDBY: (Kind, &str) = (Kind::ReadOnly, "it is read-only: a standby, or set up so");

fn by_code(code: u16) -> (Kind, &'static str) {
    match code {
        1290 | 1836 | 1792 => STANDBY,
        1142 | 1143 | 1044 => (
            Kind::ReadOnly,
            "this user may not do that; it needs SELECT, INSERT, UPDATE and DELETE on the tables",
        ),
        1205 | 1317 | 1969 | 3024 => (
            Kind::Timeout,
            "the server cancelled the statement, which took longer than the deadline",
        ),
        1213 | 1020 => (Kind::Unavailable, "other statements were in the way again and again"),
        1021 | 1114 => (Kind::Full, "its disk is full"),
        1040 | 1203 | 1226 => {
            (Kind::Unavailable, "it has no connection left; give it more, or this store fewer")
        }
        1045 | 1698 => (Kind::Unavailable, "it refuses this user or password"),
        1049 => (Kind::Unavailable, "there is no such database"),
        1054 | 1146 => (
            Kind::Corrupt,
            "a table or column of the store is missing: migrate it, or apply the schema by hand",
        ),
        1034 | 1035 | 1194 | 1712 | 1877 => (Kind::Corrupt, "it says that it is damaged"),
        1153 => {
            (Kind::Full, "the record is larger than the server's max_allowed_packet; raise that")
        }
        1053 | 1077 | 1079 | 1158..=1161 | 1047 | 1180 | 1927 => {
            (Kind::Unavailable, "it is not ready: starting, stopping, or short of something")
        }
        _ => (Kind::Bug, "it refuses a statement of the store; please report it"),
    }
}
