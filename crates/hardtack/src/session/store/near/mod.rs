//! What a process remembers of a store that others write to as well: live records,
//! used only while somebody is proven to tell of every write.
//!
//! # The law
//! The store's server tells of writes in order, and answers questions in the same
//! stream. An answer to a question that was sent at `t` proves that every write from
//! before `t` has been told, and lets what is remembered be used until `t` and the
//! trust. Whoever ends a session answers only when the end was written for longer
//! than that: by then each process either was told, or has no proof.
//!
//! # Why a load never puts back what is gone
//! Each locator belongs to a stripe with a counter, which goes up at every write that
//! is told. A load takes the counter before it asks the server, and what it found is
//! kept only if the counter is still the same. A write after the load's look is told
//! either before the load keeps what it found, which is then refused, or after, which
//! takes it out.
//!
//! # What this does not protect
//! Data may be as old as the trust. Whoever decides by it compares and sets.

mod lag;
mod records;

pub use lag::{Held, MOST_LAG, check_lag, trust};
pub use records::Records;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::session::{Locator, Record};

const SHARDS: usize = 64;
const STRIPES: usize = 4096;

/// A near-cache. Which instants there are is its user's to say.
pub struct Near {
    shards: Box<[RwLock<Records>]>,
    stripes: Box<[AtomicU64]>,
    /// Like a stripe to which every locator belongs.
    all: AtomicU64,
    /// Whether somebody tells of writes.
    told: AtomicBool,
    /// Until when what is remembered may be used, in nanoseconds since it began.
    until: AtomicU64,
    began: Instant,
    trust: Duration,
}

/// When a load began to ask the server.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    stripe: u64,
    all: u64,
}

impl Near {
    /// One that keeps at most about `bytes` bytes, and believes a proof for as long
    /// as `trust`. Nothing happens before `began`.
    pub fn new(bytes: usize, trust: Duration, began: Instant) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::new(Records::new(bytes / SHARDS))).collect(),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
            told: AtomicBool::new(false),
            until: AtomicU64::new(0),
            began,
            trust,
        }
    }

    /// The record under `key`, if it is remembered and may be used at `now`.
    pub fn find(&self, key: &Locator, now: Instant) -> Option<Record> {
        if self.nanos(now) >= self.until.load(SeqCst) {
            return None;
        }
        self.shards[index(key)].read().unwrap_or_else(PoisonError::into_inner).find(key)
    }

    /// Before the server is asked for `key`. `None`: nobody tells of writes.
    pub fn before(&self, key: &Locator) -> Option<Since> {
        let since = self.now(key);
        self.told.load(SeqCst).then_some(since)
    }

    /// Remembers what the server answered, if nothing was told meanwhile. Otherwise nothing
    /// is remembered: what was there may be older than this answer.
    pub fn fill(&self, key: &Locator, since: Since, record: Record) {
        let mut shard = self.write(key);
        let now = self.now(key);
        if now.stripe == since.stripe && now.all == since.all {
            shard.put(*key, record);
        } else {
            shard.remove(key);
        }
    }

    /// Something was written under `key`.
    pub fn forget(&self, key: &Locator) {
        self.stripes[stripe(key)].fetch_add(1, SeqCst);
        self.write(key).remove(key);
    }

    /// Something was written to sessions whose locators begin with `slot`.
    pub fn forget_slot(&self, slot: [u8; 2]) {
        self.all.fetch_add(1, SeqCst);
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).remove_slot(slot);
        }
    }

    /// Anything may have been written.
    pub fn clear(&self) {
        self.all.fetch_add(1, SeqCst);
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// From now on every write is told.
    pub fn begin(&self) {
        self.clear();
        self.told.store(true, SeqCst);
    }

    /// A question that was sent at `asked` has been answered, after everything that
    /// had been written before was told.
    pub fn proven(&self, asked: Instant) {
        self.until.fetch_max(self.nanos(asked + self.trust), SeqCst);
    }

    /// Nobody tells of writes any more.
    pub fn lost(&self) {
        self.told.store(false, SeqCst);
        self.until.store(0, SeqCst);
        self.clear();
    }

    /// How many bytes it keeps.
    pub fn bytes(&self) -> usize {
        let bytes = |s: &RwLock<Records>| s.read().unwrap_or_else(PoisonError::into_inner).bytes();
        self.shards.iter().map(bytes).sum()
    }

    fn now(&self, key: &Locator) -> Since {
        Since { stripe: self.stripes[stripe(key)].load(SeqCst), all: self.all.load(SeqCst) }
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    // Nothing panics while it holds a lock and has changed half of something, so a
    // poisoned lock is as good as any.
    fn write(&self, key: &Locator) -> RwLockWriteGuard<'_, Records> {
        self.shards[index(key)].write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Near").field("trust", &self.trust).finish_non_exhaustive()
    }
}

// A hash table takes its bucket from the low and its tag from the high bits, so
// the shard and the stripe come from the middle.
fn index(key: &Locator) -> usize {
    (key.prefix() >> 32) as usize % SHARDS
}

fn stripe(key: &Locator) -> usize {
    (key.prefix() >> 38) as usize % STRIPES
}
