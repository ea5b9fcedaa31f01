//! What is still there when the store is opened again.

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs};

use crate::records::{anonymous, locator, next, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

pub(crate) async fn a_commit_survives_reopening(store: Fixture) {
    let (key, record) = (locator(None), anonymous(NOW));
    store.put(&key, &record).await;
    let second = next(&record, "second");
    store.replace(&key, record.version, second.clone()).await;
    let Some(store) = store.reopen().await else { return };
    assert_eq!(store.live(&key).await, second);
    assert_eq!(store.replace(&key, record.version, second.clone()).await, Replaced::Conflict);
    let third = next(&second, "third");
    assert_eq!(store.replace(&key, second.version, third).await, Replaced::Ok);
}

pub(crate) async fn a_login_survives_reopening(store: Fixture) {
    let ada = user("ada");
    let (old, new) = (locator(None), locator(Some(&ada)));
    let (visitor, session) = (anonymous(NOW), signed_in(&ada, at(1)));
    store.put(&old, &visitor).await;
    let relocated =
        store.relocate(&old, visitor.version, &new, session.clone(), Admission::at(at(1))).await;
    assert_eq!(relocated, Relocated::Ok);
    let Some(store) = store.reopen().await else { return };
    assert_eq!(store.live(&new).await, session);
    assert_eq!(store.cause(&old).await, Cause::Replaced);
    assert_eq!(store.list(Some(&ada), None, 10).await.len(), 1);
    assert_eq!(store.census().await.by_kind, [0, 1, 0]);
}

pub(crate) async fn an_end_and_its_event_survive_reopening(store: Fixture) {
    let (told, untold, record) = (locator(None), locator(None), anonymous(NOW));
    for key in [told, untold] {
        store.put(&key, &record).await;
        store.end(&key, Cause::Logout, NOW).await;
    }
    store.delivered(&[told]).await;
    let before = store.undelivered(10).await;
    let Some(store) = store.reopen().await else { return };
    for key in [told, untold] {
        assert_eq!(store.cause(&key).await, Cause::Logout);
        let inserted = store.insert(&key, record.clone(), Admission::at(NOW)).await;
        assert_eq!(inserted, Inserted::Exists);
    }
    assert_eq!(store.undelivered(10).await, before);
    assert_eq!(store.sweep_all(NOW.saturating_add(TOMBSTONE_KEPT)).await, (0, 1));
    store.unknown(&told).await;
}

pub(crate) async fn an_epoch_survives_reopening(store: Fixture) {
    let ada = user("ada");
    let (hers, nobodys) = (locator(Some(&ada)), locator(None));
    store.put(&hers, &signed_in(&ada, NOW)).await;
    store.put(&nobodys, &anonymous(NOW)).await;
    store.raise(Some(&ada), NOW).await;
    let Some(store) = store.reopen().await else { return };
    assert_eq!(store.cause(&hers).await, Cause::Revoked);
    store.live(&nobodys).await;
    let late = store.insert(&locator(Some(&ada)), signed_in(&ada, NOW), Admission::at(NOW)).await;
    assert_eq!(late, Inserted::Outdated);
    store.raise(None, NOW).await;
    let Some(store) = store.reopen().await else { return };
    assert_eq!(store.epochs(Some(&ada)).await, Epochs { user: 1, global: 1 });
    assert_eq!(store.cause(&nobodys).await, Cause::Revoked);
    assert_eq!(store.sweep_all(at(1)).await, (2, 0));
}
