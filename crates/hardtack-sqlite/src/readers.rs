//! Connections that only read, used on the threads of the callers.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hardtack::session::store::{Census, Loaded, StoreError, StoreErrorKind};
use hardtack::session::{Cause, Locator, Record, UserKey};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::explain;
use crate::row::{self, COLUMNS, columns, outdated};
use crate::stopwatch;
use crate::verbs::{of_user, whose};

/// How many connections are kept; more are made when more threads read at once.
const KEPT: usize = 16;

pub(crate) struct Readers {
    path: PathBuf,
    busy: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path, busy: Duration) -> Self {
        Self { path: path.into(), busy, idle: Mutex::default() }
    }

    /// Reads with a connection that nobody else uses meanwhile.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let conn = idle.map_or_else(|| self.connect(), Ok);
        let read = conn.and_then(|conn| {
            let found = read(&conn)?;
            // After an error the connection may be in any state: it is not kept.
            let mut idle = self.idle();
            if idle.len() < KEPT {
                idle.push(conn);
            }
            Ok(found)
        });
        read.map_err(|error| explain(&self.path, error))
    }

    pub(crate) fn close(&self) {
        self.idle().clear();
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        // Write access is for the shared memory of the log, not for the data.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(self.busy)?;
        conn.pragma_update(None, "query_only", 1)?;
        conn.pragma_update(None, "cache_size", -2048)?;
        Ok(conn)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the file has under `key`.
pub(crate) fn load(conn: &Connection, key: &Locator) -> rusqlite::Result<Loaded> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", s.cause, ",
        outdated!(),
        " FROM sessions s WHERE s.place = ?1 AND s.id = ?2"
    );
    let mut find = conn.prepare_cached(SQL)?;
    let found = find.query_row((row::place(key), key.as_bytes()), |row| {
        Ok(match row::cause(row, COLUMNS)? {
            Some(cause) => Loaded::Ended(cause),
            None if row.get(COLUMNS + 1)? => Loaded::Ended(Cause::Revoked),
            None => Loaded::Live(row::record(row)?),
        })
    });
    Ok(found.optional()?.unwrap_or(Loaded::Unknown))
}

/// Live records without their data, in the order of their locators.
pub(crate) fn list(
    conn: &Connection,
    user: Option<&UserKey>,
    after: Option<Locator>,
    limit: usize,
) -> rusqlite::Result<Vec<(Locator, Record)>> {
    // Record columns without the data.
    const USER: &str = of_user!(
        "s.version, s.kind, s.key, s.user, s.user_epoch, s.global_epoch, s.created, s.seen, \
         s.expires, s.dies, s.device, x'', s.id",
        " AND s.id > ?4"
    );
    const ALL: &str = concat!(
        "SELECT s.version, s.kind, s.key, s.user, s.user_epoch, s.global_epoch, s.created, \
         s.seen, s.expires, s.dies, s.device, x'', s.id FROM sessions s INDEXED BY by_place \
         WHERE s.place >= ?1 AND s.id > ?2 AND s.cause IS NULL AND NOT ",
        outdated!(),
        " ORDER BY s.place, s.id LIMIT ?3"
    );
    let read = |row: &rusqlite::Row<'_>| Ok((row::locator(row, COLUMNS)?, row::record(row)?));
    let after_id = after.as_ref().map_or(&[][..], |key| key.as_bytes());
    let Some(user) = user else {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let place = after.as_ref().map_or(i64::MIN, row::place);
        return conn.prepare_cached(ALL)?.query_map((place, after_id, limit), read)?.collect();
    };
    let (first, last, user) = whose(user);
    let mut find = conn.prepare_cached(USER)?;
    let found = find.query_map((first, last, user, after_id), read)?;
    let mut found: Vec<_> = found.collect::<rusqlite::Result<_>>()?;
    found.sort_unstable_by_key(|(key, _)| *key);
    found.truncate(limit);
    Ok(found)
}

/// Counts the live sessions, part by part but as of one moment.
pub(crate) fn census(readers: &Readers, deadline: Duration) -> Result<Census, StoreError> {
    const PART: i64 = 20_000;
    const SQL: &str = concat!(
        "SELECT s.kind, s.key, count(*) FROM sessions s WHERE s.row > ?1 AND s.row <= ?2 \
         AND s.cause IS NULL AND NOT ",
        outdated!(),
        " GROUP BY s.kind, s.key"
    );
    let began = stopwatch::now();
    let counted = readers.with(|conn| {
        let moment = conn.unchecked_transaction()?;
        let last: i64 =
            moment.query_row("SELECT ifnull(max(row), 0) FROM sessions", [], |row| row.get(0))?;
        let (mut census, mut from) = (Census::default(), 0);
        while from < last {
            if began.elapsed() >= deadline {
                return Ok(None);
            }
            let mut part = moment.prepare_cached(SQL)?;
            let mut rows = part.query((from, from + PART))?;
            while let Some(row) = rows.next()? {
                census.add(row::kind(row, 0)?, row::key(row, 1)?, row.get::<_, u32>(2)?.into());
            }
            from += PART;
        }
        Ok(Some(census))
    })?;
    counted.ok_or_else(|| {
        let what = format!(
            "the sessions were not counted within {} ms; give the store a longer deadline",
            deadline.as_millis()
        );
        StoreError::new(StoreErrorKind::Timeout, what)
    })
}
