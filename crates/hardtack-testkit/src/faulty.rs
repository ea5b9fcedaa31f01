//! A store that fails where a test wants it to.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;
use tokio::sync::watch;

use crate::wrap::{Around, Verb, counted, store_around};

/// A store around another that fails at the calls it is told to. Clones share
/// the script and the counts.
///
/// ```
/// use hardtack::session::store::{MemoryStore, StoreErrorKind};
/// use hardtack_testkit::{Fault, FaultyStore, Verb};
///
/// let store = FaultyStore::new(MemoryStore::new());
/// // The second commit from now on is done, but its answer gets lost.
/// store.at(Verb::Replace, 2, Fault::Lost(StoreErrorKind::Timeout));
/// // From now on nothing can be loaded.
/// store.every(Verb::Load, Fault::Refused(StoreErrorKind::Unavailable));
/// // All is well again.
/// store.heal();
/// ```
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    calls: [u64; Verb::ALL.len()],
    /// At the call of the verb with this number.
    at: Vec<(Verb, u64, Fault)>,
    every: Vec<(Verb, Fault)>,
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// It is not done, and the answer is an error of this kind. With
    /// [`StoreErrorKind::Timeout`] the caller cannot know that it was not.
    Refused(StoreErrorKind),
    /// It is done, and the answer is an error of this kind: the caller cannot
    /// know that it was.
    Lost(StoreErrorKind),
    /// Of a batch only so many of the first are done, and the answer is a
    /// timeout. A verb without a batch is done, as with [`Fault::Lost`].
    Partial(usize),
    /// It waits at the gate before it is done.
    HeldBefore(Gate),
    /// It is done, and waits at the gate with its answer.
    HeldAfter(Gate),
}

impl FaultyStore {
    /// Around `inner`, with nothing wrong yet.
    pub fn new(inner: impl Store) -> Self {
        Self { inner: Arc::new(inner), script: Arc::default() }
    }

    /// Lets the `nth` call of `verb` from now on go wrong; 1 is the next one.
    pub fn at(&self, verb: Verb, nth: u64, fault: Fault) {
        let mut script = self.script();
        let number = script.calls[verb as usize] + nth;
        script.at.push((verb, number, fault));
    }

    /// Lets each call of `verb` from now on go wrong, except where
    /// [`at`](FaultyStore::at) says something else.
    pub fn every(&self, verb: Verb, fault: Fault) {
        self.script().every.push((verb, fault));
    }

    /// Refuses each call of every verb from now on: the store is down.
    pub fn down(&self) {
        for verb in Verb::ALL {
            self.every(verb, Fault::Refused(StoreErrorKind::Unavailable));
        }
    }

    /// Forgets the script: from now on all is well. Calls that wait at a gate
    /// go on waiting for it.
    pub fn heal(&self) {
        let mut script = self.script();
        script.at.clear();
        script.every.clear();
    }

    /// How often `verb` has been called, whatever became of it.
    pub fn calls(&self, verb: Verb) -> u64 {
        self.script().calls[verb as usize]
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call was given up before it began: what goes wrong with it waits for the next.
    fn take_back(&self, verb: Verb, fault: Option<Fault>) {
        let mut script = self.script();
        let number = script.calls[verb as usize];
        script.calls[verb as usize] -= 1;
        if let Some(fault) = fault {
            script.at.push((verb, number, fault));
        }
    }

    /// Counts a call and answers what goes wrong with it.
    fn next(&self, verb: Verb) -> Option<Fault> {
        let mut script = self.script();
        script.calls[verb as usize] += 1;
        let number = script.calls[verb as usize];
        if let Some(found) = script.at.iter().position(|(v, n, _)| (*v, *n) == (verb, number)) {
            return Some(script.at.swap_remove(found).2);
        }
        script.every.iter().rev().find(|(v, _)| *v == verb).map(|(_, fault)| fault.clone())
    }
}

impl Around for FaultyStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    /// It may wait for longer than the store within would.
    fn info(&self) -> StoreInfo {
        let mut info = self.inner.info();
        info.deadline = None;
        info
    }

    fn around<'a, T: Send + Unpin + 'a>(
        &'a self,
        verb: Verb,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        let fault = self.next(verb);
        let told = fault.clone();
        let reply = self.reply(verb, fault, call);
        counted(reply, move || self.take_back(verb, told))
    }
}

impl FaultyStore {
    fn reply<'a, T: Send + Unpin + 'a>(
        &'a self,
        verb: Verb,
        fault: Option<Fault>,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        let fail = move |kind| {
            StoreError::new(kind, format!("the faulty store was told to fail this {verb:?} call"))
        };
        let (most, kind) = match fault {
            None => return call(usize::MAX),
            Some(Fault::Refused(kind)) => return Reply::ready(Err(fail(kind))),
            Some(Fault::HeldBefore(gate)) => {
                return Reply::later(async move {
                    gate.pass().await;
                    call(usize::MAX).await
                });
            }
            Some(Fault::HeldAfter(gate)) => {
                return Reply::later(async move {
                    let answer = call(usize::MAX).await;
                    gate.pass().await;
                    answer
                });
            }
            Some(Fault::Lost(kind)) => (usize::MAX, kind),
            Some(Fault::Partial(most)) => (most, StoreErrorKind::Timeout),
        };
        Reply::later(async move { call(most).await.and(Err(fail(kind))) })
    }
}

store_around!(FaultyStore);

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.script();
        f.debug_struct("FaultyStore")
            .field("calls", &script.calls)
            .field("at", &script.at)
            .field("every", &script.every)
            .finish_non_exhaustive()
    }
}

/// Holds calls until a test opens it: a delay without a sleep. Clones are the
/// same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<GateState>>);

#[derive(Debug, Default)]
struct GateState {
    open: bool,
    arrived: usize,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(GateState::default())))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_modify(|gate| gate.open = true);
    }

    /// Waits until so many calls have come to the gate, those that have passed
    /// included.
    pub async fn arrived(&self, calls: usize) {
        self.wait_until(|gate| gate.arrived >= calls).await;
    }

    /// Waits at the gate until it is open.
    pub async fn pass(&self) {
        self.0.send_modify(|gate| gate.arrived += 1);
        self.wait_until(|gate| gate.open).await;
    }

    async fn wait_until(&self, holds: impl FnMut(&GateState) -> bool) {
        let mut gate = self.0.subscribe();
        gate.wait_for(holds).await.expect("the sender lives as long as this gate");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{anonymous, locator, next};
    use crate::{FakeClock, StoreCalls};

    const NOW: UnixTime = FakeClock::START;

    async fn with_one() -> (FaultyStore, StoreCalls, Locator, Record) {
        let calls = StoreCalls::new(MemoryStore::new());
        let store = FaultyStore::new(calls.clone());
        let (key, record) = (locator(None), anonymous(NOW));
        store.insert(&key, record.clone(), Admission::at(NOW)).await.unwrap();
        (store, calls, key, record)
    }

    async fn version(store: &FaultyStore, key: &Locator) -> u64 {
        match store.load(key).await.unwrap() {
            Loaded::Live(record) => record.version.number(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn fails_at_the_call_it_was_told_to_and_only_there() {
        let (store, calls, key, _) = with_one().await;
        store.at(Verb::Load, 2, Fault::Refused(StoreErrorKind::Corrupt));
        assert!(store.load(&key).await.is_ok());
        assert_eq!(store.load(&key).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
        assert!(store.load(&key).await.is_ok());
        assert_eq!((store.calls(Verb::Load), calls.of(Verb::Load)), (3, 2));
        assert_eq!((calls.writes(), calls.all()), (1, 3));
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_done_or_not_as_told() {
        let (store, _, key, record) = with_one().await;
        let second = next(&record, "second");
        store.at(Verb::Replace, 1, Fault::Refused(StoreErrorKind::Timeout));
        store.at(Verb::Replace, 2, Fault::Lost(StoreErrorKind::Timeout));
        for (call, version_after) in [(1, 1), (2, 2)] {
            let error = store.replace(&key, record.version, second.clone()).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Timeout);
            assert_eq!(version(&store, &key).await, version_after, "after call {call}");
        }
    }

    #[tokio::test]
    async fn a_partial_batch_does_the_first_of_it() {
        let (store, _, first, record) = with_one().await;
        let second = locator(None);
        store.insert(&second, record.clone(), Admission::at(NOW)).await.unwrap();
        store.at(Verb::Touch, 1, Fault::Partial(1));
        let later = UnixTime::from_millis(NOW.as_millis() + 1);
        let batch = [first, second].map(|key| Touch::new(key, later, record.expires));
        assert!(store.touch(&batch).await.is_err());
        for (key, seen) in [(first, later), (second, NOW)] {
            let Loaded::Live(record) = store.load(&key).await.unwrap() else { panic!() };
            assert_eq!(record.last_seen, seen);
        }
    }

    #[tokio::test]
    async fn a_gate_holds_a_call_before_or_after_it_is_done() {
        let (store, _, key, record) = with_one().await;
        for (held_after, at_the_gate) in [(false, 1), (true, 3)] {
            let gate = Gate::new();
            let seen = Version::new(version(&store, &key).await);
            let fault = if held_after { Fault::HeldAfter } else { Fault::HeldBefore };
            store.at(Verb::Replace, 1, fault(gate.clone()));
            let record = Record { version: seen.next(), ..record.clone() };
            let task = tokio::spawn({
                let store = store.clone();
                async move { store.replace(&key, seen, record).await }
            });
            gate.arrived(1).await;
            assert_eq!(version(&store, &key).await, at_the_gate);
            assert!(!task.is_finished());
            gate.open();
            assert_eq!(task.await.unwrap().unwrap(), Replaced::Ok);
        }
        assert_eq!(version(&store, &key).await, 3);
    }

    #[tokio::test]
    async fn down_refuses_everything_until_healed() {
        let (store, calls, key, _) = with_one().await;
        store.down();
        let before = calls.all();
        assert!(store.load(&key).await.is_err());
        assert!(store.end(&key, Cause::Logout, NOW).await.is_err());
        assert!(store.clock().await.is_err());
        assert_eq!(calls.all(), before);
        store.heal();
        assert_eq!(version(&store, &key).await, 1);
    }
}
