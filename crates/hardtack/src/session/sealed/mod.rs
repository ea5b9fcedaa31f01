//! Sealed sessions: the whole session is in the browser's cookies, encrypted, and
//! no server keeps it.
//!
//! | file | what it does |
//! | --- | --- |
//! | `config.rs` | all defaults, and what cannot be right |
//! | `engine.rs` | what all requests share; the format of the body |
//! | `cookies.rs` | one cookie, or pieces of at most 4096 bytes |
//! | `session.rs` | one request's session |
//! | `until_expiry.rs` | signing in and out without a store |
//! | `revocable.rs` | the same with a store that can say "ended" |
//!
//! What a sealed session cannot do, its type does not have: no lists, no renewal,
//! no transactions, no being remembered, no life beyond its request. It keeps
//! both time limits (they are inside the seal and the server judges them), opens
//! only what this application sealed for this purpose, treats everything else as
//! if nothing had come, is bounded in size, and has no store that could fail.
//!
//! | | [`UntilExpiry`] | [`Revocable`] |
//! | --- | --- | --- |
//! | kept on the server | nothing | a record of each login, without data |
//! | a copied cookie after `logout` | lives until it expires | dead |
//! | `end_all`, lists for operators | no | yes, where signed in |
//! | an older copy of a live session | opens, with its older data | opens, with its older data |
//! | parallel requests that write | the last response wins | the last response wins |
//! | the store is down | there is none | 503 for who is signed in |
//!
//! # What this does not protect
//! - Parallel writes. Each response carries the whole session, and the browser
//!   keeps the one that comes last: what the other wrote is gone, whichever key
//!   it was. That includes a sign-in or sign-out, when the answer of a request
//!   that began before comes after it; and a request that only read is such a
//!   request too, once in a twentieth of the idle timeout, when its answer notes
//!   activity.
//! - Against going back. Whoever keeps a cookie can present it again as long as
//!   it has not expired, with the data of its time: what is counted down, used up
//!   or taken back belongs on the server.
//! - A copy, without a revocation store, until it expires: logging out asks the
//!   browser to forget its cookies, which says nothing to a thief.
//! - Anonymous sessions cannot be revoked at all.
//! - Whoever can write to the revocation store can make a session that was ended
//!   live again for who still has its cookie.
//! - The length of the data, and that it changed, from who sees the cookies.

mod config;
mod cookies;
mod engine;
mod revocable;
mod session;
#[cfg(test)]
mod tests;
mod until_expiry;

pub use config::SealedSessionsBuilder;
pub use engine::SealedSessions;
pub use revocable::{Revocable, SealedLogin};
pub use session::SealedSession;
pub use until_expiry::UntilExpiry;
