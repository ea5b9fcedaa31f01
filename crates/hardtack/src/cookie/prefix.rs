//! Cookie name prefixes, 6265bis section 4.1.3: a promise in the name that the browser enforces.

use super::attribute::Attributes;
use super::error::BuildError;

/// A name prefix that browsers enforce. Any casing counts for setting a cookie
/// (6265bis section 5.7); a server looks names up byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamePrefix {
    /// `__Secure-`: the cookie is Secure.
    Secure,
    /// `__Host-`: Secure, `Path=/` and no Domain, so that no other host can have set it.
    Host,
    /// `__Http-`: Secure and HttpOnly, so that no script can have set it.
    Http,
    /// `__Host-Http-`: the rules of `__Host-` and of `__Http-`.
    HostHttp,
}

impl NamePrefix {
    /// The prefix of this cookie name, if it has one, in any casing.
    pub fn of(name: &[u8]) -> Option<NamePrefix> {
        // `__Host-Http-` starts with `__Host-`, so the longer one comes first.
        [NamePrefix::HostHttp, NamePrefix::Host, NamePrefix::Http, NamePrefix::Secure]
            .into_iter()
            .find(|prefix| {
                let text = prefix.as_str();
                name.get(..text.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
            })
    }

    /// The prefix in its usual casing, with the closing hyphen.
    pub const fn as_str(self) -> &'static str {
        match self {
            NamePrefix::Secure => "__Secure-",
            NamePrefix::Host => "__Host-",
            NamePrefix::Http => "__Http-",
            NamePrefix::HostHttp => "__Host-Http-",
        }
    }

    /// Whether such a cookie belongs to one host alone: `Path=/` and no Domain.
    pub const fn is_host_only(self) -> bool {
        matches!(self, NamePrefix::Host | NamePrefix::HostHttp)
    }

    /// Whether such a cookie must be HttpOnly.
    pub const fn is_http_only(self) -> bool {
        matches!(self, NamePrefix::Http | NamePrefix::HostHttp)
    }

    pub(super) fn check(self, attributes: &Attributes<'_>) -> Result<(), BuildError> {
        let broken = self.broken_rule(
            attributes.secure,
            attributes.http_only,
            attributes.path == "/",
            attributes.domain.is_none(),
        );
        match broken {
            Some(needs) => Err(BuildError::PrefixRule { prefix: self, needs }),
            None => Ok(()),
        }
    }

    /// The first thing that a cookie of this prefix needs and does not have.
    pub(crate) fn broken_rule(
        self,
        secure: bool,
        http_only: bool,
        root_path: bool,
        host_only: bool,
    ) -> Option<&'static str> {
        if !secure {
            Some("Secure")
        } else if self.is_http_only() && !http_only {
            Some("HttpOnly")
        } else if self.is_host_only() && !root_path {
            Some("Path=/")
        } else if self.is_host_only() && !host_only {
            Some("no Domain")
        } else {
            None
        }
    }
}
