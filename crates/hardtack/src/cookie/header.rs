//! The `Cookie` request header, RFC 6265 section 4.2 as servers have to read it.
//!
//! Every parser of one header must come to the same pairs, or a cookie can hide from one of them.
//! So there is one rule: split at `;`, then at the first `=`, and trim SP and HTAB. Quotes,
//! backslashes, `%` and `$Version` are bytes like any other, and bytes beyond ASCII are never
//! white space.

use core::fmt;

use http::header::{COOKIE, HeaderMap, HeaderValue, ValueIter};

use super::split::{split_once, trim};

/// The cookies of a request, in the order in which they were sent; an iterator over [`CookiePair`]s
/// that borrow from the header. It does not allocate, and its work is linear in the header's bytes.
///
/// Browsers send the cookie with the longer path first, and the older one of equal paths; nothing
/// forces other clients to.
#[must_use = "an iterator does nothing until it is asked for pairs"]
pub struct CookieHeader<'a> {
    rest: &'a [u8],
    further: Option<ValueIter<'a, HeaderValue>>,
}

impl<'a> CookieHeader<'a> {
    /// Reads the value of one `Cookie` header. Any bytes will do.
    pub fn new(value: &'a [u8]) -> CookieHeader<'a> {
        CookieHeader { rest: value, further: None }
    }

    /// Reads all `Cookie` headers of a request one after the other: HTTP/2 and HTTP/3 may send each
    /// cookie in a header of its own (RFC 9113 section 8.2.3).
    pub fn from_headers(headers: &'a HeaderMap) -> CookieHeader<'a> {
        CookieHeader { rest: &[], further: Some(headers.get_all(COOKIE).iter()) }
    }

    /// All values sent under exactly this name, in order. Much faster than looking at every pair.
    ///
    /// More than one value means that somebody else may have set a cookie of this name as well (for
    /// a parent domain or another path), so taking the first is not safe for a credential.
    pub fn values_of<'n>(self, name: &'n [u8]) -> ValuesOf<'a, 'n> {
        ValuesOf { header: self, name }
    }

    /// The next piece between semicolons that is not blank, trimmed.
    fn next_piece(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.rest.is_empty() {
                self.rest = self.further.as_mut()?.next()?.as_bytes();
            }
            let (piece, rest) = split_once(self.rest, b';').unwrap_or((self.rest, &[]));
            self.rest = rest;
            let piece = trim(piece);
            if !piece.is_empty() {
                return Some(piece);
            }
        }
    }
}

impl<'a> Iterator for CookieHeader<'a> {
    type Item = CookiePair<'a>;

    fn next(&mut self) -> Option<CookiePair<'a>> {
        self.next_piece().map(CookiePair::from_piece)
    }
}

impl fmt::Debug for CookieHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieHeader")
    }
}

/// One cookie as the browser sent it. Its `Debug` output leaves the bytes out, as they may be a
/// credential (and without a `=` the whole of it is the value).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookiePair<'a> {
    /// What stands before the first `=`. Empty for a nameless cookie, which browsers do send: `=value`
    /// or a piece without any `=`. So `__Host-sid` without a `=` is never the name `__Host-sid`.
    pub name: &'a [u8],
    /// What stands after the first `=`, as it is: neither unquoted nor decoded.
    pub value: &'a [u8],
}

impl<'a> CookiePair<'a> {
    /// Splits what stands between two semicolons, the way browsers split it when it is set
    /// (6265bis section 5.6).
    fn from_piece(piece: &'a [u8]) -> CookiePair<'a> {
        let (name, value) = split_once(piece, b'=').unwrap_or((&[], piece));
        CookiePair { name: trim(name), value: trim(value) }
    }
}

impl fmt::Debug for CookiePair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookiePair")
    }
}

/// All values sent under one name, in order; from [`CookieHeader::values_of`] or [`find`].
#[must_use = "an iterator does nothing until it is asked for values"]
pub struct ValuesOf<'a, 'n> {
    header: CookieHeader<'a>,
    name: &'n [u8],
}

impl<'a> Iterator for ValuesOf<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let piece = self.header.next_piece()?;
            // Spares most pieces the search for `=`; what decides is the comparison of whole names.
            if piece.starts_with(self.name) {
                let pair = CookiePair::from_piece(piece);
                if pair.name == self.name {
                    return Some(pair.value);
                }
            }
        }
    }
}

impl fmt::Debug for ValuesOf<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValuesOf")
    }
}

/// All values that one `Cookie` header value carries under exactly this name, in order; the same as
/// [`CookieHeader::values_of`].
pub fn find<'a, 'n>(header: &'a [u8], name: &'n [u8]) -> ValuesOf<'a, 'n> {
    CookieHeader::new(header).values_of(name)
}

#[cfg(test)]
mod tests;
