//! The one thread that writes: it takes what waits, does it in one transaction,
//! puts that on the disk, and answers everybody.

use std::fs::File;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, MutexGuard};

use hardtack::session::Locator;
use hardtack::session::store::StoreErrorKind;
use rusqlite::{Connection, OptionalExtension, Params, Result, Row};

use crate::cache::{Cache, Effect, Noted};
use crate::error::{closed, explain, tight};
use crate::inner::Shared;
use crate::queue::{Job, Next, Pace};
use crate::stopwatch;
use crate::{Durability, backup};

pub(crate) struct Writer {
    /// Shared with a backup while one runs.
    pub(crate) conn: Rc<Connection>,
    /// The log. We sync it ourselves, with fdatasync: as long as the log's size
    /// stays, that does not wait for the file system's journal as SQLite's own
    /// fsync does, and so not for a checkpoint that runs meanwhile.
    pub(crate) log: File,
    pub(crate) shared: Arc<Shared>,
    data_version: i64,
    broken: bool,
}

/// The changes of one transaction.
pub(crate) struct Change<'c> {
    conn: &'c Connection,
    cache: &'c Cache,
    effects: Vec<Effect>,
    closed: Vec<Locator>,
    wrote: bool,
    lasting: bool,
}

impl Change<'_> {
    /// To read with.
    pub(crate) fn conn(&self) -> &Connection {
        self.conn
    }

    /// Runs a statement that changes rows; answers how many.
    pub(crate) fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize> {
        let changed = self.conn.prepare_cached(sql)?.execute(params)?;
        self.wrote |= changed > 0;
        Ok(changed)
    }

    /// Runs a statement that changes at most one row and gives something of it back.
    pub(crate) fn execute_returning<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let row = self.one(sql, params, read)?;
        self.wrote |= row.is_some();
        Ok(row)
    }

    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.conn.prepare_cached(sql)?.query_row(params, read).optional()
    }

    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.conn.prepare_cached(sql)?.query_map(params, read)?.collect()
    }

    /// The activity of `key` that is neither in the file yet nor dealt with by
    /// this transaction.
    pub(crate) fn noted(&self, key: &Locator) -> Option<Noted> {
        let noted = self.cache.noted(key)?;
        let same =
            |effect: &Effect| matches!(effect, Effect::Flushed(k, n) if k == key && *n == noted);
        (!self.effects.iter().any(same)).then_some(noted)
    }

    /// As [`noted`](Self::noted), for a verb that ends a session for want of
    /// activity: what comes later has to wait until this is decided.
    pub(crate) fn last_noted(&mut self, key: &Locator) -> Option<Noted> {
        self.cache.close(key);
        self.closed.push(*key);
        self.noted(key)
    }

    /// Tells the cache, once this is committed.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// This has to be on the disk before it is answered, whatever the setting.
    pub(crate) fn must_last(&mut self) {
        self.lasting = true;
    }
}

impl Writer {
    pub(crate) fn new(conn: Connection, log: File, shared: Arc<Shared>) -> Self {
        Self { conn: Rc::new(conn), log, shared, data_version: 0, broken: false }
    }

    /// Until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        struct Gone(Arc<Shared>);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.queue.abandon("its writer has ended");
            }
        }
        let gone = Gone(self.shared.clone());
        let mut pace = Pace::new(gone.0.settings.tick);
        loop {
            match gone.0.queue.next(&mut pace) {
                Next::Closed => return,
                Next::Idle => self.notice_others(),
                Next::Batch(batch) => self.serve_at(&mut pace, batch),
            }
            if let Some(request) = gone.0.backup.take() {
                backup::run(&mut self, request);
            }
        }
    }

    /// Does and answers one batch, and paces the next.
    pub(crate) fn serve_at(&mut self, pace: &mut Pace, batch: Vec<Job>) {
        let (began, count) = (stopwatch::now(), batch.len());
        self.serve(batch);
        pace.keep(&self.shared.queue, began, count);
    }

    fn serve(&mut self, mut batch: Vec<Job>) {
        if self.shared.reserve.is_tight() {
            let refused = batch.extract_if(.., |job| !job.work.relieves());
            for job in refused {
                job.work.answer(Err(tight(&self.shared.path)));
            }
        }
        if batch.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        let inside = shared.gate.enter();
        let mut outcome = self.attempt(&mut batch);
        let alone = batch.len() == 1;
        if alone && let Some(_room) = makes_room(&shared, &outcome, &batch[0]) {
            outcome = self.attempt(&mut batch);
        }
        match outcome {
            Ok(()) => batch.into_iter().for_each(|job| job.work.answer(Ok(()))),
            Err(error) if alone || self.broken || is_busy(&error) => {
                for job in batch {
                    job.work.answer(Err(self.say(&error)));
                }
            }
            // One of them fails: each alone, so that only that one does.
            Err(_) => {
                for job in batch {
                    let mut one = [job];
                    let mut outcome = self.attempt(&mut one);
                    if let Some(_room) = makes_room(&shared, &outcome, &one[0]) {
                        outcome = self.attempt(&mut one);
                    }
                    let [job] = one;
                    job.work.answer(outcome.map_err(|error| self.say(&error)));
                }
            }
        }
        drop(inside);
        shared.committed();
    }

    /// One transaction. If it fails, nothing of it has happened, except where
    /// the disk failed at the very last: that breaks the store.
    fn attempt(&mut self, batch: &mut [Job]) -> Result<(), Fault> {
        if self.broken {
            return Err(Fault::Broken);
        }
        let shared = self.shared.clone();
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.notice_others();
        let mut change = Change {
            conn: &self.conn,
            cache: &shared.cache,
            effects: Vec::with_capacity(batch.len()),
            closed: Vec::new(),
            wrote: false,
            lasting: false,
        };
        for job in batch {
            if let Err(error) = job.work.run(&mut change) {
                shared.cache.reopen(&change.closed);
                self.roll_back();
                return Err(error.into());
            }
        }
        let Change { effects, closed, wrote, lasting, .. } = change;
        let marks = shared.cache.mark(&effects, closed);
        if let Err(error) = self.conn.prepare_cached("COMMIT").and_then(|mut c| c.execute([])) {
            self.roll_back();
            shared.cache.forget(marks, &effects);
            return Err(error.into());
        }
        if wrote && (lasting || shared.settings.durability == Durability::Full) {
            if let Err(error) = self.log.sync_data() {
                // What the system has kept of it nobody can tell, now or later.
                self.broken = true;
                shared.cache.forget(marks, &effects);
                return Err(Fault::Sync(error));
            }
        } else if wrote {
            shared.unsynced.store(true, SeqCst);
        }
        shared.cache.settle(marks, effects);
        Ok(())
    }

    fn roll_back(&self) {
        // SQLite has rolled back by itself after some errors; then this fails.
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    fn say(&self, error: &Fault) -> hardtack::session::store::StoreError {
        let path = &self.shared.path;
        match error {
            Fault::Sqlite(error) => explain(path, again(error)),
            Fault::Sync(error) => {
                let what = format!(
                    "session store {}: the disk did not confirm a write ({error}); look at the \
                     system's log, and open the store again",
                    path.display()
                );
                hardtack::session::store::StoreError::new(StoreErrorKind::Unavailable, what)
            }
            Fault::Broken => closed("the disk did not confirm an earlier write; open it again"),
        }
    }

    /// Forgets what is cached if another connection has written to the file.
    pub(crate) fn notice_others(&mut self) {
        let version = self
            .conn
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut pragma| pragma.query_row([], |row| row.get(0)));
        // If this cannot be read, then neither can what is cached be trusted.
        let version = version.unwrap_or(self.data_version.wrapping_add(1));
        if version != self.data_version {
            self.data_version = version;
            self.shared.cache.clear();
        }
    }
}

/// Why a transaction did not come about.
enum Fault {
    Sqlite(rusqlite::Error),
    Sync(std::io::Error),
    Broken,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn is_busy(error: &Fault) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    let Fault::Sqlite(error) = error else { return false };
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// The same error for another caller.
fn again(error: &rusqlite::Error) -> rusqlite::Error {
    use rusqlite::Error::{IntegralValueOutOfRange, SqliteFailure, ToSqlConversionFailure};
    match error {
        SqliteFailure(code, text) => SqliteFailure(*code, text.clone()),
        IntegralValueOutOfRange(column, value) => IntegralValueOutOfRange(*column, *value),
        other => ToSqlConversionFailure(other.to_string().into()),
    }
}

/// Room for `job`, which ends or removes something and failed for want of it; it stays
/// while the answer is held. Also if there was nothing to give back: the checkpointer may
/// have done that since the job failed.
fn makes_room<'a>(
    shared: &'a Shared,
    outcome: &Result<(), Fault>,
    job: &Job,
) -> Option<MutexGuard<'a, ()>> {
    let Err(Fault::Sqlite(error)) = outcome else { return None };
    if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull) {
        return None;
    }
    shared.reserve.note_full();
    job.work.relieves().then(|| shared.reserve.release())
}
