//! Two stores as one ([`MovingStore`]): the laws in each phase, and every order in which the calls
//! of nodes, copier and driver can meet.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use hardtack::session::store::moving::{Control, GONE, LEASE, MovingStore, Phase, Settled, settle};
use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, Runtime, UserKey, Version};
use hardtack::time::{Clock, SystemClock, UnixTime};

use crate::records::{self, locator, put, spread};
use crate::steps::{finish, step};
use crate::wrap::{Around, Verb, store_around};
use crate::{FakeClock, Fault, FaultyStore, Gate};

const NOW: UnixTime = FakeClock::START;

/// Waits for nothing: writes that meet a pause ask again when they are polled again.
struct ByHand;

impl Runtime for ByHand {
    fn spawn(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) {}

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(step())
    }
}

async fn enter(from: &dyn Store, phase: Phase) {
    let (seen, mut control) = Control::read(from).await.unwrap();
    control.begun = true;
    control.enter(phase);
    assert!(control.write(from, seen).await.unwrap());
}

async fn in_phase(phase: Phase) -> MovingStore {
    let from = MemoryStore::new();
    enter(&from, phase).await;
    MovingStore::join(from, MemoryStore::new(), ByHand, SystemClock::default()).await.unwrap()
}

crate::store_suite!(laws_before, in_phase(Phase::From).await);
crate::store_suite!(laws_while_copying, in_phase(Phase::Copy).await);
crate::store_suite!(laws_after_the_switch, in_phase(Phase::To).await);
crate::store_suite!(laws_when_done, in_phase(Phase::Done).await);

/// A store each of whose calls is a step.
struct Steps(MemoryStore);

impl Around for Steps {
    fn inner(&self) -> &dyn Store {
        &self.0
    }

    fn around<'a, T: Send + Unpin + 'a>(
        &'a self,
        _: Verb,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>> {
        Reply::later(async move {
            step().await;
            call(usize::MAX).await
        })
    }
}

store_around!(Steps);

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Runs tasks a step at a time; `next` says whose, out of so many. `false`: there was no end to it.
fn run(mut tasks: Vec<Task>, mut next: impl FnMut(usize) -> usize) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if tasks.is_empty() {
            return true;
        }
        let chosen = next(tasks.len());
        if tasks[chosen].as_mut().poll(&mut context).is_ready() {
            drop(tasks.remove(chosen));
        }
    }
    false
}

/// Every order of the steps of the tasks that `make` makes; answers how many there are.
fn every_order(make: impl Fn() -> (Vec<Task>, Box<dyn FnOnce()>)) -> usize {
    let mut path: Vec<(usize, usize)> = Vec::new();
    for orders in 1.. {
        let (tasks, check) = make();
        let mut at = 0;
        let ended = run(tasks, |of| {
            if at == path.len() {
                path.push((0, of));
            }
            at += 1;
            path[at - 1].0
        });
        assert!(ended);
        check();
        while path.pop_if(|(chosen, of)| *chosen + 1 == *of).is_some() {}
        match path.last_mut() {
            None => return orders,
            Some((chosen, _)) => *chosen += 1,
        }
    }
    unreachable!("it ends with the last order")
}

/// Some orders out of many.
fn some_orders(number: u64, make: impl Fn(u64) -> (Vec<Task>, Box<dyn FnOnce()>)) {
    for seed in 0..number {
        let (tasks, check) = make(seed);
        let mut state = spread(seed);
        assert!(run(tasks, |of| {
            state = spread(state);
            (state % of as u64) as usize
        }));
        check();
    }
}

struct World {
    from: MemoryStore,
    to: MemoryStore,
    nodes: [MovingStore; 2],
    user: UserKey,
    old: Locator,
    record: Record,
    new: Locator,
}

impl World {
    /// With a session of a user in the store that decides, and in the other one if it was copied.
    fn new(phase: Phase, is_copied: bool) -> Rc<Self> {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        let user = records::user("ada");
        // Always in this order, so that the same choices are the same steps.
        let keys = [locator(Some(&user)), locator(Some(&user))];
        let (old, new) = (keys[0].min(keys[1]), keys[0].max(keys[1]));
        let record =
            Record { epochs: Epochs { user: 2, global: 1 }, ..records::signed_in(&user, NOW) };
        let (main, other) = if phase.is_moved() { (&to, &from) } else { (&from, &to) };
        let nodes = finish(async {
            for user in [None, Some(&user), Some(&user)] {
                main.raise(user, NOW).await.unwrap();
            }
            put(main, &old, &record).await;
            if is_copied {
                assert_eq!(settle(main, other, &old, NOW).await.unwrap(), Settled::Copied);
            }
            enter(&from, phase).await;
            let join = || {
                let stores = (Steps(from.clone()), Steps(to.clone()));
                MovingStore::join(stores.0, stores.1, ByHand, FakeClock::new())
            };
            [join().await.unwrap(), join().await.unwrap()]
        });
        Rc::new(Self { from, to, nodes, user, old, record, new })
    }

    fn stores(&self, phase: Phase) -> (&MemoryStore, &MemoryStore) {
        if phase.is_moved() { (&self.to, &self.from) } else { (&self.from, &self.to) }
    }

    /// Both stores say the same of every session.
    fn agree(&self) {
        for key in [&self.old, &self.new] {
            let (from, to) = (finish(self.from.load(key)), finish(self.to.load(key)));
            match (from.unwrap(), to.unwrap()) {
                (Loaded::Live(from), Loaded::Live(to)) => assert_eq!(from, to),
                (Loaded::Live(_), to) => panic!("live in the first, {to:?} in the second"),
                (from, Loaded::Live(_)) => panic!("{from:?} in the first, live in the second"),
                _ => {}
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Does {
    Commit,
    Touch,
    Logout,
    Login,
    LoginThatEvicts,
    EndAll,
}

const ALL: [Does; 6] =
    [Does::Commit, Does::Touch, Does::Logout, Does::Login, Does::LoginThatEvicts, Does::EndAll];

impl Does {
    fn task(self, world: &Rc<World>, node: usize) -> Task {
        let world = world.clone();
        Box::pin(async move {
            let node = &world.nodes[node];
            let later = NOW.saturating_add(Duration::from_secs(9));
            let fresh = || Record { created: later, last_seen: later, ..world.record.clone() };
            match self {
                Does::Commit => {
                    let Loaded::Live(seen) = node.load(&world.old).await.unwrap() else { return };
                    let next = records::next(&seen, "changed");
                    node.replace(&world.old, seen.version, next).await.unwrap();
                }
                Does::Touch => {
                    let expires = world.record.expires.saturating_add(Duration::from_secs(9));
                    node.touch(&[Touch::new(world.old, later, expires)]).await.unwrap();
                }
                Does::Logout => {
                    node.end(&world.old, Cause::Logout, later).await.unwrap();
                }
                Does::Login => {
                    let seen = world.record.version;
                    let admission = Admission::at(later);
                    node.relocate(&world.old, seen, &world.new, fresh(), admission).await.unwrap();
                }
                Does::LoginThatEvicts => {
                    let limit = SessionLimit::new(NonZeroU32::MIN, WhenFull::EndOldest);
                    let admission = Admission::at(later).limited(Some(limit));
                    node.insert(&world.new, fresh(), admission).await.unwrap();
                }
                Does::EndAll => {
                    node.raise(Some(&world.user), later).await.unwrap();
                }
            }
        })
    }
}

fn copier(world: &Rc<World>, phase: Phase) -> Task {
    let world = world.clone();
    Box::pin(async move {
        let (main, other) = world.stores(phase);
        let (main, other) = (Steps(main.clone()), Steps(other.clone()));
        assert_ne!(settle(&main, &other, &world.old, NOW).await.unwrap(), Settled::Stuck);
    })
}

#[test]
fn a_copy_in_any_order_with_a_write_leaves_both_stores_the_same() {
    let mut orders = 0;
    for phase in [Phase::Copy, Phase::To] {
        for (does, is_copied) in ALL.into_iter().flat_map(|does| [(does, false), (does, true)]) {
            orders += every_order(|| {
                let world = World::new(phase, is_copied);
                let tasks = vec![copier(&world, phase), does.task(&world, 0)];
                (tasks, Box::new(move || world.agree()))
            });
        }
    }
    assert!(orders > 1000, "{orders}");
}

#[test]
fn a_copy_in_any_order_with_writes_of_two_nodes_leaves_both_stores_the_same() {
    for (first, second) in ALL.into_iter().flat_map(|a| ALL.map(|b| (a, b))) {
        some_orders(orders(200), |seed| {
            let phase = if seed % 2 == 0 { Phase::Copy } else { Phase::To };
            let world = World::new(phase, seed % 3 == 0);
            let tasks = vec![copier(&world, phase), first.task(&world, 0), second.task(&world, 1)];
            (tasks, Box::new(move || world.agree()))
        });
    }
}

/// How many orders: more with HARDTACK_SOAK.
fn orders(short: u64) -> u64 {
    if std::env::var_os("HARDTACK_SOAK").is_some() { short * 50 } else { short }
}

/// A driver as `hardtack migrate` is one, in steps: compares, pauses, waits for the nodes, switches.
async fn switch(world: Rc<World>, pause: Phase, target: Phase) {
    let from = Steps(world.from.clone());
    let to = Steps(world.to.clone());
    let (main, other) = if pause.is_moved() { (&to, &from) } else { (&from, &to) };
    let failures = |control: &Control| -> Vec<u64> {
        control.nodes.values().map(|node| node.failures).collect()
    };
    for _ in 0..3 {
        let (_, control) = Control::read(&from).await.unwrap();
        if control.nodes.values().any(|node| node.seen != control.generation) {
            continue;
        }
        let baseline = failures(&control);
        settle(main, other, &world.old, NOW).await.unwrap();
        let (seen, mut control) = Control::read(&from).await.unwrap();
        control.enter(pause);
        if !control.write(&from, seen).await.unwrap() {
            continue;
        }
        for patience in (0..20).rev() {
            let (seen, mut control) = Control::read(&from).await.unwrap();
            if patience == 0 || failures(&control) != baseline {
                control.enter(pause.paused_from().unwrap());
            } else if control.nodes.values().all(|node| node.seen == control.generation) {
                control.enter(target);
            } else {
                continue;
            }
            if control.write(&from, seen).await.unwrap() {
                if control.phase == target {
                    return;
                }
                break;
            }
        }
    }
}

/// Adds a letter to the session's data until it is in, and says so to whoever listens.
async fn adds(world: Rc<World>, node: usize, letter: u8, acknowledged: Rc<RefCell<Vec<u8>>>) {
    for _ in 0..20 {
        let node = &world.nodes[node];
        let Ok(Loaded::Live(seen)) = node.load(&world.old).await else { return };
        let mut data = seen.data.to_vec();
        data.push(letter);
        let next = records::next(&seen, data);
        if let Ok(Replaced::Ok) = node.replace(&world.old, seen.version, next).await {
            acknowledged.borrow_mut().push(letter);
            return;
        }
    }
}

#[test]
fn a_switch_in_any_order_with_writes_loses_none_that_was_acknowledged() {
    let switched = Rc::new(RefCell::new(0));
    for (before, pause, target) in
        [(Phase::Copy, Phase::CutOver, Phase::To), (Phase::To, Phase::RollBack, Phase::From)]
    {
        some_orders(orders(4000), |seed| {
            let world = World::new(before, seed % 2 == 0);
            let acknowledged = Rc::new(RefCell::new(Vec::new()));
            let left = Rc::new(Cell::new(0));
            let works = |task: Task| -> Task {
                let left = left.clone();
                left.set(left.get() + 1);
                Box::pin(async move {
                    task.await;
                    left.set(left.get() - 1);
                })
            };
            let mut tasks = vec![works(Box::pin(switch(world.clone(), pause, target)))];
            for (node, letter) in [(0, b'A'), (0, b'B'), (1, b'C'), (1, b'D')] {
                let acknowledged = acknowledged.clone();
                tasks.push(works(Box::pin(adds(world.clone(), node, letter, acknowledged))));
            }
            if seed % 4 == 3 {
                tasks.push(works(Does::Logout.task(&world, (seed % 2) as usize)));
            }
            for node in 0..2 {
                let (world, left) = (world.clone(), left.clone());
                tasks.push(Box::pin(async move {
                    while left.get() > 0 {
                        world.nodes[node].look().await.unwrap();
                    }
                }));
            }
            let switched = switched.clone();
            let check = move || {
                let (_, control) = finish(Control::read(&world.from)).unwrap();
                *switched.borrow_mut() += usize::from(control.phase == target);
                let (main, _) = world.stores(control.phase);
                match finish(main.load(&world.old)).unwrap() {
                    Loaded::Live(record) => {
                        assert_ne!(seed % 4, 3, "who has logged out is in again");
                        for letter in acknowledged.borrow().iter() {
                            let times = record.data.iter().filter(|byte| *byte == letter).count();
                            assert_eq!(times, 1, "{:?}", record.data);
                        }
                    }
                    _ => assert_eq!(seed % 4, 3, "logged out by the switch"),
                }
            };
            (tasks, Box::new(check))
        });
    }
    assert!(*switched.borrow() > 1000, "{switched:?}");
}

#[tokio::test]
async fn a_node_that_lost_touch_answers_nothing_and_a_pause_without_a_driver_ends() {
    let (from, to, clock) = (MemoryStore::new(), MemoryStore::new(), FakeClock::new());
    let node = MovingStore::join(from.clone(), to, ByHand, clock.clone()).await.unwrap();
    let key = locator(None);
    put(&node, &key, &records::anonymous(NOW)).await;
    clock.advance(LEASE);
    assert!(node.load(&key).await.is_err());
    assert!(node.end(&key, Cause::Logout, NOW).await.is_err());
    node.look().await.unwrap();
    assert!(matches!(node.load(&key).await.unwrap(), Loaded::Live(_)));

    enter(&from, Phase::Copy).await;
    enter(&from, Phase::CutOver).await;
    node.look().await.unwrap();
    assert_eq!(node.phase(), Phase::CutOver);
    clock.advance(Duration::from_millis(1100));
    node.look().await.unwrap();
    assert_eq!(node.phase(), Phase::Copy);
    assert!(LEASE < GONE);
}

#[tokio::test]
async fn a_write_that_does_not_reach_the_other_store_is_answered_and_counted() {
    let (from, to, clock) = (MemoryStore::new(), MemoryStore::new(), FakeClock::new());
    enter(&from, Phase::Copy).await;
    let other = FaultyStore::new(to.clone());
    let node = MovingStore::join(from.clone(), other.clone(), ByHand, clock).await.unwrap();
    other.every(Verb::Insert, Fault::Refused(StoreErrorKind::Unavailable));
    let key = locator(None);
    put(&node, &key, &records::anonymous(NOW)).await;
    let failures = async || {
        node.look().await.unwrap();
        let (_, control) = Control::read(&from).await.unwrap();
        control.nodes.values().map(|node| node.failures).sum::<u64>()
    };
    assert_eq!(failures().await, 1);
    // One whose client gave up half-way may be in the first store alone.
    other.at(Verb::Insert, 1, Fault::HeldBefore(Gate::new()));
    let given_up = locator(None);
    let mut insert = node.insert(&given_up, records::anonymous(NOW), Admission::at(NOW));
    assert!(Pin::new(&mut insert).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(insert);
    assert_eq!(failures().await, 2);
    // And one that was never begun is nowhere.
    drop(node.insert(&locator(None), records::anonymous(NOW), Admission::at(NOW)));
    assert_eq!(failures().await, 2);
    other.heal();
    for key in [key, given_up] {
        let now = SystemClock::default().now();
        assert_eq!(settle(&from, &to, &key, now).await.unwrap(), Settled::Copied);
    }
}

#[tokio::test]
async fn the_record_of_the_migration_is_no_session() {
    let store = in_phase(Phase::Copy).await;
    assert!(store.list(None, None, 10).await.unwrap().is_empty());
    assert_eq!(store.census().await.unwrap(), Census::default());
    let key = locator(None);
    put(&store, &key, &records::anonymous(NOW)).await;
    assert_eq!(store.list(None, None, 1).await.unwrap().len(), 1);
    store.raise(None, NOW).await.unwrap();
    assert_eq!(store.census().await.unwrap(), Census::default());
    store.look().await.unwrap();
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Ended(Cause::Revoked)));
}
