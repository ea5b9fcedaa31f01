//! A record as a row.

use bytes::Bytes;
use hardtack::seal::KeyId;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;
use rusqlite::types::Type;
use rusqlite::{Error, OptionalExtension, Result, Row};

/// The columns of a record, in the order that [`record`] reads them; the table is `s`.
macro_rules! columns {
    () => {
        "s.version, s.kind, s.key, s.user, s.user_epoch, s.global_epoch, s.created, s.seen, \
         s.expires, s.dies, s.device, s.data"
    };
}

/// Whether the row of the table `s` is outdated.
macro_rules! outdated {
    () => {
        "(s.global_epoch < ifnull((SELECT epoch FROM epochs WHERE user = x''), 0) \
          OR s.user_epoch < ifnull((SELECT epoch FROM epochs e WHERE e.user = s.user), 0))"
    };
}

pub(crate) use {columns, outdated};

/// How many columns `columns!` names: what is asked for beside them comes after.
pub(crate) const COLUMNS: usize = 12;

/// The record in the first columns of `row`.
pub(crate) fn record(row: &Row<'_>) -> Result<Record> {
    Ok(Record {
        version: Version::new(row.get::<_, i64>(0)? as u64),
        kind: kind(row, 1)?,
        key: key(row, 2)?,
        user: user(row, 3)?,
        epochs: Epochs { user: row.get::<_, i64>(4)? as u64, global: row.get::<_, i64>(5)? as u64 },
        created: time(row.get(6)?),
        last_seen: time(row.get(7)?),
        expires: time(row.get(8)?),
        dies: time(row.get(9)?),
        device: row.get_ref(10)?.as_str_or_null().map_err(|e| bad(10, e))?.map(Into::into),
        data: Bytes::copy_from_slice(row.get_ref(11)?.as_blob().map_err(|e| bad(11, e))?),
    })
}

pub(crate) fn locator(row: &Row<'_>, column: usize) -> Result<Locator> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|e| bad(column, e))?;
    bytes.try_into().map(Locator::from_bytes).map_err(|e| bad(column, e))
}

pub(crate) fn kind(row: &Row<'_>, column: usize) -> Result<Kind> {
    let code = row.get(column)?;
    Kind::from_code(code).ok_or(Error::IntegralValueOutOfRange(column, i64::from(code)))
}

pub(crate) fn key(row: &Row<'_>, column: usize) -> Result<KeyId> {
    Ok(KeyId::from_bytes(row.get::<_, u32>(column)?.to_be_bytes()))
}

pub(crate) fn user(row: &Row<'_>, column: usize) -> Result<Option<UserKey>> {
    let bytes = row.get_ref(column)?.as_blob_or_null().map_err(|e| bad(column, e))?;
    bytes
        .map(|b| {
            let length = i64::try_from(b.len()).unwrap_or(i64::MAX);
            UserKey::new(b).ok_or(Error::IntegralValueOutOfRange(column, length))
        })
        .transpose()
}

/// `None` while live.
pub(crate) fn cause(row: &Row<'_>, column: usize) -> Result<Option<Cause>> {
    let code: Option<u8> = row.get(column)?;
    code.map(|c| Cause::from_code(c).ok_or(Error::IntegralValueOutOfRange(column, i64::from(c))))
        .transpose()
}

fn bad(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

/// The place of a locator: its first eight bytes, in the same order.
pub(crate) fn place(locator: &Locator) -> i64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&locator.as_bytes()[..8]);
    ordered(u64::from_be_bytes(eight))
}

/// The first and the last place of a slot.
pub(crate) fn places(slot: [u8; 2]) -> (i64, i64) {
    let first = u64::from(u16::from_be_bytes(slot)) << 48;
    (ordered(first), ordered(first | 0xffff_ffff_ffff))
}

fn ordered(place: u64) -> i64 {
    (place ^ (1 << 63)) as i64
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

/// An epoch as a column.
pub(crate) fn epoch(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX)
}

/// The epochs that hold now.
pub(crate) fn epochs(conn: &rusqlite::Connection, user: Option<&UserKey>) -> Result<Epochs> {
    let read = |user: &[u8]| {
        let mut find = conn.prepare_cached("SELECT epoch FROM epochs WHERE user = ?1")?;
        let found = find.query_row([user], |row| row.get::<_, i64>(0)).optional()?;
        Ok::<_, Error>(found.unwrap_or(0) as u64)
    };
    Ok(Epochs { user: user.map_or(Ok(0), |u| read(u.as_bytes()))?, global: read(&[])? })
}
