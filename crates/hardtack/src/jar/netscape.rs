//! A jar as `cookies.txt`, which curl, wget, yt-dlp, Python and browser extensions read and write.
//!
//! ```
//! use hardtack::jar::netscape;
//! use hardtack::time::UnixTime;
//!
//! let now = UnixTime::from_secs(1_800_000_000);
//! let text = b"# Netscape HTTP Cookie File\n\
//!     #HttpOnly_.shop.example\tTRUE\t/\tTRUE\t1900000000\tsid\t31d4d96e\n";
//! let cookies = netscape::read(&text[..], now)?;
//! assert!(cookies[0].http_only() && cookies[0].secure() && !cookies[0].host_only());
//! let mut written = Vec::new();
//! netscape::write(&cookies, &mut written)?;
//! assert!(written.ends_with(b"1900000000\tsid\t31d4d96e\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! A cookie is a line of seven fields with a TAB between them: domain, whether hosts below get it
//! too, path, whether it is Secure, when it ends in seconds since 1970 (0 for a session cookie), name,
//! value. Other lines that begin with `#`, and empty ones, are comments; `#HttpOnly_` in front of a
//! domain is not a comment. The first line says `# Netscape HTTP Cookie File`, without which Python
//! and yt-dlp refuse the file; on reading it is not asked for.
//!
//! | who | what they write otherwise, which is read here |
//! | --- | --- |
//! | curl | IPv6 addresses without brackets |
//! | wget | `# HTTP Cookie File`; `host:port` as the domain, the port is dropped as cookies have none |
//! | Python, yt-dlp | an empty expiry for session cookies; an empty name for a value without one |
//! | extensions | expiries with a fraction, `true` and `false` in small letters, CRLF |
//! | editors | no TAB at the end of a line whose value is empty |
//!
//! Whether hosts below get a cookie is said by the second field alone, as in curl; a leading dot says
//! nothing. It is written where that field is TRUE, because Python insists.
//!
//! # What is lost
//!
//! SameSite, Priority, when a cookie was created, set and sent, and whether that was over https have
//! no place in the format. Expiries lose their milliseconds. Cookies of a partition, and cookies with
//! a TAB, are not written at all ([`holds`]): read by another program, they would be sent where they
//! must not, or be other cookies. curl cannot read a value without a name: it takes the value for the
//! name. Use [`json`](super::json) to keep everything.
//!
//! # What this does not protect
//!
//! * Values stand in clear.
//! * A last line that was cut within its value looks like a whole one.
//! * Cookies without SameSite are sent with more requests than those with it. A jar that went
//!   through this format is less protected against requests from other sites.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};

use super::{Cookie, CookieParts, Host, ReadError};
use crate::time::UnixTime;

/// Whether the format can hold this cookie.
pub fn holds(cookie: &Cookie) -> bool {
    let texts = [cookie.name(), cookie.value(), cookie.path()];
    cookie.partition().is_none() && texts.iter().all(|text| !text.contains(&b'\t'))
}

/// Writes the cookies that the format [`holds`], in the order that they come in.
///
/// # Errors
///
/// What the writer says.
pub fn write<'a>(
    cookies: impl IntoIterator<Item = &'a Cookie>,
    mut to: impl Write,
) -> io::Result<()> {
    to.write_all(HEADER)?;
    for cookie in cookies.into_iter().filter(|cookie| holds(cookie)) {
        let http_only = if cookie.http_only() { HTTP_ONLY } else { "" };
        let dot = if cookie.host_only() { "" } else { "." };
        let domain = cookie.domain().trim_matches(['[', ']']);
        let below = flag(!cookie.host_only());
        write!(to, "{http_only}{dot}{domain}\t{below}\t")?;
        to.write_all(cookie.path())?;
        write!(to, "\t{}\t{}\t", flag(cookie.secure()), expiry(cookie))?;
        to.write_all(cookie.name())?;
        to.write_all(b"\t")?;
        to.write_all(cookie.value())?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads a `cookies.txt` of any of the known writers. The cookies count as set at `now`.
///
/// # Errors
///
/// [`ReadError`] with the number of the first line that is neither a cookie nor a comment.
pub fn read(mut from: impl BufRead, now: UnixTime) -> Result<Vec<Cookie>, ReadError> {
    let mut cookies = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let wrong = |what| ReadError::at_line(number, what);
        if line.len() as u64 == MAX_LINE_BYTES {
            return Err(wrong(format!(
                "the line has {MAX_LINE_BYTES} bytes or more; no cookie has"
            )));
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        cookies.extend(parse_line(text, now).map_err(wrong)?);
    }
    Ok(cookies)
}

/// A cookie as the format gives it back: when it ends, or 0.
pub(super) fn expiry(cookie: &Cookie) -> u64 {
    // A cookie that ended in 1970 must not become one of the session.
    cookie.expires().map_or(0, |at| at.as_secs().max(1))
}

fn parse_line(text: &[u8], now: UnixTime) -> Result<Option<Cookie>, String> {
    let (http_only, text) = match text.strip_prefix(HTTP_ONLY.as_bytes()) {
        Some(rest) => (true, rest),
        None if text.starts_with(b"#") || text.trim_ascii().is_empty() => return Ok(None),
        None => (false, text),
    };
    let fields: Vec<&[u8]> = text.split(|&byte| byte == b'\t').collect();
    let [domain, below, path, secure, expires, name, ref value @ ..] = fields[..] else {
        return Err(fields_wrong(fields.len()));
    };
    let value = match *value {
        [] => &b""[..],
        [value] => value,
        _ => return Err(fields_wrong(fields.len())),
    };
    let host = host(domain).ok_or("the first field is not the domain of a cookie")?;
    let below = parse_flag(below).ok_or("the second field is not TRUE or FALSE")?;

    let mut parts = CookieParts::new(name, value, host.as_str(), now);
    parts.host_only = host.is_ip() || !below;
    parts.path = path.to_vec();
    parts.secure = parse_flag(secure).ok_or("the fourth field is not TRUE or FALSE")?;
    parts.http_only = http_only;
    parts.expires = parse_expiry(expires)?;
    parts.source_secure = parts.secure;
    Cookie::from_parts(parts).map(Some).map_err(|error| error.to_string())
}

fn fields_wrong(found: usize) -> String {
    format!("a cookie has seven fields with a TAB between them, this line has {found}")
}

fn host(field: &[u8]) -> Option<Host> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.strip_prefix('.').unwrap_or(text);
    let colons = text.bytes().filter(|&byte| byte == b':').count();
    let text: Cow<'_, str> = match text.rsplit_once(':') {
        Some((host, port))
            if (colons == 1 || host.ends_with(']'))
                && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host.into()
        }
        Some(_) if !text.starts_with('[') => format!("[{text}]").into(),
        _ => text.into(),
    };
    Host::parse(&text)
}

fn parse_expiry(field: &[u8]) -> Result<Option<UnixTime>, String> {
    let whole = field.split(|&byte| byte == b'.').next().unwrap_or_default();
    if !whole.iter().all(u8::is_ascii_digit) || (whole.is_empty() && !field.is_empty()) {
        return Err("the fifth field is not a number of seconds since 1970".to_owned());
    }
    let add =
        |secs: u64, digit: &u8| secs.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    match whole.iter().fold(0, add) {
        0 => Ok(None),
        secs => Ok(Some(UnixTime::from_secs(secs).min(LATEST))),
    }
}

fn parse_flag(field: &[u8]) -> Option<bool> {
    if field.eq_ignore_ascii_case(b"TRUE") {
        Some(true)
    } else if field.eq_ignore_ascii_case(b"FALSE") {
        Some(false)
    } else {
        None
    }
}

fn flag(set: bool) -> &'static str {
    if set { "TRUE" } else { "FALSE" }
}

const HEADER: &[u8] = b"# Netscape HTTP Cookie File\n\n";
const HTTP_ONLY: &str = "#HttpOnly_";
/// Longer than any line of a cookie that a jar can hold.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// The end of time is what session cookies have.
const LATEST: UnixTime = UnixTime::from_millis(u64::MAX - 1);

#[cfg(test)]
mod tests;
