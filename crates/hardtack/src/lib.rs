//! Cookies on the wire, the browser's cookie jar, sealed values and server-side
//! sessions.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`cookie`] | reads and writes `Cookie` and `Set-Cookie` headers, as servers and as clients do |
//! | `jar` | a client's cookies, as browsers keep and send them (feature `jar`) |
//! | [`seal`] | signs and encrypts values that travel, with keys that can be rotated |
//! | [`session`] | sessions: the engine, the store's contract, a store in memory |
//! | [`time`] | time as an argument |
//!
//! No runtime, no sockets, no clock of its own. A web service starts with an
//! adapter crate such as `hardtack-tower`, which re-exports this one.

pub mod cookie;
mod entropy;
#[cfg(feature = "jar")]
pub mod jar;
mod private_file;
pub mod seal;
pub mod session;
pub mod time;

pub use entropy::EntropyError;
