//! Opening a store, and closing it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hardtack::session::store::{StoreError, StoreErrorKind};
use rusqlite::{Connection, OpenFlags};

use crate::backup::{private, sync_folder, with_suffix};
use crate::cache::Cache;
use crate::checkpoint::Checkpointer;
use crate::error::explain;
use crate::inner::{Settings, Shared};
use crate::lease::Lease;
use crate::readers::Readers;
use crate::reserve::Reserve;
use crate::writer::Writer;
use crate::{Durability, SqliteStore, schema, tend};

/// Older ones can damage a file when two connections use its log
/// (<https://www.sqlite.org/releaselog/3_51_3.html>).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long the log waits, and the writer with it, for readers to leave it
/// before it starts over. If they do not, it is tried again later.
const READERS_LEAVE: Duration = Duration::from_millis(15);

/// Sets up a store. Made by [`SqliteStore::builder`].
#[derive(Clone, Debug)]
#[must_use = "a store is opened by `open`"]
pub struct Builder {
    path: PathBuf,
    settings: Settings,
}

impl Builder {
    pub(crate) fn new(path: &Path) -> Self {
        let settings = Settings {
            durability: Durability::Full,
            cache_bytes: 64 << 20,
            deadline: Duration::from_secs(5),
            reserve_bytes: 8 << 20,
            create: true,
            tick: Duration::from_millis(50),
            flush: Some(Duration::from_millis(800)),
        };
        Self { path: path.into(), settings }
    }

    /// What a power failure may take. [`Durability::Full`] if this is not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = durability;
        self
    }

    /// How many bytes of records are kept in memory so that loading them reads
    /// no file; 64 MiB if this is not called, 0 for none. SQLite takes some more:
    /// 16 MiB to write with and 2 MiB for each thread that reads.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.settings.cache_bytes = bytes;
        self
    }

    /// Within which time every verb answers, if only with
    /// [`StoreErrorKind::Timeout`]; 5 s if this is not called, and at least
    /// 100 ms. A load that has to read the file does so on the caller's thread,
    /// and takes as long as the disk takes.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline.max(Duration::from_millis(100));
        self
    }

    /// How much room on the disk is kept for ending and removing sessions when
    /// there is none left; 8 MiB if this is not called.
    pub fn reserve_bytes(mut self, bytes: u64) -> Self {
        self.settings.reserve_bytes = bytes;
        self
    }

    /// Whether the file is made if it is not there; yes if this is not called.
    pub fn create(mut self, create: bool) -> Self {
        self.settings.create = create;
        self
    }

    /// Sets how often the background looks around, and whether it writes activity
    /// to the file on its own account.
    #[cfg(test)]
    pub(crate) fn background(mut self, tick: Duration, flush: Option<Duration>) -> Self {
        (self.settings.tick, self.settings.flush) = (tick, flush);
        self
    }

    /// Opens the store, and makes it or brings it up to date where necessary.
    ///
    /// While another process has it open this waits until that process has
    /// stopped caching, usually for some 50 ms and at most for the deadline.
    ///
    /// # Errors
    /// - [`StoreErrorKind::ReadOnly`]: the file or its folder is not there or may
    ///   not be written, or somebody else has locked it for too long
    /// - [`StoreErrorKind::Corrupt`]: it is damaged, not a database, another
    ///   program's, or made by a newer version
    /// - [`StoreErrorKind::Full`]: there is no room on the disk to make it
    /// - [`StoreErrorKind::Unavailable`]: anything else that the system refuses,
    ///   and an SQLite older than 3.51.3
    pub fn open(self) -> Result<SqliteStore, StoreError> {
        let Self { path, settings } = self;
        if rusqlite::version_number() < OLDEST_SQLITE {
            let what = format!(
                "SQLite {} can damage a file that several connections use; 3.51.3 is the oldest \
                 that this store takes",
                rusqlite::version()
            );
            return Err(StoreError::new(StoreErrorKind::Unavailable, what));
        }
        let writer = connect(&path, &settings).map_err(|trouble| trouble.explain(&path))?;
        let beside = |suffix| {
            let path = with_suffix(&path, suffix);
            private(&path, false).map_err(|error| io(&path, error))
        };
        let reserve = beside("-reserve")?;
        let guests = reserve.try_clone().map_err(|error| io(&path, error))?;
        let lease = Lease::take(beside("-lock")?, guests, settings.deadline)
            .map_err(|error| refused(&path, error))?;
        let failed = |error| explain(&path, error);
        let conn = reopen(&path, &settings).map_err(failed)?;
        conn.busy_timeout(READERS_LEAVE).map_err(failed)?;
        let log_path = with_suffix(&path, "-wal");
        let log = || File::open(&log_path).map_err(|error| io(&log_path, error));
        let (writer_log, checkpoint_log) = (log()?, log()?);
        sync_folder(&path).map_err(|error| io(&path, error))?;

        let shared = Arc::new(Shared {
            cache: Cache::new(settings.cache_bytes),
            readers: Readers::new(&path, settings.deadline / 2),
            reserve: Reserve::new(reserve, settings.reserve_bytes),
            path,
            settings,
            queue: Default::default(),
            gate: Default::default(),
            backup: Default::default(),
            unsynced: Default::default(),
            stop: Default::default(),
            commits: Default::default(),
            checkpointer: Default::default(),
        });
        let mut store = Inner { shared: shared.clone(), threads: Mutex::default() };
        store.start(
            lease,
            writer,
            writer_log,
            Checkpointer { conn, log: checkpoint_log, shared },
        )?;
        Ok(SqliteStore(Arc::new(store)))
    }
}

/// The writer's connection: makes the file and its tables if necessary.
fn connect(path: &Path, settings: &Settings) -> Result<Connection, schema::Trouble> {
    if settings.create {
        // SQLite makes its files with the permissions of this one. Where it is
        // there already it is not opened: closing it would drop SQLite's locks.
        // Where it cannot be made, SQLite says why.
        let _ = private(path, true);
    }
    let mut conn = reopen(path, settings)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let what = format!(
            "cannot keep a log beside it (its journal mode is {mode}); it needs a local file system"
        );
        return Err(schema::Trouble::Refused(what));
    }
    schema::prepare(&mut conn)?;
    conn.pragma_update(None, "cache_size", -16384)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

fn reopen(path: &Path, settings: &Settings) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(settings.deadline * 3 / 4)?;
    // The writer syncs the log by itself; checkpoints sync both files at NORMAL.
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(conn)
}

fn io(path: &Path, error: std::io::Error) -> StoreError {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        std::io::ErrorKind::PermissionDenied
        | std::io::ErrorKind::ReadOnlyFilesystem
        | std::io::ErrorKind::NotFound => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, format!("cannot use {}: {error}", path.display())).caused_by(error)
}

fn refused(path: &Path, error: std::io::Error) -> StoreError {
    if error.kind() != std::io::ErrorKind::TimedOut {
        return io(path, error);
    }
    let what = format!(
        "the process that has the session store {} open does not make way; is it stopped?",
        path.display()
    );
    StoreError::new(StoreErrorKind::Unavailable, what)
}

/// An open store. Closes it when dropped.
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    tender: JoinHandle<()>,
    writer: JoinHandle<()>,
    checkpointer: JoinHandle<()>,
}

impl Inner {
    fn start(
        &mut self,
        mut lease: Lease,
        conn: Connection,
        log: File,
        checkpointer: Checkpointer,
    ) -> Result<(), StoreError> {
        let shared = &self.shared;
        let path = &shared.path;
        // A disk without room for the reserve has none for new sessions either.
        if shared.settings.reserve_bytes > 0 && shared.reserve.keep().is_err() {
            shared.reserve.note_full();
        }
        lease.review(&shared.cache).map_err(|error| io(path, error))?;
        let (for_writer, for_tender) = (shared.clone(), shared.clone());
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(format!("hardtack-{name}"));
            thread.spawn(run).map_err(|error| io(path, error))
        };
        let writer = spawn("writer", Box::new(move || Writer::new(conn, log, for_writer).run()))?;
        let checkpointer = spawn("checkpoint", Box::new(move || checkpointer.run()))?;
        let _ = shared.checkpointer.set(checkpointer.thread().clone());
        let tender = spawn("tender", Box::new(move || tend::run(&for_tender, lease)))?;
        self.threads = Mutex::new(Some(Threads { tender, writer, checkpointer }));
        Ok(())
    }

    /// Writes what is noted, brings the log into the file and ends the threads.
    pub(crate) fn close(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(threads) = threads else { return };
        let shared = &self.shared;
        // Activity that cannot be written now is lost; the idle timeout has a
        // touch interval of slack for that.
        drop(shared.flush());
        shared.queue.close("it was closed");
        // A thread that panicked has told so, and holds nothing to wait for.
        let _ = threads.writer.join();
        shared.stop.store(true, SeqCst);
        threads.checkpointer.thread().unpark();
        threads.tender.thread().unpark();
        shared.readers.close();
        let _ = threads.checkpointer.join();
        let _ = threads.tender.join();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
