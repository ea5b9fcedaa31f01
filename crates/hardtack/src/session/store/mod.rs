//! The contract between the session engine and whatever keeps the sessions.
//!
//! A store holds records under locators, and knows nothing of cookies, secrets
//! or what is inside a record's `data`. It has verbs that tell the truth and no
//! others: there is no `save` and no upsert, because that is how a session that
//! was logged out comes back (see [`Store`]).
//!
//! `hardtack-testkit` has the laws of this page as a test suite for every store.

mod error;
mod memory;
pub mod moving;
#[doc(hidden)]
pub mod near;
mod reply;
mod shared;

pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use reply::Reply;

use std::num::NonZeroU32;
use std::time::Duration;

use super::id::Locator;
use super::record::{Cause, Epochs, Kind, Record, UserKey, Version};
use crate::seal::KeyId;
use crate::time::UnixTime;

/// Keeps sessions.
///
/// # What every store promises
/// 1. Each verb is atomic: it happens wholly or not at all, and every verb that
///    is answered `Ok` is seen by every later verb of every process.
/// 2. [`insert`](Store::insert) only creates, [`replace`](Store::replace) only
///    changes what is there in the version that was seen. Nothing but `insert`
///    and [`relocate`](Store::relocate) makes a locator known, and a locator
///    that has ended never becomes live again.
/// 3. A record is *outdated* when one of its [`Epochs`] is lower than the
///    store's. An outdated record is ended (cause `revoked`) for every verb,
///    from the moment [`raise`](Store::raise) is answered, whether or not the
///    sweeper has been there.
/// 4. [`end`](Store::end), `relocate`, an `insert` of a signed-in record and
///    `raise` are written at the strongest level of durability that the store
///    has, before they are answered.
/// 5. An end is kept as a tombstone (locator, cause, time; never a successor)
///    until its event was [`delivered`](Store::delivered) and
///    [`TOMBSTONE_KEPT`] has passed since the end.
/// 6. The store does not judge the time by itself: what is due is decided by
///    the time that comes in as an argument.
/// 7. Every call returns within the deadline that the store was set up with,
///    with [`StoreErrorKind::Timeout`] if it must. An error leaves the outcome
///    unknown; the engine finds out by looking for its commit tag.
pub trait Store: Send + Sync + 'static {
    /// What this store is and what it promises.
    fn info(&self) -> StoreInfo;

    /// The record under `key`, with the epochs that hold for it now. A reply that is not
    /// ready may be given up before it is polled, and the question asked again.
    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>>;

    /// Creates a record. Refuses a locator that is known, live or ended.
    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>>;

    /// Compare-and-set: puts `record` in place of the one whose version is
    /// `seen`; `record.version` is the one after it. A touch that came in
    /// between is not undone: where the stored `last_seen` is later than the
    /// new record's, the stored `last_seen` and `expires` stay. Of a store that answers
    /// [at once](StoreInfo::at_once) a reply that is not ready may be given up before it is
    /// polled; then nothing has been put anywhere.
    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>>;

    /// Login: in one step creates `record` under `new` and ends `old`, if `old`
    /// is live in the version `seen`, with cause [`Cause::Replaced`].
    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>>;

    /// Notes activity. For each live record the greater of the old and the new
    /// `last_seen` and `expires` stays. Never changes the version, data or
    /// anything else, never makes a locator known, never revives, never
    /// shortens; locators that are not live are passed over in silence.
    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>>;

    /// Ends the session under `key`. With [`Cause::Idle`] or
    /// [`Cause::Lifetime`] only if its `expires` is not after `at`.
    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>>;

    /// Live records, oldest locator first, at most `limit`, after `after`.
    /// With a user: that user's; with `None`: everybody's, also anonymous ones.
    /// `data` is left empty.
    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>>;

    /// The epochs that hold now: the global one, and the user's if one is named.
    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>>;

    /// Adds one to the epoch of a user, or with `None` to the global one: all
    /// their sessions are ended, by one write. The sweeper finds them later and
    /// gives each its tombstone.
    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>>;

    /// Ends up to about `limit` records that are expired at `now` (cause
    /// `idle`, or `lifetime` where the record's `expires` equals its
    /// `dies`) or outdated (cause `revoked`), and forgets tombstones whose
    /// time has come. Answers how many it ended and whether more is due.
    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>>;

    /// Ends that nobody has confirmed to have delivered, oldest first. Gives the
    /// same ones again until [`delivered`](Store::delivered) names them.
    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>>;

    /// Confirms that the events of these sessions' ends have been delivered.
    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>>;

    /// Live and counted: how many sessions there are, by key and by kind.
    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>>;

    /// The store's own clock, where it has one that is not this machine's.
    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        Reply::ready(Ok(None))
    }
}

/// How long after an end its tombstone is kept at least.
pub const TOMBSTONE_KEPT: Duration = Duration::from_secs(60);

/// What a store is and what it promises.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreInfo {
    /// The engine's name, such as `memory` or `sqlite`.
    pub name: &'static str,
    /// What survives, and what it takes to lose it; one sentence.
    pub durability: &'static str,
    /// Whether records leave the process's memory. If so, they are sealed.
    pub persistent: bool,
    /// Whether the replies to [`Store::load`] and [`Store::replace`] are ready when they are
    /// given: requests then commit without a task of their own.
    pub at_once: bool,
    /// Whether no reply to [`Store::load`] is ever ready when it is given, so that it need
    /// not be tried without waiting first.
    pub waits: bool,
    /// Within what time [`Store::load`] and [`Store::replace`] are answered, where the store
    /// has a timer of its own for them: an engine with a deadline no shorter sets none.
    pub deadline: Option<Duration>,
}

impl StoreInfo {
    /// Describes a store.
    pub const fn new(name: &'static str, durability: &'static str, persistent: bool) -> Self {
        Self { name, durability, persistent, at_once: false, waits: false, deadline: None }
    }

    /// It answers without waiting. A reply that is not ready all the same is given up
    /// before it is polled, and asked for again.
    #[must_use]
    pub const fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// It never has the answer to a load at hand.
    #[must_use]
    pub const fn waits(mut self, waits: bool) -> Self {
        self.waits = waits;
        self
    }

    /// It answers [loads and replaces](StoreInfo::deadline) within this time by itself,
    /// whatever hangs.
    #[must_use]
    pub const fn answers_within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

/// What [`Store::load`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Loaded {
    /// A record that has not ended. It may be past its expiry: that is the
    /// engine's to judge, with its clock.
    Live(Record),
    /// A session that ended, while its tombstone is kept.
    Ended(Cause),
    /// No such locator (or one that ended so long ago that it is forgotten).
    Unknown,
}

/// Under which conditions a record may be created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admission {
    /// How many sessions of kind [`Kind::User`] this user may have, and what to
    /// do at the limit. Counted and enforced within the same step.
    pub limit: Option<SessionLimit>,
    /// The time, to tell which of the user's sessions still count.
    pub now: UnixTime,
}

impl Admission {
    /// No limit.
    pub const fn at(now: UnixTime) -> Self {
        Self { limit: None, now }
    }

    /// With a limit on the user's sessions.
    #[must_use]
    pub const fn limited(mut self, limit: Option<SessionLimit>) -> Self {
        self.limit = limit;
        self
    }
}

/// How many sessions one user may have at once (ASVS 5.0 7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimit {
    /// The greatest number.
    pub most: NonZeroU32,
    /// What happens to the login after it.
    pub when_full: WhenFull,
}

impl SessionLimit {
    /// At most `most` sessions; `when_full` says what happens to the next.
    pub const fn new(most: NonZeroU32, when_full: WhenFull) -> Self {
        Self { most, when_full }
    }
}

/// What happens to a login when the user already has the most sessions allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The login is refused.
    Refuse,
    /// The user's sessions seen longest ago end (cause `evicted`) to make room.
    EndOldest,
}

/// What became of [`Store::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inserted {
    /// Created.
    Ok,
    /// The locator is known already: take another.
    Exists,
    /// The user has the most sessions allowed, and the limit says to refuse.
    Full,
    /// An epoch was raised after this record's epochs were read: the login
    /// began before an "end all sessions" and must not survive it.
    Outdated,
}

/// What became of [`Store::replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replaced {
    /// Done.
    Ok,
    /// The record is live in another version: load and try again.
    Conflict,
    /// The session has ended (`None`: unknown, or too long ago to tell).
    Gone(Option<Cause>),
}

/// What became of [`Store::relocate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relocated {
    /// The new record is there and the old session has ended.
    Ok,
    /// The old record is live in another version: load and try again.
    Conflict,
    /// The old session has ended before; nothing was created.
    Gone(Option<Cause>),
    /// The new locator is known already: take another.
    Exists,
    /// As [`Inserted::Full`]. The old session does not count against the limit.
    Full,
    /// As [`Inserted::Outdated`].
    Outdated,
}

/// What became of [`Store::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// It was live and has ended now, with the cause given.
    Now,
    /// It had ended before (`None`: unknown, or too long ago to tell).
    Before(Option<Cause>),
    /// Asked to end it as expired, but by now it is not.
    NotDue,
}

/// Activity to note, for [`Store::touch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touch {
    /// Whose.
    pub key: Locator,
    /// When.
    pub last_seen: UnixTime,
    /// When it expires if nothing more happens.
    pub expires: UnixTime,
}

impl Touch {
    /// Activity of the session under `key`.
    pub const fn new(key: Locator, last_seen: UnixTime, expires: UnixTime) -> Self {
        Self { key, last_seen, expires }
    }
}

/// What [`Store::sweep`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// How many sessions it ended.
    pub ended: usize,
    /// How many tombstones it forgot.
    pub forgotten: usize,
    /// Whether there is more to do right away.
    pub more: bool,
}

impl Swept {
    /// What a sweep did.
    pub const fn new(ended: usize, forgotten: usize, more: bool) -> Self {
        Self { ended, forgotten, more }
    }
}

/// The end of one session. A session ends at most once, so its locator is the
/// event's stable id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndEvent {
    /// Which session.
    pub key: Locator,
    /// Its user, as the store knows it.
    pub user: Option<UserKey>,
    /// What kind of session it was.
    pub kind: Kind,
    /// Why it ended.
    pub cause: Cause,
    /// When.
    pub at: UnixTime,
}

impl EndEvent {
    /// The end of the session under `key`.
    pub const fn new(
        key: Locator,
        user: Option<UserKey>,
        kind: Kind,
        cause: Cause,
        at: UnixTime,
    ) -> Self {
        Self { key, user, kind, cause, at }
    }
}

/// How many live sessions there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// By kind: anonymous, signed in, remember-me.
    pub by_kind: [u64; 3],
    /// By the key that their ids were issued under; a key named here is in use.
    pub by_key: Vec<(KeyId, u64)>,
}

impl Census {
    /// Counts one live record.
    pub fn count(&mut self, kind: Kind, key: KeyId) {
        self.add(kind, key, 1);
    }

    /// Counts `n` live records.
    pub fn add(&mut self, kind: Kind, key: KeyId, n: u64) {
        self.by_kind[kind.index()] += n;
        match self.by_key.iter_mut().find(|(k, _)| *k == key) {
            Some((_, count)) => *count += n,
            None => self.by_key.push((key, n)),
        }
    }
}
