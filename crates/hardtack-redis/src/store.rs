//! The store: each verb as calls to the servers.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use hardtack::session::store::near::Held;
use hardtack::session::store::{
    Admission, Census, EndEvent, Ended, Inserted, Loaded, Relocated, Replaced, Reply, Store,
    StoreError, StoreInfo, Swept, Touch, WhenFull,
};
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;
use tokio::time::Instant;

use crate::builder::{Builder, Durability};
use crate::error::{astray, odd_answer};
use crate::key::{self, Index, Keys, Name, PARTITIONS};
use crate::link::{Level, Link};
use crate::near::NearCache;
use crate::record::{beginning, encode, user_ends};
use crate::script::{self, Call};
use crate::value::{self, Code};
use crate::wire::Value;

/// Sessions on Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) link: Link,
    pub(crate) keys: Keys,
    pub(crate) durability: Durability,
    pub(crate) near: Option<NearCache>,
    pub(crate) held: Held,
    /// The partition that the next sweep begins with.
    pub(crate) sweep_from: AtomicUsize,
}

/// How long after a session must be over Redis drops it by itself.
const LEFT_OVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The most keys that one script is given, but for the sessions of one user.
pub(crate) const BATCH: usize = 256;

impl RedisStore {
    /// A store on the servers at `url`, with keys that begin with `ht:` and a
    /// deadline of one second. Connects when it is first used.
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        Self::builder(url, durability).open()
    }

    /// Sets up a store on the servers at `url`.
    pub fn builder(url: &str, durability: Durability) -> Builder {
        Builder::new(url, durability)
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("durability", &self.0.durability).finish_non_exhaustive()
    }
}

impl Inner {
    /// Calls a script, again if the session was being moved.
    pub(crate) async fn when_settled(
        &self,
        key: &Locator,
        level: Level,
        until: Instant,
        call: &Call,
    ) -> Result<Code, StoreError> {
        loop {
            let answer = self.link.call(key::of(key), call, level, until).await?;
            let (answer, lag) = value::held(answer);
            match value::code(answer)? {
                Code::MOVING => Box::pin(self.wait_for_move(key, until)).await?,
                code => {
                    self.hold(lag).await;
                    return Ok(code);
                }
            }
        }
    }

    /// Calls a script that may answer that it needs the keys of more sessions of a
    /// user, until it does not. Answers how long to hold back what it says, too.
    pub(crate) async fn with_members(
        &self,
        key: &Locator,
        level: Level,
        until: Instant,
        call: impl Fn(&[Locator]) -> Call,
    ) -> Result<(Code, Duration), StoreError> {
        let mut others = Vec::new();
        loop {
            let answer = self.link.call(key::of(key), &call(&others), level, until).await?;
            match value::held(answer) {
                (Value::Int(code), lag) => return Ok((Code(code), lag)),
                (members, _) => others = value::locators(members)?,
            }
        }
    }

    pub(crate) async fn insert(
        &self,
        key: &Locator,
        record: Record,
        admission: Admission,
        until: Instant,
    ) -> Result<(Inserted, Duration), StoreError> {
        if strays(key, &record) {
            return match self.load(key, until).await? {
                Loaded::Unknown => Err(astray()),
                _ => Ok((Inserted::Exists, Duration::ZERO)),
            };
        }
        let level = match record.kind {
            Kind::Anonymous => Level::Plain,
            _ => Level::Lasting,
        };
        let args = new_args(key, &record, admission);
        let code = self.with_members(key, level, until, |others| {
            let mut keys = vec![self.keys.record(key)];
            keys.extend(self.indexes(
                key,
                &[Index::Global, Index::Due, Index::Users, Index::Epochs, Index::Ends, Index::Lag],
            ));
            keys.extend(others.iter().map(|other| self.keys.record(other)));
            Call::script(&script::INSERT, &keys)
                .args(&args)
                .args(others.iter().map(Locator::as_bytes))
        });
        let (code, lag) = code.await?;
        let inserted = match code {
            Code::OK => Inserted::Ok,
            Code::EXISTS => Inserted::Exists,
            Code::FULL => Inserted::Full,
            Code::OUTDATED => Inserted::Outdated,
            _ => return Err(odd_answer()),
        };
        Ok((inserted, lag))
    }

    pub(crate) fn indexes<'a>(
        &'a self,
        key: &Locator,
        which: &'a [Index],
    ) -> impl Iterator<Item = Name> + 'a {
        let key = *key;
        which.iter().map(move |index| self.keys.index_of(&key, *index))
    }

    /// The call that replaces a record.
    fn replacing(&self, key: &Locator, seen: Version, record: &Record) -> Call {
        let index = if record.user.is_some() { Index::Users } else { Index::Due };
        let keys = [
            self.keys.record(key),
            self.keys.index_of(key, Index::Global),
            self.keys.index_of(key, index),
        ];
        Call::script(&script::REPLACE, &keys)
            .arg(beginning(seen, record))
            .arg(encode(record))
            .arg(user_ends(record).to_string())
            .shared()
    }

    async fn replace(&self, key: &Locator, call: &Call) -> Result<Replaced, StoreError> {
        match self.when_settled(key, Level::Plain, self.link.until(), call).await? {
            Code::OK => Ok(Replaced::Ok),
            Code::NOT_NOW => Ok(Replaced::Conflict),
            code => code.gone().map(Replaced::Gone),
        }
    }

    async fn relocate(
        &self,
        old: &Locator,
        seen: Version,
        new: &Locator,
        record: Record,
        admission: Admission,
        until: Instant,
    ) -> Result<Relocated, StoreError> {
        if strays(new, &record) {
            return match self.load(new, until).await? {
                Loaded::Unknown => Err(astray()),
                _ => Ok(Relocated::Exists),
            };
        }
        if self.link.is_cluster() && key::of(old) != key::of(new) {
            return self.move_across(old, seen, new, record, admission, until).await;
        }
        let args = new_args(new, &record, admission);
        let code = self.with_members(new, Level::Lasting, until, |others| {
            let mut keys = vec![self.keys.record(old)];
            keys.extend(self.indexes(old, &[Index::Global, Index::Due, Index::Users, Index::Ends]));
            keys.push(self.keys.record(new));
            keys.extend(self.indexes(
                new,
                &[Index::Global, Index::Due, Index::Users, Index::Epochs, Index::Ends],
            ));
            keys.extend([old, new].map(|key| self.keys.index_of(key, Index::Lag)));
            keys.extend(others.iter().map(|other| self.keys.record(other)));
            Call::script(&script::RELOCATE, &keys)
                .arg(seen.number().to_be_bytes())
                .arg(old.as_bytes())
                .args(&args)
                .args(others.iter().map(Locator::as_bytes))
        });
        let (code, lag) = code.await?;
        self.hold(lag).await;
        match code {
            Code::MOVING => {
                self.wait_for_move(old, until).await?;
                Box::pin(self.relocate(old, seen, new, record, admission, until)).await
            }
            Code::OK => Ok(Relocated::Ok),
            Code::NOT_NOW => Ok(Relocated::Conflict),
            Code::EXISTS => Ok(Relocated::Exists),
            Code::FULL => Ok(Relocated::Full),
            Code::OUTDATED => Ok(Relocated::Outdated),
            code => code.gone().map(Relocated::Gone),
        }
    }

    async fn touch(&self, batch: &[Touch]) -> Result<(), StoreError> {
        let mut by_partition: Vec<Vec<&Touch>> = vec![Vec::new(); PARTITIONS];
        for touch in batch {
            by_partition[usize::from(key::of(&touch.key))].push(touch);
        }
        let mut calls = Vec::new();
        for (partition, touches) in (0..=u8::MAX).zip(by_partition) {
            for part in touches.chunks(BATCH) {
                let keys: Vec<_> = part.iter().map(|touch| self.keys.record(&touch.key)).collect();
                let times = part.iter().map(|touch| {
                    let [seen, expires] = [touch.last_seen, touch.expires].map(big_endian);
                    [seen, expires].concat()
                });
                calls.push((partition, Call::script(&script::TOUCH, &keys).args(times)));
            }
        }
        self.link.send(calls, Level::Plain, self.link.until()).await.map(drop)
    }

    async fn end(&self, key: &Locator, cause: Cause, at: UnixTime) -> Result<Ended, StoreError> {
        let mut keys = vec![self.keys.record(key)];
        let indexes = [Index::Global, Index::Due, Index::Users, Index::Ends, Index::Lag];
        keys.extend(self.indexes(key, &indexes));
        let expired = matches!(cause, Cause::Idle | Cause::Lifetime);
        let call = Call::script(&script::END, &keys)
            .arg(key.as_bytes())
            .arg(cause.code().to_string())
            .arg(big_endian(at))
            .arg(if expired { "1" } else { "0" });
        match self.when_settled(key, Level::Lasting, self.until_end(), &call).await? {
            Code::OK => Ok(Ended::Now),
            Code::NOT_NOW => Ok(Ended::NotDue),
            code => code.gone().map(Ended::Before),
        }
    }

    async fn clock(&self) -> Result<Option<UnixTime>, StoreError> {
        let (partition, _) = self.keys.counter();
        let call = Call::plain("TIME");
        let answer = self.link.call(partition, &call, Level::Plain, self.link.until()).await?;
        let Value::Array(parts) = answer else { return Err(odd_answer()) };
        let [seconds, micros] = &parts[..] else { return Err(odd_answer()) };
        let (seconds, micros) = (value::number(seconds)?, value::number(micros)?);
        Ok(Some(UnixTime::from_millis(seconds.saturating_mul(1000) + micros / 1000)))
    }
}

/// Whether a record of a user would come to lie in another slot than the user's
/// index. The engine makes no such locators.
fn strays(key: &Locator, record: &Record) -> bool {
    record.user.as_ref().is_some_and(|user| key::of_user(user) != key::of(key))
}

/// What the scripts are told of a record to be created.
fn new_args(key: &Locator, record: &Record, admission: Admission) -> Vec<Vec<u8>> {
    let (most, end_oldest) = match admission.limit {
        None => (0, false),
        Some(limit) => (limit.most.get(), limit.when_full == WhenFull::EndOldest),
    };
    vec![
        encode(record),
        key.as_bytes().to_vec(),
        ttl(record, admission.now),
        big_endian(admission.now).to_vec(),
        most.to_string().into_bytes(),
        if end_oldest { b"1".to_vec() } else { b"0".to_vec() },
    ]
}

pub(crate) fn big_endian(time: UnixTime) -> [u8; 8] {
    time.as_millis().to_be_bytes()
}

/// How long Redis is to keep a record, in milliseconds; empty for ever. It is a
/// span and not a date: whose clock is right is not asked.
fn ttl(record: &Record, now: UnixTime) -> Vec<u8> {
    const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    match record.dies.since(now) {
        left if left > AGES => Vec::new(),
        left => (left + LEFT_OVER).as_millis().to_string().into_bytes(),
    }
}

/// How long Redis keeps a tombstone that was delivered if nobody sweeps.
pub(crate) fn left_over() -> String {
    LEFT_OVER.as_millis().to_string()
}

impl Store for RedisStore {
    fn info(&self) -> StoreInfo {
        let durability = match self.0.durability {
            Durability::Wait(_) => {
                "logins, ends and epochs are on as many replicas as were asked for before they are \
                 answered; the last changes of data may be lost by a failover"
            }
            Durability::Async => {
                "the master alone has what was answered: a failover, or a crash without \
                 appendfsync always, may lose the last of it and bring ended sessions back"
            }
        };
        StoreInfo::new("redis", durability, true)
            .waits(self.0.near.is_none())
            .answers_within(self.0.link.deadline())
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        let Some(near) = &self.0.near else {
            return Reply::later(self.0.load(key, self.0.link.until()));
        };
        match near.find(key) {
            Some(record) => Reply::ready(Ok(Loaded::Live(record))),
            None => Reply::later(self.0.load_near(near, key)),
        }
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        Reply::later(async move {
            let evicts = matches!(admission.limit, Some(l) if l.when_full == WhenFull::EndOldest);
            let until = if evicts { self.0.until_end() } else { self.0.link.until() };
            let (inserted, lag) = self.0.insert(key, record, admission, until).await?;
            self.0.hold(lag).await;
            Ok(inserted)
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        let call = self.0.replacing(key, seen, &record);
        Reply::later(async move {
            let replaced = self.0.replace(key, &call).await;
            self.0.forget(key);
            replaced
        })
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        Reply::later(async move {
            let until = self.0.until_end();
            let relocated = self.0.relocate(old, seen, new, record, admission, until).await;
            self.0.forget(old);
            relocated
        })
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        Reply::later(async move {
            let touched = self.0.touch(batch).await;
            batch.iter().for_each(|touch| self.0.forget(&touch.key));
            touched
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        Reply::later(async move {
            let ended = self.0.end(key, cause, at).await;
            // Also one that is not due: its activity may be what is not known here.
            self.0.forget(key);
            ended
        })
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        Reply::later(self.0.list(user, after, limit))
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        Reply::later(self.0.epochs(user))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        _at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        Reply::later(async move {
            match user {
                Some(user) => self.0.raise_user(user).await,
                None => self.0.raise_all().await,
            }
        })
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        Reply::later(self.0.sweep(now, limit))
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        Reply::later(self.0.undelivered(limit))
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        Reply::later(self.0.delivered(ended))
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        Reply::later(self.0.census())
    }

    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        Reply::later(self.0.clock())
    }
}
