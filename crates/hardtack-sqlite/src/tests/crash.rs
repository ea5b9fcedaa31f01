//! A process that is killed at any moment has lost nothing that it was told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use hardtack::session::store::{Admission, Ended, Inserted, Loaded, Replaced, Store};
use hardtack::session::{Cause, Locator};
use hardtack_testkit::faults;
use hardtack_testkit::records::{anonymous, next, numbered, signed_in, user};

use super::{NOW, all};
use crate::SqliteStore;
use crate::stopwatch;

const FILE: &str = "HARDTACK_KILLED_FILE";

/// Session number `n`; every third is somebody's.
fn key(n: u64) -> Locator {
    let owner = n.is_multiple_of(3).then(|| user("ada"));
    numbered(n, owner.as_ref())
}

/// What the child has said of one session: what it was about to do, and what
/// it was told. An end that was begun may have happened or not.
#[derive(Default)]
struct Said {
    version: u64,
    ending: bool,
    ended: bool,
}

#[test]
fn what_was_answered_survives_a_kill_soak() {
    let kills = if std::env::var_os("HARDTACK_SOAK").is_some() { 20 } else { 3 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let mut said: HashMap<u64, Said> = HashMap::new();
    let mut slowest = Duration::ZERO;
    for round in 0..kills {
        kill_after(&path, Duration::from_millis(120 + 97 * (round % 7)), round << 32, &mut said);
        let began = stopwatch::now();
        let store = SqliteStore::open(&path).unwrap();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "opening takes {took:?}");
        slowest = slowest.max(took);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (n, said) in &said {
            match runtime.block_on(store.load(&key(*n))).unwrap() {
                Loaded::Live(record) => {
                    assert!(!said.ended, "{n} lives on");
                    assert!(record.version.number() >= said.version, "{n} has lost a change");
                }
                Loaded::Ended(Cause::Logout) => assert!(said.ending, "{n} has ended by itself"),
                other => assert_eq!(said.version, 0, "{n} is lost: {other:?}"),
            }
        }
        drop(store);
        let conn = rusqlite::Connection::open(&path).unwrap();
        let sound: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
    faults::lost_nothing("sqlite", "killed and started again", said.len(), slowest);
    let answered: u64 = said.values().map(|s| s.version + u64::from(s.ended)).sum();
    assert!(answered > 20 * kills, "only {answered} writes were answered: this tests nothing");
}

fn kill_after(path: &Path, time: Duration, from: u64, said: &mut HashMap<u64, Said>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["tests::crash::child", "--exact", "--ignored", "--nocapture"])
        .env(FILE, path)
        .env("HARDTACK_KILLED_FROM", from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut kill_at = None;
    for line in lines.map_while(Result::ok) {
        let mut words = line.split(' ');
        let (Some("said"), Some(n), Some(what)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        // The time runs from the first answer on, however long it takes to start.
        let at = *kill_at.get_or_insert_with(|| stopwatch::now() + time);
        let said: &mut Said = said.entry(n.parse().unwrap()).or_default();
        match what {
            "ending" => said.ending = true,
            "ended" => said.ended = true,
            version => said.version = version.parse().unwrap(),
        }
        if stopwatch::now() >= at {
            let _ = child.kill();
        }
    }
    child.wait().unwrap();
}

/// Not a test by itself: what is killed.
#[test]
#[ignore = "runs until it is killed"]
fn child() {
    let Ok(path) = std::env::var(FILE) else { return };
    let from: u64 = std::env::var("HARDTACK_KILLED_FROM").unwrap().parse().unwrap();
    let store = SqliteStore::open(path).unwrap();
    let count = std::sync::Arc::new(AtomicU64::new(from));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    // One write to the pipe for each line, so that no two run into one another.
    fn say(n: u64, what: &str) {
        std::io::stdout().write_all(format!("said {n} {what}\n").as_bytes()).unwrap();
    }
    runtime.block_on(all(16, |_| {
        let (store, count) = (store.clone(), count.clone());
        async move {
            loop {
                let n = count.fetch_add(1, SeqCst);
                let key = key(n);
                let mut record = match n % 3 {
                    0 => signed_in(&user("ada"), NOW),
                    _ => anonymous(NOW),
                };
                let inserted = store.insert(&key, record.clone(), Admission::at(NOW)).await;
                assert_eq!(inserted.unwrap(), Inserted::Ok);
                say(n, "1");
                for version in 2..4 {
                    let changed = next(&record, "changed");
                    let replaced = store.replace(&key, record.version, changed.clone()).await;
                    assert_eq!(replaced.unwrap(), Replaced::Ok);
                    say(n, &version.to_string());
                    record = changed;
                }
                if n.is_multiple_of(4) {
                    say(n, "ending");
                    let ended = store.end(&key, Cause::Logout, NOW).await;
                    assert_eq!(ended.unwrap(), Ended::Now);
                    say(n, "ended");
                }
            }
        }
    }));
}
