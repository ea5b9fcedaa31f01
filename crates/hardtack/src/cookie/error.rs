//! Why a cookie was not built.

use core::fmt;

use super::prefix::NamePrefix;

/// Why a cookie was not built. Of a value, which may be secret, it tells one byte and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The name is empty.
    EmptyName,
    /// A byte that could end the part it stands in, or that servers and browsers read differently.
    ForbiddenByte {
        /// Where it stands.
        part: CookiePart,
        /// The byte.
        byte: u8,
        /// Its position in that part, counted from 0 in bytes.
        position: usize,
    },
    /// More bytes than a browser keeps.
    TooLong {
        /// What is too long.
        part: CookiePart,
        /// Its length in bytes.
        length: usize,
        /// The most bytes it may have.
        limit: usize,
    },
    /// The path does not start with `/`, so that browsers would put another one in its place.
    RelativePath,
    /// The domain has an empty label: it is empty, starts or ends with a dot, or has two in a row.
    EmptyDomainLabel {
        /// Where the label should stand, counted from 0 in bytes.
        position: usize,
    },
    /// The name's prefix asks for an attribute that the cookie does not have.
    PrefixRule {
        /// The prefix.
        prefix: NamePrefix,
        /// What it asks for: `Secure`, `HttpOnly`, `Path=/` or `no Domain`.
        needs: &'static str,
    },
    /// `SameSite=None` on a cookie that is not Secure.
    SameSiteNoneNeedsSecure,
    /// `Partitioned` on a cookie that is not Secure.
    PartitionedNeedsSecure,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::EmptyName => f.write_str("a cookie needs a name of at least one byte"),
            BuildError::ForbiddenByte { part, byte, position } => write!(
                f,
                "the {part} of the cookie has the byte 0x{byte:02X} at position {position}; {}",
                part.allowed()
            ),
            BuildError::TooLong { part, length, limit } => write!(
                f,
                "the {part} of a cookie can have at most {limit} bytes, so shorten it from {length}"
            ),
            BuildError::RelativePath => {
                f.write_str("the path of the cookie must start with a slash, as in /app")
            }
            BuildError::EmptyDomainLabel { position } => write!(
                f,
                "the domain of the cookie has an empty label at position {position}; write it \
                 without a dot at either end, as in example.com"
            ),
            BuildError::PrefixRule { prefix, needs } => write!(
                f,
                "browsers drop a cookie whose name starts with {} unless it has {needs}; change \
                 the attribute or the name",
                prefix.as_str()
            ),
            BuildError::SameSiteNoneNeedsSecure => f.write_str(
                "browsers drop a cookie with SameSite=None unless it is Secure; leave it Secure",
            ),
            BuildError::PartitionedNeedsSecure => f.write_str(
                "browsers drop a cookie with Partitioned unless it is Secure; leave it Secure",
            ),
        }
    }
}

impl std::error::Error for BuildError {}

/// A part of a cookie that has rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookiePart {
    /// The name.
    Name,
    /// The value.
    Value,
    /// Name and value together.
    Pair,
    /// The Path attribute.
    Path,
    /// The Domain attribute.
    Domain,
    /// One label of the Domain attribute: what stands between two dots.
    DomainLabel,
}

impl CookiePart {
    /// What such a part may be made of, and what to do with the rest.
    const fn allowed(self) -> &'static str {
        match self {
            CookiePart::Name => "a name takes ASCII letters, digits and !#$%&'*+-.^_`|~",
            CookiePart::Value | CookiePart::Pair => {
                "a value takes visible ASCII without quotes, commas, semicolons and backslashes, \
                 so encode anything else, for example as base64url"
            }
            CookiePart::Path => {
                "a path takes visible ASCII without quotes, commas, semicolons and backslashes, \
                 so percent-encode anything else, as it stands in the address"
            }
            CookiePart::Domain | CookiePart::DomainLabel => {
                "a domain takes ASCII letters, digits, hyphens, underscores and dots, so write \
                 an international name in its xn-- form"
            }
        }
    }
}

impl fmt::Display for CookiePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CookiePart::Name => "name",
            CookiePart::Value => "value",
            CookiePart::Pair => "name and value",
            CookiePart::Path => "path",
            CookiePart::Domain => "domain",
            CookiePart::DomainLabel => "domain label",
        })
    }
}
