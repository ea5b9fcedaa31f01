//! Brings what is in the log into the file, in a thread of its own and in small
//! steps, and has the log start over before it grows.
//!
//! SQLite lets a log start over only when all of it is in the file. While
//! commits keep coming a checkpoint never gets there, and left alone the log
//! grows without bound. So: copy while the writer goes on, again and again
//! until little is left, then hold the writer for the moment that this takes.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use rusqlite::{Connection, Result};

use crate::inner::Shared;
use crate::stopwatch;

/// How many pages (of 4 KiB) of the log make a checkpoint worth its two syncs.
const STEP: i64 = 1000;

/// From this length on the log is to start over: 16 MiB.
const LONG: i64 = 4000;

/// How many pages may be left to copy when the writer is held.
const LITTLE: i64 = 200;

/// How often the rest is copied before the writer is held all the same.
const ROUNDS: usize = 4;

/// In a relaxed store: for how long a commit may not be on the disk.
const RELAXED: Duration = Duration::from_millis(900);

/// How often a store whose disk was full looks whether there is room again.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(2);

pub(crate) struct Checkpointer {
    pub(crate) conn: Connection,
    pub(crate) log: std::fs::File,
    pub(crate) shared: Arc<Shared>,
}

impl Checkpointer {
    /// Until the store is closed.
    pub(crate) fn run(self) {
        let (mut synced, mut looked) = (stopwatch::now(), stopwatch::now());
        while !self.shared.stop.load(SeqCst) {
            std::thread::park_timeout(RELAXED / 3);
            // What fails here is tried again; what matters of it also fails in
            // the writer, which can tell somebody.
            let _ = self.step();
            if synced.elapsed() >= RELAXED {
                synced = stopwatch::now();
                self.sync();
            }
            if self.shared.reserve.is_tight() && looked.elapsed() >= LOOK_FOR_ROOM {
                looked = stopwatch::now();
                let _ = self.shared.reserve.keep();
            }
        }
        self.sync();
    }

    /// Brings to the disk what a relaxed store has not.
    fn sync(&self) {
        if self.shared.unsynced.swap(false, SeqCst) && self.log.sync_data().is_err() {
            self.shared.unsynced.store(true, SeqCst);
        }
    }

    /// One checkpoint, if there is enough to copy.
    fn step(&self) -> Result<()> {
        let (length, copied) = self.pragma("PRAGMA wal_checkpoint(NOOP)")?;
        let tight = self.shared.reserve.is_tight();
        if length - copied < if tight { LITTLE } else { STEP } {
            return Ok(());
        }
        if tight {
            // The log has to do with the room that it has: it starts over often.
            return self.start_over();
        }
        for _ in 0..ROUNDS {
            let (_, copied) = self.pragma("PRAGMA wal_checkpoint(PASSIVE)")?;
            let (length, _) = self.pragma("PRAGMA wal_checkpoint(NOOP)")?;
            if length < LONG {
                return Ok(());
            }
            if length - copied <= LITTLE {
                break;
            }
        }
        self.start_over()
    }

    fn start_over(&self) -> Result<()> {
        self.shared.gate.hold(|| self.pragma("PRAGMA wal_checkpoint(RESTART)")).map(|_| ())
    }

    /// How many pages the log has, and how many of them are in the file.
    fn pragma(&self, sql: &str) -> Result<(i64, i64)> {
        let found = self.conn.prepare_cached(sql)?.query_row([], |r| Ok((r.get(1)?, r.get(2)?)));
        if let Err(error) = &found
            && error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        {
            self.shared.reserve.note_full();
            drop(self.shared.reserve.release());
        }
        found
    }
}
