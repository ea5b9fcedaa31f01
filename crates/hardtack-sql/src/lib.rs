//! The session stores on PostgreSQL and on MySQL or MariaDB: features `postgres`
//! and `mysql`.
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # async fn open() -> Result<(), hardtack::session::StoreError> {
//! use hardtack_sql::PostgresStore;
//!
//! let store = PostgresStore::open("postgres://shop@db.internal/shop").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Opening makes the tables. Where the program may not do that, apply
#![cfg_attr(feature = "postgres", doc = "[`postgres::SCHEMA`]")]
#![cfg_attr(not(feature = "postgres"), doc = "the schema")]
//! or
#![cfg_attr(feature = "mysql", doc = "[`mysql::SCHEMA`]")]
#![cfg_attr(not(feature = "mysql"), doc = "the one of the other engine")]
//! by hand and open with `migrate(false)`.
//!
//! # Durability
//! | | PostgreSQL | MySQL, MariaDB |
//! | --- | --- | --- |
//! | logins, ends, epochs, commits | `synchronous_commit = on` is set for every connection, whatever the server's default is; what is stronger (`remote_apply`) stays | as the server syncs its log |
//! | activity (touches) | not waited for: a crash takes the last second or so of it | as the rest |
//! | refused by [`Durability::Full`] | `fsync = off`, `full_page_writes = off` | `innodb_flush_log_at_trx_commit` 0 or 2; a binary log with `sync_binlog` other than 1 |
//! | a failover to a standby | loses nothing if `synchronous_standby_names` is set | loses nothing if replication is semi-synchronous with `AFTER_SYNC` and does not fall back |
//! | an answer that got lost | the statement, or the login's transaction, is whole or nothing; the engine finds out which | the same |
//!
//! # How it works
//! Each verb is one prepared statement, which is a transaction of its own. A login
//! with a limit, and on MySQL any login in place of another session, is a
//! transaction that first locks the row of its user. On PostgreSQL that is sent
//! in one piece, so it costs one round trip like the rest. There, loads, commits, ends
//! and new sessions without a limit share statements with others of their kind that
//! come while the server is busy, up to 64, and so their commits share a wait for the disk.
//! Sessions that end stay as tombstones in their place; nothing is ever inserted
//! over them. Epochs are read by the statement
//! that reads the session. The sweeper runs on one node at a time, at most 500
//! sessions a statement.
//!
//! On PostgreSQL the times that activity moves are in a narrow table of their own
//! whose index they leave alone (HOT updates); on MySQL, which changes rows in
//! place, they are in the session's row.
//!
//! What the server undoes because of others (a deadlock, a serialization failure)
//! is tried again within the deadline. Nothing else is: after a broken connection
//! the outcome is unknown, and that is what the error says.
//!
//! # Near-cache
//! On PostgreSQL, with `Builder::near_cache`, a process remembers live records and answers
//! loads from there, without a round trip. Each statement that writes sessions notifies
//! (`NOTIFY`) of them, and a process uses what it remembers only while it has heard its own
//! question on the connection that listens, sent less than the lag ago (100 ms,
//! `Builder::near_lag`, less a tenth). Without that proof there is no cache, and loads go to
//! the server.
//!
//! Before it remembers anything a process puts its lag into the row of `hardtack_near`, and keeps
//! it there. Whatever ends sessions (an end, a login, an insert that evicts, a raise, a sweep that
//! ended something) reads it with its statement, and is answered that long after its write, by
//! whichever process: by then all who remember have been told, or have no proof. So an end that
//! was answered is final for all of them.
//!
//! - An end costs the lag, and so does a login that ends a session or evicts one: for every
//!   process of the store, and until a minute after the last near-cache is gone. The first end may
//!   be answered later than the deadline by the lag: only its statement tells.
//! - While it stands writes are told, and PostgreSQL commits one transaction that notifies
//!   after the other. Calls that share a statement share that, too.
//! - Data that another process wrote may be as old as the lag where it is read. No compare-and-set
//!   and no end is decided by it: a conflict reads the server again.
//! - To begin, a process takes `hardtack_near` for itself for a moment (`LOCK TABLE`, at most
//!   100 ms). Where somebody holds it for longer, `pg_dump` for example, it tries again every
//!   ten seconds and does without until then; one that stands already stays.
//!
//! MySQL and MariaDB have none: they tell nobody of writes.
//!
//! # TLS
//! To another machine TLS is required and the certificate is checked, unless the
//! URL of PostgreSQL says `sslmode=disable` or MySQL's builder `without_tls`.
//! There is no "prefer": it gives way to whoever stands in between. To this
//! machine it is used where the URL asks for it. Name the authority of a private
//! server with `root_certificates`.
//!
//! # Limits
//! - A pooler between (PgBouncer) must work by session: the store prepares
//!   statements and sets its connections up.
//! - MySQL and MariaDB must write the binary log, if they do, by row or mixed:
//!   the store works under READ COMMITTED, whatever the server's default is.
//! - A server that becomes read-only while connected goes on answering loads from
//!   what it has until the first write fails on it; then the store looks for one
//!   that can be written, and answers errors until it finds it.
//! - MySQL and MariaDB show a change to others before it is on the disk. A crash
//!   in between takes back what nobody was told to be done, but others may have
//!   seen: for a moment a session looked ended, and goes on. PostgreSQL shows a
//!   change only when it is safe.
//! - On PostgreSQL, whoever locks the row of a session by hand for long may make
//!   others wait who share its statement, until the deadline.
//! - A user who signed in under a limit, or whose sessions were ended at once,
//!   leaves one small row behind.
//! - A session that is ended while an "end all" is being answered may show the
//!   cause `revoked` first and its own cause afterwards; the event has the latter.
//!
//! # What this does not protect
//! - Whoever may read the tables has what is in them: users' keys, times, device
//!   labels. The data of a session is sealed by `hardtack`, not by this crate.
//! - Whoever may write the tables can end sessions, and can bring back a sealed
//!   record that was there before; restoring a backup does the same. Raise the
//!   global epoch after a restore.
//! - What ended can be read off the disk, the log and backups until they are
//!   cleared.
//! - A standby that is read from, or two servers that both take writes.
//! - A near-cache believes the clock of its machine to run evenly, and the server's not to jump
//!   forward by more than 20 seconds. What is changed in the tables by hand is not told.

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod builder;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod columns;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod shared;

#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use builder::Builder;
#[cfg(feature = "mysql")]
pub use mysql::MysqlStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;

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
