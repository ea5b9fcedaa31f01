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

#[cfg(test)]
mod tests {
    use hardtack::session::store::MemoryStore;
    use hardtack_testkit::{FakeClock, records};

    use super::*;

    #[tokio::test]
    async fn every_session_is_on_one_page_and_the_record_of_a_migration_on_none() {
        let store = MemoryStore::new();
        assert!(Control::default().write(&store, None).await.unwrap());
        let mut sessions = Vec::new();
        for _ in 0..=PAGE {
            let key = records::locator(None);
            records::put(&store, &key, &records::anonymous(FakeClock::START)).await;
            sessions.push(key);
        }
        sessions.sort();
        let (mut pages, mut found) = (Pages::new(&store, None), Vec::new());
        while let Some(page) = pages.next().await.unwrap() {
            found.extend(page.into_iter().map(|(key, _)| key));
        }
        assert!(found == sessions, "{} of {}", found.len(), sessions.len());
    }
}
