//! The laws of every store on real servers, and what is these stores' own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
#[cfg(feature = "mysql")]
mod needs_mariadbd;
#[cfg(feature = "postgres")]
mod needs_postgres;
mod server;
