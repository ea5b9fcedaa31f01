//! The laws.

#![allow(missing_docs, reason = "the name of a law says what it is")]
#![expect(clippy::unwrap_used, reason = "a law panics where it is broken")]

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record};
use hardtack::time::UnixTime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{LAG, Place, recorded, recovers, remembered, warm};
use crate::FakeClock;
use crate::history::Callers;
use crate::proxy::Proxy;
use crate::records::{anonymous, locator, next, put, signed_in, user};

const NOW: UnixTime = FakeClock::START;

type Node = Arc<dyn Store>;

async fn near(place: &impl Place) -> Node {
    place.open(place.port(), Some(LAG)).await
}

async fn pair(place: &impl Place) -> (Node, Node) {
    (near(place).await, near(place).await)
}

async fn visit(node: &dyn Store) -> Locator {
    let key = locator(None);
    put(node, &key, &anonymous(NOW)).await;
    key
}

async fn sign_out(node: &dyn Store, key: &Locator) {
    assert_eq!(node.end(key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
}

async fn is_signed_out(node: &dyn Store, key: &Locator, what: &str) {
    let load = node.load(key).await.unwrap();
    assert!(matches!(load, Loaded::Ended(Cause::Logout)), "{what}: {load:?}");
}

/// All at once.
async fn all(rounds: impl Iterator<Item = Pin<Box<dyn Future<Output = ()> + Send>>>) {
    rounds.collect::<JoinSet<()>>().join_all().await;
}

pub async fn without_a_proof_nothing_remembered_is_used_and_with_one_it_is_again(
    place: impl Place,
) {
    let store = &*near(&place).await;
    let key = visit(store).await;
    warm(store, &key).await;
    place.signal("STOP");
    sleep(LAG).await;
    assert_eq!(remembered(store, &key), None, "a server that is silent proves nothing");
    place.signal("CONT");
    warm(store, &key).await;
    place.cut().await;
    sleep(LAG).await;
    recovers(store, &key).await;
    warm(store, &key).await;
    place.signal("KILL");
    sleep(LAG).await;
    assert_eq!(remembered(store, &key), None);
    store.load(&key).await.unwrap_err();
}

/// What is written while nobody tells is not known afterwards either.
pub async fn a_connection_that_was_cut_takes_everything_with_it(place: impl Place) {
    let (a, b) = pair(&place).await;
    for round in 0..5 {
        let key = locator(None);
        recovers(&*a, &key).await;
        put(&*a, &key, &anonymous(NOW)).await;
        recovers(&*b, &key).await;
        warm(&*b, &key).await;
        place.cut().await;
        recovers(&*a, &key).await;
        sign_out(&*a, &key).await;
        assert_eq!(remembered(&*b, &key), None, "round {round}");
        recovers(&*b, &key).await;
        is_signed_out(&*b, &key, "after the cut").await;
    }
}

/// B hears nothing for longer than it may trust what it has.
pub async fn an_end_is_final_for_a_process_that_is_told_late(place: impl Place) {
    let way = Proxy::to(place.port()).await;
    let (a, b) = (near(&place).await, place.open(way.port(), Some(LAG)).await);
    for round in 0..5 {
        let key = visit(&*a).await;
        warm(&*b, &key).await;
        // The proxy passes on nothing while a question is on its way.
        way.delay(10 * LAG);
        sleep(LAG / 4).await;
        sign_out(&*a, &key).await;
        assert_eq!(remembered(&*b, &key), None, "round {round}");
        way.delay(Duration::ZERO);
    }
}

pub async fn an_end_on_one_node_is_seen_by_another_at_once(place: impl Place) {
    let (a, b) = pair(&place).await;
    for _ in 0..20 {
        all((0..500).map(|_| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let (a, b) = (a.clone(), b.clone());
            Box::pin(async move {
                let key = visit(&*a).await;
                warm(&*b, &key).await;
                sign_out(&*a, &key).await;
                is_signed_out(&*b, &key, "at once").await;
            })
        }))
        .await;
    }
}

pub async fn no_read_that_begins_after_an_end_was_answered_finds_it_live(place: impl Place) {
    let (a, b) = pair(&place).await;
    for _ in 0..20 {
        let key = visit(&*a).await;
        warm(&*b, &key).await;
        let (answered, b) = (Arc::new(AtomicBool::new(false)), b.clone());
        let reader = tokio::spawn({
            let answered = answered.clone();
            async move {
                let mut hits = 0;
                loop {
                    let after = answered.load(SeqCst);
                    match b.load(&key).await.unwrap() {
                        Loaded::Live(_) => assert!(!after, "live after the end was answered"),
                        _ if after => return hits,
                        _ => {}
                    }
                    hits += 1;
                    tokio::task::yield_now().await;
                }
            }
        });
        sign_out(&*a, &key).await;
        answered.store(true, SeqCst);
        assert!(reader.await.unwrap() > 0);
    }
}

/// A session of a user and one of nobody, as of the epochs that hold.
struct Sessions {
    key: Locator,
    record: Record,
    visit: Locator,
    visitor: Record,
}

impl Sessions {
    async fn begin(node: &dyn Store) -> Self {
        let ada = user("ada");
        let epochs = node.epochs(Some(&ada)).await.unwrap();
        let (key, record) = (locator(Some(&ada)), Record { epochs, ..signed_in(&ada, NOW) });
        let epochs = node.epochs(None).await.unwrap();
        let (visit, visitor) = (locator(None), Record { epochs, ..anonymous(NOW) });
        put(node, &key, &record).await;
        put(node, &visit, &visitor).await;
        Self { key, record, visit, visitor }
    }

    /// Ends one of them in one of the ways that there are; answers which.
    async fn end(self, node: &dyn Store, way: usize) -> Locator {
        let (ada, admission) = (user("ada"), Admission::at(NOW));
        let new = locator(Some(&ada));
        match way {
            0 => drop(node.end(&self.key, Cause::Logout, NOW).await.unwrap()),
            1 => drop(node.raise(Some(&ada), NOW).await.unwrap()),
            2 => drop(node.raise(None, NOW).await.unwrap()),
            3 => {
                let limit = SessionLimit::new(NonZeroU32::MIN, WhenFull::EndOldest);
                let limited = admission.limited(Some(limit));
                node.insert(&new, self.record, limited).await.unwrap();
            }
            4 => {
                let Self { visit, visitor, record, .. } = self;
                let moved = node.relocate(&visit, visitor.version, &new, record, admission).await;
                assert_eq!(moved.unwrap(), Relocated::Ok);
                return visit;
            }
            _ => while node.sweep(UnixTime::MAX, 1000).await.unwrap().more {},
        }
        self.key
    }

    const WAYS: usize = 6;
}

pub async fn raises_evictions_and_logins_end_what_others_remember(place: impl Place) {
    let (a, b) = pair(&place).await;
    for way in 0..Sessions::WAYS {
        let sessions = Sessions::begin(&*a).await;
        warm(&*b, &sessions.key).await;
        warm(&*b, &sessions.visit).await;
        let key = sessions.end(&*a, way).await;
        let load = b.load(&key).await.unwrap();
        assert!(matches!(load, Loaded::Ended(_)), "way {way}: {load:?}");
        a.raise(Some(&user("ada")), NOW).await.unwrap();
    }
}

/// B hears nothing for longer than it may trust what it has, and A has no near-cache.
pub async fn who_has_no_near_cache_waits_for_those_who_have(place: impl Place) {
    let way_of_b = Proxy::to(place.port()).await;
    let a = place.open(place.port(), None).await;
    let b = place.open(way_of_b.port(), Some(LAG)).await;
    for way in 0..Sessions::WAYS {
        let sessions = Sessions::begin(&*a).await;
        warm(&*b, &sessions.key).await;
        warm(&*b, &sessions.visit).await;
        way_of_b.delay(10 * LAG);
        sleep(LAG / 4).await;
        let over = sessions.end(&*a, way).await;
        assert_eq!(remembered(&*b, &over), None, "way {way}");
        way_of_b.delay(Duration::ZERO);
        a.raise(Some(&user("ada")), NOW).await.unwrap();
    }
}

/// Another may be held back yet who has ended it.
pub async fn who_finds_that_a_session_has_ended_waits_as_well(place: impl Place) {
    let (a, b) = (place.open(place.port(), None).await, near(&place).await);
    warm(&*b, &visit(&*a).await).await;
    let (ada, record) = (user("ada"), anonymous(NOW));
    let key = visit(&*a).await;
    sign_out(&*a, &key).await;
    for node in [&a, &b] {
        let began = Instant::now();
        let again = node.end(&key, Cause::Revoked, NOW).await.unwrap();
        assert_eq!(again, Ended::Before(Some(Cause::Logout)));
        assert!(began.elapsed() >= LAG);
        let (began, new) = (Instant::now(), locator(Some(&ada)));
        let admission = Admission::at(NOW);
        let moved = node.relocate(&key, record.version, &new, signed_in(&ada, NOW), admission);
        assert_eq!(moved.await.unwrap(), Relocated::Gone(Some(Cause::Logout)));
        assert!(began.elapsed() >= LAG);
    }
}

/// A conflict and a session that is not due send whoever asked back to the server.
pub async fn who_is_told_that_it_is_behind_reads_the_newest(place: impl Place) {
    let a = place.open(place.port(), None).await;
    let b = place.open(place.port(), Some(5 * LAG / 2)).await;
    let (key, first) = (locator(None), anonymous(NOW));
    put(&*a, &key, &first).await;
    warm(&*b, &key).await;
    let second = next(&first, "second");
    a.replace(&key, first.version, second.clone()).await.unwrap();
    let replaced = b.replace(&key, first.version, next(&first, "late")).await.unwrap();
    assert_eq!(replaced, Replaced::Conflict);
    assert!(matches!(b.load(&key).await.unwrap(), Loaded::Live(r) if r == second));
    warm(&*b, &key).await;
    let later = second.expires.saturating_add(LAG);
    a.touch(&[Touch::new(key, second.expires, later)]).await.unwrap();
    assert_eq!(b.end(&key, Cause::Idle, second.expires).await.unwrap(), Ended::NotDue);
    assert!(matches!(b.load(&key).await.unwrap(), Loaded::Live(r) if r.expires == later));
}

/// A load whose answer comes after a write of another node was told.
pub async fn a_load_that_races_a_write_never_brings_the_old_back(place: impl Place) {
    let (a, b) = pair(&place).await;
    let first = visit(&*a).await;
    warm(&*b, &first).await;
    for round in 0..20 {
        let races: JoinSet<(Locator, Record)> = (0..100)
            .map(|_| {
                let (a, b) = (a.clone(), b.clone());
                async move {
                    let (key, record) = (locator(None), anonymous(NOW));
                    put(&*a, &key, &record).await;
                    let new = next(&record, "new");
                    let loads: JoinSet<_> = (0..8)
                        .map(|_| {
                            let b = b.clone();
                            async move { drop(b.load(&key).await) }
                        })
                        .collect();
                    a.replace(&key, record.version, new.clone()).await.unwrap();
                    loads.join_all().await;
                    (key, new)
                }
            })
            .collect();
        let raced = races.join_all().await;
        sleep(LAG).await;
        for (key, new) in raced {
            let load = b.load(&key).await.unwrap();
            assert!(matches!(load, Loaded::Live(r) if r == new), "round {round}");
        }
    }
}

/// While the server hangs, is killed, and while connections are cut.
pub async fn what_nodes_are_answered_can_be_put_in_an_order(mut place: impl Place) {
    let lag = 2 * LAG / 5;
    let port = place.port();
    let nodes = async |place: &_| {
        [
            Place::open(place, port, Some(lag)).await,
            Place::open(place, port, Some(lag)).await,
            Place::open(place, port, None).await,
        ]
    };
    recorded("nothing", nodes(&place).await, lag, async |_| ()).await;
    let hang = async |callers: &Callers| {
        place.signal("STOP");
        callers.make(30).await;
        place.signal("CONT");
    };
    recorded("hangs", nodes(&place).await, lag, hang).await;
    let now = nodes(&place).await;
    let kill = async |callers: &Callers| {
        place.signal("KILL");
        callers.make(30).await;
        place.restart();
    };
    recorded("killed and started again", now, lag, kill).await;
    let cut = async |callers: &Callers| {
        for _ in 0..4 {
            place.cut().await;
            callers.make(200).await;
        }
    };
    recorded("connections cut", nodes(&place).await, lag, cut).await;
}
