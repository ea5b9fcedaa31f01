//! What a store keeps of a session: columns that it can read, and data that it
//! cannot.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::seal::KeyId;
use crate::time::UnixTime;

/// One session as a store keeps it.
///
/// The columns are for the store: what it compares, indexes, sweeps and lists
/// by. What holds is in `data`, which is opaque to it (its format is in
/// the `body` module); the engine ends a session whose columns and data disagree.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "stores build records from their columns")]
pub struct Record {
    /// Starts at 1 and grows by one with each [`replace`](super::store::Store::replace).
    pub version: Version,
    /// Anonymous, signed in, or a remember-me token.
    pub kind: Kind,
    /// The key that the id was issued under.
    pub key: KeyId,
    /// Whose it is, as the index knows it; `None` while anonymous.
    pub user: Option<UserKey>,
    /// The epochs that held when the login began.
    pub epochs: Epochs,
    /// When it was created.
    pub created: UnixTime,
    /// When it was last active, as far as the store has been told.
    pub last_seen: UnixTime,
    /// When it expires if nothing more happens: the earlier of the end of idle
    /// time (with one touch interval on top) and `dies`.
    pub expires: UnixTime,
    /// The end of its lifetime, which nothing extends.
    pub dies: UnixTime,
    /// What to call the device in a list, and on a second line who asked from there, where
    /// that is known; at most [`Record::DEVICE_MAX`] bytes.
    pub device: Option<Arc<str>>,
    /// Head and body, opaque to the store.
    pub data: Bytes,
}

impl Record {
    /// The most bytes of a device label.
    pub const DEVICE_MAX: usize = 256;
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("version", &self.version.0)
            .field("kind", &self.kind)
            .field("key", &self.key)
            .field("created", &self.created)
            .field("last_seen", &self.last_seen)
            .field("expires", &self.expires)
            .field("bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Counts the changes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of a record that was just inserted.
    pub const FIRST: Version = Version(1);

    /// From a store's column.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// For a store's column.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the three kinds are part of the id's format")]
pub enum Kind {
    /// A session of nobody in particular.
    Anonymous,
    /// A session of a user who signed in.
    User,
    /// A remember-me token: all it can do is to be exchanged for a session.
    Remember,
}

impl Kind {
    /// All of them, in the order of their index.
    pub const ALL: [Kind; 3] = [Kind::Anonymous, Kind::User, Kind::Remember];

    /// Its number in the id and in a store's column.
    pub const fn code(self) -> u8 {
        match self {
            Kind::Anonymous => 0,
            Kind::User => 1,
            Kind::Remember => 2,
        }
    }

    /// From its number.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Kind::Anonymous),
            1 => Some(Kind::User),
            2 => Some(Kind::Remember),
            _ => None,
        }
    }

    /// Its place in [`Kind::ALL`].
    pub const fn index(self) -> usize {
        self.code() as usize
    }
}

/// By what the sessions of one user are found: the user's id, or a keyed hash of
/// it where the configuration says so. 1 to 255 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(Arc<[u8]>);

impl UserKey {
    /// The most bytes.
    pub const MAX: usize = 255;

    /// From the bytes of one; `None` if there are none or more than 255.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=Self::MAX).contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The slot tag that locators of this user's sessions begin with.
    pub fn slot(&self) -> [u8; 2] {
        super::id::slot(&self.0)
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserKey({})", self.0.escape_ascii())
    }
}

/// How often all sessions, and all of one user, have been ended at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "stores build epochs from their columns")]
pub struct Epochs {
    /// Of the user; 0 for nobody.
    pub user: u64,
    /// Of everybody.
    pub global: u64,
}

impl Epochs {
    /// Whether a record with these epochs has ended, now that `current` hold.
    pub const fn outdated(self, current: Epochs) -> bool {
        self.user < current.user || self.global < current.global
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Its user signed out.
    Logout,
    /// Somebody ended it: its user from another session, or an operator.
    Revoked,
    /// Nothing happened for as long as the idle timeout.
    Idle,
    /// It reached the end of its lifetime.
    Lifetime,
    /// It made room for a newer one of the same user.
    Evicted,
    /// A login put another in its place.
    Replaced,
    /// A secret that had been renewed was used again.
    Reuse,
    /// What the store holds is not what was put there.
    Tampered,
    /// The key that it was issued under is gone.
    Key,
    /// The store lost it.
    Lost,
}

impl Cause {
    const ALL: [(Cause, &'static str); 10] = [
        (Cause::Logout, "logout"),
        (Cause::Revoked, "revoked"),
        (Cause::Idle, "idle"),
        (Cause::Lifetime, "lifetime"),
        (Cause::Evicted, "evicted"),
        (Cause::Replaced, "replaced"),
        (Cause::Reuse, "reuse"),
        (Cause::Tampered, "tampered"),
        (Cause::Key, "key"),
        (Cause::Lost, "lost"),
    ];

    /// Its name, in lower case; stable.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(cause, _)| *cause == self).map_or("", |(_, name)| name)
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(cause, _)| *cause)
    }

    /// Its number in a store's column; stable, never 0.
    pub fn code(self) -> u8 {
        (1..).zip(Self::ALL).find(|(_, (cause, _))| *cause == self).map_or(0, |(code, _)| code)
    }

    /// From its number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).map(|(cause, _)| *cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
