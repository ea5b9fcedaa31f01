//! A URL's host in canonical form.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Suffixes;

/// A host as browsers compare it: a name in lower-case A-labels (`xn--bcher-kva.example`), an IPv4
/// address in dotted decimal, or an IPv6 address in brackets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Host {
    text: Box<str>,
    kind: Kind,
    /// Where its registrable domain begins by the list of this build, which nearly every jar has:
    /// worked out once, asked for by every cookie with a Domain and every page of another host.
    registrable: Option<u32>,
}

impl Host {
    /// Reads a host the way the URL standard does: letters become lower-case, Unicode becomes
    /// A-labels, `0x7f.1` becomes `127.0.0.1`, `%65` becomes `e`. `None` if it is not a host.
    ///
    /// The work is linear in the text; names longer than 1024 bytes are refused before any of it.
    pub fn parse(text: &str) -> Option<Host> {
        if text.len() > MAX_HOST_BYTES {
            return None;
        }
        Some(Host::from_url(url::Host::parse(text).ok()?))
    }

    pub(super) fn from_url<S: AsRef<str>>(host: url::Host<S>) -> Host {
        match host {
            url::Host::Domain(name) => {
                let name = name.as_ref();
                let domain = Suffixes::BUILT_IN.registrable_domain(name);
                let registrable = domain.map(|domain| (name.len() - domain.len()) as u32);
                Host { text: name.into(), kind: Kind::Name, registrable }
            }
            url::Host::Ipv4(ip) => Host::ip(ip.to_string(), Kind::Ipv4(ip)),
            url::Host::Ipv6(ip) => Host::ip(format!("[{ip}]"), Kind::Ipv6(ip)),
        }
    }

    fn ip(text: String, kind: Kind) -> Host {
        Host { text: text.into(), kind, registrable: None }
    }

    /// [`Suffixes::registrable_domain`] of it.
    pub(super) fn registrable_domain(&self, suffixes: &Suffixes) -> Option<&str> {
        if suffixes.is_built_in() {
            self.registrable.map(|start| &self.text[start as usize..])
        } else {
            suffixes.registrable_domain(&self.text)
        }
    }

    /// The canonical text; an IPv6 address in brackets.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is an IP address, which has neither parents nor a registrable domain.
    pub fn is_ip(&self) -> bool {
        self.kind != Kind::Name
    }

    /// Whether it names this machine whatever the resolver says: `localhost`, `*.localhost`,
    /// 127.0.0.0/8 and `[::1]`.
    pub fn is_loopback(&self) -> bool {
        match self.kind {
            Kind::Ipv4(ip) => ip.is_loopback(),
            Kind::Ipv6(ip) => ip.is_loopback(),
            Kind::Name => {
                let name = self.text.strip_suffix('.').unwrap_or(&self.text);
                let parent = name.strip_suffix("localhost");
                parent.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Name,
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
}

/// Four times what the DNS allows; what is longer is no host, and IDNA need not look at it.
const MAX_HOST_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_form() {
        for (text, canonical, ip) in [
            ("Shop.Example", "shop.example", false),
            ("bücher.example", "xn--bcher-kva.example", false),
            ("example.com.", "example.com.", false),
            ("2130706433", "127.0.0.1", true),
            ("0x7f.1", "127.0.0.1", true),
            ("[0:0::1]", "[::1]", true),
            ("my_host.example", "my_host.example", false),
        ] {
            let host = Host::parse(text).expect(text);
            assert_eq!((host.as_str(), host.is_ip()), (canonical, ip), "{text}");
        }
        for text in ["", "a b", "::1", "[::1", "a/b", "1.2.3.400", &"a".repeat(2000)] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }

    #[test]
    fn loopback_is_by_name_and_by_address() {
        for text in ["localhost", "LOCALHOST.", "app.localhost", "127.9.0.1", "[::1]"] {
            assert!(Host::parse(text).expect(text).is_loopback(), "{text}");
        }
        for text in ["notlocalhost", "localhost.example", "128.0.0.1", "[::2]", "example"] {
            assert!(!Host::parse(text).expect(text).is_loopback(), "{text}");
        }
    }
}
