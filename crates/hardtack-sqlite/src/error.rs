//! What SQLite says, in words for whoever can do something about it.

use std::path::Path;

use hardtack::session::store::{StoreError, StoreErrorKind};
use rusqlite::{Error, ErrorCode};

/// The error of a verb on the file at `path`.
pub(crate) fn explain(path: &Path, error: Error) -> StoreError {
    let (kind, what) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            StoreErrorKind::Full,
            "the disk is full; free some space, and the store goes on by itself",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            StoreErrorKind::ReadOnly,
            "it may not be written; the store needs to write the file and to make files beside it",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::AuthorizationForStatementDenied) => (
            StoreErrorKind::ReadOnly,
            "it cannot be opened; check that the folder is there and that this user may write in it",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            StoreErrorKind::ReadOnly,
            "another program has been writing to it for too long; end that program's transaction",
        ),
        Some(ErrorCode::NotADatabase) => {
            (StoreErrorKind::Corrupt, "it is not a database; give the store a file of its own")
        }
        Some(ErrorCode::DatabaseCorrupt) => (
            StoreErrorKind::Corrupt,
            "it is damaged; go back to a backup, or start with a new file",
        ),
        Some(ErrorCode::SystemIoFailure) => {
            (StoreErrorKind::Unavailable, "the disk reports an error; look at the system's log")
        }
        Some(ErrorCode::OutOfMemory) => (StoreErrorKind::Unavailable, "there is not enough memory"),
        None if unreadable(&error) => (
            StoreErrorKind::Corrupt,
            "it holds a session that cannot be read; go back to a backup, or end that session",
        ),
        _ => (StoreErrorKind::Bug, "SQLite refuses a statement of the store; please report it"),
    };
    StoreError::new(kind, format!("session store {}: {what}", path.display())).caused_by(error)
}

/// Whether `error` is about what is in a column.
fn unreadable(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

/// The store was closed, or it broke and must be opened again.
pub(crate) fn closed(why: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, format!("the session store is closed: {why}"))
}

/// The disk is full, and what is left is kept for ending sessions.
pub(crate) fn tight(path: &Path) -> StoreError {
    let what = format!(
        "session store {}: the disk is full, and what is left is kept for ending sessions; \
         free some space, and the store goes on by itself",
        path.display()
    );
    StoreError::new(StoreErrorKind::Full, what)
}
