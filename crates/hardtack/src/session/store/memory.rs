//! Sessions in the memory of one process.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use super::*;
use crate::session::id::LocatorHash;

/// The store that keeps nothing: every session is gone when the process ends.
/// For tests, for demonstrations, and for services of one process that may
/// forget everybody at a restart. Records in it are not sealed.
///
/// Bounded: [`MemoryStore::with_capacity`]; a full one refuses new sessions
/// ([`StoreErrorKind::Full`]) and goes on serving those that it has.
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    shards: Box<[RwLock<Shard>]>,
    /// Held, before any shard, by whatever adds or ends a session or raises an
    /// epoch: that makes limits and index exact. Loads and commits never take it.
    users: Mutex<Users>,
    global: AtomicU64,
    live: AtomicUsize,
    capacity: usize,
    ended: Mutex<VecDeque<EndEvent>>,
    sweep_from: AtomicUsize,
}

type ByLocator<T> = HashMap<Locator, T, LocatorHash>;
type Shard = ByLocator<Slot>;

enum Slot {
    Live(Box<Entry>),
    Ended { cause: Cause, at: UnixTime, delivered: bool },
}

struct Entry {
    record: Record,
    /// The epoch of its user, shared with `Users` so that a load needs no look-up.
    epoch: Option<Arc<AtomicU64>>,
}

#[derive(Default)]
struct Users(BTreeMap<UserKey, User>);

impl Users {
    /// A user without sessions, whose sessions were never all ended at once, is as
    /// one who was never here.
    fn forget_if_new(&mut self, user: &UserKey) {
        let is_new = |u: &User| u.sessions.is_empty() && u.epoch.load(SeqCst) == 0;
        if self.0.get(user).is_some_and(is_new) {
            self.0.remove(user);
        }
    }
}

#[derive(Default)]
struct User {
    epoch: Arc<AtomicU64>,
    sessions: Vec<Locator>,
}

const SHARDS: usize = 64;

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Room for a million sessions.
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// Room for `capacity` live sessions.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            users: Mutex::default(),
            global: AtomicU64::new(0),
            live: AtomicUsize::new(0),
            capacity,
            ended: Mutex::default(),
            sweep_from: AtomicUsize::new(0),
        }))
    }

    /// How many sessions there are now; ones that are due but not yet swept count.
    pub fn len(&self) -> usize {
        self.0.live.load(SeqCst)
    }

    #[cfg(test)]
    pub(crate) fn users_kept(&self) -> usize {
        self.0.users().0.len()
    }

    /// Whether there are no sessions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("live", &self.len()).finish_non_exhaustive()
    }
}

// A panic while a lock is held cannot leave a half-made change behind: every
// change below is one insertion or assignment. So a poisoned lock is as good.
impl Inner {
    fn read(&self, key: &Locator) -> RwLockReadGuard<'_, Shard> {
        self.shards[index(key)].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: &Locator) -> RwLockWriteGuard<'_, Shard> {
        self.shards[index(key)].write().unwrap_or_else(PoisonError::into_inner)
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, VecDeque<EndEvent>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outdated(&self, entry: &Entry) -> bool {
        let user = entry.epoch.as_ref().map_or(0, |e| e.load(SeqCst));
        entry.record.epochs.outdated(Epochs { user, global: self.global.load(SeqCst) })
    }

    /// Ends what is live under `key`. Takes the entry's place and tells the event.
    fn finish(
        &self,
        users: &mut Users,
        shard: &mut Shard,
        key: Locator,
        cause: Cause,
        at: UnixTime,
    ) {
        let slot = Slot::Ended { cause, at, delivered: false };
        let Some(Slot::Live(entry)) = shard.insert(key, slot) else { return };
        self.live.fetch_sub(1, SeqCst);
        if let Some(user) = entry.record.user.as_ref().and_then(|u| users.0.get_mut(u)) {
            user.sessions.retain(|k| *k != key);
        }
        if let Some(user) = &entry.record.user {
            users.forget_if_new(user);
        }
        self.ended().push_back(EndEvent::new(key, entry.record.user, entry.record.kind, cause, at));
    }

    fn end(&self, key: &Locator, cause: Cause, at: UnixTime) -> Ended {
        let mut users = self.users();
        let mut shard = self.write(key);
        match shard.get(key) {
            None => Ended::Before(None),
            Some(Slot::Ended { cause, .. }) => Ended::Before(Some(*cause)),
            Some(Slot::Live(entry)) if self.outdated(entry) => {
                self.finish(&mut users, &mut shard, *key, Cause::Revoked, at);
                Ended::Before(Some(Cause::Revoked))
            }
            Some(Slot::Live(entry)) => {
                if matches!(cause, Cause::Idle | Cause::Lifetime) && entry.record.expires > at {
                    return Ended::NotDue;
                }
                self.finish(&mut users, &mut shard, *key, cause, at);
                Ended::Now
            }
        }
    }

    /// Whether a record may be added, and which sessions must make room for it.
    /// Holds good for as long as the caller holds `users`.
    fn admit(
        &self,
        users: &mut Users,
        key: &Locator,
        record: &Record,
        admission: Admission,
        old: Option<&Locator>,
    ) -> Result<Vec<Locator>, Inserted> {
        let user =
            record.user.as_ref().and_then(|u| users.0.get(u)).map(|user| user.epoch.load(SeqCst));
        if record
            .epochs
            .outdated(Epochs { user: user.unwrap_or(0), global: self.global.load(SeqCst) })
        {
            return Err(Inserted::Outdated);
        }
        if self.read(key).contains_key(key) {
            return Err(Inserted::Exists);
        }
        let (Some(limit), Kind::User, Some(user)) = (admission.limit, record.kind, &record.user)
        else {
            return Ok(Vec::new());
        };
        let mut counted = self.counted(users, user, admission.now, old);
        let too_many = (counted.len() + 1).saturating_sub(limit.most.get() as usize);
        if too_many > 0 && limit.when_full == WhenFull::Refuse {
            return Err(Inserted::Full);
        }
        counted.sort_unstable();
        Ok(counted.into_iter().take(too_many).map(|(_, key)| key).collect())
    }

    /// Adds an admitted record.
    fn put(
        &self,
        users: &mut Users,
        key: &Locator,
        record: Record,
        evict: Vec<Locator>,
        now: UnixTime,
    ) {
        for oldest in evict {
            self.finish(users, &mut self.write(&oldest), oldest, Cause::Evicted, now);
        }
        let epoch = record.user.as_ref().map(|user| {
            let user = users.0.entry(user.clone()).or_default();
            user.sessions.push(*key);
            user.epoch.clone()
        });
        self.live.fetch_add(1, SeqCst);
        self.write(key).insert(*key, Slot::Live(Box::new(Entry { record, epoch })));
    }

    /// The user's sessions that count against the limit, with their last activity.
    fn counted(
        &self,
        users: &Users,
        user: &UserKey,
        now: UnixTime,
        but: Option<&Locator>,
    ) -> Vec<(UnixTime, Locator)> {
        let sessions = users.0.get(user).map_or(&[][..], |u| &u.sessions);
        let live =
            sessions.iter().filter(|k| Some(*k) != but).filter_map(|k| match self.read(k).get(k) {
                Some(Slot::Live(e))
                    if e.record.kind == Kind::User
                        && e.record.expires > now
                        && !self.outdated(e) =>
                {
                    Some((e.record.last_seen, *k))
                }
                _ => None,
            });
        live.collect()
    }

    fn has_room(&self) -> Result<(), StoreError> {
        if self.live.load(SeqCst) < self.capacity {
            return Ok(());
        }
        let what = format!(
            "the memory store holds {} sessions and that is its capacity; sweep, or give it more",
            self.capacity
        );
        Err(StoreError::new(StoreErrorKind::Full, what))
    }
}

fn index(key: &Locator) -> usize {
    // The hash table takes its bucket from the low and its tag from the high
    // bits, so the shard comes from the middle.
    (key.prefix() >> 32) as usize % SHARDS
}

/// A later touch stays; see [`Store::replace`].
fn keep_later_touch(new: &mut Record, old: &Record) {
    if old.last_seen > new.last_seen {
        new.last_seen = old.last_seen;
        new.expires = old.expires;
    }
}

impl Store for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo::new("memory", "nothing survives the end of the process", false).at_once()
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        Reply::ready(Ok(match self.0.read(key).get(key) {
            None => Loaded::Unknown,
            Some(Slot::Ended { cause, .. }) => Loaded::Ended(*cause),
            Some(Slot::Live(entry)) if self.0.outdated(entry) => Loaded::Ended(Cause::Revoked),
            Some(Slot::Live(entry)) => Loaded::Live(entry.record.clone()),
        }))
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        let mut users = self.0.users();
        Reply::ready(self.0.has_room().map(|()| {
            match self.0.admit(&mut users, key, &record, admission, None) {
                Err(refused) => refused,
                Ok(evict) => {
                    self.0.put(&mut users, key, record, evict, admission.now);
                    Inserted::Ok
                }
            }
        }))
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        mut record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        let mut shard = self.0.write(key);
        Reply::ready(Ok(match shard.get_mut(key) {
            None => Replaced::Gone(None),
            Some(Slot::Ended { cause, .. }) => Replaced::Gone(Some(*cause)),
            Some(Slot::Live(entry)) if self.0.outdated(entry) => {
                Replaced::Gone(Some(Cause::Revoked))
            }
            Some(Slot::Live(entry)) if entry.record.version != seen => Replaced::Conflict,
            Some(Slot::Live(entry)) => {
                keep_later_touch(&mut record, &entry.record);
                entry.record = record;
                Replaced::Ok
            }
        }))
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        let inner = &self.0;
        let mut users = inner.users();
        let admitted = inner.admit(&mut users, new, &record, admission, Some(old));
        let mut shard = inner.write(old);
        Reply::ready(Ok(match shard.get(old) {
            None => Relocated::Gone(None),
            Some(Slot::Ended { cause, .. }) => Relocated::Gone(Some(*cause)),
            Some(Slot::Live(entry)) if inner.outdated(entry) => {
                Relocated::Gone(Some(Cause::Revoked))
            }
            Some(Slot::Live(entry)) if entry.record.version != seen => Relocated::Conflict,
            Some(Slot::Live(_)) => match admitted {
                Ok(evict) => {
                    inner.finish(&mut users, &mut shard, *old, Cause::Replaced, admission.now);
                    drop(shard);
                    inner.put(&mut users, new, record, evict, admission.now);
                    Relocated::Ok
                }
                Err(Inserted::Full) => Relocated::Full,
                Err(Inserted::Outdated) => Relocated::Outdated,
                Err(Inserted::Exists | Inserted::Ok) => Relocated::Exists,
            },
        }))
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        for touch in batch {
            if let Some(Slot::Live(entry)) = self.0.write(&touch.key).get_mut(&touch.key) {
                let record = &mut entry.record;
                record.last_seen = record.last_seen.max(touch.last_seen);
                record.expires = record.expires.max(touch.expires).min(record.dies);
            }
        }
        Reply::ready(Ok(()))
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        Reply::ready(Ok(self.0.end(key, cause, at)))
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        let mut keys: Vec<Locator> = match user {
            Some(user) => self.0.users().0.get(user).map_or_else(Vec::new, |u| u.sessions.clone()),
            None => {
                let shards = self.0.shards.iter();
                shards
                    .flat_map(|s| {
                        s.read()
                            .unwrap_or_else(PoisonError::into_inner)
                            .keys()
                            .copied()
                            .collect::<Vec<_>>()
                    })
                    .collect()
            }
        };
        keys.retain(|k| after.is_none_or(|after| *k > after));
        keys.sort_unstable();
        let live = keys.iter().filter_map(|key| match self.0.read(key).get(key) {
            Some(Slot::Live(e)) if !self.0.outdated(e) => {
                Some((*key, Record { data: Bytes::new(), ..e.record.clone() }))
            }
            _ => None,
        });
        Reply::ready(Ok(live.take(limit).collect()))
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        let epoch = user.and_then(|u| self.0.users().0.get(u).map(|u| u.epoch.load(SeqCst)));
        Reply::ready(Ok(Epochs { user: epoch.unwrap_or(0), global: self.0.global.load(SeqCst) }))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        _at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        let mut users = self.0.users();
        Reply::ready(Ok(1 + match user {
            None => self.0.global.fetch_add(1, SeqCst),
            Some(user) => users.0.entry(user.clone()).or_default().epoch.fetch_add(1, SeqCst),
        }))
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        let mut swept = Swept::default();
        // Whoever else sweeps meanwhile, this one goes everywhere by itself.
        let first = self.0.sweep_from.load(SeqCst);
        for at in (first..first + SHARDS).map(|at| at % SHARDS) {
            self.0.sweep_from.store((at + 1) % SHARDS, SeqCst);
            let shard = &self.0.shards[at];
            let mut users = self.0.users();
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let before = shard.len();
            shard.retain(|_, slot| !matches!(slot, Slot::Ended { at, delivered: true, .. } if at.saturating_add(TOMBSTONE_KEPT) <= now));
            swept.forgotten += before - shard.len();
            let due: Vec<(Locator, Cause)> = shard
                .iter()
                .filter_map(|(key, slot)| match slot {
                    Slot::Live(e) if self.0.outdated(e) => Some((*key, Cause::Revoked)),
                    Slot::Live(e) if e.record.expires > now => None,
                    Slot::Live(e) if e.record.expires >= e.record.dies => {
                        Some((*key, Cause::Lifetime))
                    }
                    Slot::Live(_) => Some((*key, Cause::Idle)),
                    Slot::Ended { .. } => None,
                })
                .collect();
            for (key, cause) in due {
                self.0.finish(&mut users, &mut shard, key, cause, now);
                swept.ended += 1;
            }
            if swept.ended >= limit {
                swept.more = true;
                break;
            }
        }
        Reply::ready(Ok(swept))
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        Reply::ready(Ok(self.0.ended().iter().take(limit).cloned().collect()))
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        let confirmed: BTreeSet<&Locator> = ended.iter().collect();
        self.0.ended().retain(|event| !confirmed.contains(&event.key));
        for key in ended {
            if let Some(Slot::Ended { delivered, .. }) = self.0.write(key).get_mut(key) {
                *delivered = true;
            }
        }
        Reply::ready(Ok(()))
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        let mut census = Census::default();
        for shard in &self.0.shards {
            for slot in shard.read().unwrap_or_else(PoisonError::into_inner).values() {
                if let Slot::Live(entry) = slot
                    && !self.0.outdated(entry)
                {
                    census.count(entry.record.kind, entry.record.key);
                }
            }
        }
        Reply::ready(Ok(census))
    }
}
