//! Columns that both browsers write alike.

use hardtack::cookie::SameSite;
use hardtack::jar::CookieParts;
use hardtack::time::UnixTime;
use rusqlite::{Row, types::ValueRef};

/// Text as its bytes, which need not be UTF-8.
pub(super) fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    })
}

/// A cookie of this name and host, which begins with a dot if hosts below get it too.
pub(super) fn parts(name: Vec<u8>, host: &str, created: UnixTime) -> CookieParts {
    let domain = host.strip_prefix('.');
    let mut parts = CookieParts::new(name, Vec::new(), domain.unwrap_or(host), created);
    parts.host_only = domain.is_none();
    parts
}

/// Other numbers are those of cookies that name none.
pub(super) fn same_site(number: i64) -> Option<SameSite> {
    match number {
        0 => Some(SameSite::None),
        1 => Some(SameSite::Lax),
        2 => Some(SameSite::Strict),
        _ => None,
    }
}
