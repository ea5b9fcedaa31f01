//! Cookies out of the databases of Chromium and Firefox.
//!
//! ```no_run
//! use hardtack::jar::Jar;
//! use hardtack_sqlite::browsers::firefox;
//!
//! let mut jar = Jar::default();
//! for imported in firefox::read("profile/cookies.sqlite")? {
//!     match imported.into_cookie() {
//!         Ok(cookie) => jar.restore(cookie),
//!         Err(error) => eprintln!("left out: {error}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The browser may be running: what is read is a copy of the database and of its log, so that nothing
//! in the profile is locked, written or made.
//!
//! A value that Chromium has encrypted is named as such ([`Value::Encrypted`]); its key is the
//! operating system's to give, and nothing is guessed.
//!
//! # What this does not protect
//!
//! * The copy lies in the folder for temporary files, for its owner only, while it is read. Firefox
//!   has its values in clear in it, as in the profile.
//! * A copy that is made while the browser writes may lack the latest changes, or be refused as
//!   damaged; read it again then.

pub mod chromium;
mod columns;
mod copy;
mod error;
pub mod firefox;
#[cfg(test)]
mod tests;

use std::fmt;

use hardtack::jar::{Cookie, CookieParts};

pub use error::{BrowserError, LeftOut};

/// A cookie as a browser had it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imported {
    /// All but the value, which is empty here.
    pub parts: CookieParts,
    /// The value.
    pub value: Value,
}

impl Imported {
    /// The cookie.
    ///
    /// # Errors
    ///
    /// [`LeftOut`] if its value is encrypted, or a jar cannot hold it.
    pub fn into_cookie(mut self) -> Result<Cookie, LeftOut> {
        let domain = self.parts.domain.clone();
        let name = String::from_utf8_lossy(&self.parts.name).into_owned();
        match self.value {
            Value::Clear(value) => {
                self.parts.value = value;
                Cookie::from_parts(self.parts).map_err(|source| LeftOut::Parts {
                    domain,
                    name,
                    source,
                })
            }
            Value::Encrypted(scheme) => Err(LeftOut::Encrypted { domain, name, scheme }),
        }
    }
}

/// A cookie's value in a browser's database.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// As it is.
    Clear(Vec<u8>),
    /// Encrypted.
    Encrypted(Scheme),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Clear(_) => f.write_str("Clear(..)"),
            Value::Encrypted(scheme) => write!(f, "Encrypted({scheme:?})"),
        }
    }
}

/// How Chromium has encrypted a value: what its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `v10`: a fixed key on Linux, one of the keychain or of DPAPI elsewhere.
    V10,
    /// `v11`: a key in the keyring of the Linux desktop.
    V11,
    /// `v20`: a key that is bound to the application (Windows).
    V20,
    /// Another, or DPAPI without a prefix.
    Unknown,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::V10 => "v10",
            Scheme::V11 => "v11",
            Scheme::V20 => "v20",
            Scheme::Unknown => "an unknown scheme",
        })
    }
}
