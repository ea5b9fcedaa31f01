//! The session store on Redis (6.2 or later) or Valkey.
//!
//! ```no_run
//! # fn main() -> Result<(), hardtack::session::StoreError> {
//! use hardtack_redis::{Durability, RedisStore};
//!
//! let store = RedisStore::open("redis://127.0.0.1", Durability::Wait(1))?;
//! # Ok(())
//! # }
//! ```

mod address;
mod breaker;
mod builder;
mod cluster;
mod error;
mod key;
mod link;
mod moves;
mod node;
mod record;
mod script;
mod store;
mod upkeep;
mod value;

pub use builder::{Builder, Durability};
pub use store::RedisStore;

#[cfg(test)]
mod tests;
