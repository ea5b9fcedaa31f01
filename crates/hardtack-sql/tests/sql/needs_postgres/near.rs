//! The near-cache.

use std::time::Duration;

use hardtack_testkit::store::Fixture;

use super::quick;
use crate::server::{self, POSTGRES};

hardtack_testkit::store_suite!(near_cached, near_cached().await);

async fn near_cached() -> Fixture {
    let url = server::database(POSTGRES);
    let builder = move || quick(&url).near_cache(8 << 20).near_lag(Duration::from_millis(10));
    let store = builder().open().await.unwrap();
    let reopen = move || {
        let builder = builder();
        async move { builder.migrate(false).open().await.unwrap() }
    };
    Fixture::new(store).reopened_by(reopen)
}
