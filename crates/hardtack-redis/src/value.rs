//! Answers of the servers, as what they mean.

use std::time::Duration;

use bytes::Bytes;
use hardtack::session::store::StoreError;
use hardtack::session::store::near::MOST_LAG;
use hardtack::session::{Cause, Locator};

use crate::error::odd_answer;
use crate::wire::Value;

/// What a script did; the numbers stand in `common.lua`. One above 0 is a cause.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) i64);

impl Code {
    pub(crate) const OK: Code = Code(0);
    pub(crate) const NOT_NOW: Code = Code(-1);
    const UNKNOWN: Code = Code(-2);
    pub(crate) const EXISTS: Code = Code(-3);
    pub(crate) const FULL: Code = Code(-4);
    pub(crate) const OUTDATED: Code = Code(-5);
    pub(crate) const MOVING: Code = Code(-7);

    /// Why a session is not live.
    pub(crate) fn gone(self) -> Result<Option<Cause>, StoreError> {
        if self == Self::UNKNOWN {
            return Ok(None);
        }
        let cause = u8::try_from(self.0).ok().and_then(Cause::from_code);
        cause.map(Some).ok_or_else(odd_answer)
    }
}

/// An answer, and how long it is to be held back: `over` in `common.lua`.
pub(crate) fn held(value: Value) -> (Value, Duration) {
    match value {
        Value::Array(mut both) if matches!(both[..], [_, Value::Int(_)]) => {
            let lag = both.pop().map_or(0, |lag| number(&lag).unwrap_or(0));
            let answer = both.pop().unwrap_or(Value::Nil);
            (answer, Duration::from_millis(lag).min(MOST_LAG))
        }
        answer => (answer, Duration::ZERO),
    }
}

pub(crate) fn code(value: Value) -> Result<Code, StoreError> {
    match value {
        Value::Int(code) => Ok(Code(code)),
        _ => Err(odd_answer()),
    }
}

/// A number, or 0 for none.
pub(crate) fn number(value: &Value) -> Result<u64, StoreError> {
    match value {
        Value::Nil => Ok(0),
        Value::Int(number) => u64::try_from(*number).map_err(|_| odd_answer()),
        Value::BulkString(text) => {
            let text = std::str::from_utf8(text).map_err(|_| odd_answer())?;
            text.parse().map_err(|_| odd_answer())
        }
        _ => Err(odd_answer()),
    }
}

pub(crate) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(odd_answer()),
    }
}

pub(crate) fn locators(value: Value) -> Result<Vec<Locator>, StoreError> {
    list(value)?.iter().map(locator).collect()
}

pub(crate) fn locator(value: &Value) -> Result<Locator, StoreError> {
    let Value::BulkString(bytes) = value else { return Err(odd_answer()) };
    let bytes = <[u8; Locator::LEN]>::try_from(&bytes[..]).map_err(|_| odd_answer())?;
    Ok(Locator::from_bytes(bytes))
}

/// What stands under a key, if anything.
pub(crate) fn bytes(value: Value) -> Result<Option<Bytes>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) if bytes.is_empty() => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(odd_answer()),
    }
}
