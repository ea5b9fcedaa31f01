//! Ending all sessions of a user, or of everybody, by one write.

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Record};

use crate::records::{anonymous, locator, next, remembered, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

pub(crate) async fn epochs_start_at_zero_and_grow_by_one(store: Fixture) {
    let (ada, bob) = (user("ada"), user("bob"));
    assert_eq!(store.epochs(None).await, Epochs::default());
    assert_eq!(store.epochs(Some(&ada)).await, Epochs::default());
    assert_eq!(store.raise(Some(&ada), NOW).await, 1);
    assert_eq!(store.raise(Some(&ada), NOW).await, 2);
    assert_eq!(store.raise(None, NOW).await, 1);
    assert_eq!(store.epochs(Some(&ada)).await, Epochs { user: 2, global: 1 });
    assert_eq!(store.epochs(Some(&bob)).await, Epochs { user: 0, global: 1 });
    assert_eq!(store.epochs(None).await, Epochs { user: 0, global: 1 });
}

pub(crate) async fn raise_ends_every_session_of_the_user_at_once(store: Fixture) {
    let (ada, bob) = (user("ada"), user("bob"));
    let (mut hers, his, nobodys) = (Vec::new(), locator(Some(&bob)), locator(None));
    for n in 0..20 {
        let key = locator(Some(&ada));
        let record = if n % 4 == 0 { remembered(&ada, NOW) } else { signed_in(&ada, NOW) };
        store.put(&key, &record).await;
        hers.push((key, record));
    }
    store.put(&his, &signed_in(&bob, NOW)).await;
    store.put(&nobodys, &anonymous(NOW)).await;
    store.raise(Some(&ada), NOW).await;
    for (key, record) in &hers {
        assert_eq!(store.cause(key).await, Cause::Revoked);
        let late = store.replace(key, record.version, next(record, "late")).await;
        assert_eq!(late, Replaced::Gone(Some(Cause::Revoked)));
    }
    store.live(&his).await;
    store.live(&nobodys).await;
    assert_eq!(store.everything(Some(&ada), 100).await, []);
}

pub(crate) async fn a_global_raise_ends_all_sessions(store: Fixture) {
    let ada = user("ada");
    let all = [
        (locator(None), anonymous(NOW)),
        (locator(Some(&ada)), signed_in(&ada, NOW)),
        (locator(Some(&ada)), remembered(&ada, NOW)),
    ];
    for (key, record) in &all {
        store.put(key, record).await;
    }
    store.raise(None, NOW).await;
    for (key, _) in &all {
        assert_eq!(store.cause(key).await, Cause::Revoked);
    }
    let mut again = anonymous(at(1));
    assert_eq!(
        store.insert(&locator(None), again.clone(), Admission::at(at(1))).await,
        Inserted::Outdated
    );
    again.epochs = store.epochs(None).await;
    let key = locator(None);
    store.put(&key, &again).await;
    assert_eq!(store.live(&key).await, again);
}

pub(crate) async fn what_is_outdated_is_gone_for_every_verb(store: Fixture) {
    let ada = user("ada");
    let (key, record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    store.put(&key, &record).await;
    store.raise(Some(&ada), NOW).await;
    let revoked = Some(Cause::Revoked);
    assert_eq!(store.cause(&key).await, Cause::Revoked);
    let late = next(&record, "late");
    assert_eq!(store.replace(&key, record.version, late).await, Replaced::Gone(revoked));
    let (new, mut fresh) = (locator(Some(&ada)), signed_in(&ada, at(1)));
    fresh.epochs = store.epochs(Some(&ada)).await;
    let relocated = store.relocate(&key, record.version, &new, fresh, Admission::at(at(1))).await;
    assert_eq!(relocated, Relocated::Gone(revoked));
    store.unknown(&new).await;
    store.touch(&[Touch::new(key, at(1), record.dies)]).await;
    assert_eq!(store.list(Some(&ada), None, 10).await, []);
    assert_eq!(store.list(None, None, 10).await, []);
    assert_eq!(store.census().await, Census::default());
    for cause in [Cause::Logout, Cause::Idle, Cause::Lifetime] {
        assert_eq!(store.end(&key, cause, at(2)).await, Ended::Before(revoked));
    }
    assert_eq!(store.cause(&key).await, Cause::Revoked);
    store.sweep_all(at(2)).await;
    let events = store.undelivered(10).await;
    assert_eq!(events.len(), 1, "one end, one event: {events:?}");
    assert_eq!((events[0].key, events[0].cause), (key, Cause::Revoked));
    assert_eq!((&events[0].user, events[0].kind), (&Some(ada), Kind::User));
}

/// "Sign me out everywhere" must also end what was signing in at that moment.
pub(crate) async fn a_login_begun_before_a_raise_does_not_survive_it(store: Fixture) {
    let ada = user("ada");
    for everybody in [false, true] {
        let mut begun = signed_in(&ada, NOW);
        begun.epochs = store.epochs(Some(&ada)).await;
        store.raise(if everybody { None } else { Some(&ada) }, NOW).await;
        let (key, admission) = (locator(Some(&ada)), Admission::at(at(1)));
        assert_eq!(store.insert(&key, begun.clone(), admission).await, Inserted::Outdated);
        store.unknown(&key).await;
        let old = locator(None);
        let before = Record { epochs: store.epochs(None).await, ..anonymous(NOW) };
        store.put(&old, &before).await;
        let relocated = store.relocate(&old, before.version, &key, begun.clone(), admission).await;
        assert_eq!(relocated, Relocated::Outdated);
        store.unknown(&key).await;
        assert_eq!(store.live(&old).await, before);
        begun.epochs = store.epochs(Some(&ada)).await;
        store.put(&key, &begun).await;
        store.live(&key).await;
    }
}

/// Records copied from another store can be ahead; they end when the epoch
/// passes theirs.
pub(crate) async fn an_epoch_that_is_ahead_ends_when_it_is_passed(store: Fixture) {
    let ada = user("ada");
    let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    record.epochs = Epochs { user: 2, global: 0 };
    store.put(&key, &record).await;
    for _ in 0..2 {
        store.raise(Some(&ada), NOW).await;
        assert_eq!(store.live(&key).await, record);
    }
    store.raise(Some(&ada), NOW).await;
    assert_eq!(store.cause(&key).await, Cause::Revoked);
}

/// better-auth #11073: logins that race an "end all" are left out of its list
/// and live on. Here each login either comes after the raise that it saw, or is
/// ended or refused by it.
pub(crate) async fn no_login_slips_through_a_concurrent_raise(store: Fixture) {
    let ada = user("ada");
    for round in 0..20 {
        let epochs = store.epochs(Some(&ada)).await;
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let (store, ada) = (store.clone(), ada.clone());
                tokio::spawn(async move {
                    let mut record = signed_in(&ada, at(round));
                    record.epochs = epochs;
                    let key = locator(Some(&ada));
                    (key, store.insert(&key, record, Admission::at(at(round))).await)
                })
            })
            .collect();
        store.raise((round % 2 == 0).then_some(&ada), at(round)).await;
        // All the logins that began before the raise are dead from here on,
        // also those that have not been answered yet.
        assert_eq!(store.everything(Some(&ada), 3).await, []);
        for login in logins {
            match login.await.expect("a login does not panic") {
                (key, Inserted::Ok) => assert_eq!(store.cause(&key).await, Cause::Revoked),
                (key, Inserted::Outdated) => store.unknown(&key).await,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(store.everything(Some(&ada), 3).await, []);
    }
}

pub(crate) async fn raises_in_parallel_each_count(store: Fixture) {
    let ada = user("ada");
    let raises: Vec<_> = (0..30)
        .map(|n| {
            let (store, ada) = (store.clone(), ada.clone());
            tokio::spawn(async move { store.raise((n % 2 == 0).then_some(&ada), NOW).await })
        })
        .collect();
    let mut answers = Vec::new();
    for raise in raises {
        answers.push(raise.await.expect("a raise does not panic"));
    }
    answers.sort_unstable();
    let want: Vec<u64> = (1..=15).flat_map(|n| [n, n]).collect();
    assert_eq!(answers, want);
    assert_eq!(store.epochs(Some(&ada)).await, Epochs { user: 15, global: 15 });
}
