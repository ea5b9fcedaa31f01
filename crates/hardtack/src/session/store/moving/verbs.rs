//! The verbs: what the store that decides says, and the other one after it.

use super::super::*;
use super::control::Control;
use super::copy::{bring, create, end_copy, weed};
use super::node::{MovingStore, Stores};

impl Stores<'_> {
    /// A login may have begun when the other store decided, and counts by its epochs.
    async fn is_outdated(self, record: &Record) -> Result<bool, StoreError> {
        let Some(other) = self.other else { return Ok(false) };
        Ok(record.epochs.outdated(other.epochs(record.user.as_ref()).await?))
    }

    /// Copies a session that was just created.
    async fn copy(
        self,
        key: &Locator,
        record: Record,
        admission: Admission,
    ) -> Result<(), StoreError> {
        let Some(other) = self.other else { return Ok(()) };
        let user = record.user.clone();
        create(self.main, other, key, record, admission.now).await?;
        match (user, admission.limit) {
            (Some(user), Some(SessionLimit { when_full: WhenFull::EndOldest, .. })) => {
                weed_user(self.main, other, &user, admission.now).await
            }
            _ => Ok(()),
        }
    }
}

impl Store for MovingStore {
    fn info(&self) -> StoreInfo {
        let persistent = self.0.from.info().persistent || self.0.to.info().persistent;
        StoreInfo::new("moving", "as the store that decides in this phase says", persistent)
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        match self.0.reading() {
            Ok(stores) => stores.main.load(key),
            Err(error) => Reply::ready(Err(error)),
        }
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            if write.stores.is_outdated(&record).await? {
                return write.answer(Ok(()), Inserted::Outdated);
            }
            let inserted = write.stores.main.insert(key, record.clone(), admission).await?;
            let other = match inserted {
                Inserted::Ok => write.stores.copy(key, record, admission).await,
                _ => Ok(()),
            };
            write.answer(other, inserted)
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            let replaced = write.stores.main.replace(key, seen, record.clone()).await?;
            let other = match write.stores.other {
                Some(other) if replaced == Replaced::Ok => {
                    match other.replace(key, seen, record.clone()).await {
                        Ok(Replaced::Ok) => Ok(()),
                        Ok(_) => {
                            let now = self.0.clock.now();
                            bring(write.stores.main, other, key, &record, now).await
                        }
                        Err(error) => Err(error),
                    }
                }
                _ => Ok(()),
            };
            write.answer(other, replaced)
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
            let write = self.0.writing().await?;
            if write.stores.is_outdated(&record).await? {
                return write.answer(Ok(()), Relocated::Outdated);
            }
            let relocated =
                write.stores.main.relocate(old, seen, new, record.clone(), admission).await?;
            let other = match (write.stores.other, relocated) {
                (Some(other), Relocated::Ok) => {
                    let created = write.stores.copy(new, record, admission).await;
                    let ended = end_copy(other, old, Cause::Replaced, admission.now).await;
                    created.and(ended)
                }
                _ => Ok(()),
            };
            write.answer(other, relocated)
        })
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            write.stores.main.touch(batch).await?;
            let other = match write.stores.other {
                Some(other) => other.touch(batch).await,
                None => Ok(()),
            };
            write.answer(other, ())
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            let ended = write.stores.main.end(key, cause, at).await?;
            let other = match (write.stores.other, ended) {
                (None, _) | (_, Ended::NotDue) => Ok(()),
                (Some(other), Ended::Before(Some(cause))) => end_copy(other, key, cause, at).await,
                (Some(other), _) => end_copy(other, key, cause, at).await,
            };
            write.answer(other, ended)
        })
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        Reply::later(async move {
            // One of them may be the record of the migration.
            let mut page =
                self.0.reading()?.main.list(user, after, limit.saturating_add(1)).await?;
            page.retain(|(key, _)| *key != Control::KEY);
            page.truncate(limit);
            Ok(page)
        })
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        Reply::later(async move {
            let stores = self.0.reading()?;
            let mut epochs = stores.main.epochs(user).await?;
            if let Some(other) = stores.other {
                // Whichever store decides when the login is done, it is not older than this.
                let there = other.epochs(user).await?;
                epochs.user = epochs.user.max(there.user);
                epochs.global = epochs.global.max(there.global);
            }
            // Not from before this node lost touch.
            self.0.reading().map(|_| epochs)
        })
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            let Some(other) = write.stores.other else {
                let epoch = write.stores.main.raise(user, at).await?;
                return write.answer(Ok(()), epoch);
            };
            // Above those of both: sessions are of either.
            let there = other.epochs(user).await?;
            let there = if user.is_some() { there.user } else { there.global };
            let mut epoch = write.stores.main.raise(user, at).await?;
            while epoch <= there {
                epoch = write.stores.main.raise(user, at).await?;
            }
            // The epochs of the other store stay: two nodes could raise them too far. Everybody's
            // copies are left to the driver, who is told of a failure.
            let ended = match user {
                Some(user) => weed_user(write.stores.main, other, user, at).await,
                None => Err(StoreError::new(StoreErrorKind::Unavailable, "copies are left")),
            };
            write.answer(ended, epoch)
        })
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            let swept = write.stores.main.sweep(now, limit).await?;
            write.answer(Ok(()), swept)
        })
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            let mut ends = write.stores.main.undelivered(limit).await?;
            let other = match write.stores.other {
                Some(other) => end_copies(other, &mut ends, limit).await,
                None => Ok(()),
            };
            write.answer(other, ends)
        })
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        Reply::later(async move {
            let write = self.0.writing().await?;
            write.stores.main.delivered(ended).await?;
            let other = match write.stores.other {
                Some(other) => other.delivered(ended).await,
                None => Ok(()),
            };
            write.answer(other, ())
        })
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        Reply::later(async move {
            let mut census = self.0.reading()?.main.census().await?;
            Control::leave_out(&mut census);
            Ok(census)
        })
    }

    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        match self.0.reading() {
            Ok(stores) => stores.main.clock(),
            Err(error) => Reply::ready(Err(error)),
        }
    }
}

/// Who had to make room is not told: those copies end that have no session any more.
async fn weed_user(
    main: &dyn Store,
    other: &dyn Store,
    user: &UserKey,
    now: UnixTime,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = other.list(Some(user), after, PAGE).await?;
        for (key, _) in &page {
            weed(main, other, key, now).await?;
        }
        after = page.last().map(|(key, _)| *key);
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

/// Ends the copies of what the sweeper ended, and adds the ends that nobody was told of while the
/// other store decided.
async fn end_copies(
    other: &dyn Store,
    ends: &mut Vec<EndEvent>,
    limit: usize,
) -> Result<(), StoreError> {
    for end in ends.iter() {
        end_copy(other, &end.key, end.cause, end.at).await?;
    }
    let left = other.undelivered(limit.saturating_sub(ends.len())).await?;
    ends.extend(left);
    Ok(())
}

const PAGE: usize = 500;
