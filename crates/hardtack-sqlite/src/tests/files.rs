//! Files that cannot be used, and copies.

use std::fs;
use std::path::Path;

use hardtack::session::Cause;
use hardtack::session::StoreErrorKind;
use hardtack::session::store::{Loaded, Store};
use hardtack_testkit::records::{anonymous, locator};
use rusqlite::Connection;

use super::{NOW, all, by_hand, live, put};
use crate::SqliteStore;

#[tokio::test]
async fn what_cannot_be_used_is_refused_in_words() {
    type Case = (&'static str, fn(&Path), StoreErrorKind, &'static str);
    let cases: [Case; 7] = [
        (
            "text",
            |p| fs::write(p, [b'x'; 9000]).unwrap(),
            StoreErrorKind::Corrupt,
            "not a database",
        ),
        (
            "another program's",
            |p| {
                let conn = Connection::open(p).unwrap();
                conn.execute_batch("PRAGMA application_id = 7; CREATE TABLE t (a)").unwrap();
            },
            StoreErrorKind::Corrupt,
            "another program's database",
        ),
        (
            "somebody's tables",
            |p| Connection::open(p).unwrap().execute_batch("CREATE TABLE t (a)").unwrap(),
            StoreErrorKind::Corrupt,
            "another program's database",
        ),
        (
            "newer",
            |p| {
                drop(by_hand(p).open().unwrap());
                Connection::open(p).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
            },
            StoreErrorKind::Corrupt,
            "has version 9 and this program knows versions up to 1",
        ),
        (
            "truncated",
            |p| {
                drop(by_hand(p).open().unwrap());
                let file = fs::OpenOptions::new().write(true).open(p).unwrap();
                file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            },
            StoreErrorKind::Corrupt,
            "damaged",
        ),
        ("a folder", |p| fs::create_dir(p).unwrap(), StoreErrorKind::ReadOnly, "cannot be opened"),
        (
            "locked",
            |p| {
                drop(by_hand(p).open().unwrap());
                let conn = Connection::open(p).unwrap();
                conn.execute_batch("BEGIN IMMEDIATE").unwrap();
                // Kept open, and the lock with it, to the end of the process.
                std::mem::forget(conn);
            },
            StoreErrorKind::ReadOnly,
            "another program has been writing",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, make, kind, words) in cases {
        let path = folder.path().join(name);
        make(&path);
        let error =
            by_hand(&path).deadline(std::time::Duration::from_millis(100)).open().unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{name}: {error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_made_only_if_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let error = by_hand(&path).create(false).open().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
    assert!(!path.exists());
    let error = SqliteStore::open(folder.path().join("no/s.db")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("s.db")).unwrap();
    put(&store, &locator(None), &anonymous(NOW)).await;
    store.backup(folder.path().join("copy.db")).await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort_unstable();
    assert_eq!(names, ["copy.db", "s.db", "s.db-lock", "s.db-reserve", "s.db-shm", "s.db-wal"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writes_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("s.db"), folder.path().join("copy.db"));
    let store = by_hand(&path).open().unwrap();
    let mut record = anonymous(NOW);
    record.data = vec![1; 2000].into();
    let keys: std::sync::Arc<[_]> = (0..2000).map(|_| locator(None)).collect();
    let insert = |from: usize, to: usize| {
        let (store, record, keys) = (store.clone(), record.clone(), keys.clone());
        async move {
            all(to - from, |n| {
                let (store, record, keys) = (store.clone(), record.clone(), keys.clone());
                async move { put(&store, &keys[from + n], &record).await }
            })
            .await;
        }
    };
    insert(0, 1000).await;
    store.end(&keys[7], Cause::Logout, NOW).await.unwrap();
    let (copied, ()) = tokio::join!(store.backup(&copy), insert(1000, 2000));
    copied.unwrap();
    let error = store.backup(&copy).await.unwrap_err();
    assert!(error.to_string().contains("needs a new name"), "{error}");

    let copy = by_hand(&copy).open().unwrap();
    assert!(matches!(copy.load(&keys[7]).await.unwrap(), Loaded::Ended(Cause::Logout)));
    for key in keys[..1000].iter().filter(|k| **k != keys[7]) {
        assert_eq!(live(&copy, key).await, record);
    }
    for key in &keys[1000..] {
        assert_eq!(live(&store, key).await, record);
    }
}
