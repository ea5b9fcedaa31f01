//! Callers who ask for the same sessions at once, at random.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{Admission, Inserted, Loaded, Replaced, Store, StoreError, Touch};
use hardtack::session::{Cause, Locator, Record, UserKey, Version};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::FakeClock;
use crate::records::{anonymous, numbered, signed_in, spread, user};

const NOW: hardtack::time::UnixTime = FakeClock::START;

/// For each store, so many callers at once.
const EACH: usize = 4;
/// Among so many sessions each call chooses.
const SESSIONS: u64 = 3;
/// After so many calls for a session it is left alone.
const CALLS: u64 = 40;
/// What tells the sessions that logins make from the others.
const LOGINS: u64 = 1 << 40;

/// Callers who go on until they are stopped.
#[derive(Debug)]
pub struct Callers {
    /// How many calls have been made. They go on as long as this is there.
    calls: watch::Receiver<u64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Callers {
    /// Four callers on each store. Different seeds give different sessions.
    pub fn start(stores: &[Arc<dyn Store>], seed: u64) -> Self {
        let (counter, calls) = watch::channel(0);
        let places = stores.iter().flat_map(|store| std::iter::repeat_n(store, EACH));
        let caller = |store: &Arc<dyn Store>| call(store.clone(), seed, counter.clone());
        let tasks = places.map(|store| tokio::spawn(caller(store))).collect();
        Self { calls, tasks }
    }

    /// Waits until they have made so many calls more.
    ///
    /// # Panics
    /// If they cannot.
    pub async fn make(&self, more: u64) {
        let mut calls = self.calls.clone();
        let enough = *calls.borrow() + more;
        calls.wait_for(|calls| *calls >= enough).await.expect("a caller has not panicked");
    }

    /// Stops them.
    ///
    /// # Panics
    /// If one has panicked.
    pub async fn stop(self) {
        drop(self.calls);
        for task in self.tasks {
            task.await.expect("a caller does not panic");
        }
    }
}

async fn call(store: Arc<dyn Store>, seed: u64, calls: watch::Sender<u64>) {
    let mut seen = HashMap::new();
    while !calls.is_closed() {
        let mut turn = 0;
        calls.send_modify(|calls| turn = std::mem::replace(calls, *calls + 1));
        if ask(&*store, seed, turn, &mut seen).await.is_err() {
            // Who is to take over needs the processor more.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::task::yield_now().await;
    }
}

/// One call; `seen` has the versions that this caller has seen.
async fn ask(
    store: &dyn Store,
    seed: u64,
    turn: u64,
    seen: &mut HashMap<u64, Version>,
) -> Result<(), StoreError> {
    let choice = spread(spread(seed) ^ turn);
    let number = turn / CALLS + choice % SESSIONS;
    let (key, owner) = session(seed, number);
    let version = seen.get(&number).copied().unwrap_or(Version::FIRST);
    let record = |owner: Option<&UserKey>, version| {
        let record = owner.map_or_else(|| anonymous(NOW), |owner| signed_in(owner, NOW));
        Record { version, data: turn.to_le_bytes().to_vec().into(), ..record }
    };
    match choice >> 8 & 15 {
        // In a row, so that one may be answered by what the one before has left.
        0..5 => {
            for _ in 0..3 {
                if let Loaded::Live(record) = store.load(&key).await? {
                    seen.insert(number, record.version);
                }
            }
        }
        5..10 => {
            let next = record(owner.as_ref(), version.next());
            if store.replace(&key, version, next).await? == Replaced::Ok {
                seen.insert(number, version.next());
            }
        }
        10..13 => {
            let new = record(owner.as_ref(), Version::FIRST);
            if store.insert(&key, new, Admission::at(NOW)).await? == Inserted::Ok {
                seen.insert(number, Version::FIRST);
            }
        }
        13 => {
            let cause = if turn.is_multiple_of(2) { Cause::Logout } else { Cause::Revoked };
            store.end(&key, cause, NOW).await?;
        }
        14 => {
            // As the engine does it: nobody else has ever heard of the new locator.
            let (new, owner) = session(seed ^ LOGINS, turn * 2);
            let created = record(owner.as_ref(), Version::FIRST);
            let admission = Admission::at(NOW);
            store.relocate(&key, version, &new, created, admission).await?;
            store.load(&new).await?;
        }
        _ => {
            let later = NOW.saturating_add(Duration::from_millis(turn));
            store.touch(&[Touch::new(key, later, later)]).await?;
        }
    }
    Ok(())
}

/// Every other session is somebody's.
fn session(seed: u64, number: u64) -> (Locator, Option<UserKey>) {
    let owner = number
        .is_multiple_of(2)
        .then(|| user(if number.is_multiple_of(4) { "ada" } else { "bob" }));
    (numbered(spread(seed).wrapping_add(number), owner.as_ref()), owner)
}
