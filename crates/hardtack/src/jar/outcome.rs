//! What became of a cookie that a server set, and why a stored one is not sent.

use std::fmt;

use crate::cookie::{Ignored, SameSite};

/// What the jar did with a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It is new in the jar.
    Stored {
        /// How many others had to go because there were too many.
        evicted: usize,
    },
    /// It took the place of the one with the same name, domain and path.
    Replaced,
    /// It had expired when it came, and removed the one with the same name, domain and path.
    Removed,
    /// It had expired when it came, and there was none to remove.
    Expired,
    /// It was dropped.
    Ignored(Ignored),
}

impl Outcome {
    /// Whether the jar holds the cookie now.
    pub fn is_kept(self) -> bool {
        matches!(self, Outcome::Stored { .. } | Outcome::Replaced)
    }
}

/// Why a cookie that is in the jar does not go with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Withheld {
    /// The host is neither the cookie's domain nor below it.
    Domain,
    /// The host is below the cookie's domain, and the cookie is for that host only.
    HostOnly,
    /// The path does not lie below the cookie's.
    Path,
    /// The cookie is Secure and the connection is not.
    Secure,
    /// The cookie is HttpOnly and a script asks.
    HttpOnly,
    /// Another site started the request.
    SameSite {
        /// The rule that holds: the cookie's, or the client's default for one that names none.
        rule: SameSite,
        /// Whether it is the default.
        by_default: bool,
    },
    /// The cookie is kept for pages of another site, or outside of all partitions.
    Partition,
    /// Its time is over.
    Expired,
}

impl Withheld {
    /// Where the rule stands, as [`Ignored::section`].
    pub const fn section(self) -> &'static str {
        match self {
            Withheld::Domain | Withheld::HostOnly => "6265bis 5.1.3",
            Withheld::Path => "6265bis 5.1.4",
            Withheld::Partition => "CHIPS",
            _ => "6265bis 5.8.3",
        }
    }

    /// What the server's author can do about it, as one sentence.
    pub const fn advice(self) -> &'static str {
        match self {
            Withheld::Domain => "Set the cookie with a Domain that both hosts share.",
            Withheld::HostOnly => "Set the cookie with Domain, so that hosts below get it as well.",
            Withheld::Path => {
                "Set the cookie with a Path that covers the request, such as `Path=/`."
            }
            Withheld::Secure => "Ask over https.",
            Withheld::HttpOnly => "Leave it: the server reads it, scripts should not.",
            Withheld::SameSite { .. } => {
                "Set the cookie with `SameSite=None; Secure` if other sites are meant to send it."
            }
            Withheld::Partition => {
                "Leave it: a cookie in a partition belongs to the pages of one site."
            }
            Withheld::Expired => "Set the cookie again, with a later expiry.",
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Withheld::Domain => "the host is neither the cookie's domain nor below it",
            Withheld::HostOnly => {
                "the cookie belongs to one host, and the request goes to one below"
            }
            Withheld::Path => "the request's path does not lie below the cookie's",
            Withheld::Secure => "the cookie is Secure, and the request goes over plain http",
            Withheld::HttpOnly => "the cookie is HttpOnly, and a script asks",
            Withheld::SameSite { rule, by_default } => {
                let origin = if *by_default { "names no SameSite, which counts as" } else { "has" };
                return write!(
                    f,
                    "the cookie {origin} SameSite={}, and another site started the request",
                    rule.as_str()
                );
            }
            Withheld::Partition => "the cookie is kept in another partition",
            Withheld::Expired => "the cookie has expired",
        })
    }
}
