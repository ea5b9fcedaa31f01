//! How a store is set up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use hardtack::session::store::near::{Held, check_lag};
use hardtack::session::store::{StoreError, StoreErrorKind};

use crate::address::Address;
use crate::key::Keys;
use crate::link::Link;
use crate::near::NearCache;
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
    near_bytes: usize,
    near_lag: Duration,
}

impl Builder {
    pub(crate) fn new(url: &str, durability: Durability) -> Self {
        let (prefix, deadline) = ("ht:".into(), Duration::from_secs(1));
        let near_lag = Duration::from_millis(100);
        let url = url.to_owned();
        Self { url, durability, prefix, deadline, roots: None, near_bytes: 0, near_lag }
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

    /// Remembers up to about so many bytes of live records in this process, and
    /// answers loads from there while the server is proven to tell of every write;
    /// 0, which is none, unless said otherwise.
    ///
    /// Whoever ends a session waits for those who remember it, also a process that has
    /// no near-cache itself: the store tells it for how long. The crate's page says what
    /// it costs.
    pub fn near_cache(mut self, bytes: usize) -> Self {
        self.near_bytes = bytes;
        self
    }

    /// How long ends are held back while there is this near-cache, and how old at most
    /// what it remembers is, with a tenth to spare: 100 ms unless said otherwise; 10 ms
    /// to a quarter of the deadline, and to one second. Of several processes the
    /// greatest holds. Four times in it each master is asked whether it still tells.
    ///
    /// Where a replica may take over it must be shorter than the time after which a
    /// master is taken for dead.
    pub fn near_lag(mut self, lag: Duration) -> Self {
        self.near_lag = lag;
        self
    }

    /// Makes the store. Connects only when it is first used, so that a program
    /// starts, and says 503, while Redis is down.
    ///
    /// # Errors
    /// If the address, the prefix, the deadline, the durability or the near-cache
    /// cannot be.
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
        let keys = Keys::new(&self.prefix);
        let near = match (self.near_bytes, self.near_lag, self.deadline) {
            (0, ..) => None,
            (bytes, lag, deadline) => {
                if let Err(why) = check_lag(lag, deadline) {
                    return refuse(why);
                }
                Some(NearCache::new(&address, bytes, lag, keys.clone(), deadline, replicas))
            }
        };
        let proofs = near.as_ref().map(|near| near.proofs().clone());
        let link = Link::new(address, self.deadline, replicas, proofs);
        Ok(RedisStore(Arc::new(Inner {
            link,
            keys,
            durability: self.durability,
            near,
            held: Held::default(),
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
        let near = |url| RedisStore::builder(url, Durability::Async).near_cache(1 << 20);
        for lag in [Duration::from_millis(9), Duration::from_millis(251)] {
            near("redis://127.0.0.1").near_lag(lag).open().unwrap_err();
        }
        near("redis://127.0.0.1").open().unwrap();
        near("redis://127.0.0.1,127.0.0.2").open().unwrap();
        near("redis+sentinel://127.0.0.1/main").open().unwrap();
        let slow = || near("redis://127.0.0.1").deadline(Duration::from_secs(60));
        slow().near_lag(Duration::from_millis(1001)).open().unwrap_err();
        slow().near_lag(Duration::from_secs(1)).open().unwrap();
        RedisStore::open("redis://127.0.0.1", Durability::Wait(0)).unwrap_err();
        RedisStore::open("redis://127.0.0.1", Durability::Wait(1)).unwrap();
    }
}
