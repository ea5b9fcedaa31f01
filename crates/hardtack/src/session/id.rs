//! The session id that travels, and the locator that the store knows.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | format version |
//! | 1 | [`Kind`]: an anonymous id pasted into the signed-in cookie names nothing |
//! | 4 | id of the key that the tag was made with |
//! | 18 | locator: slot tag (2) and 128 random bits |
//! | 32 | secret |
//! | 16 | tag |
//!
//! 72 bytes, 96 characters of base64url; no bits are left over, so every id has
//! one spelling. One keyed BLAKE3 over everything before the tag and the [`Scope`]
//! gives the tag (a forged id costs no look-up) and the verifier (the store keeps
//! this and never the secret), 128 bits each; under another sub-key it gives the
//! key that the record's body is sealed with (whoever has the store alone reads
//! nothing).
//!
//! The locator is the store's key and the session's public handle. It stays
//! through renewal, and it is never a credential.
//!
//! # What this does not protect
//! Whoever holds a whole id holds the session until it ends or is renewed.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::record::Kind;
use crate::entropy::{self, EntropyError};
use crate::seal::{Key, KeyId, Keyring, Use};

/// Names a session towards the store, lists and logs. Not a credential.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locator([u8; Locator::LEN]);

impl Locator {
    /// Its length in bytes.
    pub const LEN: usize = 18;

    /// A fresh one: random, with the slot of `user` if there is one.
    pub(crate) fn random(user: Option<&[u8]>) -> Result<Self, EntropyError> {
        let mut bytes = [0; Self::LEN];
        entropy::fill(&mut bytes)?;
        if let Some(user) = user {
            bytes[..2].copy_from_slice(&slot(user));
        }
        Ok(Self(bytes))
    }

    /// From the bytes of one.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The slot tag: records, index and epoch of one user share it, so that on
    /// a cluster each verb stays within one slot.
    pub const fn slot(&self) -> [u8; 2] {
        [self.0[0], self.0[1]]
    }

    /// 64 of its random bits, evenly distributed: for hash tables and indexes.
    pub fn prefix(&self) -> u64 {
        let mut eight = [0; 8];
        eight.copy_from_slice(&self.0[2..10]);
        u64::from_be_bytes(eight)
    }

    /// The one in the text of a whole id, as cookies hold it; checks nothing of the rest, so
    /// anybody can write one. `None`: the text is none of an id.
    pub fn of_id(text: &str) -> Option<Self> {
        (text.len() == ID_CHARS).then_some(())?;
        Self::parse(text.get(LOCATOR_CHARS)?)
    }

    /// From its text, 24 characters of base64url.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LEN];
        (text.len() == 24).then_some(())?;
        let out = base64_simd::URL_SAFE_NO_PAD
            .decode(text.as_bytes(), base64_simd::Out::from_slice(&mut bytes));
        (out.ok()?.len() == Self::LEN).then_some(Self(bytes))
    }
}

/// The slot tag of a user. Not keyed: it must stay the same when keys are
/// rotated, and it tells somebody who can already name the user 16 bits.
pub(crate) fn slot(user: &[u8]) -> [u8; 2] {
    let mut hasher = blake3::Hasher::new_derive_key("hardtack v1 slot tag of a user");
    hasher.update(user);
    let out = hasher.finalize();
    [out.as_bytes()[0], out.as_bytes()[1]]
}

impl Hash for Locator {
    /// The bytes are random and cannot be chosen by a client (an id is checked
    /// by its tag first), so 64 of them are hash enough.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.prefix());
    }
}

/// For hash tables by locator: the prefix is the hash.
pub(crate) type LocatorHash = BuildHasherDefault<Prefix>;

#[derive(Default)]
pub(crate) struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, prefix: u64) {
        self.0 = prefix;
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64_simd::URL_SAFE_NO_PAD.encode_to_string(self.0))
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locator({self})")
    }
}

/// How many characters an id has.
pub(crate) const ID_CHARS: usize = 96;
/// Which of them are the locator's.
pub(crate) const LOCATOR_CHARS: std::ops::Range<usize> = 8..32;
const ID_BYTES: usize = 72;
const SECRET_AT: usize = 24;
const TAG_AT: usize = 56;
/// All before the tag, and the scope: one block of BLAKE3.
const HASHED: usize = TAG_AT + 8;
const VERSION: u8 = 1;

/// What ids are good for: the name that an engine was given. Of two layers over one
/// store and one keyring neither takes the other's ids, whoever puts them into
/// its cookie. Not part of the id; with it what is hashed is one block of BLAKE3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope([u8; 8]);

impl Scope {
    /// The scope of a name; all engines without one share theirs.
    pub(crate) fn of(name: Option<&str>) -> Self {
        let Some(name) = name else { return Self::default() };
        let mut hasher = blake3::Hasher::new_derive_key("hardtack v1 scope of a session id");
        hasher.update(name.as_bytes());
        let mut scope = [0; 8];
        hasher.finalize_xof().fill(&mut scope);
        Self(scope)
    }
}

/// What the store keeps of a secret.
pub(crate) type Verifier = [u8; 16];

/// A session id whose tag has been checked, or that was just made: the only way
/// to name a session. Holds a secret. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SessionId(Arc<Whole>);

struct Whole {
    bytes: [u8; ID_BYTES],
    verifier: Verifier,
    scope: Scope,
    key: Arc<Key>,
}

/// Why the text of a cookie names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoId {
    /// Not the shape of an id.
    Malformed,
    /// Made under a key that the ring does not hold (any more).
    UnknownKey,
    /// The right shape, a key of ours, and not made by us.
    Forged,
}

impl SessionId {
    /// A new id for `locator`, under the key that seals.
    pub(crate) fn issue(
        kind: Kind,
        locator: Locator,
        scope: Scope,
        key: Arc<Key>,
    ) -> Result<Self, EntropyError> {
        let mut secret = Zeroizing::new([0; 32]);
        entropy::fill(&mut *secret)?;
        Ok(Self::assemble(kind, locator, scope, key, &secret))
    }

    /// The id that follows this one at a renewal. Every node that knows the
    /// keys derives the same, so parallel requests get the same answer.
    pub(crate) fn successor(&self, nonce: &[u8; 16], key: Arc<Key>) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key.subkey(Use::Renewal));
        hasher.update(&self.0.bytes).update(nonce);
        let secret = Zeroizing::new(*hasher.finalize().as_bytes());
        Self::assemble(self.kind(), self.locator(), self.0.scope, key, &secret)
    }

    fn assemble(
        kind: Kind,
        locator: Locator,
        scope: Scope,
        key: Arc<Key>,
        secret: &[u8; 32],
    ) -> Self {
        let mut bytes = [0; ID_BYTES];
        bytes[0] = VERSION;
        bytes[1] = kind.code();
        bytes[2..6].copy_from_slice(key.id().as_bytes());
        bytes[6..SECRET_AT].copy_from_slice(locator.as_bytes());
        bytes[SECRET_AT..TAG_AT].copy_from_slice(secret);
        let verifier = write_tag(&mut bytes, scope, &key);
        Self(Arc::new(Whole { bytes, verifier, scope, key }))
    }

    /// Checks the text of a cookie of the kind `kind`.
    pub(crate) fn parse(
        text: &[u8],
        kind: Kind,
        scope: Scope,
        keys: &Keyring,
    ) -> Result<Self, NoId> {
        let mut bytes = [0; ID_BYTES];
        if text.len() != ID_CHARS {
            return Err(NoId::Malformed);
        }
        base64_simd::URL_SAFE_NO_PAD
            .decode(text, base64_simd::Out::from_slice(&mut bytes))
            .map_err(|_| NoId::Malformed)?;
        if bytes[0] != VERSION || bytes[1] != kind.code() {
            return Err(NoId::Malformed);
        }
        let key = keys.find(key_id(&bytes)).ok_or(NoId::UnknownKey)?;
        let claimed = tag(&bytes);
        let verifier = write_tag(&mut bytes, scope, &key);
        if bool::from(tag(&bytes).ct_eq(&claimed)) {
            Ok(Self(Arc::new(Whole { bytes, verifier, scope, key })))
        } else {
            Err(NoId::Forged)
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::from_code(self.0.bytes[1]).unwrap_or(Kind::Anonymous)
    }

    pub(crate) fn locator(&self) -> Locator {
        let mut bytes = [0; Locator::LEN];
        bytes.copy_from_slice(&self.0.bytes[6..SECRET_AT]);
        Locator(bytes)
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.0.key.id()
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The key that the record's body is sealed with.
    pub(crate) fn body_key(&self) -> Zeroizing<[u8; 32]> {
        let hash = blake3::keyed_hash(self.0.key.subkey(Use::SessionBody), &self.0.bytes[..TAG_AT]);
        Zeroizing::new(*hash.as_bytes())
    }

    /// Whether the two are one and the same, not only equal.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The last characters of the locator in the text: those from the 24th to the 32nd.
    pub(crate) fn locator_text(&self) -> [u8; 8] {
        let (mut text, last) = ([0; 8], &self.0.bytes[SECRET_AT - 6..SECRET_AT]);
        let _whole =
            base64_simd::URL_SAFE_NO_PAD.encode(last, base64_simd::Out::from_slice(&mut text));
        text
    }

    /// The text that goes into the cookie.
    pub(crate) fn text(&self) -> String {
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(self.0.bytes)
    }
}

fn key_id(bytes: &[u8; ID_BYTES]) -> KeyId {
    KeyId::from_bytes([bytes[2], bytes[3], bytes[4], bytes[5]])
}

/// As a number, because comparing one in constant time is a single step.
fn tag(bytes: &[u8; ID_BYTES]) -> u128 {
    let mut tag = [0; 16];
    tag.copy_from_slice(&bytes[TAG_AT..]);
    u128::from_le_bytes(tag)
}

/// The two halves of one keyed hash: what the client holds of it, which is put in its
/// place, and what the store holds, which is returned.
fn write_tag(bytes: &mut [u8; ID_BYTES], scope: Scope, key: &Key) -> Verifier {
    bytes[TAG_AT..HASHED].copy_from_slice(&scope.0);
    let hash = blake3::keyed_hash(key.subkey(Use::SessionId), &bytes[..HASHED]);
    let mut verifier = [0; 16];
    bytes[TAG_AT..].copy_from_slice(&hash.as_bytes()[..16]);
    verifier.copy_from_slice(&hash.as_bytes()[16..]);
    verifier
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.bytes[SECRET_AT..].zeroize();
    }
}
