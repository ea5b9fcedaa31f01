//! `Set-Cookie` as clients read it, 6265bis section 5.6 step by step.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use super::attribute::{AttributeName, MAX_ATTRIBUTE_BYTES, MAX_LIFETIME, SameSite};
use super::date;
use super::ignored::Ignored;
use super::name::MAX_PAIR_BYTES;
use super::prefix::NamePrefix;
use super::profile::{MaxAgeGrammar, Nameless, Profile};
use super::split::{split_once, trim};
use crate::time::UnixTime;

/// What a client reads from one `Set-Cookie` header, before it knows whether the host may set it.
/// Borrows from the line. Its `Debug` output leaves the value out, as it may be a credential.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsedCookie<'a> {
    /// The name; empty for a nameless cookie, which is sent as its value alone.
    pub name: Cow<'a, [u8]>,
    /// The value, as it is: neither unquoted nor decoded.
    pub value: Cow<'a, [u8]>,
    /// The last Domain, as it is; `Domain=` is `Some(b"")`.
    pub domain: Option<&'a [u8]>,
    /// The last Path, as it is. The client takes the default path for what does not start with a
    /// slash.
    pub path: Option<&'a [u8]>,
    /// The last Max-Age, at most [`MAX_LIFETIME`]; zero for a time that is past. `None` also where it
    /// was not a number.
    pub max_age: Option<Duration>,
    /// The last Expires; 1970 for what is before. `None` also where it was not a date. Not capped:
    /// see [`ParsedCookie::expiry`].
    pub expires: Option<UnixTime>,
    /// Whether Secure is there.
    pub secure: bool,
    /// Whether HttpOnly is there.
    pub http_only: bool,
    /// The last SameSite; `None` also for a word that is none of the three, which clients treat as
    /// if nothing was said.
    pub same_site: Option<SameSite>,
    /// Whether Partitioned is there.
    pub partitioned: bool,
    /// The last Priority, which only Chromium knows.
    pub priority: Option<Priority>,
}

impl fmt::Debug for ParsedCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedCookie")
            .field("name", &self.name.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

/// When a client forgets a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// When the browser session ends.
    Session,
    /// At this time, which is to come.
    At(UnixTime),
    /// At once: it removes the cookie that is stored, and is not stored.
    Past,
}

impl ParsedCookie<'_> {
    /// When to forget the cookie, seen at `now`: Max-Age counts before Expires, and
    /// [`MAX_LIFETIME`] is the most (6265bis sections 5.5 and 5.7).
    pub fn expiry(&self, now: UnixTime) -> Expiry {
        let end = match (self.max_age, self.expires) {
            (Some(max_age), _) => now.saturating_add(max_age),
            (None, Some(expires)) => expires.min(now.saturating_add(MAX_LIFETIME)),
            (None, None) => return Expiry::Session,
        };
        if end <= now { Expiry::Past } else { Expiry::At(end) }
    }

    /// The rules about names and flags that need to know nothing but the cookie, 6265bis section
    /// 5.7, and the path and the host-only flag with which it would be stored.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check(&self, path: &[u8], host_only: bool) -> Result<(), Ignored> {
        if self.same_site == Some(SameSite::None) && !self.secure {
            return Err(Ignored::SameSiteNoneNeedsSecure);
        }
        if self.partitioned && !self.secure {
            return Err(Ignored::PartitionedNeedsSecure);
        }
        if let Some(prefix) = NamePrefix::of(&self.name) {
            let broken = prefix.broken_rule(self.secure, self.http_only, path == b"/", host_only);
            if let Some(needs) = broken {
                return Err(Ignored::PrefixRule { prefix, needs });
            }
        }
        if self.name.is_empty()
            && let Some(prefix) = NamePrefix::of(&self.value)
        {
            return Err(Ignored::NamelessPrefix { prefix });
        }
        Ok(())
    }
}

/// Reads the value of one `Set-Cookie` header as clients of this profile do. Any bytes will do; the
/// work is linear in them, and nothing is allocated but for a value in which Firefox replaces bytes.
///
/// # Errors
///
/// Why the client drops the whole cookie. An attribute that it cannot read, it ignores.
pub fn parse<'a>(line: &'a [u8], profile: &Profile) -> Result<ParsedCookie<'a>, Ignored> {
    check_control_bytes(line)?;
    let (pair, attributes) = Attributes::after_pair(line);
    let (name, value) = split_pair(pair, profile)?;
    let length = name.len() + value.len();
    if length > MAX_PAIR_BYTES {
        return Err(Ignored::PairTooLong { length });
    }
    if profile.tab_drops {
        check_tabs(line, name)?;
        check_tabs(line, value)?;
    }
    let mut cookie = ParsedCookie {
        name: Cow::Borrowed(name),
        value: if profile.replaces_invalid_utf8 {
            well_formed(value)
        } else {
            Cow::Borrowed(value)
        },
        domain: None,
        path: None,
        max_age: None,
        expires: None,
        secure: false,
        http_only: false,
        same_site: None,
        partitioned: false,
        priority: None,
    };
    for (name, value) in attributes {
        if profile.tab_drops {
            check_tabs(line, name)?;
            check_tabs(line, value)?;
        }
        cookie.take(name, value, profile);
    }
    Ok(cookie)
}

impl<'a> ParsedCookie<'a> {
    /// Sections 5.6.1 to 5.6.7. The last attribute of a name counts, even if it cannot be read.
    fn take(&mut self, name: &[u8], value: &'a [u8], profile: &Profile) {
        let Some(attribute) = AttributeName::named(name) else { return };
        if value.len() > MAX_ATTRIBUTE_BYTES && !(profile.keeps_long_flags && attribute.is_flag()) {
            return;
        }
        match attribute {
            AttributeName::Domain => self.domain = Some(value),
            AttributeName::Path => self.path = Some(value),
            AttributeName::MaxAge => self.max_age = max_age(value, profile.max_age),
            AttributeName::Expires => self.expires = date::parse_as(value, profile.dates),
            AttributeName::Secure => self.secure = true,
            AttributeName::HttpOnly => self.http_only = true,
            AttributeName::SameSite => self.same_site = same_site(value),
            AttributeName::Partitioned => self.partitioned = true,
            AttributeName::Priority => self.priority = Some(priority(value)),
        }
    }
}

/// What Chromium removes first when a host has set too many cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Before others.
    Low,
    /// Where nothing is said, and for words that are none of the three.
    #[default]
    Medium,
    /// After others.
    High,
}

/// The attributes of a line, each with its value (empty if there is no `=`), trimmed.
pub(super) struct Attributes<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    /// The pair in front of them, and them.
    pub(super) fn after_pair(line: &'a [u8]) -> (&'a [u8], Attributes<'a>) {
        match split_once(line, b';') {
            Some((pair, rest)) => (pair, Attributes { rest: Some(rest) }),
            None => (line, Attributes { rest: None }),
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let rest = self.rest?;
        let (attribute, rest) = match split_once(rest, b';') {
            Some((attribute, rest)) => (attribute, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        let (name, value) = split_once(attribute, b'=').unwrap_or((attribute, b""));
        Some((trim(name), trim(value)))
    }
}

/// Where `part`, which borrows from `line`, starts in it.
pub(super) fn position_in(line: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - line.as_ptr().addr()
}

/// Name and value, as this client takes them apart.
fn split_pair<'a>(pair: &'a [u8], profile: &Profile) -> Result<(&'a [u8], &'a [u8]), Ignored> {
    let (name, value) = match split_once(pair, b'=') {
        Some((name, value)) => (trim(name), trim(value)),
        None if profile.nameless == Nameless::Name => (trim(pair), &b""[..]),
        None => (&b""[..], trim(pair)),
    };
    if !name.is_empty() {
        return Ok((name, value));
    }
    match profile.nameless {
        _ if value.is_empty() => Err(Ignored::Empty),
        Nameless::Name => Err(Ignored::NamelessValue),
        Nameless::ValueWithoutEquals if value.contains(&b'=') => Err(Ignored::NamelessEquals),
        _ => Ok((name, value)),
    }
}

/// Puts U+FFFD in the place of what is no well-formed UTF-8, as the WHATWG Encoding standard does.
fn well_formed(value: &[u8]) -> Cow<'_, [u8]> {
    if str::from_utf8(value).is_ok() {
        return Cow::Borrowed(value);
    }
    let mut replaced = Vec::with_capacity(value.len() + 16);
    for chunk in value.utf8_chunks() {
        replaced.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            replaced.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    Cow::Owned(replaced)
}

/// Step 1 of section 5.6.
fn check_control_bytes(line: &[u8]) -> Result<(), Ignored> {
    let is_control = |byte: u8| (byte < b' ' && byte != b'\t') || byte == 0x7F;
    // Without an early end the compiler looks at many bytes at a time, and a bad one is rare.
    if !line.iter().fold(false, |any, &byte| any | is_control(byte)) {
        return Ok(());
    }
    match line.iter().position(|&byte| is_control(byte)) {
        Some(position) => Err(Ignored::ControlByte { byte: line[position], position }),
        None => Ok(()),
    }
}

/// Refuses a TAB in `part`, which is trimmed and borrows from `line`.
fn check_tabs(line: &[u8], part: &[u8]) -> Result<(), Ignored> {
    match memchr::memchr(b'\t', part) {
        Some(at) => Err(Ignored::Tab { position: position_in(line, part) + at }),
        None => Ok(()),
    }
}

/// Section 5.6.2.
pub(super) fn max_age(value: &[u8], grammar: MaxAgeGrammar) -> Option<Duration> {
    let (negative, digits) = match value {
        [b'-', ..] if grammar == MaxAgeGrammar::Firefox => return Some(Duration::ZERO),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] if grammar == MaxAgeGrammar::Chromium => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if negative {
        return Some(Duration::ZERO);
    }
    let seconds = digits.iter().fold(0u64, |number, digit| {
        (number * 10 + u64::from(digit - b'0')).min(MAX_LIFETIME.as_secs())
    });
    Some(Duration::from_secs(seconds))
}

/// Section 5.6.7.
pub(super) fn same_site(value: &[u8]) -> Option<SameSite> {
    [SameSite::Strict, SameSite::Lax, SameSite::None]
        .into_iter()
        .find(|same_site| value.eq_ignore_ascii_case(same_site.as_str().as_bytes()))
}

fn priority(value: &[u8]) -> Priority {
    if value.eq_ignore_ascii_case(b"low") {
        Priority::Low
    } else if value.eq_ignore_ascii_case(b"high") {
        Priority::High
    } else {
        Priority::Medium
    }
}
