//! A login: a new session in place of the old, in one step.

use std::num::NonZeroU32;

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record, UserKey, Version};

use crate::records::{anonymous, locator, next, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

const LOGIN: Admission = Admission::at(at(50));

/// An anonymous session, and what is to take its place when `user` signs in.
async fn before_login(store: &Fixture, user: &UserKey) -> (Locator, Record, Locator, Record) {
    let (old, visitor) = (locator(None), anonymous(NOW));
    store.put(&old, &visitor).await;
    (old, visitor, locator(Some(user)), signed_in(user, at(50)))
}

pub(crate) async fn relocate_creates_the_new_and_ends_the_old(store: Fixture) {
    let ada = user("ada");
    let (old, visitor, new, session) = before_login(&store, &ada).await;
    let relocated = store.relocate(&old, visitor.version, &new, session.clone(), LOGIN).await;
    assert_eq!(relocated, Relocated::Ok);
    assert_eq!(store.live(&new).await, session);
    assert_eq!(store.cause(&old).await, Cause::Replaced);
    let late = store.replace(&old, visitor.version, next(&visitor, "late")).await;
    assert_eq!(late, Replaced::Gone(Some(Cause::Replaced)));
    let want = [EndEvent::new(old, None, visitor.kind, Cause::Replaced, at(50))];
    assert_eq!(store.undelivered(10).await, want);
    let listed = store.list(Some(&ada), None, 10).await;
    assert_eq!(listed.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [new]);
    let census = store.census().await;
    assert_eq!(census.by_kind, [0, 1, 0]);
}

pub(crate) async fn a_second_login_takes_the_place_of_the_first(store: Fixture) {
    let (ada, bob) = (user("ada"), user("bob"));
    let (first, session) = (locator(Some(&ada)), signed_in(&ada, NOW));
    store.put(&first, &session).await;
    let second = locator(Some(&bob));
    let relocated =
        store.relocate(&first, session.version, &second, signed_in(&bob, at(50)), LOGIN).await;
    assert_eq!(relocated, Relocated::Ok);
    assert_eq!(store.list(Some(&ada), None, 10).await, []);
    assert_eq!(store.list(Some(&bob), None, 10).await.len(), 1);
    let events = store.undelivered(10).await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].key, &events[0].user), (first, &Some(ada)));
}

/// Asserts that a relocation refused as `want` left everything as it was.
async fn refused(
    store: &Fixture,
    old: &Locator,
    seen: Version,
    new: &Locator,
    record: &Record,
    admission: Admission,
    want: Relocated,
) {
    let keys = [*old, *new];
    let before = [describe(store, &keys[0]).await, describe(store, &keys[1]).await];
    let (events, all) = (store.undelivered(100).await, store.list(None, None, 100).await);
    let relocated = store.relocate(old, seen, new, record.clone(), admission).await;
    assert_eq!(relocated, want);
    assert_eq!([describe(store, &keys[0]).await, describe(store, &keys[1]).await], before);
    assert_eq!(store.undelivered(100).await, events, "a refusal ends nothing");
    assert_eq!(store.list(None, None, 100).await, all, "a refusal creates nothing");
}

async fn describe(store: &Fixture, key: &Locator) -> Result<Record, Option<Cause>> {
    match store.load(key).await {
        Loaded::Live(record) => Ok(record),
        Loaded::Ended(cause) => Err(Some(cause)),
        _ => Err(None),
    }
}

pub(crate) async fn relocate_needs_the_seen_version(store: Fixture) {
    let ada = user("ada");
    let (old, visitor, new, session) = before_login(&store, &ada).await;
    store.replace(&old, visitor.version, next(&visitor, "second")).await;
    for seen in [visitor.version, Version::new(0), Version::new(3)] {
        refused(&store, &old, seen, &new, &session, LOGIN, Relocated::Conflict).await;
    }
}

pub(crate) async fn relocate_of_what_is_gone_creates_nothing(store: Fixture) {
    let ada = user("ada");
    let (old, visitor, new, session) = before_login(&store, &ada).await;
    let unknown = locator(None);
    let seen = visitor.version;
    refused(&store, &unknown, seen, &new, &session, LOGIN, Relocated::Gone(None)).await;
    store.end(&old, Cause::Logout, NOW).await;
    let gone = Relocated::Gone(Some(Cause::Logout));
    refused(&store, &old, seen, &new, &session, LOGIN, gone).await;
    let (ended, unknown) = (store.cause(&old).await, store.load(&unknown).await);
    assert!(matches!((ended, unknown), (Cause::Logout, Loaded::Unknown)));
}

pub(crate) async fn relocate_refuses_a_known_locator(store: Fixture) {
    let ada = user("ada");
    let (old, visitor, new, session) = before_login(&store, &ada).await;
    let seen = visitor.version;
    store.put(&new, &signed_in(&ada, NOW)).await;
    refused(&store, &old, seen, &new, &session, LOGIN, Relocated::Exists).await;
    refused(&store, &old, seen, &old, &session, LOGIN, Relocated::Exists).await;
    store.end(&new, Cause::Logout, NOW).await;
    refused(&store, &old, seen, &new, &session, LOGIN, Relocated::Exists).await;
}

pub(crate) async fn relocate_that_is_outdated_changes_nothing(store: Fixture) {
    let ada = user("ada");
    let (old, visitor, new, session) = before_login(&store, &ada).await;
    store.raise(Some(&ada), NOW).await;
    let seen = visitor.version;
    refused(&store, &old, seen, &new, &session, LOGIN, Relocated::Outdated).await;
}

pub(crate) async fn relocate_keeps_the_limit(store: Fixture) {
    let ada = user("ada");
    let one = NonZeroU32::new(1).expect("1 is not 0");
    let limit = |when_full| LOGIN.limited(Some(SessionLimit::new(one, when_full)));
    let (old, visitor, new, session) = before_login(&store, &ada).await;
    let first = locator(Some(&ada));
    store.put(&first, &signed_in(&ada, NOW)).await;
    let seen = visitor.version;
    let refuse = limit(WhenFull::Refuse);
    refused(&store, &old, seen, &new, &session, refuse, Relocated::Full).await;
    // Signing in again over one's own session needs no room.
    let relocated = store.relocate(&first, seen, &new, session.clone(), refuse).await;
    assert_eq!(relocated, Relocated::Ok);
    assert_eq!(store.cause(&first).await, Cause::Replaced);
    let newer = locator(Some(&ada));
    let end_oldest = limit(WhenFull::EndOldest);
    let relocated = store.relocate(&old, seen, &newer, session.clone(), end_oldest).await;
    assert_eq!(relocated, Relocated::Ok);
    assert_eq!(store.cause(&new).await, Cause::Evicted);
    assert_eq!(store.cause(&old).await, Cause::Replaced);
    assert_eq!(store.live(&newer).await, session);
    let newest = locator(Some(&ada));
    let relocated = store.relocate(&newer, seen, &newest, session, end_oldest).await;
    assert_eq!(relocated, Relocated::Ok);
    assert_eq!(store.cause(&newer).await, Cause::Replaced, "not evicted as well");
    assert_eq!(store.undelivered(10).await.len(), 4);
}

/// One visitor signs in from thirty tabs at once: one of them does, and nobody
/// ever sees both sessions, or neither.
pub(crate) async fn relocate_happens_once(store: Fixture) {
    let ada = user("ada");
    let (old, visitor, ..) = before_login(&store, &ada).await;
    let logins: Vec<_> = (0..30)
        .map(|_| {
            let (store, ada) = (store.clone(), ada.clone());
            tokio::spawn(async move {
                let (new, record) = (locator(Some(&ada)), signed_in(&ada, at(50)));
                let relocated = store.relocate(&old, Version::FIRST, &new, record, LOGIN).await;
                // In this order: what is answered was done before the second load.
                let there = describe(&store, &new).await.is_ok();
                let gone = describe(&store, &old).await == Err(Some(Cause::Replaced));
                assert!(gone, "each answer comes after somebody's login");
                (relocated, there)
            })
        })
        .collect();
    let mut won = 0;
    for login in logins {
        match login.await.expect("a login does not panic") {
            (Relocated::Ok, true) => won += 1,
            (Relocated::Gone(Some(Cause::Replaced)), false) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((won, visitor.version), (1, Version::FIRST));
    assert_eq!(store.list(Some(&ada), None, 100).await.len(), 1);
    assert_eq!(store.undelivered(100).await.len(), 1);
}
