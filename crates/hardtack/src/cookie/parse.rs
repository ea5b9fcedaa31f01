//! `Set-Cookie` as clients read it, 6265bis section 5.6 step by step.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use memchr::memchr;

use super::attribute::{AttributeName, MAX_ATTRIBUTE_BYTES, MAX_LIFETIME, SameSite, is_word};
use super::date;
use super::ignored::Ignored;
use super::name::MAX_PAIR_BYTES;
use super::prefix::NamePrefix;
use super::profile::{MaxAgeGrammar, Nameless, Profile};
use super::split::{find_either, trim, value_of};
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
    let has_tabs = check_control_bytes(line)?;
    let mut pieces = Pieces::of(line);
    let (name, value) = split_pair(pieces.next().unwrap_or_default(), profile)?;
    let length = name.len() + value.len();
    if length > MAX_PAIR_BYTES {
        return Err(Ignored::PairTooLong { length });
    }
    let tab_drops = has_tabs && profile.tab_drops;
    if tab_drops {
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
    for piece in pieces {
        let value = piece.value.unwrap_or_default();
        if tab_drops {
            check_tabs(line, piece.name)?;
            check_tabs(line, value)?;
        }
        if let Some(attribute) = piece.attribute() {
            cookie.take(attribute, value, profile);
        }
    }
    Ok(cookie)
}

impl<'a> ParsedCookie<'a> {
    /// Sections 5.6.1 to 5.6.7. The last attribute of a name counts, even if it cannot be read.
    #[inline(always)]
    fn take(&mut self, attribute: AttributeName, value: &'a [u8], profile: &Profile) {
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

/// What stands between two semicolons: first the pair, then the attributes.
#[derive(Clone, Copy, Default)]
pub(super) struct Piece<'a> {
    /// What stands before the first `=`, trimmed.
    pub(super) name: &'a [u8],
    /// What stands after it, trimmed; `None` if there is no `=`.
    pub(super) value: Option<&'a [u8]>,
    /// What it is called, if that was seen on the way.
    known: Option<AttributeName>,
}

impl Piece<'_> {
    /// Which attribute this is.
    #[inline]
    pub(super) fn attribute(&self) -> Option<AttributeName> {
        self.known.or_else(|| AttributeName::named(self.name))
    }
}

/// The pieces of a line.
pub(super) struct Pieces<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(line: &'a [u8]) -> Pieces<'a> {
        Pieces { rest: Some(line) }
    }

    /// What stands before the next semicolon.
    #[inline(always)]
    fn value(&mut self, after: &'a [u8]) -> &'a [u8] {
        let value = match find_either(after, b';', b';') {
            Some(end) => {
                self.rest = Some(&after[end + 1..]);
                &after[..end]
            }
            None => after,
        };
        trim(value)
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Piece<'a>> {
        let rest = self.rest.take()?;
        let known = usual_name(rest);
        let end = match known {
            Some(known) => 1 + known.as_str().len(),
            None => find_either(rest, b';', b'=').unwrap_or(rest.len()),
        };
        let name = if known.is_some() { &rest[1..end] } else { trim(&rest[..end]) };
        let value = match rest.get(end) {
            None => None,
            Some(b';') => {
                self.rest = Some(&rest[end + 1..]);
                None
            }
            Some(_) => Some(self.value(&rest[end + 1..])),
        };
        Some(Piece { name, value, known })
    }
}

/// The attribute that stands here, behind one space, if all of that is written as nearly all servers
/// do: a look at some constants, in place of a search and a comparison of what it found.
#[inline(always)]
fn usual_name(rest: &[u8]) -> Option<AttributeName> {
    Some(match rest {
        [b' ', b'D', b'o', b'm', b'a', b'i', b'n', b'=', ..] => AttributeName::Domain,
        [b' ', b'P', b'a', b't', b'h', b'=', ..] => AttributeName::Path,
        [b' ', b'M', b'a', b'x', b'-', b'A', b'g', b'e', b'=', ..] => AttributeName::MaxAge,
        [b' ', b'E', b'x', b'p', b'i', b'r', b'e', b's', b'=', ..] => AttributeName::Expires,
        [b' ', b'S', b'e', b'c', b'u', b'r', b'e', b';', ..] => AttributeName::Secure,
        [b' ', b'H', b't', b't', b'p', b'O', b'n', b'l', b'y', b';', ..] => AttributeName::HttpOnly,
        [b' ', b'S', b'a', b'm', b'e', b'S', b'i', b't', b'e', b'=', ..] => AttributeName::SameSite,
        _ => return None,
    })
}

/// Where `part`, which borrows from `line`, starts in it.
pub(super) fn position_in(line: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - line.as_ptr().addr()
}

/// Name and value, as this client takes them apart.
fn split_pair<'a>(pair: Piece<'a>, profile: &Profile) -> Result<(&'a [u8], &'a [u8]), Ignored> {
    let (name, value) = match pair.value {
        Some(value) => (pair.name, value),
        None if profile.nameless == Nameless::Name => (pair.name, &b""[..]),
        None => (&b""[..], pair.name),
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

/// Step 1 of section 5.6; tells whether there are TABs.
fn check_control_bytes(line: &[u8]) -> Result<bool, Ignored> {
    let is_control = |byte: u8| byte < b' ' || byte == 0x7F;
    // A block without an early end is one the compiler looks at as a whole, and a bad byte is rare.
    let any = |block: &[u8]| block.iter().fold(false, |any, &byte| any | is_control(byte));
    let (blocks, rest) = line.as_chunks::<32>();
    let clean = match line.last_chunk::<32>() {
        // Looks at some bytes twice, which costs less than to look at the rest one by one.
        Some(last) => !any(last) && !blocks.iter().any(|block| any(block)),
        None => !any(rest),
    };
    if clean {
        return Ok(false);
    }
    match line.iter().position(|&byte| is_control(byte) && byte != b'\t') {
        Some(position) => Err(Ignored::ControlByte { byte: line[position], position }),
        None => Ok(true),
    }
}

/// Refuses a TAB in `part`, which is trimmed and borrows from `line`.
fn check_tabs(line: &[u8], part: &[u8]) -> Result<(), Ignored> {
    match memchr(b'\t', part) {
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
    Some(Duration::from_secs(u64::from(value_of(digits))).min(MAX_LIFETIME))
}

/// Section 5.6.7.
pub(super) fn same_site(value: &[u8]) -> Option<SameSite> {
    match value.len() {
        3 if is_word(value, b"Lax") => Some(SameSite::Lax),
        4 if is_word(value, b"None") => Some(SameSite::None),
        6 if is_word(value, b"Strict") => Some(SameSite::Strict),
        _ => None,
    }
}

fn priority(value: &[u8]) -> Priority {
    if is_word(value, b"Low") {
        Priority::Low
    } else if is_word(value, b"High") {
        Priority::High
    } else {
        Priority::Medium
    }
}

#[cfg(test)]
mod tests;
