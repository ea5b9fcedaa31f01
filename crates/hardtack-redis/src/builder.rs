//! How a store is set up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use hardtack::session::store::{StoreError, StoreErrorKind};

use crate::address::Address;
use crate::key::Keys;
use crate::link::Link;
use crate::store::{Inner, RedisStore};

/// What the loss of a server may take: the choice that has no safe default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two: to wait for replicas or not")]
pub enum Durability {
    /// Logins, ends and epochs are answered when this many replicas (1 to 255) have
    /// them, beside the master; if fewer confirm within the deadline the call fails
    /// ([`StoreErrorKind::Unavailable`]), and a logout that failed is not shown as
    /// done. They survive the loss of the master as long as one of those replicas
    /// takes its place. Changes of a session's data are answered by the master alone,
    /// and a failover may take the last of them.
    ///
    /// Takes connections of its own, since Redis holds up what follows a WAIT.
    Wait(u8),
    /// Everything is answered by the master alone, and goes to replicas and to the
    /// disk when Redis sees fit.
    ///
    /// **This does not promise that an end is final.** A failover, or a crash of a
    /// server without `appendfsync always`, may bring back a session that was
    /// signed out shortly before (about a second, with `appendfsync everysec`), and
    /// lose logins. With one server, `appendonly yes` and `appendfsync always`
    /// nothing that was answered is lost by a crash.
    Async,
}

/// Sets up a [`RedisStore`].
#[must_use = "a builder makes a store when it is opened"]
pub struct Builder {
    url: String,
    durability: Durability,
    prefix: String,
    deadline: Duration,
    roots: Option<Vec<u8>>,
}

impl Builder {
    pub(crate) fn new(url: &str, durability: Durability) -> Self {
        let (prefix, deadline) = ("ht:".into(), Duration::from_secs(1));
        Self { url: url.to_owned(), durability, prefix, deadline, roots: None }
    }

    /// What the names of all keys begin with: `ht:` unless said otherwise. Stores of
    /// different prefixes know nothing of each other. It must not contain braces,
    /// which tell a cluster where a key goes. Up to 8 bytes cost no memory.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Within what time every call is answered, one second unless said otherwise.
    /// Opening a connection counts in.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The certificates (PEM) of the authorities that servers are trusted by, for
    /// `rediss://`; those of the system unless said otherwise.
    #[cfg(feature = "tls")]
    pub fn trust(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(authorities.into());
        self
    }

    /// Makes the store. Connects only when it is first used, so that a program
    /// starts, and says 503, while Redis is down.
    ///
    /// # Errors
    /// If the address, the prefix, the deadline or the durability cannot be.
    pub fn open(self) -> Result<RedisStore, StoreError> {
        let refuse = |what: String| Err(StoreError::new(StoreErrorKind::Unavailable, what));
        let address = Address::parse(&self.url, self.roots)?;
        if self.prefix.contains(['{', '}']) {
            return refuse(format!("the prefix `{}` must not contain braces", self.prefix));
        }
        if self.deadline.is_zero() {
            return refuse("the deadline of a Redis store must be longer than nothing".into());
        }
        let replicas = match self.durability {
            Durability::Wait(0) => {
                return refuse("Durability::Wait(0) waits for nobody; say Async".into());
            }
            Durability::Wait(replicas) => replicas,
            Durability::Async => 0,
        };
        let link = Link::new(address, self.deadline, replicas);
        let keys = Keys::new(&self.prefix);
        Ok(RedisStore(Arc::new(Inner {
            link,
            keys,
            durability: self.durability,
            sweep_from: AtomicUsize::new(0),
        })))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Builder")
            .field("durability", &self.durability)
            .field("prefix", &self.prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_and_no_password_is_shown() {
        let builder = || RedisStore::builder("redis://ada:secret@127.0.0.1", Durability::Async);
        assert!(!format!("{:?} {:?}", builder(), builder().open().unwrap()).contains("secret"));
        builder().prefix("a{b").open().unwrap_err();
        builder().deadline(Duration::ZERO).open().unwrap_err();
        RedisStore::open("redis://127.0.0.1", Durability::Wait(0)).unwrap_err();
        RedisStore::open("redis://127.0.0.1", Durability::Wait(1)).unwrap();
    }
}
