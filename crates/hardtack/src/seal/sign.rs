//! Signed values, format version 1. The value stays readable.
//!
//! ```text
//! base64url, without padding, of          then "." and the value as it is
//!   0   1  format, 0x81
//!   1   4  key id
//!   5   8  sealed at, milliseconds
//!  13   8  expires, milliseconds
//!  21  32  tag
//! tag = BLAKE3 keyed with the sign sub-key, of bytes 0..21;
//!       length and bytes of the purpose, of the name; the value
//! ```

use base64_simd::{Out, URL_SAFE_NO_PAD};

use super::Use;
use super::key::Key;
use super::keyring::Keyring;
use super::value::{
    Label, MAX_VALUE, SealError, Times, UnsealError, Unsealed, check_length, key_of_seal,
};
use crate::time::UnixTime;

/// The first byte of a signed value. An encrypted one begins with another.
const FORMAT: u8 = 0x81;
const HEADER: usize = 1 + 4 + Times::BYTES;
const SEAL: usize = HEADER + blake3::OUT_LEN;
/// The seal in base64url.
const SEAL_TEXT: usize = (SEAL * 4).div_ceil(3);

pub(super) fn sign(
    key: &Key,
    label: Label<'_>,
    value: &str,
    times: Times,
) -> Result<String, SealError> {
    check_length(value.as_bytes())?;
    // Without a way out in between, the compiler looks at many bytes at once.
    if !value.bytes().fold(true, |valid, byte| valid & is_cookie_octet(byte)) {
        let at = value.bytes().position(|byte| !is_cookie_octet(byte)).unwrap_or_default();
        return Err(SealError::NotCookieText { at });
    }
    let mut seal = [0; SEAL];
    seal[0] = FORMAT;
    seal[1..5].copy_from_slice(key.id().as_bytes());
    seal[5..HEADER].copy_from_slice(&times.to_bytes());
    let tag = tag(key, &seal[..HEADER], label, value.as_bytes());
    seal[HEADER..].copy_from_slice(tag.as_bytes());

    let mut text = String::with_capacity(SEAL_TEXT + 1 + value.len());
    URL_SAFE_NO_PAD.encode_append(seal, &mut text);
    text.push('.');
    text.push_str(value);
    Ok(text)
}

pub(super) fn verify<'a>(
    ring: &Keyring,
    label: Label<'_>,
    signed: &'a [u8],
    now: UnixTime,
) -> Result<Unsealed<&'a str>, UnsealError> {
    let (text, value) = signed.split_at_checked(SEAL_TEXT).ok_or(UnsealError::Invalid)?;
    let value = value.strip_prefix(b".").ok_or(UnsealError::Invalid)?;
    if value.len() > MAX_VALUE {
        return Err(UnsealError::Invalid);
    }
    let mut seal = [0; SEAL];
    URL_SAFE_NO_PAD.decode(text, Out::from_slice(&mut seal)).map_err(|_| UnsealError::Invalid)?;
    let [FORMAT, a, b, c, d, ..] = seal else {
        return Err(UnsealError::Invalid);
    };
    let (key, reseal) = key_of_seal(ring, [a, b, c, d])?;

    let (header, claimed) = seal.split_at(HEADER);
    // blake3::Hash compares in constant time.
    if tag(&key, header, label, value) != *claimed {
        return Err(UnsealError::Invalid);
    }
    let value = str::from_utf8(value).map_err(|_| UnsealError::Invalid)?;
    let times = header.last_chunk().copied().map(Times::from_bytes).ok_or(UnsealError::Invalid)?;
    times.check(now)?;
    Ok(Unsealed { value, expires: times.expires, reseal })
}

fn tag(key: &Key, header: &[u8], label: Label<'_>, value: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(key.subkey(Use::Sign));
    hasher.update(header);
    label.write(|bytes| {
        hasher.update(bytes);
    });
    hasher.update(value);
    hasher.finalize()
}

/// RFC 6265 section 4.1.1, cookie-octet.
fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}
