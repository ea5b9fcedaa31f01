//! One key: its material, its id, and the sub-keys drawn from it.

use std::fmt;

use zeroize::Zeroizing;

use crate::entropy::{self, EntropyError};

/// The secret that ids, seals and signatures are made with.
///
/// Nothing uses the material itself. Each use has a sub-key of its own, drawn
/// from it once by BLAKE3's `derive_key` under a context string that occurs
/// nowhere else, so that what one use reveals says nothing to another.
///
/// Material and sub-keys are zeroized when the key is dropped, and `Debug`
/// prints the type's name only.
pub struct Key {
    id: KeyId,
    material: Zeroizing<Vec<u8>>,
    subkeys: Zeroizing<[[u8; 32]; USES.len()]>,
}

impl Key {
    /// The least material a key may have, in bytes.
    pub const MIN_BYTES: usize = 32;
    /// The most material a key may have, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// A new key of 32 random bytes from the operating system.
    ///
    /// # Errors
    /// [`KeyError::Entropy`] when the operating system gives no randomness.
    pub fn generate() -> Result<Key, KeyError> {
        let mut material = Zeroizing::new([0; Key::MIN_BYTES]);
        entropy::fill(material.as_mut()).map_err(KeyError::Entropy)?;
        Key::from_bytes(material.as_ref())
    }

    /// The key made of these bytes, which must come from a random generator: a
    /// password is not a key.
    ///
    /// # Errors
    /// [`KeyError::Length`] below [`MIN_BYTES`](Key::MIN_BYTES) or above
    /// [`MAX_BYTES`](Key::MAX_BYTES), [`KeyError::Weak`] for bytes that no
    /// random generator gives.
    pub fn from_bytes(material: &[u8]) -> Result<Key, KeyError> {
        if !(Key::MIN_BYTES..=Key::MAX_BYTES).contains(&material.len()) {
            return Err(KeyError::Length { bytes: material.len() });
        }
        if is_weak(material) {
            return Err(KeyError::Weak);
        }
        let mut subkeys = Zeroizing::new([[0; 32]; USES.len()]);
        for (subkey, (_, context)) in subkeys.iter_mut().zip(USES) {
            *subkey = blake3::derive_key(context, material);
        }
        Ok(Key { id: KeyId::of(material), material: Zeroizing::new(material.to_vec()), subkeys })
    }

    /// The key written as text: an even number of hexadecimal digits, or
    /// base64url without padding. White space around it does not count.
    ///
    /// Text that could be either is hexadecimal; a random key in base64url is
    /// not, but for one in 10^19.
    ///
    /// # Errors
    /// [`KeyError::Text`] for anything else, and those of
    /// [`from_bytes`](Key::from_bytes).
    pub fn parse(text: &str) -> Result<Key, KeyError> {
        let text = text.trim_ascii().as_bytes();
        if text.len() > 2 * Key::MAX_BYTES {
            return Err(KeyError::Text);
        }
        let mut material = Zeroizing::new(Vec::with_capacity(text.len()));
        if text.len().is_multiple_of(2) && text.iter().all(u8::is_ascii_hexdigit) {
            material
                .extend(text.chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])));
        } else {
            base64_simd::URL_SAFE_NO_PAD
                .decode_append(text, &mut *material)
                .map_err(|_| KeyError::Text)?;
        }
        Key::from_bytes(&material)
    }

    /// The public name of this key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The 256-bit key for one use.
    pub(crate) fn subkey(&self, of: Use) -> &[u8; 32] {
        &self.subkeys[of as usize]
    }

    /// The material as [`parse`](Key::parse) reads it, for the key file.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base64_simd::URL_SAFE_NO_PAD.encode_to_string(self.material.as_slice()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// What a sub-key is for. Each variant's place is its sub-key's place in the
/// key; a test holds that [`USES`] has them in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The tag and the verifier of a session id.
    SessionId,
    /// The key that a session's body is sealed with.
    SessionBody,
    /// The next secret of a session that is being renewed.
    Renewal,
    /// Encrypted values.
    Seal,
    /// Signed values.
    Sign,
    /// Tokens against cross-site request forgery.
    Csrf,
}

/// The context strings are part of every format: changing one makes all that
/// was issued before unreadable.
const USES: [(Use, &str); 6] = [
    (Use::SessionId, "hardtack 2026-11-22 session id v1"),
    (Use::SessionBody, "hardtack 2026-11-22 session body v1"),
    (Use::Renewal, "hardtack 2026-11-22 session renewal v1"),
    (Use::Seal, "hardtack 2026-11-22 sealed value v1"),
    (Use::Sign, "hardtack 2026-11-22 signed value v1"),
    (Use::Csrf, "hardtack 2026-11-22 csrf token v1"),
];

const KEY_ID_CONTEXT: &str = "hardtack 2026-11-22 key id v1";

/// The public name of a key: 4 bytes drawn from its material, shown as 8
/// hexadecimal digits.
///
/// It says which key made an id or a seal, so that nothing is tried key by
/// key. It tells nothing about the key and is no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 4]) -> KeyId {
        KeyId(bytes)
    }

    /// The bytes, as ids and seals carry them.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    fn of(material: &[u8]) -> KeyId {
        let [a, b, c, d, ..] = blake3::derive_key(KEY_ID_CONTEXT, material);
        KeyId([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why something is not a key. No message repeats what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Too little or too much material.
    Length {
        /// How many bytes there were.
        bytes: usize,
    },
    /// Material that no random generator gives.
    Weak,
    /// Text that is neither hexadecimal nor base64url.
    Text,
    /// No randomness to make a key of.
    Entropy(EntropyError),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAKE: &str = "make one with `openssl rand -hex 32`";
        match self {
            KeyError::Length { bytes } => write!(
                f,
                "the key has {bytes} bytes, and must have {} to {}; {MAKE}",
                Key::MIN_BYTES,
                Key::MAX_BYTES
            ),
            KeyError::Weak => write!(
                f,
                "the key is a pattern (fewer than {WEAK_DISTINCT} different bytes, or a sequence) and not random; {MAKE}"
            ),
            KeyError::Text => write!(
                f,
                "the key is neither hexadecimal (an even number of digits) nor base64url without padding; {MAKE}"
            ),
            KeyError::Entropy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyError::Entropy(error) => Some(error),
            _ => None,
        }
    }
}

/// 32 random bytes have fewer different values than this once in 10^25 keys.
const WEAK_DISTINCT: usize = 12;

fn is_weak(material: &[u8]) -> bool {
    let mut seen = [false; 256];
    material.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&seen| seen).count();

    let step = material[1].wrapping_sub(material[0]);
    let is_sequence = material.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);

    distinct < WEAK_DISTINCT || is_sequence
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 bytes that are neither random nor a pattern.
    const MATERIAL: &[u8; 32] = b"not random, but for tests only..";

    #[test]
    fn material_too_short_too_long_or_patterned_is_refused() {
        let counting: Vec<u8> = (0..=255).collect();
        let steps_of_seven: Vec<u8> = (0..64u8).map(|i| i.wrapping_mul(7)).collect();
        for (material, want) in [
            (vec![], KeyError::Length { bytes: 0 }),
            (MATERIAL[..31].to_vec(), KeyError::Length { bytes: 31 }),
            (MATERIAL.repeat(33), KeyError::Length { bytes: 1056 }),
            (vec![0; 32], KeyError::Weak),
            (vec![b'x'; 64], KeyError::Weak),
            (b"passwordpassword".repeat(4), KeyError::Weak),
            (counting, KeyError::Weak),
            (steps_of_seven, KeyError::Weak),
        ] {
            assert_eq!(Key::from_bytes(&material).unwrap_err(), want);
        }
        for length in [32, 1024] {
            assert!(Key::from_bytes(&MATERIAL.repeat(32)[..length]).is_ok());
        }
    }

    #[test]
    fn text_is_read_as_hexadecimal_or_base64url_and_nothing_else() {
        let key = Key::from_bytes(MATERIAL).unwrap();
        let hex: String = MATERIAL.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [&*key.to_text(), &hex, &hex.to_uppercase(), &format!("  {hex}\r\n")] {
            assert_eq!(*Key::parse(text).unwrap().material, MATERIAL);
        }
        let base64 = key.to_text();
        for text in
            [&format!("{}=", *base64), &format!("{}!", *base64), &hex.repeat(40), "schlüssel"]
        {
            assert_eq!(Key::parse(text).unwrap_err(), KeyError::Text);
        }
        assert_eq!(Key::parse("").unwrap_err(), KeyError::Length { bytes: 0 });
        assert_eq!(Key::parse(&hex[..62]).unwrap_err(), KeyError::Length { bytes: 31 });
    }

    #[test]
    fn generated_keys_pass_their_own_rules_and_differ() {
        let ids: std::collections::HashSet<_> =
            (0..100).map(|_| Key::generate().unwrap().to_text().to_string()).collect();
        assert_eq!(ids.len(), 100);
    }

    #[test]
    fn every_use_has_its_own_subkey_at_its_own_place() {
        let key = Key::from_bytes(MATERIAL).unwrap();
        let mut seen = std::collections::HashSet::new();
        for (place, (of, context)) in USES.into_iter().enumerate() {
            assert_eq!(of as usize, place);
            assert_eq!(*key.subkey(of), blake3::derive_key(context, MATERIAL));
            assert!(seen.insert(*key.subkey(of)));
        }
    }

    /// Ids and contexts are part of the formats: this may never change.
    #[test]
    fn the_id_of_a_key_is_fixed() {
        assert_eq!(Key::from_bytes(MATERIAL).unwrap().id().to_string(), "0cb4495c");
    }

    #[test]
    fn debug_shows_the_type_name_only() {
        let key = Key::generate().unwrap();
        assert_eq!(format!("{key:?} {key:#?}"), "Key Key");
    }
}
