//! A jar as JSON: everything that a [`Cookie`] is, one cookie a line.
//!
//! ```
//! use hardtack::jar::{Cookie, CookieParts, json};
//! use hardtack::time::UnixTime;
//!
//! let parts = CookieParts::new("sid", "31d4d96e", "shop.example", UnixTime::from_secs(1_800_000_000));
//! let cookie = Cookie::from_parts(parts)?;
//! let mut text = Vec::new();
//! json::write([&cookie], &mut text)?;
//! assert!(text.starts_with(b"{\"format\":\"hardtack-jar\",\"version\":1,\"cookies\":[\n{\"name\":\"sid\""));
//! assert_eq!(json::read(&text[..])?[0].to_parts(), cookie.to_parts());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `format` and `version` come first. Times are milliseconds since 1970, as everywhere in this crate.
//! A name, value or path is a string if its bytes are UTF-8. If they are not, it is
//! `{"latin1": "caf\u{e9}"}`, in which every character is the byte of its number: readable for what
//! such cookies mostly hold, and lossless for everything.
//!
//! A reader takes exactly what this version writes. An unknown field is an error: keeping quiet about
//! it would lose it when the jar is saved.
//!
//! # What this does not protect
//!
//! * Values stand in clear. [`JarFile::sealed`](super::JarFile::sealed) encrypts a file.
//! * Whoever may write the file can put any cookie into it, also those that no server could set.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Read, Write};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::read_error::without_place;
use super::{Cookie, CookieParts, Partition, ReadError, Site};
use crate::cookie::{Priority, SameSite};
use crate::time::UnixTime;

/// Writes cookies, in the order that they come in.
///
/// # Errors
///
/// What the writer says.
pub fn write<'a>(
    cookies: impl IntoIterator<Item = &'a Cookie>,
    mut to: impl Write,
) -> io::Result<()> {
    write!(to, "{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"cookies\":[")?;
    let mut separator = "\n";
    for cookie in cookies {
        to.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut to, &Record::of(cookie))?;
        separator = ",\n";
    }
    to.write_all(b"\n]}\n")
}

/// Reads what [`write()`] wrote. Memory and time are linear in the text.
///
/// # Errors
///
/// [`ReadError`] with line and byte for what is not JSON, not a jar, truncated, or of another version.
pub fn read(from: impl Read) -> Result<Vec<Cookie>, ReadError> {
    let mut from = io::BufReader::new(from);
    // What does not begin as a jar does is not read to its end, which may be far away.
    if from.fill_buf()?.trim_ascii_start().first().is_some_and(|&byte| byte != b'{') {
        let what = "expected an object that begins with \"format\"".to_owned();
        return Err(ReadError::Wrong { line: 1, column: Some(1), what });
    }
    // In memory at once: from a stream the same takes four times as long.
    let mut text = Zeroizing::new(Vec::new());
    from.read_to_end(&mut text)?;
    let cookies = serde_json::from_slice::<Document>(&text).map(|document| document.0);
    cookies.map_err(|error| {
        let (line, column) = (error.line() as u64, Some(error.column() as u64));
        let what = without_place(&error);
        // In front of that stands what was found instead, which may be a value.
        let what = match what.rsplit_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None => what,
        };
        ReadError::Wrong { line, column, what }
    })
}

struct Document(Vec<Cookie>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that begins with \"format\", \"version\" and \"cookies\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let expect = |map: &mut A, key| match map.next_key::<Cow<'_, str>>()? {
            Some(found) if found == key => Ok(()),
            _ => Err(A::Error::custom(format_args!(
                "this is not a jar, which begins with \"format\", \"version\" and \"cookies\": \
                 \"{key}\" is not in its place"
            ))),
        };
        expect(&mut map, "format")?;
        if map.next_value::<Cow<'_, str>>()? != FORMAT {
            return Err(A::Error::custom(format_args!("the format is not \"{FORMAT}\"")));
        }
        expect(&mut map, "version")?;
        let version = map.next_value::<u64>()?;
        if version != VERSION {
            return Err(A::Error::custom(format_args!(
                "the jar has version {version}, and this program reads version {VERSION}; \
                 use a newer program"
            )));
        }
        expect(&mut map, "cookies")?;
        let cookies: Vec<Kept> = map.next_value()?;
        if map.next_key::<serde::de::IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("nothing may follow the cookies"));
        }
        Ok(Document(cookies.into_iter().map(|kept| kept.0).collect()))
    }
}

/// A cookie as it is read: here, so that what is wrong with it is told with its place.
#[derive(Deserialize)]
#[serde(try_from = "Record<'_>")]
struct Kept(Cookie);

impl TryFrom<Record<'_>> for Kept {
    type Error = String;

    fn try_from(record: Record<'_>) -> Result<Kept, String> {
        record.into_cookie().map(Kept)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    name: Text<'a>,
    value: Text<'a>,
    domain: Cow<'a, str>,
    host_only: bool,
    path: Text<'a>,
    secure: bool,
    http_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    same_site: Option<SameSiteWord>,
    priority: PriorityWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition: Option<PartitionRecord>,
    created: u64,
    changed: u64,
    last_access: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    source_secure: bool,
}

impl<'a> Record<'a> {
    fn of(cookie: &'a Cookie) -> Record<'a> {
        Record {
            name: Text(cookie.name().into()),
            value: Text(cookie.value().into()),
            domain: cookie.domain().into(),
            host_only: cookie.host_only(),
            path: Text(cookie.path().into()),
            secure: cookie.secure(),
            http_only: cookie.http_only(),
            same_site: cookie.same_site().map(|same_site| match same_site {
                SameSite::Strict => SameSiteWord::Strict,
                SameSite::Lax => SameSiteWord::Lax,
                SameSite::None => SameSiteWord::None,
            }),
            priority: match cookie.priority() {
                Priority::Low => PriorityWord::Low,
                Priority::Medium => PriorityWord::Medium,
                Priority::High => PriorityWord::High,
            },
            partition: cookie.partition().map(|partition| PartitionRecord {
                top_level: partition.top_level.to_string(),
                cross_site_ancestor: partition.cross_site_ancestor,
            }),
            created: cookie.created().as_millis(),
            changed: cookie.changed().as_millis(),
            last_access: cookie.last_access().as_millis(),
            expires: cookie.expires().map(UnixTime::as_millis),
            source_secure: cookie.source_secure(),
        }
    }

    fn into_cookie(self) -> Result<Cookie, String> {
        let partition = match self.partition {
            None => None,
            Some(record) => {
                let site = Site::parse(&record.top_level)
                    .filter(|site| site.to_string() == record.top_level)
                    .ok_or("a partition's top_level is not a site such as https://example.com")?;
                Some(Partition::new(site, record.cross_site_ancestor))
            }
        };
        let created = UnixTime::from_millis(self.created);
        let mut parts = CookieParts::new(self.name.0, self.value.0, self.domain, created);
        parts.host_only = self.host_only;
        parts.path = self.path.0.into_owned();
        parts.secure = self.secure;
        parts.http_only = self.http_only;
        parts.same_site = self.same_site.map(|word| match word {
            SameSiteWord::Strict => SameSite::Strict,
            SameSiteWord::Lax => SameSite::Lax,
            SameSiteWord::None => SameSite::None,
        });
        parts.priority = match self.priority {
            PriorityWord::Low => Priority::Low,
            PriorityWord::Medium => Priority::Medium,
            PriorityWord::High => Priority::High,
        };
        parts.partition = partition;
        parts.changed = UnixTime::from_millis(self.changed);
        parts.last_access = UnixTime::from_millis(self.last_access);
        parts.expires = self.expires.map(UnixTime::from_millis);
        parts.source_secure = self.source_secure;
        Cookie::from_parts(parts).map_err(|error| error.to_string())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionRecord {
    top_level: String,
    cross_site_ancestor: bool,
}

#[derive(Serialize, Deserialize)]
enum SameSiteWord {
    Strict,
    Lax,
    None,
}

#[derive(Serialize, Deserialize)]
enum PriorityWord {
    Low,
    Medium,
    High,
}

/// Bytes that are mostly text.
struct Text<'a>(Cow<'a, [u8]>);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let text: String = self.0.iter().map(|&byte| char::from(byte)).collect();
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(LATIN1, &text)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Text<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(|bytes| Text(bytes.into()))
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string, or an object with a string \"{LATIN1}\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        match map.next_entry::<Cow<'_, str>, Cow<'_, str>>()? {
            Some((key, text)) if key == LATIN1 => {
                let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
                bytes.map_err(|_| A::Error::custom("a character of \"latin1\" is above U+00FF"))
            }
            _ => Err(A::Error::custom(format_args!("the object has no \"{LATIN1}\""))),
        }
    }
}

const FORMAT: &str = "hardtack-jar";
const VERSION: u64 = 1;
const LATIN1: &str = "latin1";

#[cfg(test)]
mod tests;
