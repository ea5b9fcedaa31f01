//! Two processes with the same store. Locks belong to the open file and not to
//! the process, so two stores in one process are as good as two processes.

use std::time::Duration;

use hardtack::session::Cause;
use hardtack::session::store::{Ended, Loaded, Replaced, Store};
use hardtack_testkit::records::{anonymous, locator, next, signed_in, user};

use super::{NOW, by_hand, live, put};

#[tokio::test]
async fn each_sees_at_once_what_the_other_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let (server, ada) = (by_hand(&path).open().unwrap(), user("ada"));
    let keys: Vec<_> = (0..4).map(|_| locator(Some(&ada))).collect();
    for key in &keys {
        put(&server, key, &signed_in(&ada, NOW)).await;
        assert!(server.shared().cache.load(key).is_some(), "alone it caches");
    }
    let admin = by_hand(&path).open().unwrap();
    for _ in 0..20 {
        let seen = live(&server, &keys[0]).await;
        let replaced = admin.replace(&keys[0], seen.version, next(&seen, "theirs")).await;
        assert_eq!(replaced.unwrap(), Replaced::Ok);
        assert_eq!(live(&server, &keys[0]).await.data, "theirs");
    }
    assert_eq!(admin.end(&keys[1], Cause::Revoked, NOW).await.unwrap(), Ended::Now);
    assert!(matches!(server.load(&keys[1]).await.unwrap(), Loaded::Ended(Cause::Revoked)));
    assert_eq!(server.end(&keys[2], Cause::Logout, NOW).await.unwrap(), Ended::Now);
    assert!(matches!(admin.load(&keys[2]).await.unwrap(), Loaded::Ended(Cause::Logout)));
    admin.raise(Some(&ada), NOW).await.unwrap();
    assert!(matches!(server.load(&keys[3]).await.unwrap(), Loaded::Ended(Cause::Revoked)));
    assert_eq!(server.epochs(Some(&ada)).await.unwrap().user, 1);
}

#[tokio::test]
async fn the_cache_is_used_again_when_the_others_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let server = by_hand(&path).open().unwrap();
    let admins = [by_hand(&path).open().unwrap(), by_hand(&path).open().unwrap()];
    let (key, record) = (locator(None), anonymous(NOW));
    put(&server, &key, &record).await;
    live(&server, &key).await;
    assert!(server.shared().cache.load(&key).is_none(), "two others are there");
    drop(admins);
    // Until the background has looked, which it does every 5 ms here.
    let again = async {
        while server.shared().cache.load(&key).is_none() {
            live(&server, &key).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
}

#[tokio::test]
async fn what_another_program_writes_is_noticed_soon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let server = by_hand(&path).open().unwrap();
    let (key, record) = (locator(None), anonymous(NOW));
    put(&server, &key, &record).await;
    assert!(server.shared().cache.load(&key).is_some());
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute("UPDATE sessions SET data = x'07'", []).unwrap();
    let noticed = async {
        while live(&server, &key).await.data != [7][..] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed).await.unwrap();
}
