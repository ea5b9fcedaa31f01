//! A store of hardtack's under the load of one. The argument is the folder for the file of
//! hardtack-sqlite, or the URL of a PostgreSQL server.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hardtack::seal::{Key, KeyId};
use hardtack::session::store::{Admission, Ended, Inserted, Loaded, Replaced, Store, Touch};
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;
use hardtack_sql::PostgresStore;
use hardtack_sqlite::SqliteStore;
use harness::inputs::{NOW, body, mix};
use harness::store::{REMOTE_SESSIONS, SESSIONS, Target, serve};

struct Ours<S> {
    store: S,
    /// Where SQLite has its file.
    file: Option<PathBuf>,
    key: KeyId,
    /// The locators of the first sessions: an engine has them from the cookie.
    locators: Vec<Locator>,
    touches: AtomicU64,
    /// Touches that wait to be written together, as an engine gathers them for a second. A
    /// store on disk, which puts them off by itself, is given each.
    gathered: Mutex<Vec<Touch>>,
    gathers: usize,
}

fn sqlite(folder: &str) -> Ours<SqliteStore> {
    let file = PathBuf::from(folder).join("hardtack.db");
    // Room for all bodies, so that warm loads are loads from memory.
    let store = SqliteStore::builder(&file).cache_bytes(1 << 30).open().expect("the file opens");
    Ours::new(store, Some(file))
}

async fn postgres(url: &str) -> Ours<PostgresStore> {
    Ours::new(PostgresStore::open(url).await.expect("the server answers"), None)
}

fn user(n: u64) -> UserKey {
    UserKey::new(&(mix(n) % (SESSIONS / 4)).to_le_bytes()).expect("eight bytes are a user")
}

fn locator(n: u64) -> Locator {
    let mut bytes = [0; Locator::LEN];
    bytes[..2].copy_from_slice(&user(n).slot());
    bytes[2..10].copy_from_slice(&mix(n * 2).to_le_bytes());
    bytes[10..].copy_from_slice(&mix(n * 2 + 1).to_le_bytes());
    Locator::from_bytes(bytes)
}

/// Sessions expire in the order of their creation.
fn expires(n: u64) -> UnixTime {
    UnixTime::from_secs(NOW + 1800 + n / 200)
}

impl<S: Store> Ours<S> {
    fn new(store: S, file: Option<PathBuf>) -> Self {
        let key = Key::generate().expect("the system has random bytes").id();
        let locators = (0..SESSIONS).map(locator).collect();
        // A tenth of the least that comes in a second.
        let gathers = if file.is_some() { 1 } else { 64 };
        let touches = AtomicU64::new(0);
        Self { store, file, key, locators, touches, gathered: Mutex::default(), gathers }
    }

    fn locator(&self, n: u64) -> Locator {
        self.locators.get(n as usize).copied().unwrap_or_else(|| locator(n))
    }

    async fn record(&self, n: u64) -> Option<Record> {
        match self.store.load(&self.locator(n)).await.expect("the store answers") {
            Loaded::Live(record) => Some(record),
            _ => None,
        }
    }
}

impl<S: Store> Target for Ours<S> {
    async fn create(&self, n: u64) {
        let now = UnixTime::from_secs(NOW);
        let record = Record {
            version: Version::FIRST,
            kind: Kind::User,
            key: self.key,
            user: Some(user(n)),
            epochs: Epochs::default(),
            created: now,
            last_seen: now,
            expires: expires(n),
            dies: expires(n).saturating_add(Duration::from_secs(12 * 3600)),
            device: None,
            data: body(n).into(),
        };
        let inserted = self.store.insert(&self.locator(n), record, Admission::at(now)).await;
        assert_eq!(inserted.expect("the store answers"), Inserted::Ok);
    }

    async fn load(&self, n: u64) -> Option<u64> {
        let record = self.record(n).await?;
        let version = record.version.number();
        std::hint::black_box(record);
        Some(version)
    }

    async fn touch(&self, n: u64) {
        let seconds = self.touches.fetch_add(1, Relaxed) / 10_000;
        let touch = Touch::new(
            self.locator(n),
            UnixTime::from_secs(NOW + seconds),
            expires(n).saturating_add(Duration::from_secs(seconds)),
        );
        let batch = {
            let mut gathered = self.gathered.lock().expect("nobody panics");
            gathered.push(touch);
            (gathered.len() >= self.gathers).then(|| std::mem::take(&mut *gathered))
        };
        if let Some(batch) = batch {
            self.store.touch(&batch).await.expect("the store answers");
        }
    }

    async fn replace(&self, n: u64) {
        let Some(mut record) = self.record(n).await else { return };
        let seen = record.version;
        record.version = seen.next();
        record.data = body(n ^ seen.number() << 40).into();
        let replaced = self.store.replace(&self.locator(n), seen, record).await;
        assert!(matches!(replaced.expect("the store answers"), Replaced::Ok | Replaced::Conflict));
    }

    async fn end(&self, n: u64) {
        let ended = self.store.end(&self.locator(n), Cause::Logout, UnixTime::from_secs(NOW)).await;
        assert_eq!(ended.expect("the store answers"), Ended::Now);
    }

    /// SQLite's own count: `iChange` of the WAL-index header, one more with each transaction.
    fn batches(&self) -> u64 {
        let Some(file) = &self.file else { return 0 };
        let mut index = file.clone().into_os_string();
        index.push("-shm");
        let mut count = [0; 4];
        let read = File::open(index).and_then(|file| file.read_exact_at(&mut count, 8));
        read.expect("a store that is open in WAL mode has an index");
        u32::from_ne_bytes(count).into()
    }
}

fn main() {
    let place = std::env::args().nth(1).expect("the folder for the file, or a URL");
    match place.starts_with("postgres:") {
        true => serve(REMOTE_SESSIONS, async { postgres(&place).await }),
        false => serve(SESSIONS, async { sqlite(&place) }),
    }
}
