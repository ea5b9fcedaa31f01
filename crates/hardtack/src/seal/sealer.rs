//! The paved path to sealed and signed values.

use std::fmt;

use super::keyring::Keyring;
use super::value::{Label, SealError, Times, UnsealError, Unsealed};
use super::{encrypt, sign};
use crate::time::UnixTime;

/// Seals and opens the values of one purpose.
///
/// A value is bound to the purpose and to its name (that of the cookie it
/// travels in): under any other it is [`UnsealError::Invalid`], so nobody can
/// move a value from one cookie to another. Two applications that share keys
/// put their own names into their purposes.
///
/// ```
/// use std::time::Duration;
///
/// use hardtack::seal::{Key, Keyring, Sealer, UnsealError};
/// use hardtack::time::UnixTime;
///
/// let ring = Keyring::new(Key::generate()?);
/// let addresses = Sealer::new(&ring, "shop delivery address");
///
/// let now = UnixTime::from_secs(1_800_000_000);
/// let tomorrow = now.saturating_add(Duration::from_secs(86_400));
/// let cookie = addresses.encrypt("address", b"12 Quay Road", tomorrow, now)?;
///
/// let opened = addresses.open("address", Some(cookie.as_bytes()), now)?;
/// assert_eq!(opened.value, b"12 Quay Road");
/// let expired = addresses.open("address", Some(cookie.as_bytes()), tomorrow);
/// assert_eq!(expired, Err(UnsealError::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sealer {
    ring: Keyring,
    purpose: Box<str>,
}

impl Sealer {
    /// Seals for this purpose, with the keys of this ring.
    pub fn new(ring: &Keyring, purpose: &str) -> Sealer {
        Sealer { ring: ring.clone(), purpose: purpose.into() }
    }

    /// Encrypts a value until `expires`. The result is base64url text, about
    /// 82 bytes and a third longer than the value.
    ///
    /// # Errors
    /// [`SealError`] for a value longer than [`MAX_VALUE`](super::MAX_VALUE), an
    /// expiry that is not after `now`, or no randomness.
    pub fn encrypt(
        &self,
        name: &str,
        value: &[u8],
        expires: UnixTime,
        now: UnixTime,
    ) -> Result<String, SealError> {
        let times = Times::new(expires, now)?;
        encrypt::encrypt(&self.ring.sealing(), self.label(name), value, times)
    }

    /// Opens what [`encrypt`](Sealer::encrypt) made under this name. `None`
    /// says that nothing came.
    ///
    /// # Errors
    /// [`UnsealError`], of which the client must not learn the reason.
    pub fn open(
        &self,
        name: &str,
        sealed: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Unsealed<Vec<u8>>, UnsealError> {
        let sealed = sealed.ok_or(UnsealError::Missing)?;
        encrypt::open(&self.ring, self.label(name), sealed, now)
    }

    /// Signs a value until `expires`: 72 bytes of seal, then the value as it
    /// is. Anybody can read it, nobody else can make or change it.
    ///
    /// # Errors
    /// [`SealError`] for a value longer than [`MAX_VALUE`](super::MAX_VALUE) or
    /// with a byte that a cookie's value may not have (RFC 6265 section 4.1.1),
    /// or an expiry that is not after `now`.
    pub fn sign(
        &self,
        name: &str,
        value: &str,
        expires: UnixTime,
        now: UnixTime,
    ) -> Result<String, SealError> {
        let times = Times::new(expires, now)?;
        sign::sign(&self.ring.sealing(), self.label(name), value, times)
    }

    /// Checks what [`sign`](Sealer::sign) made under this name, and gives the
    /// value in it. `None` says that nothing came.
    ///
    /// # Errors
    /// [`UnsealError`], of which the client must not learn the reason.
    pub fn verify<'a>(
        &self,
        name: &str,
        signed: Option<&'a [u8]>,
        now: UnixTime,
    ) -> Result<Unsealed<&'a str>, UnsealError> {
        let signed = signed.ok_or(UnsealError::Missing)?;
        sign::verify(&self.ring, self.label(name), signed, now)
    }

    fn label<'a>(&'a self, name: &'a str) -> Label<'a> {
        Label { purpose: &self.purpose, name }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}
