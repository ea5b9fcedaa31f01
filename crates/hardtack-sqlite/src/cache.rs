//! What the process remembers: records that were read or written, and activity
//! that is not in the file yet.
//!
//! # Why a load never gives back what is gone
//! A reader that misses reads the file and then puts what it found into the
//! cache. Meanwhile the writer may have changed it, so each locator belongs to
//! a stripe with a counter, odd from before a commit that concerns it becomes
//! visible until it is on the disk and in the cache. A reader takes the counter
//! before it reads the file, and what it read counts only if the counter was
//! even and is still the same; otherwise it asks the writer. That also keeps it
//! from telling of a change that a power failure could still undo.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hardtack::session::store::Touch;
use hardtack::session::store::near::Records;
use hardtack::session::{Locator, Record};
use hardtack::time::UnixTime;

/// The most locators with activity that is not in the file yet; about 16 MB.
const NOTED_MAX: usize = 1 << 18;
const SHARDS: usize = 64;
const STRIPES: usize = 4096;

pub(crate) struct Cache {
    shards: Box<[RwLock<Shard>]>,
    stripes: Box<[AtomicU64]>,
    /// Like a stripe to which every locator belongs.
    all: AtomicU64,
    noted: AtomicUsize,
    flushes: AtomicU64,
    enabled: AtomicBool,
}

struct Shard {
    records: Records,
    noted: ByLocator<Noted>,
    /// Whose idle time the writer is judging right now.
    closed: Vec<Locator>,
}

pub(crate) type ByLocator<T> = HashMap<Locator, T, BuildHasherDefault<Prefix>>;

/// A locator's hash is 64 of its random bits.
#[derive(Default)]
pub(crate) struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, prefix: u64) {
        self.0 = prefix;
    }
}

/// Activity that is not in the file yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) last_seen: UnixTime,
    pub(crate) expires: UnixTime,
}

impl Noted {
    /// The record as it will be when this is in the file.
    pub(crate) fn apply(self, record: &mut Record) {
        record.last_seen = record.last_seen.max(self.last_seen);
        record.expires = record.expires.max(self.expires).min(record.dies);
    }
}

/// What a commit changes.
pub(crate) enum Effect {
    /// This is what is under the locator now.
    Put(Locator, Record),
    /// There is nothing live under the locator any more.
    Gone(Locator),
    /// What is under the locator may have ended.
    Doubted(Locator),
    /// This activity is in the file now.
    Flushed(Locator, Noted),
    /// This activity is in the file now, without having been noted.
    Touched(Locator, Noted),
    /// Anything may have changed.
    All,
}

/// When a reader began to read the file.
#[derive(Clone, Copy)]
pub(crate) struct Since {
    stripe: u64,
    all: u64,
}

/// The stripes that are odd because of one commit. `settle` or `forget` it.
#[must_use = "stripes that stay odd send every reader to the writer"]
pub(crate) struct Marks {
    stripes: Vec<usize>,
    all: bool,
    closed: Vec<Locator>,
}

impl Effect {
    fn key(&self) -> Option<&Locator> {
        match self {
            Self::Put(key, _) | Self::Gone(key) | Self::Doubted(key) => Some(key),
            Self::Flushed(key, _) | Self::Touched(key, _) => Some(key),
            Self::All => None,
        }
    }
}

/// What becomes of a touch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Taken,
    /// Whether the session has ended is being decided: the writer must be asked.
    Closed,
    TooMany,
}

impl Cache {
    /// One that remembers at most about `bytes` bytes of records.
    pub(crate) fn new(bytes: usize) -> Self {
        let shard = || {
            let records = Records::new(bytes / SHARDS);
            RwLock::new(Shard { records, noted: ByLocator::default(), closed: Vec::new() })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
            noted: AtomicUsize::new(0),
            flushes: AtomicU64::new(0),
            enabled: AtomicBool::new(false),
        }
    }

    /// Whether records are remembered. Whoever switches it makes it empty.
    pub(crate) fn enable(&self, enabled: bool) {
        self.enabled.store(enabled, SeqCst);
        self.clear();
    }

    pub(crate) fn clear(&self) {
        self.all.fetch_add(2, SeqCst);
        for shard in &self.shards {
            write(shard).records.clear();
        }
    }

    pub(crate) fn load(&self, key: &Locator) -> Option<Record> {
        if !self.enabled.load(SeqCst) {
            return None;
        }
        self.read(key).records.find(key)
    }

    /// Before the file is read. `None`: a commit is under way, ask the writer.
    pub(crate) fn before_read(&self, key: &Locator) -> Option<Since> {
        let since = self.now(key);
        (quiet(since.stripe) && quiet(since.all)).then_some(since)
    }

    /// After it was read. `None`: a commit came in between, ask the writer.
    pub(crate) fn after_read(
        &self,
        key: &Locator,
        since: Since,
        found: Option<Record>,
    ) -> Option<Option<Record>> {
        let mut shard = self.write(key);
        let now = self.now(key);
        if now.stripe != since.stripe || now.all != since.all {
            return None;
        }
        let Some(mut record) = found else { return Some(None) };
        if let Some(noted) = shard.noted.get(key) {
            noted.apply(&mut record);
        }
        if self.enabled.load(SeqCst) {
            shard.records.put(*key, record.clone());
        }
        Some(Some(record))
    }

    fn now(&self, key: &Locator) -> Since {
        Since { stripe: self.stripes[stripe(key)].load(SeqCst), all: self.all.load(SeqCst) }
    }

    /// Before a commit becomes visible. Only the writer does this.
    pub(crate) fn mark(&self, effects: &[Effect], closed: Vec<Locator>) -> Marks {
        let mut marks = Marks { stripes: Vec::with_capacity(effects.len()), all: false, closed };
        for effect in effects {
            let key = match effect {
                Effect::Put(key, _) | Effect::Gone(key) | Effect::Doubted(key) => key,
                // Of activity a reader may know early: `settle` sees to the rest.
                Effect::Flushed(..) | Effect::Touched(..) => continue,
                Effect::All => {
                    marks.all = true;
                    continue;
                }
            };
            let stripe = stripe(key);
            if quiet(self.stripes[stripe].load(SeqCst)) {
                self.stripes[stripe].fetch_add(1, SeqCst);
                marks.stripes.push(stripe);
            }
        }
        if marks.all {
            self.all.fetch_add(1, SeqCst);
        }
        marks
    }

    /// After a commit is on the disk, before it is answered.
    pub(crate) fn settle(&self, marks: Marks, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Put(key, mut record) => {
                    let mut shard = self.write(&key);
                    if let Some(noted) = shard.noted.get(&key) {
                        noted.apply(&mut record);
                    }
                    if self.enabled.load(SeqCst) {
                        shard.records.put(key, record);
                    }
                }
                Effect::Gone(key) => {
                    let mut shard = self.write(&key);
                    shard.records.remove(&key);
                    self.unnote(&mut shard, &key);
                }
                Effect::Doubted(key) => self.write(&key).records.remove(&key),
                Effect::Flushed(key, noted) => {
                    self.flushes.fetch_add(1, SeqCst);
                    let mut shard = self.write(&key);
                    self.stripes[stripe(&key)].fetch_add(2, SeqCst);
                    if shard.noted.get(&key) == Some(&noted) {
                        self.unnote(&mut shard, &key);
                    }
                }
                Effect::Touched(key, noted) => {
                    let mut shard = self.write(&key);
                    self.stripes[stripe(&key)].fetch_add(2, SeqCst);
                    if let Some(record) = shard.records.find_mut(&key) {
                        noted.apply(record);
                    }
                }
                Effect::All => self.clear(),
            }
        }
        self.unmark(marks);
    }

    /// After a commit that failed: what became of it is to be read from the file.
    pub(crate) fn forget(&self, marks: Marks, effects: &[Effect]) {
        for effect in effects {
            match effect.key() {
                Some(key) => self.write(key).records.remove(key),
                None => self.clear(),
            }
        }
        self.unmark(marks);
    }

    fn unmark(&self, marks: Marks) {
        for stripe in marks.stripes {
            self.stripes[stripe].fetch_add(1, SeqCst);
        }
        if marks.all {
            self.all.fetch_add(1, SeqCst);
        }
        self.reopen(&marks.closed);
    }

    /// From now on activity of `key` is not noted, but has to ask the writer.
    pub(crate) fn close(&self, key: &Locator) {
        self.write(key).closed.push(*key);
    }

    pub(crate) fn reopen(&self, closed: &[Locator]) {
        for key in closed {
            self.write(key).closed.retain(|k| k != key);
        }
    }

    /// Notes activity.
    pub(crate) fn note(&self, touch: &Touch) -> Note {
        let new = Noted { last_seen: touch.last_seen, expires: touch.expires };
        let mut shard = self.write(&touch.key);
        if shard.closed.contains(&touch.key) {
            return Note::Closed;
        }
        match shard.noted.get_mut(&touch.key) {
            Some(noted) => {
                noted.last_seen = noted.last_seen.max(new.last_seen);
                noted.expires = noted.expires.max(new.expires);
            }
            None if self.noted.load(Relaxed) >= NOTED_MAX => return Note::TooMany,
            None => {
                self.noted.fetch_add(1, Relaxed);
                shard.noted.insert(touch.key, new);
            }
        }
        if let Some(record) = shard.records.find_mut(&touch.key) {
            new.apply(record);
        }
        Note::Taken
    }

    /// The activity of `key` that is not in the file yet.
    pub(crate) fn noted(&self, key: &Locator) -> Option<Noted> {
        if self.noted.load(SeqCst) == 0 {
            return None;
        }
        self.read(key).noted.get(key).copied()
    }

    /// The locators that have such activity, in the order of their places.
    pub(crate) fn all_noted(&self) -> Vec<Locator> {
        if self.noted.load(SeqCst) == 0 {
            return Vec::new();
        }
        let mut keys = Vec::new();
        for shard in &self.shards {
            keys.extend(read(shard).noted.keys().copied());
        }
        keys.sort_unstable();
        keys
    }

    /// How often noted activity has gone to the file: while this stays, what was
    /// read from the file and what is noted make up the whole.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(SeqCst)
    }

    fn unnote(&self, shard: &mut Shard, key: &Locator) {
        if shard.noted.remove(key).is_some() {
            self.noted.fetch_sub(1, Relaxed);
        }
    }

    /// How many bytes of records are remembered.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.shards.iter().map(|s| read(s).records.bytes()).sum()
    }

    fn read(&self, key: &Locator) -> RwLockReadGuard<'_, Shard> {
        read(&self.shards[index(key)])
    }

    fn write(&self, key: &Locator) -> RwLockWriteGuard<'_, Shard> {
        write(&self.shards[index(key)])
    }
}

/// Whether a counter says that no commit is under way.
fn quiet(counter: u64) -> bool {
    counter.is_multiple_of(2)
}

// A hash table takes its bucket from the low and its tag from the high bits, so
// the shard and the stripe come from the middle.
fn index(key: &Locator) -> usize {
    (key.prefix() >> 32) as usize % SHARDS
}

fn stripe(key: &Locator) -> usize {
    (key.prefix() >> 38) as usize % STRIPES
}

// Nothing in this file panics while it holds a lock and has changed half of
// something, so a poisoned lock is as good as any.
fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hardtack_testkit::FakeClock;
    use hardtack_testkit::records::{anonymous, locator, next};

    use super::*;

    fn cache() -> Cache {
        let cache = Cache::new(1 << 20);
        cache.enable(true);
        cache
    }

    fn commit(cache: &Cache, effects: Vec<Effect>) {
        let marks = cache.mark(&effects, Vec::new());
        cache.settle(marks, effects);
    }

    /// The reader has read the old record from the file before a commit, and
    /// comes back with it after.
    #[test]
    fn what_was_read_before_a_commit_is_not_kept_after_it() {
        let (key, old) = (locator(None), anonymous(FakeClock::START));
        let new = next(&old, "new");
        type Commit = fn(&Cache, Locator, Record);
        let commits: [(&str, Commit); 5] = [
            ("flush", |c, key, r| {
                assert!(c.note(&Touch::new(key, r.dies, r.dies)) == Note::Taken);
                commit(c, vec![Effect::Flushed(key, c.noted(&key).unwrap())]);
            }),
            ("put", |c, key, new| commit(c, vec![Effect::Put(key, new)])),
            ("end", |c, key, _| commit(c, vec![Effect::Gone(key)])),
            ("epoch", |c, _, _| commit(c, vec![Effect::All])),
            ("others", |c, _, _| c.clear()),
        ];
        for (name, commit) in commits {
            let cache = cache();
            let since = cache.before_read(&key).unwrap();
            commit(&cache, key, new.clone());
            assert!(cache.after_read(&key, since, Some(old.clone())).is_none(), "{name}");
            assert_ne!(cache.load(&key).as_ref(), Some(&old), "{name}");
            let since = cache.before_read(&key).unwrap();
            assert_eq!(cache.after_read(&key, since, Some(new.clone())), Some(Some(new.clone())));
            assert_eq!(cache.load(&key).as_ref(), Some(&new), "{name}");
        }
    }

    #[test]
    fn a_commit_on_its_way_sends_readers_to_the_writer() {
        let (cache, key) = (cache(), locator(None));
        for effects in [vec![Effect::Gone(key)], vec![Effect::All]] {
            let marks = cache.mark(&effects, Vec::new());
            assert!(cache.before_read(&key).is_none());
            cache.forget(marks, &effects);
            assert!(cache.before_read(&key).is_some());
        }
    }

    #[test]
    fn activity_is_in_what_is_read_and_in_what_is_kept() {
        let (cache, key, old) = (cache(), locator(None), anonymous(FakeClock::START));
        let since = cache.before_read(&key).unwrap();
        let touch = Touch::new(key, old.dies, UnixTime::MAX);
        assert!(cache.note(&touch) == Note::Taken);
        let read = cache.after_read(&key, since, Some(old.clone())).unwrap().unwrap();
        assert_eq!((read.last_seen, read.expires), (old.dies, old.dies));
        assert_eq!(cache.load(&key), Some(read));
        commit(&cache, vec![Effect::Flushed(key, cache.noted(&key).unwrap())]);
        assert_eq!((cache.noted(&key), cache.all_noted().len()), (None, 0));
        cache.close(&key);
        assert!(cache.note(&touch) == Note::Closed);
        cache.reopen(&[key]);
        assert!(cache.note(&touch) == Note::Taken);
    }
}
