//! Load on a store while something happens to its servers, and what is there of
//! what was answered afterwards.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hardtack::session::store::{Admission, Ended, Loaded, Replaced, Store};
use hardtack::session::{Cause, Locator};
use hardtack_testkit::FakeClock;
use hardtack_testkit::records::{locator, next, signed_in, user};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::RedisStore;

const NOW: hardtack::time::UnixTime = FakeClock::START;

/// What the writers were answered.
#[derive(Default)]
struct Told {
    /// The last version that was acknowledged, and whether one more may be there.
    live: Vec<(Locator, u64, bool)>,
    ended: Vec<Locator>,
    errors: usize,
}

/// Writers that go on until they are stopped.
pub(super) struct Load {
    told: Arc<Mutex<Told>>,
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<()>>,
}

/// What is there afterwards.
#[derive(Debug)]
#[expect(dead_code, reason = "all of it is printed")]
pub(super) struct Found {
    /// Sessions that were signed in or changed, and those that were ended.
    live: usize,
    ended: usize,
    /// Calls without an answer.
    errors: usize,
    /// Sessions without the last change that was acknowledged.
    pub(super) lost: usize,
    /// Sessions that were ended, and are live.
    pub(super) revived: usize,
    /// Sessions that were not ended, and are not there.
    pub(super) logged_out: usize,
}

impl Load {
    pub(super) fn start(store: &RedisStore) -> Self {
        let (told, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let writers =
            (0..8).map(|_| tokio::spawn(write(store.clone(), Arc::clone(&told), stop.clone())));
        let writers = writers.collect();
        Self { told, stop, writers }
    }

    pub(super) async fn stop(self, store: &RedisStore) -> Found {
        self.stop.store(true, SeqCst);
        for writer in self.writers {
            writer.await.unwrap();
        }
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        let (mut lost, mut revived, mut logged_out) = (0, 0, 0);
        for (key, version, open) in &told.live {
            match store.load(key).await.unwrap() {
                Loaded::Live(record) => {
                    let there = record.version.number();
                    lost += usize::from(there < *version || there > version + u64::from(*open));
                }
                _ => logged_out += 1,
            }
        }
        for key in &told.ended {
            revived += usize::from(matches!(store.load(key).await.unwrap(), Loaded::Live(_)));
        }
        let (live, ended) = (told.live.len(), told.ended.len());
        Found { live, ended, errors: told.errors, lost, revived, logged_out }
    }
}

impl Found {
    pub(super) fn is_enough(&self) {
        assert!(self.live > 20 && self.ended > 20, "too little to tell: {self:?}");
    }
}

/// Creates sessions, changes each three times, and ends every other.
async fn write(store: RedisStore, told: Arc<Mutex<Told>>, stop: Arc<AtomicBool>) {
    let ada = user("ada");
    while !stop.load(SeqCst) {
        tokio::task::yield_now().await;
        let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
        if store.insert(&key, record.clone(), Admission::at(NOW)).await.is_err() {
            told.lock().unwrap().errors += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let mut open = false;
        for _ in 0..3 {
            let changed = next(&record, "changed");
            match store.replace(&key, record.version, changed.clone()).await {
                Ok(answer) => assert_eq!(answer, Replaced::Ok),
                Err(_) => {
                    open = true;
                    break;
                }
            }
            record = changed;
        }
        let ends = key.as_bytes()[9] % 2 == 0 && !open;
        let ended = if ends { Some(store.end(&key, Cause::Logout, NOW).await) } else { None };
        let mut told = told.lock().unwrap();
        told.errors += usize::from(open);
        match ended {
            None => told.live.push((key, record.version.number(), open)),
            Some(Ok(ended)) => {
                assert_eq!(ended, Ended::Now);
                told.ended.push(key);
            }
            Some(Err(_)) => told.errors += 1,
        }
    }
}

/// Tries until the store answers again; how long that took.
pub(super) async fn recovers(store: &RedisStore, key: &Locator) -> Duration {
    let began = Instant::now();
    loop {
        match store.load(key).await {
            Ok(_) => return began.elapsed(),
            Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
