//! Load on a store while something happens to its servers, and what is there of
//! what was answered afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use hardtack::session::store::{Admission, Ended, Loaded, Replaced, Store};
use hardtack::session::{Cause, Locator};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::FakeClock;
use crate::history::{Callers, History, Recorder};
use crate::records::{locator, next, signed_in, user};

const NOW: hardtack::time::UnixTime = FakeClock::START;

/// Writers that go on until they are stopped.
#[derive(Debug)]
pub struct Load {
    told: watch::Receiver<Sum>,
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<()>>,
    callers: Callers,
    store: Arc<Recorder>,
}

/// What the writers were answered.
#[derive(Debug)]
pub struct Told {
    sum: Sum,
    store: Arc<Recorder>,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    /// The last version that was acknowledged, and whether one more may be there.
    live: Vec<(Locator, u64, bool)>,
    ended: Vec<Locator>,
    errors: usize,
}

/// What is there afterwards.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// Sessions that were signed in or changed.
    pub live: usize,
    /// Sessions that were ended.
    pub ended: usize,
    /// Calls without an answer.
    pub errors: usize,
    /// Sessions without the last change that was acknowledged.
    pub lost: usize,
    /// Sessions that were ended, and are live.
    pub revived: usize,
    /// Sessions that were not ended, and are not there.
    pub logged_out: usize,
    /// Sessions that no order of the recorded calls explains: these, and those that
    /// callers at random have shared meanwhile.
    pub unexplained: usize,
}

impl Load {
    /// Eight writers. Each creates sessions, changes each three times, and ends
    /// about every other. Beside them [`Callers`] at random, and all is recorded.
    pub fn start(store: &Arc<dyn Store>) -> Self {
        static SEED: AtomicU64 = AtomicU64::new(0);
        let store = Arc::new(History::new().record(store.clone()));
        let ((teller, told), stop) = (watch::channel(Sum::default()), Arc::default());
        let writer = |_| tokio::spawn(write(store.clone(), teller.clone(), Arc::clone(&stop)));
        let writers = (0..8).map(writer).collect();
        let shared: Arc<dyn Store> = store.clone();
        let callers = Callers::start(&[shared], SEED.fetch_add(1, SeqCst));
        Self { told, stop, writers, callers, store }
    }

    /// Waits until `more` sessions have been made, and perhaps ended.
    pub async fn makes(&self, more: usize) {
        self.goes_on(more, |told| told.live.len() + told.ended.len()).await;
    }

    /// Waits until the writers have heard the outcome of `more` sessions, errors too.
    pub async fn hears(&self, more: usize) {
        self.goes_on(more, |told| told.live.len() + told.ended.len() + told.errors).await;
    }

    /// Waits until `more` sessions have come to an error.
    pub async fn fails(&self, more: usize) {
        self.goes_on(more, |told| told.errors).await;
    }

    async fn goes_on(&self, more: usize, count: impl Fn(&Sum) -> usize) {
        let mut told = self.told.clone();
        let enough = count(&told.borrow()) + more;
        told.wait_for(|told| count(told) >= enough).await.expect("a writer has not panicked");
    }

    /// Stops the writers.
    ///
    /// # Panics
    /// If one was given an answer that its session cannot have.
    pub async fn stop(self) -> Told {
        self.stop.store(true, SeqCst);
        for writer in self.writers {
            writer.await.expect("a writer does not panic");
        }
        self.callers.stop().await;
        Told { sum: self.told.borrow().clone(), store: self.store }
    }
}

impl Told {
    /// Looks for all of it.
    ///
    /// # Panics
    /// If the store does not answer.
    pub async fn look(&self) -> Found {
        let Self { sum, store } = self;
        let (mut lost, mut revived, mut logged_out) = (0, 0, 0);
        for (key, version, open) in &sum.live {
            match store.load(key).await.expect("the store answers") {
                Loaded::Live(record) => {
                    let there = record.version.number();
                    lost += usize::from(there < *version || there > version + u64::from(*open));
                }
                _ => logged_out += 1,
            }
        }
        for key in &sum.ended {
            let loaded = store.load(key).await.expect("the store answers");
            revived += usize::from(matches!(loaded, Loaded::Live(_)));
        }
        store.history().revisit(&**store).await;
        let verdict = store.history().judge(Duration::ZERO);
        for broken in &verdict.broken {
            eprintln!("{broken}");
        }
        let unexplained = verdict.broken.len();
        let (live, ended) = (sum.live.len(), sum.ended.len());
        Found { live, ended, errors: sum.errors, lost, revived, logged_out, unexplained }
    }
}

impl Found {
    /// # Panics
    /// If there were too few sessions of a kind to tell anything.
    pub fn is_enough(&self) {
        assert!(self.live > 20 && self.ended > 20, "too little to tell: {self:?}");
    }

    /// # Panics
    /// If there was too little to tell anything, or anything was lost.
    pub fn nothing_is_lost(&self) {
        self.nothing_answered_is_lost();
        assert_eq!(self.unexplained, 0, "{self:?}");
    }

    /// Of servers that show a change to others before it is safe: those may have seen
    /// what a crash takes back, though nobody was told that it was done.
    ///
    /// # Panics
    /// If there was too little to tell anything, or anything was lost that was
    /// answered to whoever asked for it.
    pub fn nothing_answered_is_lost(&self) {
        self.is_enough();
        assert_eq!((self.lost, self.revived, self.logged_out), (0, 0, 0), "{self:?}");
    }
}

async fn write(store: Arc<Recorder>, told: watch::Sender<Sum>, stop: Arc<AtomicBool>) {
    let ada = user("ada");
    while !stop.load(SeqCst) {
        tokio::task::yield_now().await;
        let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
        if store.insert(&key, record.clone(), Admission::at(NOW)).await.is_err() {
            told.send_modify(|told| told.errors += 1);
            // Who is to take over needs the processor more.
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
        told.send_modify(|told| {
            told.errors += usize::from(open);
            match ended {
                None => told.live.push((key, record.version.number(), open)),
                Some(Ok(ended)) => {
                    assert_eq!(ended, Ended::Now);
                    told.ended.push(key);
                }
                Some(Err(_)) => told.errors += 1,
            }
        });
    }
}
