//! The tables, and how an older file becomes a newer one.
//!
//! One row per session, appended; ending empties the row and leaves it as the
//! tombstone. What is written at random places is what costs, so there is one
//! index whose order is random, `by_place`, and it serves twice: `place` is the
//! first eight bytes of the locator, which begin with the user's slot, so the
//! sessions of one user lie side by side in it and need no index of their own.

use hardtack::session::store::{StoreError, StoreErrorKind};
use rusqlite::{Connection, TransactionBehavior};

/// Marks a file as one of ours ("HTKS").
const APPLICATION: i64 = 0x4854_4b53;

/// Step `n` brings a file from version `n` to `n + 1`. Never edit a released one.
const STEPS: [&str; 1] = ["
CREATE TABLE sessions (
    row INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,  -- the locator's first 8 bytes, in its order
    id BLOB NOT NULL,        -- the locator
    version INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key INTEGER NOT NULL,
    user BLOB,
    stray INTEGER,           -- 1: the locator does not begin with the user's slot
    user_epoch INTEGER NOT NULL,
    global_epoch INTEGER NOT NULL,
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    dies INTEGER NOT NULL,
    bucket INTEGER,          -- when to look whether it expired; never after `expires`
    device TEXT,
    cause INTEGER,           -- null: live
    ended INTEGER,
    delivered INTEGER,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX by_place ON sessions (place);
CREATE INDEX by_stray ON sessions (user) WHERE stray = 1;
CREATE INDEX by_bucket ON sessions (bucket) WHERE bucket IS NOT NULL;
CREATE INDEX by_end ON sessions (delivered, ended) WHERE cause IS NOT NULL;
CREATE TABLE epochs (
    user BLOB PRIMARY KEY,   -- empty: everybody
    epoch INTEGER NOT NULL,
    swept INTEGER            -- the row up to which the sweeper has been; null: all
) STRICT, WITHOUT ROWID;
CREATE INDEX by_swept ON epochs (user) WHERE swept IS NOT NULL;
"];

/// Makes the tables, or brings them up to date; refuses what is not ours.
pub(crate) fn prepare(conn: &mut Connection) -> Result<(), Trouble> {
    // Looked at within the transaction that changes it: two programs may start at once.
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma| change.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let ours = application == APPLICATION;
    if !ours && (application != 0 || version != 0 || tables != 0) {
        let what = format!(
            "is another program's database (application id {application:#x}, {tables} tables); \
             give the store a file of its own"
        );
        return Err(Trouble::Refused(what));
    }
    let known = usize::try_from(version).ok().filter(|v| *v <= STEPS.len());
    let Some(from) = known else {
        let what = format!(
            "has version {version} and this program knows versions up to {}; \
             use a newer program, or go back to a backup",
            STEPS.len()
        );
        return Err(Trouble::Refused(what));
    };
    if from < STEPS.len() || !ours {
        for step in &STEPS[from..] {
            change.execute_batch(step)?;
        }
        change.pragma_update(None, "application_id", APPLICATION)?;
        change.pragma_update(None, "user_version", STEPS.len() as i64)?;
    }
    Ok(change.commit()?)
}

/// Why a file cannot be used.
pub(crate) enum Trouble {
    Sqlite(rusqlite::Error),
    Refused(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Trouble {
    pub(crate) fn explain(self, path: &std::path::Path) -> StoreError {
        match self {
            Self::Sqlite(error) => crate::error::explain(path, error),
            Self::Refused(what) => {
                StoreError::new(StoreErrorKind::Corrupt, format!("{} {what}", path.display()))
            }
        }
    }
}
