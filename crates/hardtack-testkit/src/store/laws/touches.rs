//! Noting activity.

use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record};
use hardtack::time::UnixTime;

use crate::records::{anonymous, locator, next, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

const MINUTE: Duration = Duration::from_secs(60);

/// Activity a minute after `record` was last seen.
fn touch(key: Locator, record: &Record) -> Touch {
    let later = |time: UnixTime| time.saturating_add(MINUTE);
    Touch::new(key, later(record.last_seen), later(record.expires))
}

pub(crate) async fn touch_moves_both_times(store: Fixture) {
    let (first, second, record) = (locator(None), locator(None), anonymous(NOW));
    store.put(&first, &record).await;
    store.put(&second, &record).await;
    store.touch(&[touch(first, &record), touch(second, &record)]).await;
    for key in [first, second] {
        let seen = store.live(&key).await;
        assert_eq!(seen.last_seen, record.last_seen.saturating_add(MINUTE));
        assert_eq!(seen.expires, record.expires.saturating_add(MINUTE));
    }
}

pub(crate) async fn touch_changes_nothing_else(store: Fixture) {
    let ada = user("ada");
    let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    record.device = Some("a telephone".into());
    store.put(&key, &record).await;
    let touched = touch(key, &record);
    store.touch(&[touched]).await;
    let want = Record { last_seen: touched.last_seen, expires: touched.expires, ..record.clone() };
    assert_eq!(store.live(&key).await, want);
    let changed = store.replace(&key, record.version, next(&want, "a commit after it")).await;
    assert_eq!(changed, Replaced::Ok, "a touch is no reason for a conflict");
}

pub(crate) async fn touch_never_shortens(store: Fixture) {
    let (key, record) = (locator(None), anonymous(at(10_000)));
    store.put(&key, &record).await;
    let earlier = |time: UnixTime| time.saturating_sub(Duration::from_millis(1));
    store.touch(&[Touch::new(key, earlier(record.last_seen), earlier(record.expires))]).await;
    assert_eq!(store.live(&key).await, record);
    store.touch(&[Touch::new(key, UnixTime::default(), UnixTime::default())]).await;
    assert_eq!(store.live(&key).await, record);
    // Each of the two by itself.
    store.touch(&[Touch::new(key, at(10_001), earlier(record.expires))]).await;
    store.touch(&[Touch::new(key, NOW, record.expires.saturating_add(MINUTE))]).await;
    let seen = store.live(&key).await;
    assert_eq!((seen.last_seen, seen.expires), (at(10_001), record.expires.saturating_add(MINUTE)));
}

pub(crate) async fn touch_never_passes_the_end_of_the_lifetime(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    store.touch(&[Touch::new(key, at(1), UnixTime::MAX)]).await;
    let seen = store.live(&key).await;
    assert_eq!((seen.expires, seen.dies), (record.dies, record.dies));
}

pub(crate) async fn the_latest_touch_of_a_batch_counts(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    let later = |millis| Touch::new(key, at(millis), at(2_000_000 + millis));
    store.touch(&[later(5), later(9), later(7)]).await;
    let seen = store.live(&key).await;
    assert_eq!((seen.last_seen, seen.expires), (at(9), at(2_000_009)));
    store.touch(&[]).await;
}

pub(crate) async fn touch_never_creates(store: Fixture) {
    let key = locator(None);
    store.touch(&[touch(key, &anonymous(NOW))]).await;
    store.unknown(&key).await;
    assert_eq!(store.everything(None, 10).await, []);
}

/// express-session and Flask-Session bring a session back this way: a request
/// that only read was under way at logout, and touches it when it is done.
pub(crate) async fn touch_never_revives(store: Fixture) {
    let (dead, live, record) = (locator(None), locator(None), anonymous(NOW));
    store.put(&dead, &record).await;
    store.put(&live, &record).await;
    store.end(&dead, Cause::Logout, NOW).await;
    store.touch(&[touch(dead, &record), touch(live, &record)]).await;
    assert_eq!(store.cause(&dead).await, Cause::Logout);
    // Neither the dead nor the unknown keep the others of a batch from it.
    assert_eq!(store.live(&live).await.last_seen, record.last_seen.saturating_add(MINUTE));
    assert_eq!(store.everything(None, 10).await.len(), 1);
    store.sweep_all(record.dies).await;
    assert_eq!(store.cause(&dead).await, Cause::Logout);
}

pub(crate) async fn touch_never_revives_an_outdated_record(store: Fixture) {
    let ada = user("ada");
    let (key, record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    store.put(&key, &record).await;
    store.raise(Some(&ada), NOW).await;
    store.touch(&[touch(key, &record)]).await;
    assert_eq!(store.cause(&key).await, Cause::Revoked);
}

pub(crate) async fn a_touch_survives_a_replace(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    let touched = touch(key, &record);
    store.touch(&[touched]).await;
    // The commit loaded the record before it was touched.
    store.replace(&key, record.version, next(&record, "second")).await;
    let seen = store.live(&key).await;
    assert_eq!((seen.last_seen, seen.expires), (touched.last_seen, touched.expires));
    assert_eq!((seen.version, &seen.data[..]), (record.version.next(), &b"second"[..]));
}

pub(crate) async fn a_touched_session_is_not_swept(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    store.touch(&[touch(key, &record)]).await;
    assert_eq!(store.sweep_all(record.expires).await.0, 0);
    assert_eq!(store.end(&key, Cause::Idle, record.expires).await, Ended::NotDue);
    assert_eq!(store.sweep_all(record.expires.saturating_add(MINUTE)).await.0, 1);
    assert_eq!(store.cause(&key).await, Cause::Idle);
}
