//! Servers that are refused, hung, killed, full or replicas: what was answered
//! stays, nothing that ended comes back, and no outage is a logout.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hardtack::session::store::{
    Admission, Ended, Inserted, Loaded, Replaced, Store, StoreErrorKind, Touch,
};
use hardtack::session::{Cause, Locator, Record};
use hardtack_testkit::FakeClock;
use hardtack_testkit::records::{anonymous, locator, next, signed_in, user};
use tokio::time::Instant;

use crate::tests::server::Server;
use crate::{Durability, RedisStore};

const NOW: hardtack::time::UnixTime = FakeClock::START;

fn store(server: &Server) -> RedisStore {
    let builder = RedisStore::builder(&server.url(), Durability::Async);
    builder.deadline(Duration::from_millis(500)).open().unwrap()
}

async fn put(store: &RedisStore, key: &Locator, record: &Record) {
    let inserted = store.insert(key, record.clone(), Admission::at(NOW)).await;
    assert_eq!(inserted.unwrap(), Inserted::Ok);
}

/// Tries until the store answers again; how long that took.
async fn recovers(store: &RedisStore, key: &Locator) -> Duration {
    let began = Instant::now();
    loop {
        match store.load(key).await {
            Ok(_) => return began.elapsed(),
            Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_an_error_and_is_used_again_when_it_is_back() {
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (store, key, record) = (store(&server), locator(None), anonymous(NOW));
    put(&store, &key, &record).await;
    server.signal("KILL");
    for _ in 0..20 {
        let error = store.load(&key).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    }
    server.restart();
    recovers(&store, &key).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(r) if r == record));
}

#[tokio::test]
async fn a_hung_server_is_a_timeout_within_the_deadline_and_nobody_is_logged_out() {
    let server = Server::start(&[]);
    let (store, key, record) = (store(&server), locator(None), anonymous(NOW));
    put(&store, &key, &record).await;
    server.signal("STOP");
    let began = Instant::now();
    let touch = [Touch::new(key, NOW, record.expires)];
    let (loaded, ended, touched, replaced) = tokio::join!(
        store.load(&key),
        store.end(&key, Cause::Idle, NOW),
        store.touch(&touch),
        store.replace(&key, record.version, next(&record, "late")),
    );
    let errors =
        [loaded.unwrap_err(), ended.unwrap_err(), touched.unwrap_err(), replaced.unwrap_err()];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error:?}");
    }
    // While the breaker is open callers do not wait at all.
    for _ in 0..200 {
        store.load(&key).await.unwrap_err();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.signal("CONT");
    recovers(&store, &key).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
}

/// What the writers were answered, to be held against what is there afterwards.
#[derive(Default)]
struct Told {
    /// The last version that was acknowledged, and whether one more may be there.
    commits: BTreeMap<Locator, (u64, bool)>,
    ended: Vec<Locator>,
}

#[tokio::test]
async fn a_killed_server_loses_nothing_that_was_answered() {
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server);
    let (told, stop) = (Arc::new(Mutex::new(Told::default())), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> =
        (0..8).map(|_| tokio::spawn(write(store.clone(), told.clone(), stop.clone()))).collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.signal("KILL");
        server.restart();
        recovers(&store, &locator(None)).await;
    }
    stop.store(true, SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let told = std::mem::take(&mut *told.lock().unwrap());
    let (mut lost, mut revived, mut logged_out) = (0, 0, 0);
    for (key, (version, open)) in &told.commits {
        match store.load(key).await.unwrap() {
            Loaded::Live(record) => {
                let there = record.version.number();
                lost += usize::from(there < *version || there > version + u64::from(*open));
            }
            _ => logged_out += 1,
        }
    }
    for key in &told.ended {
        revived += usize::from(matches!(store.load(key).await.unwrap(), Loaded::Live(_)));
    }
    let counted = (told.commits.len(), told.ended.len());
    assert!(counted.0 > 20 && counted.1 > 20, "{counted:?} is too little to tell");
    assert_eq!((lost, revived, logged_out), (0, 0, 0), "lost, revived, logged out");
}

/// Creates sessions, changes each three times, and ends every other.
async fn write(store: RedisStore, told: Arc<Mutex<Told>>, stop: Arc<AtomicBool>) {
    let ada = user("ada");
    while !stop.load(SeqCst) {
        tokio::task::yield_now().await;
        let (key, mut record) = (locator(Some(&ada)), signed_in(&ada, NOW));
        if store.insert(&key, record.clone(), Admission::at(NOW)).await.is_err() {
            continue;
        }
        let mut open = false;
        for _ in 0..3 {
            let changed = next(&record, "changed");
            match store.replace(&key, record.version, changed.clone()).await {
                Ok(answer) => assert_eq!(answer, Replaced::Ok),
                Err(_) => {
                    open = true;
                    break;
                }
            }
            record = changed;
        }
        if key.as_bytes()[9] % 2 == 0 && !open {
            match store.end(&key, Cause::Logout, NOW).await {
                Ok(ended) => assert_eq!(ended, Ended::Now),
                Err(_) => continue,
            }
            told.lock().unwrap().ended.push(key);
        } else {
            told.lock().unwrap().commits.insert(key, (record.version.number(), open));
        }
    }
}

#[tokio::test]
async fn a_replica_is_read_only_and_says_so() {
    let master = Server::start(&[]);
    let replica = Server::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    let (store, key) = (store(&replica), locator(None));
    let error = store.insert(&key, anonymous(NOW), Admission::at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error:?}");
    let error = store.end(&key, Cause::Logout, NOW).await;
    assert_eq!(error.unwrap(), Ended::Before(None), "nothing was to be written");
}

#[tokio::test]
async fn a_full_server_refuses_new_sessions_and_ends_those_it_has() {
    let server = Server::start(&[]);
    let ada = user("ada");
    let (store, key, record) = (store(&server), locator(Some(&ada)), signed_in(&ada, NOW));
    put(&store, &key, &record).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    let inserted = store.insert(&locator(None), anonymous(NOW), Admission::at(NOW)).await;
    assert_eq!(inserted.unwrap_err().kind(), StoreErrorKind::Full);
    let replaced = store.replace(&key, record.version, next(&record, "second")).await;
    assert_eq!(replaced.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(store.end(&key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Ended(Cause::Logout)));
    assert_eq!(store.undelivered(9).await.unwrap().len(), 1);
    store.delivered(&[key]).await.unwrap();
}
