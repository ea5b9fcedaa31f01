//! Server-side sessions.
//!
//! | step of a request | file |
//! | --- | --- |
//! | the cookies that may be ids | `transport.rs` |
//! | an id is checked, before any look-up | `id.rs` |
//! | the record is loaded and opened | `look.rs`, `work.rs`, `body.rs` |
//! | what was opened lately is not opened again | `recent.rs` |
//! | live, over, due for a touch or a renewal | `lifetime.rs` |
//! | the handler reads values and wants changes | `session.rs`, `state.rs`, `transact.rs`, `data.rs`, `change.rs` |
//! | what the end of the request does | `plan.rs`, `request.rs` |
//! | a clock that is off ends nothing | `skew.rs` |
//! | changes onto the newest record | `commits.rs` |
//! | signing in and out, lists, ends | `login.rs`, `remember.rs`, `admin.rs` |
//! | tokens against cross-site requests, messages for the next page | `csrf.rs`, `flash.rs` |
//! | both before there is a session | `visitor.rs` |
//! | a token in the URL instead of a cookie, if configured | `url.rs` |
//! | the other kind: all of it in encrypted cookies | `sealed/` |
//!
//! # What this does not protect
//! Whoever holds a whole session id is the user until the session ends or the id
//! is renewed. See also the sections of that name in the modules below.

mod admin;
mod body;
mod change;
mod clients;
mod commits;
mod config;
mod csrf;
pub mod danger;
mod data;
mod device;
mod error;
mod events;
mod flash;
mod id;
mod key;
mod lifetime;
mod live;
mod login;
mod look;
mod oneshot;
mod plan;
mod recent;
mod record;
mod remember;
mod request;
mod runtime;
mod sealed;
#[allow(clippy::module_inception, reason = "the handle is what the module is named after")]
mod session;
mod sessions;
mod skew;
mod state;
pub mod store;
mod transact;
mod transport;
pub mod url;
mod values;
mod visitor;
mod work;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod tests;

pub use admin::{Admin, SessionInfo};
pub use config::{ConfigError, Profile, SessionsBuilder};
pub use error::{SessionError, ValueError};
pub use events::{Counts, Event};
pub use flash::Flash;
pub use id::Locator;
pub use key::SessionKey;
pub use lifetime::Remaining;
pub use live::LiveSession;
pub use login::Login;
pub use record::{Cause, Epochs, Kind, Record, UserKey, Version};
pub use request::{Caching, Finish, Outcome};
pub use runtime::Runtime;
pub use sealed::{
    Revocable, SealedLogin, SealedSession, SealedSessions, SealedSessionsBuilder, UntilExpiry,
};
pub use session::{About, Session};
pub use sessions::Sessions;
pub use skew::NotReady;
pub use store::{MemoryStore, Store, StoreError, StoreErrorKind};
pub use transact::Txn;
