//! Whatever callers at once are answered, some order of their calls explains it.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::Store;

use crate::history::{Callers, History};
use crate::store::fixture::Fixture;

const CALLS: u64 = 1_500;

pub(crate) async fn parallel_calls_can_be_put_in_an_order(store: Fixture) {
    let ((store, _guard), history) = (store.into_parts(), History::new());
    let store: Arc<dyn Store> = Arc::new(history.record(store));
    let callers = Callers::start(&[store.clone(), store.clone()], 1);
    callers.make(CALLS).await;
    callers.stop().await;
    history.revisit(&*store).await;
    let verdict = history.judge(Duration::ZERO);
    assert!(verdict.broken.is_empty() && verdict.unknown == 0, "{verdict}");
    assert!(verdict.answered as u64 >= CALLS / 2, "{verdict}");
}
