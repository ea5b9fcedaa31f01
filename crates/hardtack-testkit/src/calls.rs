//! How often each verb of a store is called.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use crate::wrap::{Around, Verb, counted, store_around};

/// A store that counts the calls to another. Clones count together.
#[derive(Clone)]
pub struct StoreCalls {
    inner: Arc<dyn Store>,
    counts: Arc<[AtomicU64; Verb::ALL.len()]>,
}

impl StoreCalls {
    /// Counts the calls to `inner`.
    pub fn new(inner: impl Store) -> Self {
        Self { inner: Arc::new(inner), counts: Arc::default() }
    }

    /// How often `verb` has been called.
    pub fn of(&self, verb: Verb) -> u64 {
        self.counts[verb as usize].load(SeqCst)
    }

    /// How often a verb has been called that can change the store.
    pub fn writes(&self) -> u64 {
        Verb::ALL.into_iter().filter(|v| v.writes()).map(|v| self.of(v)).sum()
    }

    /// How often any verb has been called.
    pub fn all(&self) -> u64 {
        Verb::ALL.into_iter().map(|v| self.of(v)).sum()
    }
}

impl Around for StoreCalls {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn around<'a, T: Send + Unpin + 'a>(
        &'a self,
        verb: Verb,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        let count = &self.counts[verb as usize];
        count.fetch_add(1, SeqCst);
        counted(call(usize::MAX), || {
            count.fetch_sub(1, SeqCst);
        })
    }
}

store_around!(StoreCalls);

impl std::fmt::Debug for StoreCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = Verb::ALL.into_iter().map(|v| (v, self.of(v))).filter(|(_, n)| *n > 0);
        f.debug_map().entries(counts).finish()
    }
}
