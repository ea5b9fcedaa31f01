//! The attributes of a `Set-Cookie` header: their rules and how they are written.

use core::time::Duration;
use std::borrow::Cow;

use super::date::imf_fixdate;
use super::error::{BuildError, CookiePart};
use super::name::{check_bytes, check_length, check_name, is_cookie_octet};
use super::prefix::NamePrefix;
use crate::time::UnixTime;

/// The longest that browsers keep a cookie, 400 days (6265bis section 5.5). Longer lifetimes are
/// written as this one.
pub const MAX_LIFETIME: Duration = Duration::from_secs(34_560_000);

/// The most bytes of an attribute's value, 1024: browsers ignore the attribute beyond that and keep
/// the cookie (6265bis section 5.6), with another path or domain than was meant.
pub const MAX_ATTRIBUTE_BYTES: usize = 1024;

/// On which requests that other sites start a cookie is sent, 6265bis section 4.1.2.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// Never. A link from another site opens the page without this cookie.
    Strict,
    /// Only when the user goes to the page by a safe method: links, not forms, frames or scripts.
    Lax,
    /// On all of them. Needs Secure, and a defence of its own against cross-site request forgery.
    None,
}

impl SameSite {
    /// The word that stands for it after `SameSite=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

/// The attributes that clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttributeName {
    Domain,
    Path,
    MaxAge,
    Expires,
    Secure,
    HttpOnly,
    SameSite,
    Partitioned,
    Priority,
}

impl AttributeName {
    pub(super) const ALL: [AttributeName; 9] = [
        AttributeName::Domain,
        AttributeName::Path,
        AttributeName::MaxAge,
        AttributeName::Expires,
        AttributeName::Secure,
        AttributeName::HttpOnly,
        AttributeName::SameSite,
        AttributeName::Partitioned,
        AttributeName::Priority,
    ];

    /// In its usual casing.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            AttributeName::Domain => "Domain",
            AttributeName::Path => "Path",
            AttributeName::MaxAge => "Max-Age",
            AttributeName::Expires => "Expires",
            AttributeName::Secure => "Secure",
            AttributeName::HttpOnly => "HttpOnly",
            AttributeName::SameSite => "SameSite",
            AttributeName::Partitioned => "Partitioned",
            AttributeName::Priority => "Priority",
        }
    }

    /// In any casing. Nearly all servers use one of two, and a comparison with a constant costs
    /// next to nothing.
    #[inline]
    pub(super) fn named(name: &[u8]) -> Option<AttributeName> {
        Some(match name {
            b"Domain" | b"domain" => AttributeName::Domain,
            b"Path" | b"path" => AttributeName::Path,
            b"Max-Age" | b"max-age" => AttributeName::MaxAge,
            b"Expires" | b"expires" => AttributeName::Expires,
            b"Secure" | b"secure" => AttributeName::Secure,
            b"HttpOnly" | b"httponly" => AttributeName::HttpOnly,
            b"SameSite" | b"samesite" => AttributeName::SameSite,
            b"Partitioned" | b"partitioned" => AttributeName::Partitioned,
            _ => return AttributeName::named_unusually(name),
        })
    }

    fn named_unusually(name: &[u8]) -> Option<AttributeName> {
        let is = |known: &AttributeName| name.eq_ignore_ascii_case(known.as_str().as_bytes());
        AttributeName::ALL.into_iter().find(is)
    }

    /// Whether its value is a word at most.
    pub(super) fn is_flag(self) -> bool {
        matches!(
            self,
            AttributeName::Secure
                | AttributeName::HttpOnly
                | AttributeName::SameSite
                | AttributeName::Partitioned
        )
    }
}

/// Whether this is that word in any casing, quickest in the usual one that `word` has.
#[inline]
pub(super) fn is_word<const N: usize>(text: &[u8], word: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(text).is_ok_and(|text| text == word || text.eq_ignore_ascii_case(word))
}

/// What is fixed of a cookie: its name and everything but value and expiry. Not checked before
/// [`Attributes::check`], which every builder calls.
#[derive(Clone)]
pub(super) struct Attributes<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) domain: Option<Cow<'a, str>>,
    pub(super) path: Cow<'a, str>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) same_site: SameSite,
    pub(super) partitioned: bool,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(name: Cow<'a, str>) -> Attributes<'a> {
        Attributes {
            name,
            domain: None,
            path: Cow::Borrowed("/"),
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
            partitioned: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), BuildError> {
        check_name(&self.name)?;
        check_path(&self.path)?;
        if let Some(domain) = &self.domain {
            check_domain(domain)?;
        }
        if let Some(prefix) = NamePrefix::of(self.name.as_bytes()) {
            prefix.check(self)?;
        }
        // 6265bis section 5.7; for Partitioned, the CHIPS draft.
        if self.same_site == SameSite::None && !self.secure {
            return Err(BuildError::SameSiteNoneNeedsSecure);
        }
        if self.partitioned && !self.secure {
            return Err(BuildError::PartitionedNeedsSecure);
        }
        Ok(())
    }

    /// The attributes in the order in which they are written, each with its value.
    pub(super) fn pieces(&self) -> [&str; 9] {
        let (domain, domain_value) = match &self.domain {
            Some(domain) => ("; Domain=", domain.as_ref()),
            None => ("", ""),
        };
        [
            domain,
            domain_value,
            "; Path=",
            &self.path,
            if self.secure { "; Secure" } else { "" },
            if self.http_only { "; HttpOnly" } else { "" },
            "; SameSite=",
            self.same_site.as_str(),
            if self.partitioned { "; Partitioned" } else { "" },
        ]
    }

    pub(super) fn encoded_len(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    pub(super) fn write_to(&self, buffer: &mut Vec<u8>) {
        for piece in self.pieces() {
            buffer.extend_from_slice(piece.as_bytes());
        }
    }
}

/// When the browser is to forget a cookie. With neither it does so at the end of the browser
/// session; with both, Max-Age counts (6265bis section 4.1.2.2).
#[derive(Clone, Copy, Default)]
pub(super) struct Expiry {
    pub(super) expires: Option<UnixTime>,
    /// In seconds, at most [`MAX_LIFETIME`].
    pub(super) max_age: Option<u64>,
}

impl Expiry {
    /// Forgets at once, said twice so that a client which knows only Expires does so too.
    pub(super) const PAST: Expiry =
        Expiry { expires: Some(UnixTime::from_secs(0)), max_age: Some(0) };

    /// One end in both attributes, for the same reason.
    pub(super) fn after(lifetime: Duration, now: UnixTime) -> Expiry {
        let seconds = capped_seconds(lifetime);
        Expiry {
            expires: Some(UnixTime::from_millis(now.as_millis().saturating_add(seconds * 1000))),
            max_age: Some(seconds),
        }
    }

    pub(super) fn encoded_len(&self) -> usize {
        let expires = match self.expires {
            Some(_) => EXPIRES.len() + 29,
            None => 0,
        };
        let max_age = match self.max_age {
            Some(seconds) => MAX_AGE.len() + seconds.checked_ilog10().unwrap_or(0) as usize + 1,
            None => 0,
        };
        expires + max_age
    }

    pub(super) fn write_to(&self, buffer: &mut Vec<u8>) {
        if let Some(at) = self.expires {
            buffer.extend_from_slice(EXPIRES);
            buffer.extend_from_slice(&imf_fixdate(at));
        }
        if let Some(seconds) = self.max_age {
            buffer.extend_from_slice(MAX_AGE);
            write_decimal(buffer, seconds);
        }
    }
}

/// Whole seconds, rounded up (half a second must not become the 0 that deletes), at most
/// [`MAX_LIFETIME`].
pub(super) fn capped_seconds(lifetime: Duration) -> u64 {
    let lifetime = lifetime.min(MAX_LIFETIME);
    lifetime.as_secs() + u64::from(lifetime.subsec_nanos() > 0)
}

/// `path-value` of 6265bis section 4.1.1, narrowed to the bytes that everybody reads alike. Must
/// start with a slash: browsers put the path of the request in place of anything else (section
/// 5.6.4).
fn check_path(path: &str) -> Result<(), BuildError> {
    check_bytes(CookiePart::Path, path, is_cookie_octet)?;
    check_length(CookiePart::Path, path.len(), MAX_ATTRIBUTE_BYTES)?;
    if !path.starts_with('/') {
        return Err(BuildError::RelativePath);
    }
    Ok(())
}

/// A domain name in ASCII, RFC 1034 section 3.5 and the lengths of RFC 1035 section 2.3.4.
/// Underscores are in use, so they pass.
fn check_domain(domain: &str) -> Result<(), BuildError> {
    check_bytes(CookiePart::Domain, domain, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
    })?;
    check_length(CookiePart::Domain, domain.len(), 253)?;
    let mut position = 0;
    for label in domain.split('.') {
        if label.is_empty() {
            return Err(BuildError::EmptyDomainLabel { position });
        }
        check_length(CookiePart::DomainLabel, label.len(), 63)?;
        position += label.len() + 1;
    }
    Ok(())
}

fn write_decimal(buffer: &mut Vec<u8>, mut number: u64) {
    // 20 digits hold any u64.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    buffer.extend_from_slice(&digits[first..]);
}

const EXPIRES: &[u8] = b"; Expires=";
const MAX_AGE: &[u8] = b"; Max-Age=";
