//! Keys, and values that only their holders can make or read.
//!
//! A [`Keyring`] holds the keys of an installation: the first seals, all open,
//! and they rotate without a logout. A [`Sealer`] encrypts or signs the values
//! of one purpose. [`StateCookie`] carries an OAuth sign-in through a cross-site
//! callback.
//!
//! A sealed value is bound to its purpose and name, carries its own expiry, and
//! names the format and the key that it was made with. It opens in exactly one
//! way: what fails to open as encrypted is never tried as signed, as plain
//! text, in another format or with another key. All failures are for the client
//! the same, [`UnsealError`] tells logs the difference.
//!
//! # Why no nonce repeats
//! AES-GCM loses its secrecy and its authenticity when one key seals two
//! messages under one nonce. Nonces of 96 random bits meet each other by chance
//! with probability q²/2⁹⁷ after q messages, which is why NIST SP 800-38D
//! section 8.3 ends the life of a key at 2³² messages: five days at 10,000 a
//! second, counted over all processes that share it.
//!
//! Here every message has a key of its own, which keyed BLAKE3 makes from 192
//! random bits that travel with it, and the nonce is fixed. A pair of key and
//! nonce repeats only when those bits do, or when BLAKE3 gives one of its 2²⁵⁶
//! outputs twice: q²/2¹⁹³ + q²/2²⁵⁷. After 2⁶⁴ messages, a million a second for
//! half a million years, that is 2⁻⁶⁵. Nothing has to be counted, and no key
//! has to be replaced because it was used much. A message key seals at most
//! [`MAX_VALUE`] and 16 bytes, about 2¹² blocks, once.
//!
//! # What this does not protect
//! - Against replay. An old value opens until it expires, on any machine that it
//!   was copied to. What must be taken back before, or counts something, belongs
//!   on the server. Put the user or session into the value (or the name) if it
//!   is not good for everybody.
//! - Against deletion: a browser can always send nothing.
//! - The length of a value, nor that it changed, nor its key's id.
//! - A signed value's content: it is readable by everybody who has the cookie.
//! - Values that were opened: from there on they are the caller's, and are not
//!   zeroized.
//! - Anything from who has the key: it opens and makes all values of all
//!   purposes, also those made before. Copies of keys on the stack and in swapped
//!   or dumped memory are not wiped.
//! - Two messages sealed by copies of one resumed memory snapshot (a virtual
//!   machine started twice from it) may share their random bits.

mod encrypt;
mod error;
mod file;
mod key;
mod keyring;
mod sealer;
mod sign;
mod state;
#[cfg(test)]
mod tests;
mod value;

pub use error::{KeyringError, RotationError};
pub(crate) use key::Use;
pub use key::{Key, KeyError, KeyId};
pub use keyring::{KeyUsage, Keyring};
pub use sealer::Sealer;
pub use state::{BegunSignIn, StateCookie};
pub use value::{MAX_VALUE, SealError, UnsealError, Unsealed};
