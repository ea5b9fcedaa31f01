//! Cookies on the wire, the browser's cookie jar, sealed values and
//! server-side sessions; no runtime, no sockets, no clock of its own.

pub mod seal;

mod entropy;
mod time;

pub use time::UnixTime;
