//! A cookie taken apart, for keeping it elsewhere.

use std::fmt;

use super::{Host, Partition};
use crate::cookie::{Priority, SameSite};
use crate::time::UnixTime;

/// A cookie as plain fields, for storing it elsewhere and for making one that no `Set-Cookie` set.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieParts {
    /// The name; empty for a value without a name.
    pub name: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
    /// The host, canonical, without a leading dot.
    pub domain: String,
    /// Whether it goes to that host only.
    pub host_only: bool,
    /// The path, beginning with `/`.
    pub path: Vec<u8>,
    /// Whether it goes over secure connections only.
    pub secure: bool,
    /// Whether scripts do not see it.
    pub http_only: bool,
    /// Its SameSite attribute.
    pub same_site: Option<SameSite>,
    /// Chromium's Priority attribute.
    pub priority: Priority,
    /// The partition that it is kept in, if any.
    pub partition: Option<Partition>,
    /// When it was stored first.
    pub created: UnixTime,
    /// When it was last set or sent.
    pub last_access: UnixTime,
    /// When it ends; `None` for a session cookie.
    pub expires: Option<UnixTime>,
    /// Whether it was set over a secure connection.
    pub source_secure: bool,
}

impl CookieParts {
    /// A host-only session cookie for the path `/`, set at `now`, with no attribute.
    pub fn new(
        name: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
        domain: impl Into<String>,
        now: UnixTime,
    ) -> CookieParts {
        CookieParts {
            name: name.into(),
            value: value.into(),
            domain: domain.into(),
            host_only: true,
            path: b"/".to_vec(),
            secure: false,
            http_only: false,
            same_site: None,
            priority: Priority::Medium,
            partition: None,
            created: now,
            last_access: now,
            expires: None,
            source_secure: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), PartsError> {
        let clean = |bytes: &[u8]| {
            bytes.iter().all(|&byte| byte != b';' && (byte == b'\t' || !byte.is_ascii_control()))
        };
        if !clean(&self.name) || self.name.contains(&b'=') {
            return Err(PartsError::Name);
        }
        if !clean(&self.value) || (self.name.is_empty() && self.value.is_empty()) {
            return Err(PartsError::Value);
        }
        if !clean(&self.path) || self.path.first() != Some(&b'/') {
            return Err(PartsError::Path);
        }
        if self.name.len() + self.value.len() > MAX_PARTS_BYTES || self.path.len() > MAX_PARTS_BYTES
        {
            return Err(PartsError::TooLong);
        }
        match Host::parse(&self.domain) {
            Some(host) if host.as_str() == self.domain && (self.host_only || !host.is_ip()) => {
                Ok(())
            }
            _ => Err(PartsError::Domain),
        }
    }
}

impl fmt::Debug for CookieParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieParts(..)")
    }
}

/// Why parts are not a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartsError {
    /// The name has a `=`, a `;` or a control character.
    Name,
    /// The value has a `;` or a control character, or is empty like the name.
    Value,
    /// The path does not begin with `/`, or has a `;` or a control character.
    Path,
    /// The domain is not a canonical host name, or an IP address that is not host-only.
    Domain,
    /// Name and value, or the path, are longer than any client keeps.
    TooLong,
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartsError::Name => f.write_str(
                "the cookie's name has a `=`, a `;` or a control character; no Set-Cookie can set it",
            ),
            PartsError::Value => f.write_str(
                "the cookie's value has a `;` or a control character, or is empty like its name; \
                 no Set-Cookie can set it",
            ),
            PartsError::Path => f.write_str(
                "the cookie's path does not begin with `/`, or has a `;` or a control character",
            ),
            PartsError::Domain => f.write_str(
                "the cookie's domain is not a host name in lower-case A-labels without a leading \
                 dot, or it is an IP address and the cookie is not host-only",
            ),
            PartsError::TooLong => write!(
                f,
                "the cookie's name and value, or its path, have more than {MAX_PARTS_BYTES} bytes"
            ),
        }
    }
}

impl std::error::Error for PartsError {}

/// Far above every limit of a parser, far below what a length is kept in.
const MAX_PARTS_BYTES: usize = 1 << 20;
