//! The laws of every store, and what is this one's own.

mod coherence;
mod crash;
mod disk;
mod files;
mod processes;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{Admission, Inserted, Loaded, Store};
use hardtack::session::{Cause, Locator, Record};
use hardtack_testkit::FakeClock;
use hardtack_testkit::store::Fixture;

use crate::stopwatch;
use crate::{Builder, Durability, SqliteStore};

const NOW: hardtack::time::UnixTime = FakeClock::START;

hardtack_testkit::store_suite!(laws, fresh(|path| SqliteStore::builder(path)).await);
hardtack_testkit::store_suite!(
    laws_without_a_cache,
    fresh(|path| SqliteStore::builder(path).cache_bytes(0)).await
);
hardtack_testkit::store_suite!(
    laws_relaxed,
    fresh(|path| SqliteStore::builder(path).durability(Durability::Relaxed)).await
);

async fn fresh(set_up: fn(&Path) -> Builder) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = set_up(&path).reserve_bytes(64 << 10).open().unwrap();
    let reopen = move || {
        let store = set_up(&path).open().unwrap();
        async { store }
    };
    Fixture::new(store).reopened_by(reopen).keeping(folder)
}

/// A store whose activity is only written when a test says so.
fn by_hand(path: &Path) -> Builder {
    SqliteStore::builder(path).reserve_bytes(0).background(Duration::from_millis(5), None)
}

async fn put(store: &SqliteStore, key: &Locator, record: &Record) {
    let inserted = store.insert(key, record.clone(), Admission::at(record.created)).await;
    assert_eq!(inserted.unwrap(), Inserted::Ok);
}

async fn live(store: &SqliteStore, key: &Locator) -> Record {
    match store.load(key).await.unwrap() {
        Loaded::Live(record) => record,
        other => panic!("this session must be live, but is {other:?}"),
    }
}

/// Runs `each` for 0 to `count` at once, to the end.
async fn all<F>(count: usize, each: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(each(n))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn debug_tells_the_path_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = by_hand(&path).open().unwrap();
    assert_eq!(format!("{store:?}"), format!("SqliteStore {{ path: {path:?}, .. }}"));
}

#[tokio::test]
async fn one_that_fails_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = by_hand(&folder.path().join("s.db")).open().unwrap();
    // A label of this kind cannot be made by the engine; it stands for any
    // statement that SQLite refuses.
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON sessions WHEN new.device = 'bad' \
                  BEGIN SELECT RAISE(ABORT, 'refused'); END";
    rusqlite::Connection::open(folder.path().join("s.db")).unwrap().execute_batch(refuse).unwrap();
    let store = Arc::new(store);
    all(40, |n| {
        let store = store.clone();
        async move {
            let mut record = hardtack_testkit::records::anonymous(NOW);
            let bad = n % 4 == 0;
            record.device = bad.then(|| "bad".into());
            let key = hardtack_testkit::records::locator(None);
            let inserted = store.insert(&key, record, Admission::at(NOW)).await;
            assert_eq!(inserted.is_err(), bad);
            assert_eq!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)), !bad);
        }
    })
    .await;
}

#[tokio::test]
async fn every_verb_answers_within_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = by_hand(&path).deadline(Duration::from_millis(200)).open().unwrap();
    let (key, record) =
        (hardtack_testkit::records::locator(None), hardtack_testkit::records::anonymous(NOW));
    put(&store, &key, &record).await;
    // The writer is held up as by a disk that does not answer.
    let (held, release) = (store.clone(), std::sync::mpsc::channel::<()>());
    let (entered, waits) = std::sync::mpsc::channel();
    let holder = std::thread::spawn(move || {
        held.shared().gate.hold(|| {
            entered.send(()).unwrap();
            release.1.recv().unwrap();
        });
    });
    waits.recv().unwrap();
    let began = stopwatch::now();
    let (ended, raised, swept) = tokio::join!(
        store.end(&key, Cause::Logout, NOW),
        store.raise(None, NOW),
        store.sweep(NOW, 10),
    );
    for error in [ended.unwrap_err(), raised.unwrap_err(), swept.unwrap_err()] {
        assert_eq!(error.kind(), hardtack::session::StoreErrorKind::Timeout, "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)), "loads go on");
    release.0.send(()).unwrap();
    holder.join().unwrap();
}

#[tokio::test]
async fn a_store_that_was_closed_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = by_hand(&folder.path().join("s.db")).open().unwrap();
    let (key, record) =
        (hardtack_testkit::records::locator(None), hardtack_testkit::records::anonymous(NOW));
    put(&store, &key, &record).await;
    let other = store.clone();
    store.close();
    let error = other.end(&key, Cause::Logout, NOW).await.unwrap_err();
    assert_eq!(error.kind(), hardtack::session::StoreErrorKind::Unavailable);
}
