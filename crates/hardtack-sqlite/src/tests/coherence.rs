//! The cache agrees with the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use hardtack::session::store::{Ended, Loaded, Replaced, Store, Touch};
use hardtack::session::{Cause, Version};
use hardtack_testkit::records::{IDLE, anonymous, locator, next, signed_in, user};

use super::{NOW, all, by_hand, live, put};

/// The bug that this is against: a reader misses the cache and reads the file,
/// the writer ends the session, and then the reader puts what it read into the
/// cache, where the session lives on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_load_never_gives_what_an_answered_write_has_replaced() {
    const KEYS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    // So small that records are always on their way out and back in.
    let store = by_hand(&folder.path().join("s.db")).cache_bytes(64 * 3_000).open().unwrap();
    let sessions: Vec<_> = (0..KEYS)
        .map(|_| Arc::new((locator(None), AtomicU64::new(1), AtomicBool::new(false))))
        .collect();
    for session in &sessions {
        put(&store, &session.0, &anonymous(NOW)).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|n| {
            let (store, sessions, done) = (store.clone(), sessions.clone(), done.clone());
            tokio::spawn(async move {
                let mut at = n;
                while !done.load(SeqCst) {
                    at = (at * 7 + 1) % KEYS;
                    let (key, version, ended) = &*sessions[at];
                    let (least, was_ended) = (version.load(SeqCst), ended.load(SeqCst));
                    match store.load(key).await.unwrap() {
                        Loaded::Live(record) => {
                            assert!(!was_ended, "live after its end was answered");
                            assert!(record.version.number() >= least, "older than answered");
                        }
                        Loaded::Ended(cause) => assert_eq!(cause, Cause::Logout),
                        other => panic!("{other:?}"),
                    }
                    if at % 5 == 0 {
                        store.shared().cache.clear();
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    all(KEYS, |n| {
        let (store, session) = (store.clone(), sessions[n].clone());
        async move {
            let (key, version, ended) = &*session;
            for number in 1..=20 {
                let seen = live(&store, key).await;
                assert_eq!(seen.version, Version::new(number));
                let replaced = store.replace(key, seen.version, next(&seen, "data")).await;
                assert_eq!(replaced.unwrap(), Replaced::Ok);
                version.store(number + 1, SeqCst);
            }
            assert_eq!(store.end(key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
            ended.store(true, SeqCst);
            for _ in 0..20 {
                assert!(!matches!(store.load(key).await.unwrap(), Loaded::Live(_)));
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    done.store(true, SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn what_is_cached_is_not_read_again_and_stays_within_its_bound() {
    const BOUND: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let store = by_hand(&folder.path().join("s.db")).cache_bytes(BOUND).open().unwrap();
    let mut record = anonymous(NOW);
    record.data = vec![7; 2000].into();
    let keys: Vec<_> = (0..1500).map(|_| locator(None)).collect();
    for part in keys.chunks(100) {
        let (store, record) = (store.clone(), record.clone());
        let part: Arc<[_]> = part.into();
        all(part.len(), |n| {
            let (store, record, part) = (store.clone(), record.clone(), part.clone());
            async move { put(&store, &part[n], &record).await }
        })
        .await;
        let bytes = store.shared().cache.bytes();
        assert!(bytes <= BOUND, "{bytes} bytes are cached");
    }
    assert!(store.shared().cache.bytes() > BOUND / 2);
    assert!(store.shared().cache.load(&keys[1499]).is_some());
    for key in &keys {
        assert_eq!(live(&store, key).await, record);
    }
}

#[tokio::test]
async fn raising_an_epoch_empties_the_cache_of_whom_it_concerns() {
    let folder = tempfile::tempdir().unwrap();
    let store = by_hand(&folder.path().join("s.db")).open().unwrap();
    let (ada, bob) = (user("ada"), user("bob"));
    let (hers, his) = (locator(Some(&ada)), locator(Some(&bob)));
    put(&store, &hers, &signed_in(&ada, NOW)).await;
    put(&store, &his, &signed_in(&bob, NOW)).await;
    assert!(store.shared().cache.load(&hers).is_some());
    store.raise(Some(&ada), NOW).await.unwrap();
    assert!(store.shared().cache.load(&hers).is_none());
    assert!(store.shared().cache.load(&his).is_some());
    store.raise(None, NOW).await.unwrap();
    assert!(store.shared().cache.load(&his).is_none());
}

#[tokio::test]
async fn activity_counts_before_it_is_written_and_survives_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let (key, record) = (locator(None), anonymous(NOW));
    let later = NOW.saturating_add(IDLE);
    let until = later.saturating_add(IDLE);
    {
        let store = by_hand(&path).cache_bytes(0).open().unwrap();
        put(&store, &key, &record).await;
        store.touch(&[Touch::new(key, later, until)]).await.unwrap();
        assert_eq!(live(&store, &key).await.expires, until);
        assert_eq!(store.list(None, None, 9).await.unwrap()[0].1.expires, until);
        assert_eq!(store.end(&key, Cause::Idle, later).await.unwrap(), Ended::NotDue);
        let swept = store.sweep(later, 10).await.unwrap();
        assert_eq!((swept.ended, swept.more), (0, false));
    }
    let store = by_hand(&path).open().unwrap();
    let stored = live(&store, &key).await;
    assert_eq!((stored.last_seen, stored.expires), (later, until));
    assert_eq!(store.sweep(until, 10).await.unwrap().ended, 1);
}
