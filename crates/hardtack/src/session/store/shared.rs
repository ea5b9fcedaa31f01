//! A shared store is a store: programs that choose one at run time hold an
//! `Arc<dyn Store>`.

use std::sync::Arc;

use super::*;

impl<S: Store + ?Sized> Store for Arc<S> {
    fn info(&self) -> StoreInfo {
        (**self).info()
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        (**self).load(key)
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        (**self).insert(key, record, admission)
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        (**self).replace(key, seen, record)
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        (**self).relocate(old, seen, new, record, admission)
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        (**self).touch(batch)
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        (**self).end(key, cause, at)
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        (**self).list(user, after, limit)
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        (**self).epochs(user)
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        (**self).raise(user, at)
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        (**self).sweep(now, limit)
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        (**self).undelivered(limit)
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        (**self).delivered(ended)
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        (**self).census()
    }

    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        (**self).clock()
    }
}
