//! Ends and their events.

use std::collections::BTreeSet;
use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator};

use crate::records::{anonymous, locator, next, remembered, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

/// Every cause that an end can be asked for without conditions.
const CAUSES: [Cause; 8] = [
    Cause::Logout,
    Cause::Revoked,
    Cause::Evicted,
    Cause::Replaced,
    Cause::Reuse,
    Cause::Tampered,
    Cause::Key,
    Cause::Lost,
];

pub(crate) async fn end_is_final_and_keeps_the_first_cause(store: Fixture) {
    for cause in CAUSES {
        let (key, record) = (locator(None), anonymous(NOW));
        store.put(&key, &record).await;
        assert_eq!(store.end(&key, cause, NOW).await, Ended::Now);
        for again in CAUSES.into_iter().chain([Cause::Idle, Cause::Lifetime]) {
            let ended = store.end(&key, again, record.dies).await;
            assert_eq!(ended, Ended::Before(Some(cause)), "ended again as {again}");
        }
        assert_eq!(store.cause(&key).await, cause);
    }
    assert_eq!(store.everything(None, 10).await, []);
}

pub(crate) async fn ending_the_unknown_tells_so_and_leaves_nothing(store: Fixture) {
    let key = locator(None);
    assert_eq!(store.end(&key, Cause::Logout, NOW).await, Ended::Before(None));
    store.unknown(&key).await;
    assert_eq!(store.undelivered(10).await, []);
    store.put(&key, &anonymous(NOW)).await;
}

pub(crate) async fn an_expired_end_happens_only_when_due(store: Fixture) {
    for cause in [Cause::Idle, Cause::Lifetime] {
        let (key, record) = (locator(None), anonymous(NOW));
        store.put(&key, &record).await;
        let just_before = record.expires.saturating_sub(Duration::from_millis(1));
        assert_eq!(store.end(&key, cause, just_before).await, Ended::NotDue);
        assert_eq!(store.live(&key).await, record);
        assert_eq!(store.end(&key, cause, record.expires).await, Ended::Now);
        assert_eq!(store.cause(&key).await, cause);
    }
}

/// Only the engine judges the time: a store that hides what is past its expiry
/// would make an anonymous visitor of one whose touch is still on its way.
pub(crate) async fn what_is_expired_but_not_ended_is_still_loaded(store: Fixture) {
    let (key, mut record) = (locator(None), anonymous(NOW));
    (record.created, record.last_seen) = (at(0), at(0));
    record.expires = hardtack::time::UnixTime::from_secs(1);
    store.put(&key, &record).await;
    assert_eq!(store.live(&key).await, record);
    let replaced = store.replace(&key, record.version, next(&record, "second")).await;
    assert_eq!(replaced, Replaced::Ok);
}

pub(crate) async fn end_happens_once(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (store, cause) = (store.clone(), CAUSES[n % CAUSES.len()]);
            tokio::spawn(async move { (cause, store.end(&key, cause, NOW).await) })
        })
        .collect();
    let (mut won, mut before) = (Vec::new(), BTreeSet::new());
    for task in tasks {
        match task.await.expect("an end does not panic") {
            (cause, Ended::Now) => won.push(cause),
            (_, Ended::Before(Some(cause))) => drop(before.insert(cause.name())),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(won.len(), 1, "ended more than once: {won:?}");
    assert_eq!(before, BTreeSet::from([won[0].name()]));
    assert_eq!(store.cause(&key).await, won[0]);
    assert_eq!(store.undelivered(100).await.len(), 1);
}

pub(crate) async fn every_end_is_told_once_with_all_that_belongs_to_it(store: Fixture) {
    let ada = user("ada");
    let keys = [locator(None), locator(Some(&ada)), locator(Some(&ada))];
    let records = [anonymous(NOW), signed_in(&ada, NOW), remembered(&ada, NOW)];
    let mut want = Vec::new();
    for (n, (key, record)) in keys.into_iter().zip(records).enumerate() {
        store.put(&key, &record).await;
        let when = at(n as u64);
        store.end(&key, CAUSES[n], when).await;
        store.end(&key, Cause::Reuse, at(1000)).await;
        want.push(EndEvent::new(key, record.user, record.kind, CAUSES[n], when));
    }
    assert_eq!(store.undelivered(10).await, want);
}

pub(crate) async fn an_event_is_repeated_until_it_is_delivered(store: Fixture) {
    let mut keys = Vec::new();
    for n in 0..5 {
        let key = locator(None);
        store.put(&key, &anonymous(NOW)).await;
        store.end(&key, Cause::Logout, at(n)).await;
        keys.push(key);
    }
    let told = |events: Vec<EndEvent>| events.into_iter().map(|e| e.key).collect::<Vec<Locator>>();
    assert_eq!(told(store.undelivered(3).await), keys[..3], "the oldest come first");
    assert_eq!(told(store.undelivered(3).await), keys[..3], "and come again");
    store.delivered(&[keys[1], keys[4]]).await;
    assert_eq!(told(store.undelivered(10).await), [keys[0], keys[2], keys[3]]);
    store.delivered(&keys).await;
    store.delivered(&keys).await;
    assert_eq!(store.undelivered(10).await, []);
    assert_eq!(store.cause(&keys[0]).await, Cause::Logout);
}

pub(crate) async fn delivering_what_has_not_ended_says_nothing_about_its_end(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.delivered(&[key]).await;
    store.put(&key, &record).await;
    store.delivered(&[key]).await;
    store.end(&key, Cause::Logout, NOW).await;
    assert_eq!(store.undelivered(10).await.len(), 1);
    store.sweep_all(NOW.saturating_add(TOMBSTONE_KEPT)).await;
    assert_eq!(store.cause(&key).await, Cause::Logout);
}

pub(crate) async fn a_tombstone_is_kept_until_delivered(store: Fixture) {
    let key = locator(None);
    store.put(&key, &anonymous(NOW)).await;
    store.end(&key, Cause::Logout, NOW).await;
    let a_year = NOW.saturating_add(Duration::from_secs(365 * 24 * 60 * 60));
    assert_eq!(store.sweep_all(a_year).await, (0, 0));
    assert_eq!(store.cause(&key).await, Cause::Logout);
    assert_eq!(store.undelivered(10).await.len(), 1);
    store.delivered(&[key]).await;
    assert_eq!(store.sweep_all(a_year).await, (0, 1));
    store.unknown(&key).await;
}

pub(crate) async fn a_tombstone_is_kept_for_its_time_and_no_longer(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    store.end(&key, Cause::Logout, NOW).await;
    store.delivered(&[key]).await;
    let over = NOW.saturating_add(TOMBSTONE_KEPT);
    assert_eq!(store.sweep_all(over.saturating_sub(Duration::from_millis(1))).await, (0, 0));
    assert_eq!(store.cause(&key).await, Cause::Logout);
    let late = store.replace(&key, record.version, next(&record, "late")).await;
    assert_eq!(late, Replaced::Gone(Some(Cause::Logout)));
    assert_eq!(store.sweep_all(over).await, (0, 1));
    store.unknown(&key).await;
    let late = store.replace(&key, record.version, next(&record, "late")).await;
    assert_eq!(late, Replaced::Gone(None));
    store.touch(&[Touch::new(key, over, record.dies)]).await;
    store.unknown(&key).await;
}
