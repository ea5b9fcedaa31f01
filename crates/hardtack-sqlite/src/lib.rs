//! The session store that needs no server: one SQLite file, safe against crashes.
//!
//! ```no_run
//! # fn main() -> Result<(), hardtack::session::StoreError> {
//! use hardtack_sqlite::SqliteStore;
//!
//! let store = SqliteStore::open("/var/lib/shop/sessions.db")?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//! One thread writes. It takes all operations that wait, does them in one
//! transaction, brings that to the disk with one sync, and answers each. Loads
//! run on the thread of the caller: from memory where the record is there, else
//! from the file. Activity ([`touch`](hardtack::session::store::Store::touch)) is
//! collected in memory and written within a second. A second thread brings the
//! log into the file, a third watches over deadlines.
//!
//! # Files
//! | file | what |
//! | --- | --- |
//! | `PATH` | the sessions; `PATH-wal` and `PATH-shm` belong to it while it is open |
//! | `PATH-lock` | who may cache; may be removed while nobody has the store open |
//! | `PATH-reserve` | room on the disk for ending sessions when there is none left |
//!
//! New files may be read and written by their owner only. To look at the file
//! with SQLite's own program use version 3.51.3 or later, or `sqlite3 -readonly`.
//! The file system must be a local one.
//!
//! # Several processes
//! Any number of processes may have the store open and see at once what the
//! others were answered; while there is more than one none of them caches, so
//! loads are slower. That is meant for administration beside a server. What a
//! program other than this crate writes is seen by the cache within 50 ms.
//!
//! # Limits
//! - A load that is not in memory reads the file on the caller's thread, so it
//!   takes as long as the disk takes; all other verbs keep the deadline.
//! - Activity is written within a second as long as it is that of fewer than
//!   some 4000 sessions a second; beyond that it waits longer, so that it never
//!   slows down other writes. A crash loses what waits. No more than 262,144
//!   sessions wait; then `touch` answers an error.
//! - The log (`PATH-wal`) starts over at 16 MiB. It grows beyond that only while
//!   somebody reads for long: a census, or another program's transaction.
//! - Another process may see a change some hundred microseconds before it is on
//!   the disk. Within one process that does not happen to a load.
//!
//! # What this does not protect
//! - Whoever may read the file has what is in it: users' keys, times, device
//!   labels. The data of a session is sealed by `hardtack`, not by this crate.
//! - Sessions that have ended may be read off the disk until their place is
//!   used again.
//! - A disk that says that it has written what it has not, and file systems over
//!   a network, whose locks do not hold.

mod backup;
#[cfg(feature = "browsers")]
pub mod browsers;
mod cache;
mod checkpoint;
mod error;
mod gate;
mod inner;
mod lease;
mod open;
mod queue;
mod readers;
mod reserve;
mod row;
mod schema;
mod stopwatch;
mod store;
mod tend;
mod verbs;
mod writer;

pub use open::Builder;
pub use store::{Durability, SqliteStore};

#[cfg(test)]
mod tests;
