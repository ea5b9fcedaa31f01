//! The URL of a request, as far as cookies care.

use std::fmt;

use super::Host;

/// The URL of a request or of a page: whether it is secure, its host and its path.
///
/// Parsed once, it serves any number of look-ups. Query and fragment play no part in cookies and
/// are not kept; the port is, for whoever shows it, and plays no part either.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub(super) secure: bool,
    pub(super) host: Host,
    port: u16,
    pub(super) path: Box<str>,
}

impl Target {
    /// Reads an absolute `http`, `https`, `ws` or `wss` URL as the URL standard does, so with the
    /// same canonical host and path that a browser would send.
    ///
    /// # Errors
    ///
    /// Anything else, a host name of more than 1024 bytes, and a URL of more than 2 MiB (Chromium's
    /// limit).
    pub fn parse(url: &str) -> Result<Target, TargetError> {
        if url.len() > MAX_URL_BYTES {
            return Err(TargetError::TooLong { length: url.len() });
        }
        let parsed = url::Url::parse(url).map_err(|_| TargetError::NotAUrl)?;
        let secure = match parsed.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(TargetError::OtherScheme),
        };
        let host = parsed.host().ok_or(TargetError::NotAUrl)?;
        Ok(Target {
            secure,
            host: Host::from_url(&host).ok_or(TargetError::HostTooLong)?,
            port: parsed.port().unwrap_or(if secure { 443 } else { 80 }),
            path: parsed.path().into(),
        })
    }

    /// From the absolute URI of a request.
    ///
    /// # Errors
    ///
    /// As [`Target::parse`]; a URI without scheme and authority is not a URL.
    pub fn from_uri(uri: &http::Uri) -> Result<Target, TargetError> {
        Target::parse(&uri.to_string())
    }

    /// Whether the scheme is `https` or `wss`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether `Secure` cookies may go there: a secure scheme, or this very machine
    /// ([`Host::is_loopback`]), as measured in Chromium 156 and Firefox 153.
    pub fn is_trustworthy(&self) -> bool {
        self.secure || self.host.is_loopback()
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, the scheme's own if the URL named none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path in the URL standard's form: never empty, `..` resolved.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path that a cookie without a `Path` attribute gets (6265bis section 5.1.4).
    pub fn default_path(&self) -> &str {
        match self.path.rfind('/') {
            None | Some(0) => "/",
            Some(end) => &self.path[..end],
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.secure { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != default {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// Why a text is not a [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// It is not an absolute URL with a host.
    NotAUrl,
    /// Its scheme is none of `http`, `https`, `ws`, `wss`.
    OtherScheme,
    /// Its host name has more than 1024 bytes, four times what the DNS allows.
    HostTooLong,
    /// It has this many bytes.
    #[non_exhaustive]
    TooLong {
        /// Bytes of the text.
        length: usize,
    },
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::NotAUrl => f.write_str(
                "the text is not an absolute URL with a host; write it like https://example.com/path",
            ),
            TargetError::OtherScheme => f.write_str(
                "the URL's scheme is not http, https, ws or wss; cookies exist for these only",
            ),
            TargetError::HostTooLong => f.write_str(
                "the URL's host name has more than 1024 bytes; the DNS allows 253",
            ),
            TargetError::TooLong { length } => write!(
                f,
                "the URL has {length} bytes, more than the {MAX_URL_BYTES} that browsers take; shorten it"
            ),
        }
    }
}

impl std::error::Error for TargetError {}

const MAX_URL_BYTES: usize = 2 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_what_a_browser_would_send() {
        for (url, shown, default_path, trustworthy) in [
            ("HTTPS://Example.com", "https://example.com/", "/", true),
            ("https://example.com:443/a/../b?c#d", "https://example.com/b", "/", true),
            ("http://example.com:8080/a/b/", "http://example.com:8080/a/b/", "/a/b", false),
            ("wss://example.com/chat/x", "https://example.com/chat/x", "/chat", true),
            ("ws://app.localhost/x", "http://app.localhost/x", "/", true),
            ("http://[0::1]:80/é", "http://[::1]/%C3%A9", "/", true),
            ("https://example.com/a%2Fb/c;d", "https://example.com/a%2Fb/c;d", "/a%2Fb", true),
            ("https://example.com//", "https://example.com//", "/", true),
        ] {
            let target = Target::parse(url).expect(url);
            let found = (target.to_string(), target.default_path(), target.is_trustworthy());
            assert_eq!(found, (shown.to_owned(), default_path, trustworthy), "{url}");
        }
        for (url, error) in [
            ("/path", TargetError::NotAUrl),
            ("https://", TargetError::NotAUrl),
            ("ftp://example.com/", TargetError::OtherScheme),
            ("data:text/html,x", TargetError::OtherScheme),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
        // Each label costs a look-up that reads all that follow it.
        let labels = format!("https://{}example/", "a.".repeat(100_000));
        assert_eq!(Target::parse(&labels), Err(TargetError::HostTooLong));
    }
}
