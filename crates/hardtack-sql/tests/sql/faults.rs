//! What any store does while its server is hurt. Each is run on every engine.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record};
use hardtack_testkit::FakeClock;
use hardtack_testkit::records::{anonymous, locator, next, signed_in, user};

use crate::proxy::Proxy;
use crate::server::Server;

const NOW: hardtack::time::UnixTime = FakeClock::START;

pub(crate) async fn put(store: &dyn Store, key: &Locator, record: &Record) {
    let inserted = store.insert(key, record.clone(), Admission::at(record.created)).await;
    assert_eq!(inserted.unwrap(), Inserted::Ok);
}

/// What one worker was answered.
#[derive(Default)]
struct Told {
    /// The greatest version that was acknowledged.
    written: HashMap<Locator, u64>,
    ended: Vec<Locator>,
    /// Sessions whose end was asked for and not answered: either is right.
    unsure: Vec<Locator>,
    gone: usize,
    errors: usize,
}

/// Writes sessions and ends every third, until it is told to stop.
async fn work(store: Arc<dyn Store>, stop: Arc<AtomicBool>) -> Told {
    let (ada, mut told) = (user("ada"), Told::default());
    while !stop.load(SeqCst) {
        let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
        if store.insert(&key, record.clone(), Admission::at(NOW)).await.is_err() {
            told.errors += 1;
            tokio::task::yield_now().await;
            continue;
        }
        told.written.insert(key, 1);
        for _ in 0..3 {
            let new = next(&record, "written");
            match store.replace(&key, record.version, new.clone()).await {
                Ok(Replaced::Ok) => {
                    told.written.insert(key, new.version.number());
                    record = new;
                }
                Ok(Replaced::Gone(_)) => told.gone += 1,
                Ok(_) => break,
                Err(_) => {
                    told.errors += 1;
                    break;
                }
            }
        }
        if told.written.len() % 3 == 0 {
            match store.end(&key, Cause::Logout, NOW).await {
                Ok(_) => told.ended.push(key),
                Err(_) => told.unsure.push(key),
            }
        }
    }
    told
}

/// Kills the server under load and starts it again.
pub(crate) async fn nothing_acknowledged_is_lost(store: Arc<dyn Store>, mut server: Server) {
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..6).map(|_| tokio::spawn(work(store.clone(), stop.clone()))).collect();
    while store.census().await.unwrap().by_kind[1] < 200 {
        tokio::task::yield_now().await;
    }
    server.signal("KILL");
    stop.store(true, SeqCst);
    let mut all = Vec::new();
    for worker in workers {
        all.push(worker.await.expect("a worker does not panic"));
    }
    server.restart();
    serves_again(&*store).await;
    let (mut lost, mut revived, mut logged_out, mut kept) = (0, 0, 0, 0);
    for told in &all {
        logged_out += told.gone;
        for (key, version) in &told.written {
            match store.load(key).await.unwrap() {
                _ if told.unsure.contains(key) => {}
                Loaded::Live(_) if told.ended.contains(key) => revived += 1,
                Loaded::Live(record) if record.version.number() < *version => lost += 1,
                Loaded::Ended(Cause::Logout) if told.ended.contains(key) => kept += 1,
                Loaded::Live(_) => kept += 1,
                _ => logged_out += 1,
            }
        }
    }
    assert_eq!((lost, revived, logged_out), (0, 0, 0), "lost, revived, logged out; kept: {kept}");
    assert!(kept >= 200 && all.iter().any(|told| told.errors > 0), "killed under load: {kept}");
}

/// Waits until a server that was started again answers through the store.
async fn serves_again(store: &dyn Store) {
    for _ in 0..200 {
        if store.epochs(None).await.is_ok() {
            return;
        }
    }
    panic!("the store does not find its server again");
}

/// A server that hangs, and then goes on: within the deadline there is an answer,
/// nobody is logged out, and afterwards all is as before.
pub(crate) async fn a_hung_server_is_a_timeout(store: Arc<dyn Store>, server: Server) {
    let (key, record) = (locator(None), anonymous(NOW));
    put(&*store, &key, &record).await;
    server.signal("STOP");
    for error in [
        store.load(&key).await.unwrap_err(),
        store.replace(&key, record.version, next(&record, "late")).await.unwrap_err(),
        store.touch(&[Touch::new(key, NOW, NOW)]).await.unwrap_err(),
        store.epochs(None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error}");
    }
    server.signal("CONT");
    serves_again(&*store).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
}

/// A server that is not there.
pub(crate) async fn a_dead_server_is_unavailable(store: Arc<dyn Store>, mut server: Server) {
    let (key, record) = (locator(None), anonymous(NOW));
    put(&*store, &key, &record).await;
    server.signal("KILL");
    server.wait();
    let mut errors = 0;
    while errors < 3 {
        if let Err(error) = store.load(&key).await {
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
            errors += 1;
        }
    }
    server.restart();
    serves_again(&*store).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
}

/// The answer is lost, and what was asked has happened, wholly: the engine finds
/// it by what is there.
pub(crate) async fn a_lost_answer_leaves_a_whole_change(store: Arc<dyn Store>, proxy: Proxy) {
    let ada = user("ada");
    for round in 0..6 {
        let (old, record) = (locator(None), anonymous(NOW));
        put(&*store, &old, &record).await;
        proxy.cut_next_answer();
        let new = next(&record, "written");
        let _ = store.replace(&old, record.version, new.clone()).await;
        match store.load(&old).await.unwrap() {
            Loaded::Live(found) => assert!(found == new || found == record),
            other => panic!("an error logs nobody out: {other:?}"),
        }
        let key = locator(Some(&ada));
        let Loaded::Live(found) = store.load(&old).await.unwrap() else { panic!("live") };
        proxy.cut_next_answer();
        let admission = Admission::at(NOW);
        let _ = store.relocate(&old, found.version, &key, signed_in(&ada, NOW), admission).await;
        let pair = (store.load(&old).await.unwrap(), store.load(&key).await.unwrap());
        assert!(
            matches!(
                pair,
                (Loaded::Live(_), Loaded::Unknown)
                    | (Loaded::Ended(Cause::Replaced), Loaded::Live(_))
            ),
            "a login is whole: {pair:?}"
        );
        assert_eq!(proxy.cuts(), 2 * (round + 1), "the answers were lost");
    }
}

/// Logins that end sessions of two users meet in the worst order, again and
/// again: the server undoes one of two, and nobody notices.
pub(crate) async fn deadlocks_are_tried_again(store: Arc<dyn Store>) {
    let (ada, bob) = (user("ada"), user("bob"));
    let one = std::num::NonZeroU32::MIN;
    let limited = Admission::at(NOW).limited(Some(SessionLimit::new(one, WhenFull::EndOldest)));
    for _ in 0..10 {
        let (hers, his) = (locator(Some(&ada)), locator(Some(&bob)));
        let (a, b) = (signed_in(&ada, NOW), signed_in(&bob, NOW));
        for (key, record) in [(&hers, &a), (&his, &b)] {
            let made = store.insert(key, record.clone(), limited).await.unwrap();
            assert_eq!(made, Inserted::Ok);
        }
        let (to_bob, to_ada) = (locator(Some(&bob)), locator(Some(&ada)));
        let (one, other) = tokio::join!(
            store.relocate(&hers, a.version, &to_bob, b.clone(), limited),
            store.relocate(&his, b.version, &to_ada, a.clone(), limited),
        );
        for relocated in [one.unwrap(), other.unwrap()] {
            assert!(matches!(relocated, Relocated::Ok | Relocated::Gone(Some(_))), "{relocated:?}");
        }
        for user in [&ada, &bob] {
            assert!(store.list(Some(user), None, 10).await.unwrap().len() <= 1);
        }
    }
}

/// A store for a server that may take its time.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// A store for a server that hangs.
pub(crate) const HASTY: Duration = Duration::from_millis(400);
