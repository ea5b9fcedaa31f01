//! Server-side sessions.

mod id;
mod record;
pub mod store;

pub use id::Locator;
pub use record::{Cause, Epochs, Kind, Record, UserKey, Version};
pub use store::{MemoryStore, Store, StoreError, StoreErrorKind};
