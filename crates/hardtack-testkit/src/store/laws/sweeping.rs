//! Ending what is due.

use std::collections::BTreeMap;
use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record};

use crate::records::{IDLE, LIFETIME, anonymous, locator, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

const A_MILLISECOND: Duration = Duration::from_millis(1);

pub(crate) async fn sweep_ends_what_is_due_with_the_right_cause(store: Fixture) {
    let ada = user("ada");
    let now = NOW.saturating_add(LIFETIME);
    let idle = Record { expires: now, dies: now.saturating_add(A_MILLISECOND), ..anonymous(NOW) };
    let old = Record { expires: now, dies: now, ..anonymous(NOW) };
    let live =
        Record { expires: now.saturating_add(A_MILLISECOND), dies: idle.dies, ..old.clone() };
    // Both over and revoked: it ended when it was revoked.
    let revoked = Record { expires: now, ..signed_in(&ada, NOW) };
    let mut want = BTreeMap::new();
    for _ in 0..5 {
        for (record, cause) in
            [(&idle, Cause::Idle), (&old, Cause::Lifetime), (&revoked, Cause::Revoked)]
        {
            let key = locator(record.user.as_ref());
            store.put(&key, record).await;
            want.insert(key, (cause, record.kind, record.user.clone()));
        }
    }
    let still = locator(None);
    store.put(&still, &live).await;
    store.raise(Some(&ada), at(1)).await;
    assert_eq!(store.sweep_all(now).await, (15, 0));
    let told: BTreeMap<_, _> = store
        .undelivered(100)
        .await
        .into_iter()
        .map(|event| (event.key, (event.cause, event.kind, event.user)))
        .collect();
    assert_eq!(told, want);
    for (key, (cause, ..)) in want {
        assert_eq!(store.cause(&key).await, cause);
    }
    assert_eq!(store.live(&still).await, live);
    assert_eq!(store.sweep_all(now).await, (0, 0));
}

pub(crate) async fn sweep_never_ends_a_live_one(store: Fixture) {
    let ada = user("ada");
    let mut all = Vec::new();
    for n in 0..50 {
        let (key, record) = match n % 2 {
            0 => (locator(None), anonymous(at(n))),
            _ => (locator(Some(&ada)), signed_in(&ada, at(n))),
        };
        store.put(&key, &record).await;
        all.push((key, record));
    }
    let just_before = NOW.saturating_add(IDLE).saturating_sub(A_MILLISECOND);
    assert_eq!(store.sweep_all(just_before).await, (0, 0));
    for (key, record) in all {
        assert_eq!(store.live(&key).await, record);
    }
}

pub(crate) async fn sweep_goes_by_batches(store: Fixture) {
    const DUE: usize = 1000;
    const LIMIT: usize = 50;
    for n in 0..DUE {
        store.put(&locator(None), &anonymous(at(n as u64 % 7))).await;
    }
    let (mut ended, mut sweeps) = (0, 0);
    loop {
        let swept = store.sweep(NOW.saturating_add(LIFETIME), LIMIT).await;
        assert!(swept.ended <= 2 * LIMIT, "about {LIMIT} were asked for: {swept:?}");
        assert!(swept.ended > 0 || !swept.more, "more is due, and a sweep did nothing");
        (ended, sweeps) = (ended + swept.ended, sweeps + 1);
        assert_eq!(store.census().await.by_kind[0], (DUE - ended) as u64);
        if !swept.more {
            break;
        }
    }
    assert_eq!(ended, DUE);
    assert!(sweeps >= DUE / (2 * LIMIT));
}

pub(crate) async fn each_end_is_in_the_stream_once(store: Fixture) {
    const ALL: usize = 120;
    let keys: Vec<Locator> = (0..ALL).map(|_| locator(None)).collect();
    for key in &keys {
        store.put(key, &anonymous(NOW)).await;
    }
    let over = NOW.saturating_add(IDLE);
    let sweeper = |store: Fixture| async move {
        while store.sweep(over, 10).await.more {
            tokio::task::yield_now().await;
        }
    };
    let tasks = [tokio::spawn(sweeper(store.clone())), tokio::spawn(sweeper(store.clone()))];
    for key in keys.iter().step_by(3) {
        store.end(key, Cause::Logout, over).await;
    }
    for task in tasks {
        task.await.expect("a sweep does not panic");
    }
    store.sweep_all(over).await;
    let mut told: BTreeMap<Locator, Cause> = BTreeMap::new();
    loop {
        let events = store.undelivered(7).await;
        if events.is_empty() {
            break;
        }
        for event in &events {
            assert_eq!(told.insert(event.key, event.cause), None, "told twice: {event:?}");
        }
        let keys: Vec<Locator> = events.iter().map(|event| event.key).collect();
        store.delivered(&keys).await;
    }
    assert_eq!(told.len(), ALL);
    for (key, cause) in told {
        assert_eq!(store.cause(&key).await, cause, "the event and the tombstone agree");
    }
}

pub(crate) async fn sweep_forgets_only_what_was_delivered(store: Fixture) {
    let mut keys = Vec::new();
    for n in 0..300 {
        let key = locator(None);
        store.put(&key, &anonymous(NOW)).await;
        store.end(&key, Cause::Logout, at(n)).await;
        keys.push(key);
    }
    let (told, untold) = keys.split_at(150);
    store.delivered(told).await;
    let over = at(300).saturating_add(TOMBSTONE_KEPT);
    assert_eq!(store.sweep_all(over).await, (0, 150));
    for key in told {
        store.unknown(key).await;
    }
    for key in untold {
        assert_eq!(store.cause(key).await, Cause::Logout);
    }
}

/// A sweep that looks first and ends afterwards takes the session away from
/// somebody who came back in between.
pub(crate) async fn sweep_respects_a_touch_that_comes_first(store: Fixture) {
    const ALL: usize = 100;
    let over = NOW.saturating_add(IDLE);
    for _ in 0..3 {
        let keys: Vec<Locator> = (0..ALL).map(|_| locator(None)).collect();
        for key in &keys {
            store.put(key, &anonymous(NOW)).await;
        }
        let sweep = tokio::spawn({
            let store = store.clone();
            async move { while store.sweep(over, 5).await.ended > 0 {} }
        });
        let mut seen_alive = Vec::new();
        for key in keys {
            store.touch(&[Touch::new(key, over, over.saturating_add(IDLE))]).await;
            if matches!(store.load(&key).await, Loaded::Live(_)) {
                seen_alive.push(key);
            }
        }
        sweep.await.expect("a sweep does not panic");
        for key in seen_alive {
            store.live(&key).await;
            store.end(&key, Cause::Logout, over).await;
        }
    }
}
