//! Encrypted values, format version 1.
//!
//! ```text
//! base64url, without padding, of
//!   0   1  format, 0x01
//!   1   4  key id
//!   5  24  seed, random
//!  29   n  value                    \
//!       8  sealed at, milliseconds   | AES-256-GCM
//!       8  expires, milliseconds    /
//!      16  its tag
//! message key     = BLAKE3 keyed with the seal sub-key, of the seed
//! nonce           = 12 zero bytes
//! associated data = length and bytes of the purpose, of the name; bytes 0..29
//! ```

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64_simd::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

use super::Use;
use super::key::Key;
use super::keyring::Keyring;
use super::value::{
    Label, MAX_VALUE, SealError, Times, UnsealError, Unsealed, check_length, key_of_seal,
};
use crate::entropy;
use crate::time::UnixTime;

/// The first byte of an encrypted value. A signed one begins with another.
const FORMAT: u8 = 0x01;
const SEED: usize = 24;
const HEADER: usize = 1 + 4 + SEED;
const TAG: usize = 16;
const OVERHEAD: usize = HEADER + Times::BYTES + TAG;

pub(super) fn encrypt(
    key: &Key,
    label: Label<'_>,
    value: &[u8],
    times: Times,
) -> Result<String, SealError> {
    let mut seed = [0; SEED];
    entropy::fill(&mut seed).map_err(SealError::Entropy)?;
    encrypt_with_seed(key, label, value, times, &seed)
}

/// Label, header and plaintext lie behind one another in one buffer, so that
/// the associated data is one piece and the value is sealed where it lies.
pub(super) fn encrypt_with_seed(
    key: &Key,
    label: Label<'_>,
    value: &[u8],
    times: Times,
    seed: &[u8; SEED],
) -> Result<String, SealError> {
    check_length(value)?;
    let mut buffer = Vec::with_capacity(label.len() + value.len() + OVERHEAD);
    label.write(|bytes| buffer.extend_from_slice(bytes));
    buffer.push(FORMAT);
    buffer.extend_from_slice(key.id().as_bytes());
    buffer.extend_from_slice(seed);
    buffer.extend_from_slice(value);
    buffer.extend_from_slice(&times.to_bytes());

    let (associated, plaintext) = buffer.split_at_mut(label.len() + HEADER);
    let tag = message_key(key, seed)
        .and_then(|key| {
            key.seal_in_place_separate_tag(zero_nonce(), Aad::from(associated), plaintext).ok()
        })
        .ok_or(SealError::Cipher)?;
    buffer.extend_from_slice(tag.as_ref());
    Ok(URL_SAFE_NO_PAD.encode_to_string(&buffer[label.len()..]))
}

pub(super) fn open(
    ring: &Keyring,
    label: Label<'_>,
    sealed: &[u8],
    now: UnixTime,
) -> Result<Unsealed<Vec<u8>>, UnsealError> {
    if sealed.len() > URL_SAFE_NO_PAD.encoded_length(MAX_VALUE + OVERHEAD) {
        return Err(UnsealError::Invalid);
    }
    let mut buffer = Vec::with_capacity(label.len() + sealed.len());
    label.write(|bytes| buffer.extend_from_slice(bytes));
    URL_SAFE_NO_PAD.decode_append(sealed, &mut buffer).map_err(|_| UnsealError::Invalid)?;
    if buffer.len() < label.len() + OVERHEAD {
        return Err(UnsealError::Invalid);
    }

    let (associated, ciphertext) = buffer.split_at_mut(label.len() + HEADER);
    let header = &associated[label.len()..];
    let [FORMAT, a, b, c, d, ref seed @ ..] = *header else {
        return Err(UnsealError::Invalid);
    };
    let (key, reseal) = key_of_seal(ring, [a, b, c, d])?;
    let plaintext = message_key(&key, seed)
        .and_then(|key| key.open_in_place(zero_nonce(), Aad::from(associated), ciphertext).ok())
        .ok_or(UnsealError::Invalid)?;

    let Some((value, times)) = plaintext.split_last_chunk() else {
        return Err(UnsealError::Invalid);
    };
    let (length, times) = (value.len(), Times::from_bytes(*times));
    if let Err(error) = times.check(now) {
        buffer.zeroize();
        return Err(error);
    }
    buffer.drain(..label.len() + HEADER);
    buffer.truncate(length);
    Ok(Unsealed { value: buffer, expires: times.expires, reseal })
}

/// Nothing but this one message is ever sealed by this key.
fn message_key(key: &Key, seed: &[u8]) -> Option<LessSafeKey> {
    let bytes = Zeroizing::new(*blake3::keyed_hash(key.subkey(Use::Seal), seed).as_bytes());
    UnboundKey::new(&AES_256_GCM, bytes.as_ref()).map(LessSafeKey::new).ok()
}

fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
