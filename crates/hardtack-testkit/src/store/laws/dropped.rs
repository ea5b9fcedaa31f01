//! Calls whose caller went away in the middle: a client that closed the
//! connection, a request that ran into its deadline. Such a call happens wholly
//! or not at all.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use hardtack::session::store::*;
use hardtack::session::{Cause, Version};

use crate::records::{anonymous, locator, next, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

const ROUNDS: u32 = 12;

/// Polls `call` up to `times` times, and drops it.
async fn abandon<T>(call: impl Future<Output = T>, times: u32) {
    let mut call = pin!(call);
    for _ in 0..times {
        if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// More than any queue or pool of a store has room for by chance.
const UNPOLLED: usize = 300;

pub(crate) async fn loads_given_up_before_they_are_polled_leave_no_trace(store: Fixture) {
    let (live, ended, unknown) = (locator(None), locator(None), locator(None));
    let record = anonymous(NOW);
    store.put(&live, &record).await;
    store.put(&ended, &record).await;
    store.end(&ended, Cause::Logout, NOW).await;
    let census = store.census().await;
    for key in [&live, &ended, &unknown] {
        let given_up: Vec<_> = (0..UNPOLLED).map(|_| store.store().load(key)).collect();
        drop(given_up);
        assert_eq!(store.live(&live).await, record);
        assert_eq!(store.cause(&ended).await, Cause::Logout);
        store.unknown(&unknown).await;
        assert_eq!(store.census().await, census);
    }
}

pub(crate) async fn a_dropped_insert_is_whole_or_nothing(store: Fixture) {
    let ada = user("ada");
    for times in 0..ROUNDS {
        let (key, record) = (locator(Some(&ada)), signed_in(&ada, NOW));
        abandon(store.store().insert(&key, record.clone(), Admission::at(NOW)), times % 4).await;
        let again = store.insert(&key, record.clone(), Admission::at(NOW)).await;
        assert!(matches!(again, Inserted::Ok | Inserted::Exists), "{again:?}");
        assert_eq!(store.live(&key).await, record);
        let listed = store.list(Some(&ada), None, 100).await;
        assert_eq!(listed.iter().filter(|(k, _)| *k == key).count(), 1);
    }
    assert_eq!(store.census().await.by_kind, [0, u64::from(ROUNDS), 0]);
}

pub(crate) async fn a_dropped_replace_is_whole_or_nothing(store: Fixture) {
    for times in 0..ROUNDS {
        let (key, record) = (locator(None), anonymous(NOW));
        store.put(&key, &record).await;
        let (dropped, kept) = (next(&record, "dropped"), next(&record, "kept"));
        abandon(store.store().replace(&key, record.version, dropped.clone()), times % 4).await;
        let want = match store.replace(&key, record.version, kept.clone()).await {
            Replaced::Ok => kept,
            Replaced::Conflict => dropped,
            other => panic!("{other:?}"),
        };
        assert_eq!(store.live(&key).await, want);
    }
}

pub(crate) async fn a_replace_that_is_not_ready_at_once_may_be_given_up(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    let (first, second) = (next(&record, "first"), next(&record, "second"));
    match store.store().replace(&key, record.version, first.clone()).into_ready() {
        Ok(answer) => {
            assert_eq!(answer.expect("the store works"), Replaced::Ok);
            assert_eq!(store.live(&key).await, first);
        }
        Err(later) if !store.store().info().at_once => {
            assert_eq!(later.await.expect("the store works"), Replaced::Ok);
            assert_eq!(store.live(&key).await, first);
        }
        Err(later) => {
            drop(later);
            assert_eq!(store.live(&key).await, record);
            assert_eq!(store.replace(&key, record.version, second.clone()).await, Replaced::Ok);
            assert_eq!(store.live(&key).await, second);
        }
    }
}

pub(crate) async fn a_dropped_relocate_is_whole_or_nothing(store: Fixture) {
    let ada = user("ada");
    for times in 0..ROUNDS {
        let (old, new) = (locator(None), locator(Some(&ada)));
        store.put(&old, &anonymous(NOW)).await;
        let (session, admission) = (signed_in(&ada, at(1)), Admission::at(at(1)));
        let call = store.store().relocate(&old, Version::FIRST, &new, session.clone(), admission);
        abandon(call, times % 4).await;
        // The call may still be under way, so each pair is read in the order in
        // which the first answer binds the second.
        if matches!(store.load(&new).await, Loaded::Live(_)) {
            assert_eq!(store.cause(&old).await, Cause::Replaced);
        }
        if matches!(store.load(&old).await, Loaded::Ended(_)) {
            assert_eq!(store.live(&new).await, session);
        }
        let again = store.relocate(&old, Version::FIRST, &new, session.clone(), admission).await;
        let gone = Relocated::Gone(Some(Cause::Replaced));
        assert!([Relocated::Ok, Relocated::Exists, gone].contains(&again), "{again:?}");
        assert_eq!(store.live(&new).await, session);
        assert_eq!(store.cause(&old).await, Cause::Replaced);
    }
    assert_eq!(store.undelivered(100).await.len(), ROUNDS as usize);
}

pub(crate) async fn a_dropped_end_is_whole_or_nothing(store: Fixture) {
    let ada = user("ada");
    for times in 0..ROUNDS {
        let key = locator(Some(&ada));
        store.put(&key, &signed_in(&ada, NOW)).await;
        abandon(store.store().end(&key, Cause::Revoked, NOW), times % 4).await;
        let want = match store.end(&key, Cause::Logout, NOW).await {
            Ended::Now => Cause::Logout,
            Ended::Before(Some(Cause::Revoked)) => Cause::Revoked,
            other => panic!("{other:?}"),
        };
        assert_eq!(store.cause(&key).await, want);
        let events = store.undelivered(100).await;
        let told: Vec<_> = events.iter().filter(|e| e.key == key).map(|e| e.cause).collect();
        assert_eq!(told, [want]);
    }
    assert_eq!(store.list(Some(&ada), None, 100).await, []);
}

pub(crate) async fn dropped_calls_leave_a_store_that_works(store: Fixture) {
    let ada = user("ada");
    let (key, record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    store.put(&key, &record).await;
    let touches = [Touch::new(key, at(1), at(2_000_000))];
    for times in 0..ROUNDS {
        let times = times % 4;
        abandon(store.store().load(&key), times).await;
        abandon(store.store().touch(&touches), times).await;
        abandon(store.store().list(Some(&ada), None, 10), times).await;
        abandon(store.store().epochs(Some(&ada)), times).await;
        abandon(store.store().sweep(at(2), 10), times).await;
        abandon(store.store().undelivered(10), times).await;
        abandon(store.store().delivered(&[key]), times).await;
        abandon(store.store().census(), times).await;
        abandon(store.store().clock(), times).await;
        abandon(store.store().raise(Some(&user("bob")), NOW), times).await;
    }
    store.touch(&touches).await;
    assert_eq!(store.live(&key).await.last_seen, at(1));
    let raised = store.raise(Some(&ada), NOW).await;
    assert_eq!((raised, store.cause(&key).await), (1, Cause::Revoked));
    assert!(store.epochs(Some(&user("bob"))).await.user <= u64::from(ROUNDS));
}
