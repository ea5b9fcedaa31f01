//! The laws of keys and sealed values, from outside.

mod rings;
mod state;
mod values;

use super::{Key, Keyring};
use crate::time::UnixTime;

/// 32 bytes that are neither random nor a pattern.
const MATERIAL: &[u8; 32] = b"not random, but for tests only..";

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const LATER: UnixTime = UnixTime::from_secs(1_800_000_600);

fn key() -> Key {
    Key::generate().unwrap()
}

fn ring() -> Keyring {
    Keyring::new(key())
}

/// A time so many milliseconds from `time`.
fn at(time: UnixTime, millis: i64) -> UnixTime {
    UnixTime::from_millis(time.as_millis().checked_add_signed(millis).unwrap())
}
