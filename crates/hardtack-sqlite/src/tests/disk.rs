//! What is asked of the disk, and what happens when it is full.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use hardtack::session::store::{Admission, Ended, Loaded, Store};
use hardtack::session::{Cause, Record, StoreErrorKind};
use hardtack_testkit::records::{anonymous, locator};

use super::{NOW, all, by_hand, live, put};
use crate::SqliteStore;

fn large() -> Record {
    Record { data: vec![9; 8000].into(), ..anonymous(NOW) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_while_writes_never_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = by_hand(&path).open().unwrap();
    let (longest, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch = {
        let (path, longest, done) =
            (path.with_file_name("s.db-wal"), longest.clone(), done.clone());
        std::thread::spawn(move || {
            while !done.load(SeqCst) {
                longest.fetch_max(std::fs::metadata(&path).map_or(0, |m| m.len()), SeqCst);
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    };
    // 200 MB of records.
    all(64, |_| {
        let store = store.clone();
        async move {
            for _ in 0..400 {
                put(&store, &locator(None), &large()).await;
            }
        }
    })
    .await;
    done.store(true, SeqCst);
    watch.join().unwrap();
    let (longest, written) = (longest.load(SeqCst), std::fs::metadata(&path).unwrap().len());
    assert!(written > 150 << 20, "only {written} bytes are in the file");
    assert!(longest < 96 << 20, "the log grew to {longest} bytes");
}

/// Not a test by itself: what strace looks at. Says how many batches there were.
#[test]
#[ignore = "runs under strace"]
fn child() {
    let Ok(path) = std::env::var("HARDTACK_TRACED_FILE") else { return };
    let store = by_hand(Path::new(&path)).open().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let before = store.shared().commits.load(SeqCst);
    runtime.block_on(all(16, |_| {
        let store = store.clone();
        async move {
            for _ in 0..200 {
                put(&store, &locator(None), &anonymous(NOW)).await;
            }
        }
    }));
    println!("batches {}", store.shared().commits.load(SeqCst) - before);
    // No closing: only what the batches cost is counted.
    std::process::exit(0);
}

#[test]
fn a_batch_costs_one_sync_needs_strace() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("SKIPPED strace: the syncs of a batch are not counted");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-o"])
        .arg(folder.path().join("trace"))
        .arg(std::env::current_exe().unwrap())
        .args(["tests::disk::child", "--exact", "--ignored", "--nocapture"])
        .env("HARDTACK_TRACED_FILE", folder.path().join("s.db"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let batches = said.split("batches ").nth(1).and_then(|s| s.lines().next()?.parse().ok());
    let batches: f64 = batches.unwrap_or_else(|| panic!("{said}"));
    let trace = std::fs::read_to_string(folder.path().join("trace")).unwrap();
    let syncs = trace.lines().filter(|line| line.contains("sync(")).count() as f64;
    // Making the file and its tables costs a few of its own.
    const OPENING: f64 = 12.0;
    assert!(batches > 100.0 && syncs >= batches, "{syncs} syncs, {batches} batches");
    assert!(syncs <= batches * 1.1 + OPENING, "{syncs} syncs for {batches} batches");
}

/// A file system of a few megabytes; for root only.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|o| o.status.success()).then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_still_loads_and_ends_and_recovers_by_itself() {
    let Some(disk) = Small::mount("32m") else {
        eprintln!("SKIPPED a full disk: only root may mount one");
        return;
    };
    let store = SqliteStore::builder(disk.0.path().join("s.db"))
        .reserve_bytes(6 << 20)
        .cache_bytes(0)
        .open()
        .unwrap();
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![1; 8 << 20]).unwrap();
    let mut keys = Vec::new();
    let full = loop {
        let key = locator(None);
        match store.insert(&key, large(), Admission::at(NOW)).await {
            Ok(_) => keys.push(key),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), StoreErrorKind::Full, "{full}");
    assert!(keys.len() > 100, "{}", keys.len());
    assert_eq!(live(&store, &keys[0]).await, large());
    for key in &keys[..keys.len() / 2] {
        assert_eq!(store.end(key, Cause::Logout, NOW).await.unwrap(), Ended::Now);
    }
    let after = NOW.saturating_add(Duration::from_secs(3600));
    store.raise(None, NOW).await.unwrap();
    while store.sweep(after, 1000).await.unwrap().more {}
    assert!(matches!(store.load(&keys[0]).await.unwrap(), Loaded::Ended(_)));
    assert!(!matches!(store.load(keys.last().unwrap()).await.unwrap(), Loaded::Live(_)));

    std::fs::remove_file(&ballast).unwrap();
    let again = async {
        loop {
            let mut record = anonymous(NOW);
            record.epochs.global = 1;
            match store.insert(&locator(None), record, Admission::at(NOW)).await {
                Ok(_) => break,
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Full, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.unwrap();
}
