//! A cookie jar written from draft-ietf-httpbis-rfc6265bis-22 as naively as its steps read: a list,
//! walked for everything. It shares no code with the jar that it is compared to.

use super::reference_date;

/// Where a request goes and how it came about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) secure: bool,
    /// Canonical.
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) same_site: bool,
    pub(crate) top_level: bool,
    pub(crate) safe_method: bool,
    pub(crate) script: bool,
}

#[derive(Clone)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    host_only: bool,
    path: Vec<u8>,
    secure: bool,
    http_only: bool,
    same_site: &'static str,
    created: usize,
    expires: Option<i64>,
}

#[derive(Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
    clock: usize,
}

impl Jar {
    /// Section 5.6, then 5.7. `suffixes` are the public ones; any other last label is one, too.
    pub(crate) fn set(&mut self, line: &[u8], request: Request<'_>, suffixes: &[&str], now: i64) {
        let _ = self.store(line, request, suffixes, now);
    }

    fn store(&mut self, line: &[u8], r: Request<'_>, suffixes: &[&str], now: i64) -> Option<()> {
        if line.iter().any(|&b| b < 9 || (9 < b && b < 32) || b == 127) {
            return None;
        }
        let mut parts = line.split(|&b| b == b';');
        let pair = parts.next()?;
        let (name, value) = match pair.iter().position(|&b| b == b'=') {
            Some(at) => (trim(&pair[..at]), trim(&pair[at + 1..])),
            None => (&b""[..], trim(pair)),
        };
        if name.len() + value.len() > 4096 || (name.is_empty() && value.is_empty()) {
            return None;
        }
        let mut domain = Vec::new();
        let mut path: &[u8] = b"";
        let mut names_path = false;
        let (mut expires, mut max_age) = (None, None);
        let (mut secure, mut http_only, mut same_site) = (false, false, "Default");
        for part in parts {
            let at = part.iter().position(|&b| b == b'=');
            let key = trim(&part[..at.unwrap_or(part.len())]).to_ascii_lowercase();
            let text = trim(at.map_or(&b""[..], |at| &part[at + 1..]));
            if text.len() > 1024 {
                continue;
            }
            match &key[..] {
                b"expires" => expires = reference_date::parse(text),
                b"max-age" => max_age = delta_seconds(text),
                b"domain" => domain = text.to_ascii_lowercase(),
                // By the letter an empty Path is one too; web-platform-tests want it refused.
                b"path" => (path, names_path) = (text, !text.is_empty()),
                b"secure" => secure = true,
                b"httponly" => http_only = true,
                b"samesite" => {
                    same_site = match &text.to_ascii_lowercase()[..] {
                        b"strict" => "Strict",
                        b"lax" => "Lax",
                        b"none" => "None",
                        _ => "Default",
                    }
                }
                _ => {}
            }
        }
        let expires = match max_age {
            Some(delta) if delta <= 0 => Some(i64::MIN),
            Some(delta) => Some(now + delta.min(400 * 86_400)),
            None => expires.map(|at| at.min(now + 400 * 86_400)),
        };

        let mut domain = String::from_utf8(domain).ok().filter(|text| text.is_ascii())?;
        // Browsers refuse a lone dot, the text of the draft would read it as no Domain.
        if domain == "." {
            return None;
        }
        domain = domain.strip_prefix('.').unwrap_or(&domain).to_owned();
        if is_public_suffix(&domain, suffixes) {
            if domain != r.host {
                return None;
            }
            domain.clear();
        }
        // By the letter a cookie with `Domain=10.0.0.1` would stand beside the one without. No browser
        // keeps two.
        if is_ip(r.host) && domain == r.host {
            domain.clear();
        }
        let host_only = domain.is_empty();
        if host_only {
            domain = r.host.to_owned();
        } else if !domain_matches(r.host, &domain) {
            return None;
        }
        let path = if path.starts_with(b"/") { path.to_vec() } else { default_path(r.path) };
        if secure && !r.secure || http_only && r.script {
            return None;
        }
        let overlays = |old: &Cookie| {
            old.secure
                && old.name == name
                && (domain_matches(&old.domain, &domain) || domain_matches(&domain, &old.domain))
                && path_matches(&path, &old.path)
        };
        if !secure && !r.secure && self.cookies.iter().any(|old| overlays(old) && alive(old, now)) {
            return None;
        }
        if same_site != "None" && !r.same_site && (r.script || !r.top_level) {
            return None;
        }
        if same_site == "None" && !secure {
            return None;
        }
        let text = if name.is_empty() { value } else { name };
        let is_prefixed = |prefix: &str| {
            text.len() >= prefix.len()
                && text[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
        };
        let kept = if is_prefixed("__Host-Http-") {
            secure && http_only && host_only && names_path && path == b"/"
        } else if is_prefixed("__Host-") {
            secure && host_only && names_path && path == b"/"
        } else if is_prefixed("__Http-") {
            secure && http_only
        } else {
            !is_prefixed("__Secure-") || secure
        };
        let prefixed = ["__Host-", "__Http-", "__Secure-"].iter().any(|prefix| is_prefixed(prefix));
        if !kept || (name.is_empty() && prefixed) {
            return None;
        }
        let mut cookie = Cookie {
            name: name.to_vec(),
            value: value.to_vec(),
            domain,
            host_only,
            path,
            secure,
            http_only,
            same_site,
            created: self.clock,
            expires,
        };
        self.clock += 1;
        let same = |old: &Cookie| {
            old.name == cookie.name
                && old.domain == cookie.domain
                && old.host_only == cookie.host_only
                && old.path == cookie.path
        };
        self.cookies.retain(|old| alive(old, now));
        if let Some(at) = self.cookies.iter().position(same) {
            if r.script && self.cookies[at].http_only {
                return None;
            }
            cookie.created = self.cookies.remove(at).created;
        }
        if alive(&cookie, now) {
            self.cookies.push(cookie);
        }
        Some(())
    }

    /// Section 5.8.3.
    pub(crate) fn header(&self, r: Request<'_>, now: i64) -> Vec<u8> {
        let sent = |c: &&Cookie| {
            let host =
                if c.host_only { r.host == c.domain } else { domain_matches(r.host, &c.domain) };
            let crossing = !r.script && r.top_level && r.safe_method;
            let site = match c.same_site {
                _ if r.same_site => true,
                "None" => true,
                "Strict" => false,
                _ => crossing,
            };
            host && site
                && alive(c, now)
                && path_matches(r.path.as_bytes(), &c.path)
                && (!c.secure || r.secure)
                && !(c.http_only && r.script)
        };
        let mut list: Vec<&Cookie> = self.cookies.iter().filter(sent).collect();
        list.sort_by_key(|c| (usize::MAX - c.path.len(), c.created));
        let pairs: Vec<Vec<u8>> = list
            .iter()
            .map(|c| {
                if c.name.is_empty() {
                    c.value.clone()
                } else {
                    [&c.name, &b"="[..], &c.value].concat()
                }
            })
            .collect();
        pairs.join(&b"; "[..])
    }
}

fn alive(cookie: &Cookie, now: i64) -> bool {
    cookie.expires.is_none_or(|at| at > now)
}

fn trim(text: &[u8]) -> &[u8] {
    let white = |b: &u8| *b == b' ' || *b == b'\t';
    let start = text.iter().position(|b| !white(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !white(b)).map_or(start, |at| at + 1);
    &text[start..end]
}

/// Section 5.6.2, clamped far beyond the cap so that it cannot overflow.
fn delta_seconds(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut delta = 0;
    for digit in digits {
        delta = (delta * 10 + i64::from(digit - b'0')).min(1 << 40);
    }
    Some(if text[0] == b'-' { -delta } else { delta })
}

fn is_public_suffix(domain: &str, suffixes: &[&str]) -> bool {
    !is_ip(domain) && !domain.is_empty() && (suffixes.contains(&domain) || !domain.contains('.'))
}

fn is_ip(host: &str) -> bool {
    host.starts_with('[') || host.split('.').all(|label| label.parse::<u8>().is_ok())
}

/// Section 5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain || (!is_ip(host) && host.ends_with(&format!(".{domain}")))
}

/// Section 5.1.4.
fn default_path(path: &str) -> Vec<u8> {
    match path.rfind('/') {
        Some(at) if at > 0 => path.as_bytes()[..at].to_vec(),
        _ => b"/".to_vec(),
    }
}

/// Section 5.1.4.
fn path_matches(path: &[u8], cookie: &[u8]) -> bool {
    path == cookie
        || path.starts_with(cookie) && (cookie.ends_with(b"/") || path[cookie.len()] == b'/')
}
