//! Names and values: JSON, so that programs in other languages can read them.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ValueError;

/// The most bytes of a key's name.
const NAME_MAX: usize = 128;

/// What names of our own begin with.
pub(crate) const OURS: char = '~';

pub(crate) fn check_name(name: &str) -> Result<(), ValueError> {
    if name.is_empty() || name.len() > NAME_MAX || name.starts_with(OURS) {
        return Err(ValueError::Name { length: name.len() });
    }
    Ok(())
}

pub(crate) fn encode<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Bytes, ValueError> {
    check_name(key)?;
    json(key, value)
}

/// As [`encode`], under a name of our own.
pub(crate) fn json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Bytes, ValueError> {
    let why = |e: serde_json::Error| ValueError::Encode { key: key.to_owned(), why: e.to_string() };
    serde_json::to_vec(value).map(Bytes::from).map_err(why)
}

pub(crate) fn decode<T: DeserializeOwned>(
    key: &str,
    value: Option<&[u8]>,
) -> Result<Option<T>, ValueError> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_slice(value).map(Some).map_err(|e| undecodable(key, &e))
}

/// Says what kind of error and where, but not with what: serde's own message may
/// quote the value.
pub(crate) fn undecodable(key: &str, error: &serde_json::Error) -> ValueError {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "the JSON does not fit the type",
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "it is not JSON",
        serde_json::error::Category::Io => "it cannot be read",
    };
    ValueError::Decode { key: key.to_owned(), why: format!("{kind}, at column {}", error.column()) }
}
