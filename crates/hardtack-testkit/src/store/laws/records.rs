//! Creating, reading and changing one record.

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Version};

use crate::records::{anonymous, locator, next, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

pub(crate) async fn load_does_not_create(store: Fixture) {
    let key = locator(None);
    for _ in 0..100 {
        store.unknown(&key).await;
    }
    assert_eq!(store.census().await, Census::default());
    assert_eq!(store.everything(None, 10).await, []);
}

pub(crate) async fn what_was_inserted_is_loaded(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    assert_eq!(store.live(&key).await, record);
}

pub(crate) async fn insert_only_creates(store: Fixture) {
    let (key, first) = (locator(None), anonymous(NOW));
    store.put(&key, &first).await;
    let other = next(&first, "other");
    for record in [first.clone(), other] {
        assert_eq!(store.insert(&key, record, Admission::at(NOW)).await, Inserted::Exists);
    }
    assert_eq!(store.live(&key).await, first);
}

pub(crate) async fn insert_refuses_an_ended_locator(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    store.end(&key, Cause::Logout, NOW).await;
    assert_eq!(store.insert(&key, record, Admission::at(at(1))).await, Inserted::Exists);
    assert_eq!(store.cause(&key).await, Cause::Logout);
}

pub(crate) async fn insert_refuses_an_outdated_locator(store: Fixture) {
    let ada = user("ada");
    let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    store.put(&key, &record).await;
    store.raise(Some(&ada), NOW).await;
    record.epochs = store.epochs(Some(&ada)).await;
    assert_eq!(store.insert(&key, record, Admission::at(at(1))).await, Inserted::Exists);
    assert_eq!(store.cause(&key).await, Cause::Revoked);
}

pub(crate) async fn replace_changes_the_record_and_its_version(store: Fixture) {
    let (key, first) = (locator(None), anonymous(NOW));
    store.put(&key, &first).await;
    let mut second = next(&first, "second");
    (second.last_seen, second.expires) = (at(5), first.expires.saturating_add(at(5).since(NOW)));
    second.device = Some("a telephone".into());
    assert_eq!(store.replace(&key, first.version, second.clone()).await, Replaced::Ok);
    assert_eq!(store.live(&key).await, second);
}

pub(crate) async fn replace_can_shorten_the_time_that_is_left(store: Fixture) {
    let (key, first) = (locator(None), anonymous(NOW));
    store.put(&key, &first).await;
    let mut second = next(&first, "second");
    second.expires = at(1000);
    assert_eq!(store.replace(&key, first.version, second).await, Replaced::Ok);
    assert_eq!(store.live(&key).await.expires, at(1000));
    assert_eq!(store.end(&key, Cause::Idle, at(1000)).await, Ended::Now);
}

pub(crate) async fn replace_needs_the_seen_version(store: Fixture) {
    let (key, first) = (locator(None), anonymous(NOW));
    store.put(&key, &first).await;
    let second = next(&first, "second");
    store.replace(&key, first.version, second.clone()).await;
    for wrong in [first.version, Version::new(0), Version::new(3), Version::new(u64::MAX)] {
        let late = next(&first, "a late write that has not seen the second");
        assert_eq!(store.replace(&key, wrong, late).await, Replaced::Conflict, "seen {wrong:?}");
    }
    assert_eq!(store.live(&key).await, second);
}

/// How express-session, scs and others bring a session back: the write of a
/// request that was under way at logout creates it again.
pub(crate) async fn replace_never_revives(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    store.end(&key, Cause::Logout, NOW).await;
    for seen in [record.version, record.version.next()] {
        let late = next(&record, "late");
        let replaced = store.replace(&key, seen, late).await;
        assert_eq!(replaced, Replaced::Gone(Some(Cause::Logout)));
    }
    assert_eq!(store.cause(&key).await, Cause::Logout);
}

pub(crate) async fn replace_never_creates(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    for seen in [Version::new(0), Version::FIRST] {
        let replaced = store.replace(&key, seen, record.clone()).await;
        assert_eq!(replaced, Replaced::Gone(None));
    }
    store.unknown(&key).await;
}

/// A store that looks a locator up by some of its bits only gives one visitor
/// the session of another.
pub(crate) async fn a_locator_is_compared_as_a_whole(store: Fixture) {
    let whole = *locator(None).as_bytes();
    let (key, record) = (Locator::from_bytes(whole), anonymous(NOW));
    store.put(&key, &record).await;
    for byte in 0..whole.len() {
        let mut near = whole;
        near[byte] ^= 1;
        let near = Locator::from_bytes(near);
        store.unknown(&near).await;
        assert_eq!(store.end(&near, Cause::Logout, NOW).await, Ended::Before(None));
        let late = next(&record, "of another");
        assert_eq!(store.replace(&near, record.version, late).await, Replaced::Gone(None));
        store.touch(&[Touch::new(near, at(9), record.expires)]).await;
        assert_eq!(
            store.live(&key).await,
            record,
            "after verbs on one that differs in byte {byte}"
        );
        let mut other = anonymous(NOW);
        other.data = vec![byte as u8].into();
        store.put(&near, &other).await;
        assert_eq!(store.live(&near).await, other);
        assert_eq!(store.end(&near, Cause::Logout, NOW).await, Ended::Now);
    }
    assert_eq!(store.live(&key).await, record);
}
