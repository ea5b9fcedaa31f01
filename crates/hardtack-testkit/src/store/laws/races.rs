//! Many at once.

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record};

use crate::records::{anonymous, locator, next, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

/// Adds one to the number in the record's data, again where somebody else was
/// faster; answers whether the session was live for it.
async fn add_one(store: &Fixture, key: &Locator) -> bool {
    loop {
        let Loaded::Live(seen) = store.load(key).await else { return false };
        let number = count(&seen) + 1;
        match store.replace(key, seen.version, next(&seen, number.to_string())).await {
            Replaced::Ok => return true,
            Replaced::Conflict => tokio::task::yield_now().await,
            _ => return false,
        }
    }
}

fn count(record: &Record) -> u64 {
    let text = std::str::from_utf8(&record.data).expect("only numbers were written");
    text.parse().expect("only numbers were written")
}

async fn counter(store: &Fixture) -> Locator {
    let key = locator(None);
    store.put(&key, &Record { data: "0".into(), ..anonymous(NOW) }).await;
    key
}

pub(crate) async fn no_compare_and_set_is_lost(store: Fixture) {
    let key = counter(&store).await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    assert!(add_one(&store, &key).await);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a writer does not panic");
    }
    let record = store.live(&key).await;
    assert_eq!((count(&record), record.version.number()), (3200, 3201));
}

pub(crate) async fn sessions_do_not_disturb_one_another(store: Fixture) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = counter(&store).await;
                for n in 1..=25 {
                    let seen = store.live(&key).await;
                    let replaced =
                        store.replace(&key, seen.version, next(&seen, n.to_string())).await;
                    assert_eq!(replaced, Replaced::Ok, "nobody else writes here");
                }
                count(&store.live(&key).await)
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("a writer does not panic"), 25);
    }
}

/// The law that most stores of sessions break: see `replace_never_revives`.
pub(crate) async fn no_write_lands_after_an_end(store: Fixture) {
    for round in 0..20 {
        let key = counter(&store).await;
        let writers: Vec<_> = (0..6)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut written = 0;
                    while add_one(&store, &key).await {
                        written += 1;
                        if n == 0 {
                            store.touch(&[Touch::new(key, at(written), at(9_000_000))]).await;
                        }
                    }
                })
            })
            .collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.end(&key, Cause::Logout, NOW).await, Ended::Now);
        assert_eq!(store.cause(&key).await, Cause::Logout);
        for writer in writers {
            writer.await.expect("a writer does not panic");
        }
        assert_eq!(store.cause(&key).await, Cause::Logout);
    }
}

pub(crate) async fn an_insert_happens_once(store: Fixture) {
    let key = locator(None);
    let tasks: Vec<_> = (0..30)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let record = Record { data: n.to_string().into(), ..anonymous(NOW) };
                (n, store.insert(&key, record, Admission::at(NOW)).await)
            })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        match task.await.expect("an insert does not panic") {
            (n, Inserted::Ok) => won.push(n),
            (_, Inserted::Exists) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(count(&store.live(&key).await), won[0]);
}

/// better-auth keeps the sessions of a user as one list that it reads, changes
/// and writes: two logins at once, and one of them is in no list (#11073).
pub(crate) async fn no_session_is_missing_from_its_users_list(store: Fixture) {
    let ada = user("ada");
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let (store, ada) = (store.clone(), ada.clone());
            tokio::spawn(async move {
                let (key, record) = (locator(Some(&ada)), signed_in(&ada, at(n)));
                store.put(&key, &record).await;
                let listed = store.list(Some(&ada), None, 1000).await;
                assert!(listed.iter().any(|(k, _)| *k == key), "not in the list right away");
                if n % 4 == 0 {
                    store.end(&key, Cause::Logout, at(n)).await;
                    let listed = store.list(Some(&ada), None, 1000).await;
                    assert!(listed.iter().all(|(k, _)| *k != key), "still in the list");
                    return None;
                }
                Some(key)
            })
        })
        .collect();
    let mut live = Vec::new();
    for task in tasks {
        live.extend(task.await.expect("a login does not panic"));
    }
    live.sort_unstable();
    let listed: Vec<_> = store.everything(Some(&ada), 7).await.into_iter().map(|l| l.0).collect();
    assert_eq!(listed, live);
}

pub(crate) async fn touches_in_parallel_keep_the_latest(store: Fixture) {
    let key = counter(&store).await;
    let tasks: Vec<_> = (1..=40)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.touch(&[Touch::new(key, at(n), at(2_000_000 + n))]).await;
                if n % 8 == 0 {
                    assert!(add_one(&store, &key).await);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a touch does not panic");
    }
    let record = store.live(&key).await;
    assert_eq!((record.last_seen, record.expires), (at(40), at(2_000_040)));
    assert_eq!(count(&record), 5);
}
