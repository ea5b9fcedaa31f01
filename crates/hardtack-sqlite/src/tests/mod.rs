//! The laws of every store, and what is this one's own.

use std::path::Path;

use hardtack_testkit::store::Fixture;

use crate::{Builder, Durability, SqliteStore};

hardtack_testkit::store_suite!(laws, fresh(|path| SqliteStore::builder(path)).await);
hardtack_testkit::store_suite!(
    laws_without_a_cache,
    fresh(|path| SqliteStore::builder(path).cache_bytes(0)).await
);
hardtack_testkit::store_suite!(
    laws_relaxed,
    fresh(|path| SqliteStore::builder(path).durability(Durability::Relaxed)).await
);

async fn fresh(set_up: fn(&Path) -> Builder) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = set_up(&path).open().unwrap();
    let reopen = move || {
        let store = set_up(&path).open().unwrap();
        async { store }
    };
    Fixture::new(store).reopened_by(reopen).keeping(folder)
}
