//! What sealed and signed values have in common: limits, times, outcomes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::key::{Key, KeyId};
use super::keyring::Keyring;
use crate::entropy::EntropyError;
use crate::time::UnixTime;

/// The longest value that is sealed or signed, in bytes. A cookie holds less
/// than 4096; a value in several cookies may be longer.
pub const MAX_VALUE: usize = 64 * 1024;

/// How far ahead of ours the clock of the node that sealed may be.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// What a seal held.
///
/// It exists only for a value that was proven to be ours, made for this purpose
/// and name, and not expired. `Debug` prints the type's name only.
#[must_use = "a value that was opened and not used is a check that was forgotten"]
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsealed<T> {
    /// The value.
    pub value: T,
    /// When the seal ends. Who reseals a value uses this again, so that
    /// resealing does not prolong it.
    pub expires: UnixTime,
    /// The value was sealed by a key that no longer seals, or in an older
    /// format: seal it again and send it with the next response.
    pub reseal: bool,
}

impl<T> fmt::Debug for Unsealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsealed")
    }
}

/// Why there is no value.
///
/// This is for logs and counters. The client must not be able to tell the
/// reasons apart: answer all of them in the same way, as if nothing had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnsealError {
    /// Nothing came.
    Missing,
    /// Not made by us for this purpose and name, damaged, or from the future.
    Invalid,
    /// Ours, and past its expiry.
    Expired,
    /// It names a key that the ring does not have: a retired one, one that has
    /// not arrived here yet, or a made-up one.
    UnknownKey(KeyId),
}

impl fmt::Display for UnsealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnsealError::Missing => f.write_str("no sealed value came with the request"),
            UnsealError::Invalid => {
                f.write_str("the sealed value is forged, damaged or made for something else")
            }
            UnsealError::Expired => f.write_str("the sealed value has expired"),
            UnsealError::UnknownKey(id) => {
                write!(f, "the sealed value names the key {id}, which is not on the ring")
            }
        }
    }
}

impl std::error::Error for UnsealError {}

/// Why a value was not sealed or signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// The value is longer than [`MAX_VALUE`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The expiry is not after now.
    Expiry,
    /// A value to be signed has a byte that no cookie value may have.
    NotCookieText {
        /// The place of the first such byte.
        at: usize,
    },
    /// No randomness to make a seal of.
    Entropy(EntropyError),
    /// The cipher refused to work, which no input can cause.
    Cipher,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::TooLong { bytes } => write!(
                f,
                "the value has {bytes} bytes and may have {MAX_VALUE}; keep it on the server instead"
            ),
            SealError::Expiry => {
                f.write_str("the expiry of a sealed value must be later than the present time")
            }
            SealError::NotCookieText { at } => write!(
                f,
                "the byte at {at} may not stand in a cookie's value (RFC 6265 section 4.1.1); encode the value, or encrypt it"
            ),
            SealError::Entropy(error) => error.fmt(f),
            SealError::Cipher => f.write_str(
                "AES-256-GCM is not working in this process; this is a bug, please report it",
            ),
        }
    }
}

impl std::error::Error for SealError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SealError::Entropy(error) => Some(error),
            _ => None,
        }
    }
}

/// What a seal is for: a value made for one label never opens under another.
#[derive(Clone, Copy)]
pub(super) struct Label<'a> {
    pub(super) purpose: &'a str,
    pub(super) name: &'a str,
}

impl Label<'_> {
    /// Hands the label's bytes to `sink`, piece by piece. Each part is preceded
    /// by its length, so that no two labels are the same bytes.
    pub(super) fn write(&self, mut sink: impl FnMut(&[u8])) {
        for part in [self.purpose.as_bytes(), self.name.as_bytes()] {
            sink(&(part.len() as u64).to_be_bytes());
            sink(part);
        }
    }

    /// How many bytes [`write`](Label::write) hands over.
    pub(super) fn len(&self) -> usize {
        2 * size_of::<u64>() + self.purpose.len() + self.name.len()
    }
}

/// When a value was sealed, and when its seal ends.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) sealed_at: UnixTime,
    pub(super) expires: UnixTime,
}

impl Times {
    /// Two numbers of 8 bytes, milliseconds since the epoch, big-endian.
    pub(super) const BYTES: usize = 16;

    pub(super) fn new(expires: UnixTime, now: UnixTime) -> Result<Times, SealError> {
        if expires <= now {
            return Err(SealError::Expiry);
        }
        Ok(Times { sealed_at: now, expires })
    }

    pub(super) fn to_bytes(self) -> [u8; Times::BYTES] {
        let times =
            u128::from(self.sealed_at.as_millis()) << 64 | u128::from(self.expires.as_millis());
        times.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; Times::BYTES]) -> Times {
        let times = u128::from_be_bytes(bytes);
        Times {
            sealed_at: UnixTime::from_millis((times >> 64) as u64),
            expires: UnixTime::from_millis(times as u64),
        }
    }

    /// Whether a seal of these times, already proven to be ours, holds now.
    pub(super) fn check(self, now: UnixTime) -> Result<(), UnsealError> {
        if self.sealed_at > now.saturating_add(CLOCK_SKEW) {
            return Err(UnsealError::Invalid);
        }
        if self.expires <= now {
            return Err(UnsealError::Expired);
        }
        Ok(())
    }
}

pub(super) fn check_length(value: &[u8]) -> Result<(), SealError> {
    if value.len() > MAX_VALUE {
        return Err(SealError::TooLong { bytes: value.len() });
    }
    Ok(())
}

/// The key that a seal names, and whether the value should be sealed again.
pub(super) fn key_of_seal(ring: &Keyring, id: [u8; 4]) -> Result<(Arc<Key>, bool), UnsealError> {
    let id = KeyId::from_bytes(id);
    let (key, seals) = ring.find_with_place(id).ok_or(UnsealError::UnknownKey(id))?;
    Ok((key, !seals))
}
