//! Random verbs against a naive model of the contract, one after the other.

mod naive;
mod walk;

use std::hash::{BuildHasher, RandomState};

use crate::store::fixture::Fixture;

/// Another walk each time. One that failed is repeated by setting the
/// environment variable `HARDTACK_SEED` to the seed that it printed.
pub(crate) async fn verbs_in_any_order_agree_with_the_model(store: Fixture) {
    const STEPS: usize = 1500;
    let seed = match std::env::var("HARDTACK_SEED") {
        Ok(seed) => seed.parse().expect("HARDTACK_SEED is a whole number"),
        Err(_) => RandomState::new().hash_one(STEPS),
    };
    walk::Walk::new(store, seed).run(STEPS).await;
}
