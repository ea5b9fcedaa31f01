//! How many sessions a user may have.

use std::num::NonZeroU32;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, UserKey};
use hardtack::time::UnixTime;

use crate::records::{IDLE, anonymous, locator, remembered, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

fn limit(most: u32, when_full: WhenFull, now: UnixTime) -> Admission {
    let most = NonZeroU32::new(most).expect("a limit is at least 1");
    Admission::at(now).limited(Some(SessionLimit::new(most, when_full)))
}

/// A login of `user` at `now`, under a limit.
async fn login(
    store: &Fixture,
    user: &UserKey,
    most: u32,
    when_full: WhenFull,
    now: UnixTime,
) -> (Locator, Inserted) {
    let key = locator(Some(user));
    let admission = limit(most, when_full, now);
    (key, store.insert(&key, signed_in(user, now), admission).await)
}

async fn live(store: &Fixture, user: &UserKey) -> Vec<Locator> {
    store.everything(Some(user), 100).await.into_iter().map(|(key, _)| key).collect()
}

pub(crate) async fn a_full_user_is_refused(store: Fixture) {
    let (ada, bob) = (user("ada"), user("bob"));
    for n in 0..3 {
        let (_, inserted) = login(&store, &ada, 3, WhenFull::Refuse, at(n)).await;
        assert_eq!(inserted, Inserted::Ok);
    }
    let (refused, inserted) = login(&store, &ada, 3, WhenFull::Refuse, at(4)).await;
    assert_eq!(inserted, Inserted::Full);
    store.unknown(&refused).await;
    assert_eq!(live(&store, &ada).await.len(), 3);
    let (_, inserted) = login(&store, &bob, 3, WhenFull::Refuse, at(4)).await;
    assert_eq!(inserted, Inserted::Ok, "the limit is each user's own");
    store.end(&live(&store, &ada).await[0], Cause::Logout, at(5)).await;
    let (_, inserted) = login(&store, &ada, 3, WhenFull::Refuse, at(5)).await;
    assert_eq!(inserted, Inserted::Ok, "after a logout there is room");
}

pub(crate) async fn the_oldest_end_to_make_room(store: Fixture) {
    let ada = user("ada");
    let mut keys = Vec::new();
    for n in 0..4 {
        let (key, inserted) = login(&store, &ada, 4, WhenFull::EndOldest, at(n)).await;
        assert_eq!(inserted, Inserted::Ok);
        keys.push(key);
    }
    // The first is the one seen last: by activity, not by age.
    store.touch(&[Touch::new(keys[0], at(100), at(2_000_000))]).await;
    let (fifth, inserted) = login(&store, &ada, 4, WhenFull::EndOldest, at(200)).await;
    assert_eq!(inserted, Inserted::Ok);
    assert_eq!(store.cause(&keys[1]).await, Cause::Evicted);
    // A limit that was lowered is kept at once.
    let (sixth, inserted) = login(&store, &ada, 2, WhenFull::EndOldest, at(300)).await;
    assert_eq!(inserted, Inserted::Ok);
    let mut want = vec![fifth, sixth];
    want.sort_unstable();
    assert_eq!(live(&store, &ada).await, want);
    let events = store.undelivered(10).await;
    assert_eq!(events.len(), 4);
    for event in events {
        assert_eq!((event.cause, &event.user), (Cause::Evicted, &Some(ada.clone())));
        assert_eq!(store.cause(&event.key).await, Cause::Evicted);
    }
}

pub(crate) async fn a_limit_of_one_keeps_the_newest(store: Fixture) {
    let ada = user("ada");
    for n in 0..10 {
        let (key, inserted) = login(&store, &ada, 1, WhenFull::EndOldest, at(n)).await;
        assert_eq!((inserted, live(&store, &ada).await), (Inserted::Ok, vec![key]));
    }
}

pub(crate) async fn only_sessions_that_can_still_be_used_count(store: Fixture) {
    let ada = user("ada");
    for when_full in [WhenFull::Refuse, WhenFull::EndOldest] {
        // One remembered, one of an older epoch, one that ended, one expired but not swept.
        let (token, outdated) = (locator(Some(&ada)), locator(Some(&ada)));
        let mut record = signed_in(&ada, NOW);
        record.epochs = store.epochs(Some(&ada)).await;
        store.put(&outdated, &record).await;
        store.raise(Some(&ada), NOW).await;
        let epochs = store.epochs(Some(&ada)).await;
        let mut remembered = remembered(&ada, NOW);
        remembered.epochs = epochs;
        store.put(&token, &remembered).await;
        record.epochs = epochs;
        let (ended, expired, fresh) =
            (locator(Some(&ada)), locator(Some(&ada)), locator(Some(&ada)));
        store.put(&ended, &record).await;
        store.end(&ended, Cause::Logout, NOW).await;
        store.put(&expired, &record).await;
        let now = NOW.saturating_add(IDLE);
        let mut record = signed_in(&ada, now);
        record.epochs = epochs;
        let inserted = store.insert(&fresh, record.clone(), limit(1, when_full, now)).await;
        assert_eq!(inserted, Inserted::Ok);
        assert_eq!(store.live(&token).await, remembered);
        assert_eq!(store.cause(&outdated).await, Cause::Revoked);
        assert_eq!(store.cause(&ended).await, Cause::Logout);
        store.live(&expired).await;
        // Nor does a limit on sessions bind what is none.
        for other in [anonymous(now), remembered.clone()] {
            let key = locator(other.user.as_ref());
            let inserted = store.insert(&key, other, limit(1, when_full, now)).await;
            assert_eq!(inserted, Inserted::Ok);
        }
        assert_eq!(store.live(&fresh).await, record);
        store.raise(Some(&ada), now).await;
    }
}

pub(crate) async fn refusing_holds_under_parallel_logins(store: Fixture) {
    let ada = user("ada");
    let answers = fifty_logins(&store, &ada, WhenFull::Refuse).await;
    let ok = answers.iter().filter(|(_, inserted)| *inserted == Inserted::Ok).count();
    let full = answers.iter().filter(|(_, inserted)| *inserted == Inserted::Full).count();
    assert_eq!((ok, full), (5, 45));
    for (key, inserted) in answers {
        match inserted {
            Inserted::Ok => drop(store.live(&key).await),
            _ => store.unknown(&key).await,
        }
    }
    assert_eq!(store.undelivered(100).await, []);
}

pub(crate) async fn ending_the_oldest_holds_under_parallel_logins(store: Fixture) {
    let ada = user("ada");
    let answers = fifty_logins(&store, &ada, WhenFull::EndOldest).await;
    assert!(answers.iter().all(|(_, inserted)| *inserted == Inserted::Ok));
    let live = live(&store, &ada).await;
    assert_eq!(live.len(), 5);
    for (key, _) in answers {
        if !live.contains(&key) {
            assert_eq!(store.cause(&key).await, Cause::Evicted);
        }
    }
    let mut told: Vec<Locator> = store.undelivered(100).await.iter().map(|e| e.key).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 45, "each eviction is told once");
}

/// Fifty logins at once under a limit of five, while somebody watches that
/// there are never more.
async fn fifty_logins(
    store: &Fixture,
    user: &UserKey,
    when_full: WhenFull,
) -> Vec<(Locator, Inserted)> {
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (store, user) = (store.clone(), user.clone());
            tokio::spawn(async move { login(&store, &user, 5, when_full, at(n)).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        // One page: pages that are read one after the other see logins between them.
        let live = store.list(Some(user), None, 1000).await.len();
        assert!(live <= 5, "{live} sessions at once under a limit of 5");
        answers.push(task.await.expect("a login does not panic"));
    }
    answers
}
