//! Two nodes with near-caches and one without: what callers at random are answered while
//! servers are hurt, and whether it can have been so. Loads may be as old as the lag, but never
//! older than an end that was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use super::{recovers, warm};
use crate::FakeClock;
use crate::history::{Callers, History};
use crate::records::{anonymous, locator, put};
use crate::wrap::{Around, Verb, store_around};

/// Counts what is answered from memory.
struct Hits {
    inner: Arc<dyn Store>,
    count: Arc<AtomicU64>,
}

impl Around for Hits {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn around<'a, T: Send + Unpin + 'a>(
        &'a self,
        verb: Verb,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        match call(usize::MAX).into_ready() {
            Ok(answer) => {
                self.count.fetch_add(u64::from(verb == Verb::Load && answer.is_ok()), SeqCst);
                Reply::ready(answer)
            }
            Err(later) => later,
        }
    }
}

store_around!(Hits);

/// Hurts servers while callers ask three nodes, of which the first two remember for `lag` and
/// the third does not, and judges.
///
/// # Panics
/// If no order explains what they were answered, or hardly anything was remembered.
pub async fn recorded(
    what: &str,
    nodes: [Arc<dyn Store>; 3],
    lag: Duration,
    hurt: impl AsyncFnOnce(&Callers),
) {
    static SEED: AtomicU64 = AtomicU64::new(0);
    let (history, hits) = (History::new(), Arc::new(AtomicU64::new(0)));
    // Somewhere on every master.
    for key in [(); 12].map(|()| locator(None)) {
        recovers(&*nodes[2], &key).await;
        put(&*nodes[2], &key, &anonymous(FakeClock::START)).await;
        warm(&*nodes[0], &key).await;
        warm(&*nodes[1], &key).await;
    }
    let plain = nodes[2].clone();
    let recorders = nodes.map(|inner| {
        let store = Hits { inner, count: hits.clone() };
        Arc::new(history.record(Arc::new(store))) as Arc<dyn Store>
    });
    let callers = Callers::start(&recorders, SEED.fetch_add(1, SeqCst) + 100);
    callers.make(1_500).await;
    hurt(&callers).await;
    callers.make(1_500).await;
    let hit = hits.load(SeqCst);
    callers.stop().await;
    for key in [(); 12].map(|()| locator(None)) {
        recovers(&*plain, &key).await;
    }
    history.revisit(&*recorders[2]).await;
    let verdict = history.judge_near(lag);
    eprintln!("{what}: {hit} loads were answered from memory, {verdict}");
    assert!(verdict.broken.is_empty(), "{what}: {verdict}");
    assert!(hit > 50, "{what}: hardly anything was remembered, {hit}");
}
