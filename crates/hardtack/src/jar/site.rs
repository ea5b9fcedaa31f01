//! What a site is: a scheme and a registrable domain.

use std::fmt;

use super::{Host, Suffixes, Target};

/// A site: whether its scheme is secure, and its registrable domain, or the host itself where
/// there is none (an IP address, `localhost`, a public suffix). Ports play no part.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    secure: bool,
    domain: Box<str>,
}

impl Site {
    /// The site that `target` belongs to.
    pub fn of(target: &Target, suffixes: &Suffixes) -> Site {
        let host = &target.host;
        let domain = host.registrable_domain(suffixes).unwrap_or(host.as_str());
        Site { secure: target.secure, domain: domain.into() }
    }

    /// Reads what [`Display`](fmt::Display) writes, `https://example.com`. The domain is taken as
    /// it is: whether it is registrable is a matter of the list at the time it was written.
    pub fn parse(text: &str) -> Option<Site> {
        let (scheme, domain) = text.split_once("://")?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = Host::parse(domain)?;
        Some(Site { secure, domain: host.as_str().into() })
    }

    /// Whether the scheme is secure.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The registrable domain, or the host.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.domain)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_scheme_and_registrable_domain() {
        for (url, site) in [
            ("https://a.b.example.co.uk:8443/x", "https://example.co.uk"),
            ("http://foo.github.io/", "http://foo.github.io"),
            ("wss://localhost/", "https://localhost"),
            ("http://127.0.0.1:81/", "http://127.0.0.1"),
            ("http://[::1]/", "http://[::1]"),
            ("https://a.example.com./", "https://example.com."),
        ] {
            let target = Target::parse(url).expect(url);
            let found = Site::of(&target, &Suffixes::BUILT_IN);
            assert_eq!(found.to_string(), site, "{url}");
            assert_eq!(Site::parse(site), Some(found), "{site}");
        }
    }
}
