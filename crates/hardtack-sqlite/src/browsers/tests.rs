use std::fs;
use std::path::PathBuf;

use hardtack::cookie::{Priority, SameSite};
use hardtack::time::UnixTime;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

/// A database made by these statements.
fn database(statements: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("Cookies");
    Connection::open(&path).and_then(|db| db.execute_batch(statements)).expect("made");
    (folder, path)
}

/// As Chromium 18 made it; later versions changed the columns named.
fn chromium(version: i64, rows: &str) -> (TempDir, PathBuf) {
    let ancestor =
        if version >= 23 { ", has_cross_site_ancestor INTEGER NOT NULL DEFAULT 0" } else { "" };
    database(&format!(
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT);
         INSERT INTO meta VALUES('version', '{version}');
         CREATE TABLE cookies(creation_utc INTEGER, host_key TEXT, top_frame_site_key TEXT, name TEXT,
             value TEXT, encrypted_value BLOB, path TEXT, expires_utc INTEGER, is_secure INTEGER,
             is_httponly INTEGER, last_access_utc INTEGER, has_expires INTEGER,
             is_persistent INTEGER, priority INTEGER, samesite INTEGER, source_scheme INTEGER,
             source_port INTEGER, last_update_utc INTEGER{ancestor});
         {rows}"
    ))
}

const ROWS: &str = "INSERT INTO cookies(creation_utc, host_key, top_frame_site_key, name, value,
        encrypted_value, path, expires_utc, is_secure, is_httponly, last_access_utc, has_expires,
        is_persistent, priority, samesite, source_scheme, source_port, last_update_utc) VALUES
    (13444473600000000, '.a.example', '', 'n', CAST(x'63e9' AS TEXT), x'', '/p', 13444473601000000,
        1, 1, 13444473602000000, 1, 1, 2, 2, 2, 443, 13444473603000000),
    (13444473600000001, 'a.example', 'https://top.example', 'p', '', x'763130aabb', '/', 0,
        0, 0, 0, 0, 0, 1, -1, 1, 80, 0),
    (13444473600000002, 'a.example', '', 'q', '', x'763230aabb', '/', 0, 0, 0, 0, 0, 0, 0, 0, 1, 80, 0),
    (13444473600000003, 'a.example', '', 'r', '', x'01000000d08c', '/', 0, 0, 0, 0, 0, 0, 1, 1, 1, 80, 0);";

#[test]
fn every_version_of_chromium_is_read() {
    for version in 18..=24 {
        let (_folder, path) = chromium(version, ROWS);
        let found = chromium::read(&path).unwrap_or_else(|error| panic!("{version}: {error}"));
        let parts = &found[0].parts;
        assert_eq!(found[0].value, Value::Clear(b"c\xe9".to_vec()));
        assert_eq!(
            (&*parts.domain, parts.host_only, &*parts.path),
            ("a.example", false, &b"/p"[..])
        );
        assert!(parts.secure && parts.http_only && parts.source_secure);
        assert_eq!((parts.same_site, parts.priority), (Some(SameSite::Strict), Priority::High));
        let at = |secs: u64| UnixTime::from_secs(1_800_000_000 + secs);
        assert_eq!((parts.created, parts.expires), (at(0), Some(at(1))));
        assert_eq!((parts.last_access, parts.changed), (at(2), at(3)));

        let parts = &found[1].parts;
        assert!(parts.host_only && parts.same_site.is_none() && parts.expires.is_none());
        let partition = parts.partition.as_ref().expect("a partition");
        assert_eq!(partition.top_level.to_string(), "https://top.example");
        assert_eq!(partition.cross_site_ancestor, version < 23);
        let schemes: Vec<_> = found.iter().skip(1).map(|cookie| &cookie.value).collect();
        assert_eq!(
            schemes,
            [
                &Value::Encrypted(Scheme::V10),
                &Value::Encrypted(Scheme::V20),
                &Value::Encrypted(Scheme::Unknown),
            ]
        );
    }
}

#[test]
fn an_encrypted_value_is_named_and_not_guessed() {
    let (_folder, path) = chromium(24, ROWS);
    let mut outcomes = chromium::read(&path).expect("read").into_iter().map(Imported::into_cookie);
    assert_eq!(outcomes.next().expect("one").expect("in clear").value(), b"c\xe9");
    let message = outcomes.next().expect("two").expect_err("encrypted").to_string();
    assert!(
        message.starts_with("the value of cookie \"p\" of a.example is encrypted (v10)"),
        "{message}"
    );
}

#[test]
fn firefox_is_read_with_seconds_and_with_milliseconds() {
    for (version, expiry, more) in [
        (9, 1_900_000_000u64, ""),
        (15, 1_900_000_000, ", schemeMap INTEGER DEFAULT 2"),
        (16, 1_900_000_000_000, ", schemeMap INTEGER DEFAULT 2"),
        (
            17,
            1_900_000_000_000,
            ", schemeMap INTEGER DEFAULT 2, updateTime INTEGER DEFAULT 1800000009000000",
        ),
    ] {
        let (_folder, path) = database(&format!(
            "PRAGMA user_version = {version};
             CREATE TABLE moz_cookies(id INTEGER PRIMARY KEY, originAttributes TEXT, name TEXT,
                 value TEXT, host TEXT, path TEXT, expiry INTEGER, lastAccessed INTEGER,
                 creationTime INTEGER, isSecure INTEGER, isHttpOnly INTEGER, sameSite INTEGER{more});
             INSERT INTO moz_cookies(originAttributes, name, value, host, path, expiry, lastAccessed,
                 creationTime, isSecure, isHttpOnly, sameSite) VALUES
               ('', 'a', 'v', '.a.example', '/', {expiry}, 1800000001000000, 1800000000000000, 1, 1, 256),
               ('^partitionKey=%28https%2Ctop.example%2C8443%2Cf%29', 'b', 'v', 'a.example', '/',
                 {expiry}, 0, 1800000000000000, 0, 0, 1),
               ('^userContextId=2', 'container', 'v', 'a.example', '/', {expiry}, 0, 0, 0, 0, 0);"
        ));
        let found = firefox::read(&path).unwrap_or_else(|error| panic!("{version}: {error}"));
        assert_eq!(found.len(), 2, "{version}");
        let parts = &found[0].parts;
        assert_eq!(found[0].value, Value::Clear(b"v".to_vec()));
        assert_eq!(
            (parts.host_only, parts.same_site, parts.partition.is_none()),
            (false, None, true)
        );
        assert_eq!(parts.expires, Some(UnixTime::from_secs(1_900_000_000)), "{version}");
        assert_eq!(parts.source_secure, version > 9);
        assert_eq!(
            parts.changed.as_secs(),
            if version == 17 { 1_800_000_009 } else { 1_800_000_000 }
        );
        let partition = found[1].parts.partition.as_ref().expect("a partition");
        assert_eq!(partition.top_level.to_string(), "https://top.example");
        assert!(partition.cross_site_ancestor);
        assert_eq!(found[1].parts.same_site, Some(SameSite::Lax));
    }
}

#[test]
fn what_is_still_in_the_log_is_read_and_the_profile_untouched() {
    let (folder, path) = chromium(24, "PRAGMA journal_mode = WAL;");
    let browser = Connection::open(&path).expect("the browser");
    browser.execute_batch(&format!("PRAGMA wal_autocheckpoint = 0; {ROWS}")).expect("committed");
    let listing = || {
        let entries = fs::read_dir(folder.path()).expect("listed").map(|entry| entry.expect("one"));
        let mut files: Vec<_> = entries
            .map(|entry| (entry.file_name(), fs::read(entry.path()).expect("read")))
            .collect();
        files.sort();
        files
    };
    let before = listing();
    assert_eq!(chromium::read(&path).expect("read").len(), 4);
    assert!(listing() == before, "reading changed the profile");
}

#[test]
fn what_is_no_database_of_the_browser_is_an_error() {
    let (_folder, path) = chromium(24, ROWS);
    let whole = fs::read(&path).expect("bytes");
    let (_newer, newer) = chromium(25, "");
    let (_older, older) = chromium(17, "");
    for (path, what) in [(newer, "has version 25; 18 to 24 are known"), (older, "has version 17")] {
        let message = chromium::read(&path).expect_err(what).to_string();
        assert!(message.contains(what), "{message}");
    }
    let message = firefox::read(&path).expect_err("Chromium's").to_string();
    assert!(message.contains("has version 0; 9 to 17 are known"), "{message}");

    for (contents, what) in [
        (&b""[..], "byte 0: it does not begin as SQLite files do"),
        (&[0; 4096], "byte 0: it does not begin"),
        (b"# Netscape HTTP Cookie File\n", "byte 0: it does not begin"),
        (&whole[..whole.len() / 2], "is not a whole cookie database"),
        (&whole[..50], "is not a whole cookie database"),
    ] {
        fs::write(&path, contents).expect("written");
        let message = chromium::read(&path).expect_err(what).to_string();
        assert!(message.contains(what), "{message}");
    }
    assert!(matches!(chromium::read(path.with_file_name("no")), Err(BrowserError::Io { .. })));
    assert!(chromium::read(path.parent().expect("a folder")).is_err());
}

#[test]
fn values_are_not_in_debug_output() {
    assert_eq!(format!("{:?}", Value::Clear(b"s3cret".to_vec())), "Clear(..)");
}
