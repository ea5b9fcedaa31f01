//! Locators and records to put into a store.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use hardtack::seal::KeyId;
use hardtack::session::store::{Admission, Inserted, Store};
use hardtack::session::{Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

/// How long the records of this module live without activity.
pub const IDLE: Duration = Duration::from_secs(30 * 60);

/// How long they live at most.
pub const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The key that they say their ids were issued under.
pub const KEY: KeyId = KeyId::from_bytes([1, 2, 3, 4]);

/// The user called `name`.
///
/// # Panics
/// If `name` is empty or longer than [`UserKey::MAX`] bytes.
pub fn user(name: &str) -> UserKey {
    UserKey::new(name.as_bytes()).expect("a user's name in a test has 1 to 255 bytes")
}

/// A locator that this process has not used before, with the slot of `user` if
/// there is one and spread evenly like a real one.
pub fn locator(user: Option<&UserKey>) -> Locator {
    static USED: AtomicU64 = AtomicU64::new(0);
    numbered(USED.fetch_add(1, Relaxed), user)
}

/// The locator with this number, as [`locator`] makes them: the same each time.
pub fn numbered(number: u64, user: Option<&UserKey>) -> Locator {
    let mut bytes = [0; Locator::LEN];
    bytes[2..10].copy_from_slice(&spread(number).to_be_bytes());
    bytes[10..].copy_from_slice(&spread(!number).to_be_bytes());
    let slot = user.map_or([bytes[3], bytes[11]], UserKey::slot);
    bytes[..2].copy_from_slice(&slot);
    Locator::from_bytes(bytes)
}

/// A session of nobody in particular, created at `now`.
pub fn anonymous(now: UnixTime) -> Record {
    record(Kind::Anonymous, None, now)
}

/// A session of `user`, who signed in at `now`.
pub fn signed_in(user: &UserKey, now: UnixTime) -> Record {
    record(Kind::User, Some(user), now)
}

/// A remember-me token of `user`, made at `now`.
pub fn remembered(user: &UserKey, now: UnixTime) -> Record {
    record(Kind::Remember, Some(user), now)
}

/// Puts a record into a store.
///
/// # Panics
/// If the store does not take it.
pub async fn put(store: &dyn Store, key: &Locator, record: &Record) {
    let inserted = store.insert(key, record.clone(), Admission::at(record.created)).await;
    assert_eq!(inserted.expect("the store answers"), Inserted::Ok);
}

/// What replaces `seen`: the version after it, with `data`.
pub fn next(seen: &Record, data: impl Into<Bytes>) -> Record {
    Record { version: seen.version.next(), data: data.into(), ..seen.clone() }
}

fn record(kind: Kind, user: Option<&UserKey>, now: UnixTime) -> Record {
    Record {
        version: Version::FIRST,
        kind,
        key: KEY,
        user: user.cloned(),
        epochs: Epochs::default(),
        created: now,
        last_seen: now,
        expires: now.saturating_add(IDLE),
        dies: now.saturating_add(LIFETIME),
        device: None,
        data: Bytes::from_static(b"first"),
    }
}

/// SplitMix64: a bijection that looks random.
pub(crate) fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
