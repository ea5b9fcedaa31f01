//! Chromium's `Cookies` (and that of Chrome, Edge, Brave, Opera), versions 18 to 24 of its schema.

use std::path::Path;

use hardtack::cookie::Priority;
use hardtack::jar::{Partition, Site};
use hardtack::time::UnixTime;
use rusqlite::Row;

use super::columns::{bytes, parts, same_site};
use super::copy::Copy;
use super::{BrowserError, Imported, Scheme, Value};

/// Reads all cookies of a profile's `Cookies` (in newer versions `Network/Cookies`).
///
/// # Errors
///
/// [`BrowserError`] for what is not such a database, or one of an unknown version.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Imported>, BrowserError> {
    let copy = Copy::of(path.as_ref())?;
    let wrong = |source| copy.wrong(source);
    let version = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'version'";
    let version: i64 = copy.database.query_row(version, [], |row| row.get(0)).map_err(wrong)?;
    copy.check(version, OLDEST, NEWEST)?;
    let has_ancestor = copy.has("cookies", "has_cross_site_ancestor")?;
    let has_update = copy.has("cookies", "last_update_utc")?;
    let select = format!(
        "SELECT host_key, name, value, encrypted_value, path, is_secure, is_httponly, samesite,
                priority, has_expires, expires_utc, creation_utc, last_access_utc, source_scheme,
                top_frame_site_key, {}, {}
         FROM cookies ORDER BY creation_utc, rowid",
        // What was kept before version 23 was for frames of the page's own site or for others alike;
        // Chromium took it for the latter.
        if has_ancestor { "has_cross_site_ancestor" } else { "1" },
        if has_update { "last_update_utc" } else { "creation_utc" },
    );
    let mut statement = copy.database.prepare(&select).map_err(wrong)?;
    let rows = statement.query_map([], imported).map_err(wrong)?;
    rows.collect::<Result<_, _>>().map_err(wrong)
}

fn imported(row: &Row<'_>) -> rusqlite::Result<Imported> {
    let host: String = row.get(0)?;
    let created = time(row.get(11)?);
    let mut parts = parts(bytes(row, 1)?, &host, created);
    parts.path = bytes(row, 4)?;
    parts.secure = row.get(5)?;
    parts.http_only = row.get(6)?;
    parts.same_site = same_site(row.get(7)?);
    parts.priority = match row.get(8)? {
        0i64 => Priority::Low,
        2 => Priority::High,
        _ => Priority::Medium,
    };
    parts.expires = if row.get(9)? { Some(time(row.get(10)?)) } else { None };
    parts.last_access = time(row.get(12)?);
    parts.source_secure = row.get::<_, i64>(13)? == SECURE;
    let top: String = row.get(14)?;
    parts.partition = match &*top {
        "" => None,
        top => {
            let site = Site::parse(top).ok_or_else(|| {
                let what = "top_frame_site_key is not a site".into();
                rusqlite::Error::FromSqlConversionFailure(14, rusqlite::types::Type::Text, what)
            })?;
            Some(Partition::new(site, row.get(15)?))
        }
    };
    parts.changed = match time(row.get(16)?) {
        UNSET => created,
        changed => changed,
    };
    let sealed = bytes(row, 3)?;
    let value = match sealed.get(..3) {
        _ if sealed.is_empty() => Value::Clear(bytes(row, 2)?),
        Some(b"v10") => Value::Encrypted(Scheme::V10),
        Some(b"v11") => Value::Encrypted(Scheme::V11),
        Some(b"v20") => Value::Encrypted(Scheme::V20),
        _ => Value::Encrypted(Scheme::Unknown),
    };
    Ok(Imported { parts, value })
}

/// From microseconds since 1601.
fn time(micros: i64) -> UnixTime {
    let millis = (micros / 1000).saturating_sub(MILLIS_1601_TO_1970);
    UnixTime::from_millis(u64::try_from(millis).unwrap_or(0))
}

const OLDEST: i64 = 18;
const NEWEST: i64 = 24;
const MILLIS_1601_TO_1970: i64 = 11_644_473_600_000;
const UNSET: UnixTime = UnixTime::from_millis(0);
/// `CookieSourceScheme::kSecure`.
const SECURE: i64 = 2;
