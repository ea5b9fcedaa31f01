//! All live sessions of a store, a page at a time.

use hardtack::session::store::moving::Control;
use hardtack::session::store::{Store, StoreError};
use hardtack::session::{Locator, Record};

/// The pages of a store's list. The record of a migration is no session, and is left out.
pub(crate) struct Pages<'a> {
    store: &'a dyn Store,
    after: Option<Locator>,
}

impl<'a> Pages<'a> {
    /// Those with the sessions after `after`.
    pub(crate) fn new(store: &'a dyn Store, after: Option<Locator>) -> Self {
        Self { store, after }
    }

    /// The next page, which may be empty; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(Locator, Record)>>, StoreError> {
        let mut page = self.store.list(None, self.after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        self.after = Some(*last);
        page.retain(|(key, _)| *key != Control::KEY);
        Ok(Some(page))
    }

    /// Up to where the pages have come.
    pub(crate) fn after(&self) -> Option<Locator> {
        self.after
    }
}

const PAGE: usize = 1000;
