//! Why a client drops a cookie.

use core::fmt;

use super::attribute::{MAX_ATTRIBUTE_BYTES, SameSite};
use super::name::MAX_PAIR_BYTES;
use super::prefix::NamePrefix;

/// Why a client drops a cookie that a server sets, without telling the server. Never has a byte of
/// a value but the one that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ignored {
    /// A control character, other than TAB, anywhere in the line.
    ControlByte {
        /// The byte.
        byte: u8,
        /// Its position in the line, counted from 0 in bytes.
        position: usize,
    },
    /// A TAB within a name, a value or an attribute: Chromium.
    Tab {
        /// Its position in the line, counted from 0 in bytes.
        position: usize,
    },
    /// Neither a name nor a value.
    Empty,
    /// A value without a name, `=value`: Firefox.
    NamelessValue,
    /// A value without a name that has a `=` itself, `=a=b`: Chromium.
    NamelessEquals,
    /// A value without a name that starts like a name prefix.
    NamelessPrefix {
        /// The prefix.
        prefix: NamePrefix,
    },
    /// Name and value together have more than 4096 bytes.
    PairTooLong {
        /// The bytes that they have.
        length: usize,
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
    /// The Domain is no host name.
    DomainInvalid,
    /// The Domain is neither the host that sets the cookie nor a parent of it.
    DomainMismatch,
    /// The Domain is a public suffix such as `com` or `co.uk`.
    DomainPublicSuffix,
    /// A Secure cookie from a page that came over plain http.
    SecureFromPlainHttp,
    /// An HttpOnly cookie from a script.
    HttpOnlyFromScript,
    /// A script may not replace an HttpOnly cookie.
    OverwritesHttpOnly,
    /// A cookie from plain http that would stand beside or replace a Secure one of its name.
    OverlaysSecure,
    /// A cookie for same-site use, set on a request that another site started.
    CrossSite {
        /// What the cookie asks for.
        same_site: SameSite,
    },
    /// The domain has as many cookies as it may, all of them Secure, and this one is not: Firefox.
    NoRoom,
    /// The path has more bytes than [`Profile::longest_path`](super::Profile::longest_path).
    PathTooLong {
        /// The bytes that it has.
        length: usize,
        /// The bytes that it may have.
        most: usize,
    },
}

impl Ignored {
    /// Where in the line the wrong byte stands, counted from 0, if it is one byte.
    pub const fn position(&self) -> Option<usize> {
        match self {
            Ignored::ControlByte { position, .. } | Ignored::Tab { position } => Some(*position),
            _ => None,
        }
    }

    /// Where the rule stands: a section of 6265bis (draft-ietf-httpbis-rfc6265bis-22), another
    /// document, the browser that was seen to do it, or `hardtack` for a limit of its own.
    pub const fn section(&self) -> &'static str {
        match self {
            Ignored::ControlByte { .. } | Ignored::PairTooLong { .. } => "6265bis 5.6",
            Ignored::Tab { .. } | Ignored::NamelessEquals => "Chromium 156",
            Ignored::NamelessValue | Ignored::NoRoom => "Firefox 153",
            Ignored::PathTooLong { most, .. } if *most > MAX_ATTRIBUTE_BYTES => "hardtack",
            Ignored::PathTooLong { .. } => "Firefox 153",
            Ignored::PrefixRule { prefix: NamePrefix::Http | NamePrefix::HostHttp, .. } => {
                "layered-cookies-02"
            }
            Ignored::PartitionedNeedsSecure => "CHIPS",
            _ => "6265bis 5.7",
        }
    }

    /// What the server's author can do about it, as one sentence.
    pub const fn advice(&self) -> &'static str {
        match self {
            Ignored::ControlByte { .. } | Ignored::Tab { .. } => {
                "Take the byte out, or encode the value, for example as base64url."
            }
            Ignored::Empty => "Write a name and a value, as in `theme=dark`.",
            Ignored::NamelessValue | Ignored::NamelessEquals => {
                "Write a name before the `=`, as in `theme=dark`."
            }
            Ignored::NamelessPrefix { .. } => "Write the prefixed name before a `=` and a value.",
            Ignored::PairTooLong { .. } => {
                "Shorten the value; keep the data on the server and only its id in the cookie."
            }
            Ignored::PrefixRule { .. } => "Add what the prefix asks for, or change the name.",
            Ignored::SameSiteNoneNeedsSecure | Ignored::PartitionedNeedsSecure => "Add `Secure`.",
            Ignored::DomainInvalid => {
                "Leave Domain out, or write a host name, as in `Domain=example.com`."
            }
            Ignored::DomainMismatch => {
                "Leave Domain out, or name the host itself or a parent domain of it."
            }
            Ignored::DomainPublicSuffix => "Leave Domain out, or name a domain of your own.",
            Ignored::SecureFromPlainHttp => "Serve the page over https.",
            Ignored::HttpOnlyFromScript => "Set the cookie from the server, or without HttpOnly.",
            Ignored::OverwritesHttpOnly => "Change the cookie on the server.",
            Ignored::OverlaysSecure => "Set the cookie over https, or give it another name.",
            Ignored::CrossSite { .. } => {
                "Set the cookie on a request of your own site, or with `SameSite=None; Secure`."
            }
            Ignored::NoRoom => "Make the cookie Secure, and set fewer of them.",
            Ignored::PathTooLong { .. } => "Write a shorter Path, usually `Path=/`.",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ignored::ControlByte { byte, position } => {
                write!(f, "the line has the control character 0x{byte:02X} at position {position}")
            }
            Ignored::Tab { position } => write!(
                f,
                "the line has a TAB at position {position}, within a name, a value or an attribute"
            ),
            Ignored::Empty => f.write_str("the cookie has neither a name nor a value"),
            Ignored::NamelessValue => f.write_str("the cookie has a value but no name"),
            Ignored::NamelessEquals => {
                f.write_str("the cookie has no name, and its value has a `=`")
            }
            Ignored::NamelessPrefix { prefix } => write!(
                f,
                "the cookie has no name, and its value starts with {}, so that servers could read \
                 it as a name",
                prefix.as_str()
            ),
            Ignored::PairTooLong { length } => write!(
                f,
                "name and value have {length} bytes together, and clients keep at most \
                 {MAX_PAIR_BYTES}"
            ),
            Ignored::PrefixRule { prefix, needs } => {
                write!(f, "the name starts with {}, which needs {needs}", prefix.as_str())
            }
            Ignored::SameSiteNoneNeedsSecure => {
                f.write_str("the cookie has SameSite=None but is not Secure")
            }
            Ignored::PartitionedNeedsSecure => {
                f.write_str("the cookie is Partitioned but not Secure")
            }
            Ignored::DomainInvalid => f.write_str("the Domain is no host name"),
            Ignored::DomainMismatch => f.write_str(
                "the Domain is neither the host that sets the cookie nor a parent domain of it",
            ),
            Ignored::DomainPublicSuffix => f.write_str(
                "the Domain is a public suffix, under which anybody can register a name",
            ),
            Ignored::SecureFromPlainHttp => {
                f.write_str("the cookie is Secure, and the response came over plain http")
            }
            Ignored::HttpOnlyFromScript => {
                f.write_str("the cookie is HttpOnly, and a script sets it")
            }
            Ignored::OverwritesHttpOnly => {
                f.write_str("a script would replace a cookie that is HttpOnly")
            }
            Ignored::OverlaysSecure => f.write_str(
                "a Secure cookie of this name is there, and this one came over plain http",
            ),
            Ignored::CrossSite { same_site } => write!(
                f,
                "the cookie has SameSite={}, and another site started the request",
                same_site.as_str()
            ),
            Ignored::NoRoom => f.write_str(
                "the domain has as many cookies as it may, all of them Secure, and this one is not",
            ),
            Ignored::PathTooLong { length, most } => {
                write!(f, "the path has {length} bytes, and the client keeps at most {most}")
            }
        }
    }
}

impl core::error::Error for Ignored {}
