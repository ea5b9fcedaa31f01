//! Replaces that go to the server as one.

use hardtack::session::store::{Replaced, Store, StoreErrorKind};
use hardtack::session::{Cause, Locator, Record, Version};
use hardtack_testkit::records::{anonymous, locator, next, put, signed_in, user};
use tokio::task::JoinSet;

use super::{NOW, connect};
use crate::{Durability, RedisStore};
use hardtack_testkit::redis::RedisServer;

/// How often scripts were called.
fn scripts(server: &RedisServer) -> u64 {
    let stats = server.tell(&["INFO", "commandstats"]);
    let calls =
        |line: &str| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok();
    stats.lines().find_map(calls).unwrap_or(0)
}

async fn created(store: &RedisStore, record: &Record) -> Locator {
    let key = locator(record.user.as_ref());
    put(store, &key, record).await;
    key
}

/// All of these at the same time, on one thread, so that they meet.
#[tokio::test]
async fn each_is_judged_by_itself() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    let mut conn = connect(&server).await;
    let (first, ada) = (anonymous(NOW), signed_in(&user("ada"), NOW));
    let sooner = Record { expires: NOW, ..next(&first, "sooner") };
    let [plain, stale, ended, damaged, shorter] = [
        created(&store, &first).await,
        created(&store, &first).await,
        created(&store, &first).await,
        created(&store, &first).await,
        created(&store, &first).await,
    ];
    let (revoked, last) = (created(&store, &ada).await, created(&store, &first).await);
    store.replace(&stale, first.version, next(&first, "other")).await.unwrap();
    store.end(&ended, Cause::Logout, NOW).await.unwrap();
    store.raise(ada.user.as_ref(), NOW).await.unwrap();
    let name = store.0.keys.record(&damaged);
    let mut cmd = redis::cmd("DEL");
    cmd.arg(name.as_ref()).exec_async(&mut conn).await.unwrap();
    let mut cmd = redis::cmd("RPUSH");
    cmd.arg(name.as_ref()).arg("of somebody else").exec_async(&mut conn).await.unwrap();

    let before = scripts(&server);
    let mut tasks = JoinSet::new();
    for (at, key, record) in [
        (0, plain, next(&first, "new")),
        (1, stale, next(&first, "new")),
        (2, ended, next(&first, "new")),
        (3, damaged, next(&first, "new")),
        (4, shorter, sooner.clone()),
        (5, revoked, next(&ada, "new")),
        (6, locator(None), next(&first, "new")),
        (7, last, next(&first, "new")),
    ] {
        let store = store.clone();
        tasks.spawn(async move { (at, store.replace(&key, Version::FIRST, record).await) });
    }
    let mut answers = tasks.join_all().await;
    assert_eq!(scripts(&server) - before, 1, "they were one call");
    answers.sort_by_key(|(at, _)| *at);
    let answers: Vec<_> =
        answers.into_iter().map(|(_, answer)| answer.map_err(|error| error.kind())).collect();
    let gone = |cause| Ok(Replaced::Gone(cause));
    let want = [
        Ok(Replaced::Ok),
        Ok(Replaced::Conflict),
        gone(Some(Cause::Logout)),
        Err(StoreErrorKind::Corrupt),
        Ok(Replaced::Ok),
        gone(Some(Cause::Revoked)),
        gone(None),
        Ok(Replaced::Ok),
    ];
    assert_eq!(answers, want);
    // The one that is over sooner is found by the sweep.
    assert_eq!(store.sweep(NOW, 10).await.unwrap().ended, 2);
}
