//! Live sessions as JSON lines: lossless, and readable by any program.
//!
//! ```text
//! {"hardtack":"sessions","version":1,"exported":1900000000000,"global_epoch":2}
//! {"handle":"3q2-7w...","version":7,"kind":"user","key":"01020304","user":"YWxpY2U","user_epoch":1,...}
//! {"sessions":1}
//! ```
//!
//! The first line says what it is, the last how many sessions there were: a file without it was
//! cut off. Times are milliseconds since 1970; users and data are base64url. The data is sealed as
//! it is in the store, so it can be opened only by who holds the session's id.
//!
//! Tombstones are not in it: what had ended is left out, and the ends that nobody was told of yet
//! stay in the store that it came from.
//!
//! # What this does not protect
//! - Whoever reads a dump has whose sessions there are, from when, and the labels of their devices.
//! - An older dump knows nothing of what ended since. A store that knows of an end refuses the
//!   session; one that has forgotten it (a minute after it was told), or never knew, takes it.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hardtack::seal::KeyId;
use hardtack::session::store::moving::lift;
use hardtack::session::store::{Admission, Inserted, Loaded, Store, StoreError};
use hardtack::session::{Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;
use serde::{Deserialize, Serialize};

use crate::pages::Pages;

/// Why a dump cannot be written or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum DumpError {
    /// The store failed.
    Store(StoreError),
    /// The file cannot be written or read.
    Io(io::Error),
    /// It is not a dump; the line, and why.
    Line(usize, String),
}

impl std::fmt::Display for DumpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DumpError::Store(error) => error.fmt(f),
            DumpError::Io(error) => error.fmt(f),
            DumpError::Line(line, why) => write!(f, "line {line}: {why}"),
        }
    }
}

impl std::error::Error for DumpError {}

impl From<StoreError> for DumpError {
    fn from(error: StoreError) -> Self {
        DumpError::Store(error)
    }
}

impl From<io::Error> for DumpError {
    fn from(error: io::Error) -> Self {
        DumpError::Io(error)
    }
}

/// Writes the live sessions of a store, and answers how many there were.
///
/// # Errors
/// The store or the writer fails.
pub async fn export(
    store: &dyn Store,
    to: &mut impl Write,
    now: UnixTime,
) -> Result<u64, DumpError> {
    // Read first: a session of a later epoch only lifts the importing store further.
    let global_epoch = store.epochs(None).await?.global;
    let exported = now.as_millis();
    line(to, &First { hardtack: NAME.into(), version: VERSION, exported, global_epoch })?;
    let (mut pages, mut sessions) = (Pages::new(store, None), 0);
    while let Some(page) = pages.next().await? {
        let live = page.iter().filter(|(_, record)| record.expires > now);
        let loads = live.map(async |(key, _)| Ok::<_, StoreError>((*key, store.load(key).await?)));
        let mut loads = stream::iter(loads).buffered(AT_ONCE);
        while let Some((key, loaded)) = loads.try_next().await? {
            if let Loaded::Live(record) = loaded {
                line(to, &Line::new(key, &record))?;
                sessions += 1;
            }
        }
    }
    line(to, &Last { sessions })?;
    to.flush()?;
    Ok(sessions)
}

/// What became of the sessions of a dump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Imported {
    /// Created.
    pub created: u64,
    /// Were live there already, and stay as they are.
    pub there: u64,
    /// Expired since.
    pub expired: u64,
    /// Refused: they have ended there, by themselves or with all of their user's.
    pub refused: u64,
}

/// Puts the sessions of a dump into a store: never in place of a live one, never over an end.
/// Epochs of the store are raised to those of the dump, so that what is ended at once is ended here
/// too.
///
/// # Errors
/// The store fails, or a line is not one of a dump. What came before stays imported; doing it
/// again is harmless.
pub async fn import(
    store: &dyn Store,
    from: impl BufRead,
    now: UnixTime,
) -> Result<Imported, DumpError> {
    let mut lines = (1..).zip(from.lines());
    let first: First = match lines.next() {
        Some((number, text)) => parse(number, &text?)?,
        None => return Err(DumpError::Line(1, "the file is empty".into())),
    };
    if (&*first.hardtack, first.version) != (NAME, VERSION) {
        let why = format!(
            "this is {:?} of version {}; what can be read is {NAME:?} of version {VERSION}",
            first.hardtack, first.version
        );
        return Err(DumpError::Line(1, why));
    }
    lift(store, None, first.global_epoch, now).await?;
    let mut importing = Importing { store, now, lifted: HashMap::new(), done: Imported::default() };
    let mut batch = Vec::with_capacity(BATCH);
    let (mut sessions, mut last) = (0, None);
    for (number, text) in lines {
        let text = text?;
        if let Ok(end) = serde_json::from_str::<Last>(&text) {
            last = Some(end.sessions);
            continue;
        }
        batch.push(parse::<Line>(number, &text)?.record(number)?);
        sessions += 1;
        if batch.len() == BATCH {
            importing.put(&mut batch).await?;
        }
    }
    importing.put(&mut batch).await?;
    if last != Some(sessions) {
        let why = format!(
            "the file was cut off; the {sessions} sessions in it have been imported; export \
             again for the rest"
        );
        return Err(DumpError::Line(usize::try_from(sessions).unwrap_or(usize::MAX) + 1, why));
    }
    Ok(importing.done)
}

struct Importing<'a> {
    store: &'a dyn Store,
    now: UnixTime,
    /// Up to where the epochs of users are known to reach; emptied when there are many.
    lifted: HashMap<UserKey, u64>,
    done: Imported,
}

impl Importing<'_> {
    async fn put(&mut self, batch: &mut Vec<(Locator, Record)>) -> Result<(), StoreError> {
        if self.lifted.len() > LIFTED_MAX {
            self.lifted.clear();
        }
        for (_, record) in batch.iter() {
            let (Some(user), epoch) = (&record.user, record.epochs.user) else { continue };
            if self.lifted.get(user).is_none_or(|lifted| *lifted < epoch) {
                lift(self.store, Some(user), epoch, self.now).await?;
                self.lifted.insert(user.clone(), epoch);
            }
        }
        let (store, now) = (self.store, self.now);
        let puts = batch.drain(..).map(async |(key, record)| put(store, key, record, now).await);
        let mut puts = stream::iter(puts).buffer_unordered(AT_ONCE);
        while let Some(became) = puts.try_next().await? {
            *match became {
                Became::Created => &mut self.done.created,
                Became::There => &mut self.done.there,
                Became::Expired => &mut self.done.expired,
                Became::Refused => &mut self.done.refused,
            } += 1;
        }
        Ok(())
    }
}

enum Became {
    Created,
    There,
    Expired,
    Refused,
}

async fn put(
    store: &dyn Store,
    key: Locator,
    record: Record,
    now: UnixTime,
) -> Result<Became, StoreError> {
    if record.expires <= now {
        return Ok(Became::Expired);
    }
    match store.insert(&key, record, Admission::at(now)).await? {
        Inserted::Ok => Ok(Became::Created),
        Inserted::Exists => Ok(match store.load(&key).await? {
            Loaded::Live(_) => Became::There,
            _ => Became::Refused,
        }),
        _ => Ok(Became::Refused),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    hardtack: String,
    version: u32,
    exported: u64,
    global_epoch: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    sessions: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    handle: String,
    version: u64,
    kind: u8,
    key: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    user_epoch: u64,
    global_epoch: u64,
    created: u64,
    last_seen: u64,
    expires: u64,
    dies: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    data: String,
}

impl Line {
    fn new(key: Locator, record: &Record) -> Self {
        let text = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
        Self {
            handle: key.to_string(),
            version: record.version.number(),
            kind: record.kind.code(),
            key: u32::from_be_bytes(*record.key.as_bytes()),
            user: record.user.as_ref().map(|user| text(user.as_bytes())),
            user_epoch: record.epochs.user,
            global_epoch: record.epochs.global,
            created: record.created.as_millis(),
            last_seen: record.last_seen.as_millis(),
            expires: record.expires.as_millis(),
            dies: record.dies.as_millis(),
            device: record.device.as_deref().map(str::to_owned),
            data: text(&record.data),
        }
    }

    fn record(self, number: usize) -> Result<(Locator, Record), DumpError> {
        let wrong = |what: &str| DumpError::Line(number, format!("its {what} is not one"));
        let bytes = |text: &str, what: &str| {
            base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| wrong(what))
        };
        let key = Locator::parse(&self.handle).ok_or_else(|| wrong("handle"))?;
        let user = match &self.user {
            None => None,
            Some(text) => Some(UserKey::new(&bytes(text, "user")?).ok_or_else(|| wrong("user"))?),
        };
        if self.device.as_ref().is_some_and(|device| device.len() > Record::DEVICE_MAX) {
            return Err(wrong("device"));
        }
        let record = Record {
            version: Version::new(self.version),
            kind: Kind::from_code(self.kind).ok_or_else(|| wrong("kind"))?,
            key: KeyId::from_bytes(self.key.to_be_bytes()),
            user,
            epochs: Epochs { user: self.user_epoch, global: self.global_epoch },
            created: UnixTime::from_millis(self.created),
            last_seen: UnixTime::from_millis(self.last_seen),
            expires: UnixTime::from_millis(self.expires),
            dies: UnixTime::from_millis(self.dies),
            device: self.device.map(Arc::from),
            data: Bytes::from(bytes(&self.data, "data")?),
        };
        Ok((key, record))
    }
}

fn line(to: &mut impl Write, value: &impl Serialize) -> Result<(), DumpError> {
    serde_json::to_writer(&mut *to, value).map_err(io::Error::from)?;
    Ok(to.write_all(b"\n")?)
}

fn parse<'a, T: Deserialize<'a>>(number: usize, text: &'a str) -> Result<T, DumpError> {
    serde_json::from_str(text).map_err(|error| {
        DumpError::Line(number, format!("this is not a line of exported sessions ({error})"))
    })
}

const NAME: &str = "sessions";
const VERSION: u32 = 1;
/// How many sessions an import puts in one step, and how many calls wait for the store at once.
const BATCH: usize = 500;
const AT_ONCE: usize = 32;
const LIFTED_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use hardtack::session::Cause;
    use hardtack::session::store::{Ended, MemoryStore};
    use hardtack_testkit::{FakeClock, records};

    use super::*;

    const NOW: UnixTime = FakeClock::START;

    async fn shop() -> (MemoryStore, Vec<(Locator, Record)>) {
        let store = MemoryStore::new();
        let ada = records::user("ada");
        store.raise(None, NOW).await.unwrap();
        store.raise(Some(&ada), NOW).await.unwrap();
        store.raise(Some(&ada), NOW).await.unwrap();
        let signed_in = Record {
            version: Version::new(9),
            epochs: Epochs { user: 2, global: 1 },
            last_seen: UnixTime::from_millis(NOW.as_millis() + 5),
            device: Some("phone".into()),
            ..records::signed_in(&ada, NOW)
        };
        let anonymous = Record { epochs: Epochs { user: 0, global: 1 }, ..records::anonymous(NOW) };
        let mut sessions =
            vec![(records::locator(Some(&ada)), signed_in), (records::locator(None), anonymous)];
        sessions.sort_by_key(|(key, _)| *key);
        for (key, record) in &sessions {
            records::put(&store, key, record).await;
        }
        (store, sessions)
    }

    async fn dump(store: &MemoryStore) -> Vec<u8> {
        let mut file = Vec::new();
        assert_eq!(export(store, &mut file, NOW).await.unwrap(), 2);
        file
    }

    #[tokio::test]
    async fn nothing_is_lost_on_the_way() {
        let (store, sessions) = shop().await;
        let file = dump(&store).await;
        let other = MemoryStore::new();
        let done = import(&other, &*file, NOW).await.unwrap();
        assert_eq!(done, Imported { created: 2, ..Imported::default() });
        for (key, record) in &sessions {
            let Loaded::Live(found) = other.load(key).await.unwrap() else { panic!() };
            assert_eq!(found, *record);
        }
        assert_eq!(dump(&other).await, file);
        // Doing it again is harmless.
        let done = import(&other, &*file, NOW).await.unwrap();
        assert_eq!(done, Imported { there: 2, ..Imported::default() });
    }

    #[tokio::test]
    async fn an_import_never_overwrites_and_never_revives() {
        let (store, sessions) = shop().await;
        let file = dump(&store).await;
        let (key, record) = &sessions[0];
        let newer = records::next(record, "newer");
        store.replace(key, record.version, newer.clone()).await.unwrap();
        assert_eq!(store.end(&sessions[1].0, Cause::Logout, NOW).await.unwrap(), Ended::Now);
        let done = import(&store, &*file, NOW).await.unwrap();
        assert_eq!(done, Imported { there: 1, refused: 1, ..Imported::default() });
        let Loaded::Live(found) = store.load(key).await.unwrap() else { panic!() };
        assert_eq!(found.data, newer.data);
        assert!(matches!(store.load(&sessions[1].0).await.unwrap(), Loaded::Ended(_)));
    }

    #[tokio::test]
    async fn what_was_ended_at_once_stays_ended_and_can_be_ended_at_once_again() {
        let (store, sessions) = shop().await;
        let file = dump(&store).await;
        let ada = records::user("ada");
        let ended = MemoryStore::new();
        for _ in 0..3 {
            ended.raise(Some(&ada), NOW).await.unwrap();
        }
        let done = import(&ended, &*file, NOW).await.unwrap();
        assert_eq!(done, Imported { created: 1, refused: 1, ..Imported::default() });

        let fresh = MemoryStore::new();
        import(&fresh, &*file, NOW).await.unwrap();
        fresh.raise(Some(&ada), NOW).await.unwrap();
        for (key, record) in &sessions {
            let is_live = matches!(fresh.load(key).await.unwrap(), Loaded::Live(_));
            assert_eq!(is_live, record.user.is_none());
        }
    }

    #[tokio::test]
    async fn what_expired_is_left_out_and_what_is_no_dump_is_refused() {
        let (store, sessions) = shop().await;
        let file = dump(&store).await;
        let later = NOW.saturating_add(records::LIFETIME);
        let done = import(&MemoryStore::new(), &*file, later).await.unwrap();
        assert_eq!(done, Imported { expired: 2, ..Imported::default() });
        assert_eq!(export(&store, &mut Vec::new(), later).await.unwrap(), 0);

        let text = String::from_utf8(file).unwrap();
        let cut = text.lines().take(sessions.len()).collect::<Vec<_>>().join("\n");
        let newer = text.replacen("\"version\":1", "\"version\":2", 1);
        for (file, line) in
            [("", 1), ("{}", 1), (&*newer, 1), (&cut, 2), (&(text.clone() + "x"), 5)]
        {
            match import(&MemoryStore::new(), file.as_bytes(), NOW).await {
                Err(DumpError::Line(found, _)) => assert_eq!(found, line, "{file}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
