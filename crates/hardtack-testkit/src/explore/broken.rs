//! Stores with the flaws of others, to see that the search finds them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use crate::wrap::pass_on;

/// What is wrong with a [`BrokenStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// It deletes what ends and keeps no tombstone, so that a write that comes
    /// late cannot be told from the first: it creates the record anew. Most
    /// session stores are like this.
    NoTombstones,
    /// It deletes what ends and does not know later why.
    ForgetsCauses,
    /// It does not look at the version that a write has seen: the last one wins.
    IgnoresSeen,
    /// It ends the sessions of a user one by one as it finds them in a list, and
    /// a login that has begun survives it (better-auth #11073).
    EndsOneByOne,
    /// It keeps what it has loaded, and an end does not reach that.
    ServesStale,
}

/// A store in memory with a flaw.
#[derive(Debug)]
pub struct BrokenStore {
    inner: MemoryStore,
    flaw: Flaw,
    /// What late writes have brought back.
    risen: Mutex<BTreeMap<Locator, Record>>,
    /// Epochs that end nothing.
    epochs: Mutex<BTreeMap<Option<UserKey>, u64>>,
    /// What has been loaded, until it is changed.
    kept: Mutex<BTreeMap<Locator, Record>>,
}

impl BrokenStore {
    /// An empty one.
    pub fn new(flaw: Flaw) -> Self {
        let (risen, epochs, kept) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { inner: MemoryStore::new(), flaw, risen, epochs, kept }
    }

    fn risen(&self) -> MutexGuard<'_, BTreeMap<Locator, Record>> {
        self.risen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Locator, Record>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, cause: Option<Cause>) -> Option<Cause> {
        cause.filter(|_| !matches!(self.flaw, Flaw::NoTombstones | Flaw::ForgetsCauses))
    }

    /// The version that a write is made to have seen.
    async fn seen(&self, key: &Locator, seen: Version) -> Result<Version, StoreError> {
        if self.flaw != Flaw::IgnoresSeen {
            return Ok(seen);
        }
        Ok(match self.inner.load(key).await? {
            Loaded::Live(record) => record.version,
            _ => seen,
        })
    }

    fn epochs(&self) -> MutexGuard<'_, BTreeMap<Option<UserKey>, u64>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn end_one_by_one(
        &self,
        user: Option<&UserKey>,
        at: UnixTime,
    ) -> Result<u64, StoreError> {
        for (key, _) in self.inner.list(user, None, usize::MAX >> 1).await? {
            self.inner.end(&key, Cause::Revoked, at).await?;
        }
        let mut epochs = self.epochs();
        let epoch = epochs.entry(user.cloned()).or_default();
        *epoch += 1;
        Ok(*epoch)
    }
}

impl Store for BrokenStore {
    fn info(&self) -> StoreInfo {
        StoreInfo::new("broken", "nothing is promised", false)
    }

    pass_on! { insert touch list sweep undelivered delivered census }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        Reply::later(async move {
            if let Some(record) = self.risen().get(key) {
                return Ok(Loaded::Live(record.clone()));
            }
            if let Some(record) = self.kept().get(key) {
                return Ok(Loaded::Live(record.clone()));
            }
            Ok(match self.inner.load(key).await? {
                Loaded::Live(record) if self.flaw == Flaw::ServesStale => {
                    self.kept().insert(*key, record.clone());
                    Loaded::Live(record)
                }
                Loaded::Ended(cause) => {
                    self.forget(Some(cause)).map_or(Loaded::Unknown, Loaded::Ended)
                }
                other => other,
            })
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        Reply::later(async move {
            let seen = self.seen(key, seen).await?;
            self.kept().remove(key);
            Ok(match self.inner.replace(key, seen, record.clone()).await? {
                Replaced::Gone(_) if self.flaw == Flaw::NoTombstones => {
                    self.risen().insert(*key, record);
                    Replaced::Ok
                }
                Replaced::Gone(cause) => Replaced::Gone(self.forget(cause)),
                other => other,
            })
        })
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        Reply::later(async move {
            let seen = self.seen(old, seen).await?;
            Ok(match self.inner.relocate(old, seen, new, record, admission).await? {
                Relocated::Gone(cause) => Relocated::Gone(self.forget(cause)),
                other => other,
            })
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        Reply::later(async move {
            Ok(match self.inner.end(key, cause, at).await? {
                Ended::Before(cause) => Ended::Before(self.forget(cause)),
                other => other,
            })
        })
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        if self.flaw != Flaw::EndsOneByOne {
            return self.inner.epochs(user);
        }
        let epochs = self.epochs();
        let of = |user: Option<&UserKey>| epochs.get(&user.cloned()).copied().unwrap_or(0);
        Reply::ready(Ok(Epochs { user: user.map_or(0, |user| of(Some(user))), global: of(None) }))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        match self.flaw {
            Flaw::EndsOneByOne => Reply::later(self.end_one_by_one(user, at)),
            _ => self.inner.raise(user, at),
        }
    }
}
