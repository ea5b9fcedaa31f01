//! Firefox's `cookies.sqlite`, versions 9 to 17 of its schema. Session cookies are not in it.
//!
//! Cookies of containers and with other origin attributes are left out: a jar knows only partitions,
//! and would send them where they must not go.

use std::path::Path;

use hardtack::jar::{Partition, Site};
use hardtack::time::UnixTime;
use rusqlite::Row;

use super::columns::{bytes, parts, same_site};
use super::copy::Copy;
use super::{BrowserError, Imported, Value};

/// Reads the cookies of a profile's `cookies.sqlite` that belong to no container.
///
/// # Errors
///
/// [`BrowserError`] for what is not such a database, or one of an unknown version.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Imported>, BrowserError> {
    let copy = Copy::of(path.as_ref())?;
    let wrong = |source| copy.wrong(source);
    let version: i64 =
        copy.database.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(wrong)?;
    copy.check(version, OLDEST, NEWEST)?;
    let column = |name, other| -> Result<&str, BrowserError> {
        Ok(if copy.has("moz_cookies", name)? { name } else { other })
    };
    let select = format!(
        "SELECT host, name, value, path, isSecure, isHttpOnly, expiry, creationTime, lastAccessed,
                originAttributes, {}, {}, {}
         FROM moz_cookies ORDER BY creationTime, id",
        column("sameSite", "256")?,
        column("schemeMap", "0")?,
        column("updateTime", "creationTime")?,
    );
    let in_millis = version >= EXPIRY_IN_MILLIS;
    let mut statement = copy.database.prepare(&select).map_err(wrong)?;
    let rows = statement.query_map([], |row| imported(row, in_millis)).map_err(wrong)?;
    rows.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(wrong)
}

fn imported(row: &Row<'_>, in_millis: bool) -> rusqlite::Result<Option<Imported>> {
    let attributes: String = row.get(9)?;
    let Some(partition) = partition(&attributes) else { return Ok(None) };
    let host: String = row.get(0)?;
    let created = time(row.get(7)?);
    let mut parts = parts(bytes(row, 1)?, &host, created);
    parts.path = bytes(row, 3)?;
    parts.secure = row.get(4)?;
    parts.http_only = row.get(5)?;
    let expiry = u64::try_from(row.get::<_, i64>(6)?).unwrap_or(0);
    parts.expires = Some(match in_millis {
        true => UnixTime::from_millis(expiry),
        false => UnixTime::from_secs(expiry),
    });
    parts.last_access = time(row.get(8)?);
    parts.partition = partition;
    parts.same_site = same_site(row.get(10)?);
    parts.source_secure = row.get::<_, i64>(11)? & SCHEME_HTTPS != 0;
    parts.changed = time(row.get::<_, Option<i64>>(12)?.unwrap_or(0)).max(created);
    Ok(Some(Imported { parts, value: Value::Clear(bytes(row, 2)?) }))
}

/// What `^partitionKey=%28https%2Cexample.com%29` says; `None` for attributes that a jar does not
/// know. In the brackets are scheme, site, then a port if it is not the usual, then `f` if a document
/// of another site stands between.
fn partition(attributes: &str) -> Option<Option<Partition>> {
    let Some(list) = attributes.strip_prefix('^') else {
        return attributes.is_empty().then_some(None);
    };
    let key = list.strip_prefix("partitionKey=")?;
    let key = key.replace("%28", "(").replace("%29", ")").replace("%2C", ",");
    let key = key.replace("%3A", ":").replace("%5B", "[").replace("%5D", "]");
    let mut fields = key.strip_prefix('(')?.strip_suffix(')')?.split(',');
    let (scheme, domain) = (fields.next()?, fields.next()?);
    let mut foreign = false;
    for field in fields {
        match field {
            "f" => foreign = true,
            port if port.bytes().all(|byte| byte.is_ascii_digit()) => {}
            _ => return None,
        }
    }
    let site = Site::parse(&format!("{scheme}://{domain}"))?;
    Some(Some(Partition::new(site, foreign)))
}

/// From microseconds since 1970.
fn time(micros: i64) -> UnixTime {
    UnixTime::from_millis(u64::try_from(micros / 1000).unwrap_or(0))
}

const OLDEST: i64 = 9;
const NEWEST: i64 = 17;
/// The version since which `expiry` is in milliseconds.
const EXPIRY_IN_MILLIS: i64 = 16;
/// The bit of https in `schemeMap`.
const SCHEME_HTTPS: i64 = 2;
