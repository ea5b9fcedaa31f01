//! The keys in use: one seals, all open.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::key::{Key, KeyId};

/// The keys of an installation, in order: the first seals, all open.
///
/// Clones are cheap and share one ring, so a change through one is seen by all.
#[derive(Clone)]
pub struct Keyring {
    shared: Arc<Shared>,
}

struct Shared {
    /// Never empty.
    keys: RwLock<Vec<Arc<Key>>>,
}

impl Keyring {
    /// A ring of one key, which seals and opens.
    pub fn new(key: Key) -> Keyring {
        Keyring { shared: Arc::new(Shared { keys: RwLock::new(vec![Arc::new(key)]) }) }
    }

    /// The key that seals.
    pub fn sealing(&self) -> Arc<Key> {
        Arc::clone(&self.keys()[0])
    }

    /// The key with this id, if the ring has it.
    pub fn find(&self, id: KeyId) -> Option<Arc<Key>> {
        self.keys().iter().find(|key| key.id() == id).map(Arc::clone)
    }

    /// The ids of all keys, the sealing one first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().iter().map(|key| key.id()).collect()
    }

    fn keys(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Key>>> {
        // Writers only swap a finished list in, so a poisoned lock holds a whole one.
        self.shared.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}
