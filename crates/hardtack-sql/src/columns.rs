//! A record as columns, in what is the same in both engines.

use bytes::Bytes;
use hardtack::seal::KeyId;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

/// A row that no version of this crate writes.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the column `{}` holds what no version of this store puts there", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// The columns of a record as they come from an engine.
pub(crate) struct Columns<'a> {
    pub(crate) version: i64,
    pub(crate) kind: i16,
    pub(crate) key: &'a [u8],
    pub(crate) user: Option<&'a [u8]>,
    pub(crate) user_epoch: i64,
    pub(crate) global_epoch: i64,
    pub(crate) created: i64,
    pub(crate) seen: i64,
    pub(crate) expires: i64,
    pub(crate) dies: i64,
    pub(crate) device: Option<&'a [u8]>,
    pub(crate) data: Bytes,
}

impl Columns<'_> {
    pub(crate) fn record(self) -> Result<Record, Unreadable> {
        let device = self.device.map(std::str::from_utf8).transpose();
        Ok(Record {
            version: Version::new(self.version as u64),
            kind: kind(self.kind)?,
            key: key(self.key)?,
            user: user(self.user)?,
            epochs: Epochs { user: self.user_epoch as u64, global: self.global_epoch as u64 },
            created: time(self.created),
            last_seen: time(self.seen),
            expires: time(self.expires),
            dies: time(self.dies),
            device: device.map_err(|_| Unreadable("device"))?.map(Into::into),
            data: self.data,
        })
    }
}

pub(crate) fn locator(id: &[u8]) -> Result<Locator, Unreadable> {
    id.try_into().map(Locator::from_bytes).map_err(|_| Unreadable("id"))
}

pub(crate) fn kind(code: i16) -> Result<Kind, Unreadable> {
    u8::try_from(code).ok().and_then(Kind::from_code).ok_or(Unreadable("kind"))
}

pub(crate) fn key(id: &[u8]) -> Result<KeyId, Unreadable> {
    id.try_into().map(KeyId::from_bytes).map_err(|_| Unreadable("issuer"))
}

pub(crate) fn user(key: Option<&[u8]>) -> Result<Option<UserKey>, Unreadable> {
    key.map(|key| UserKey::new(key).ok_or(Unreadable("user_key"))).transpose()
}

pub(crate) fn cause(code: i16) -> Result<Cause, Unreadable> {
    u8::try_from(code).ok().and_then(Cause::from_code).ok_or(Unreadable("cause"))
}

/// A time as a column. What is too late for one (292 million years) is "never".
pub(crate) fn millis(time: UnixTime) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn time(millis: i64) -> UnixTime {
    match u64::try_from(millis) {
        Ok(m) if millis < i64::MAX => UnixTime::from_millis(m),
        Ok(_) => UnixTime::MAX,
        Err(_) => UnixTime::from_millis(0),
    }
}

/// A version or an epoch as a column.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
