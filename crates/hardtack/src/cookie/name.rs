//! Which names and values a `Set-Cookie` header may carry.

use super::error::{BuildError, CookiePart};

/// The most bytes a name and its value may have together, 4096: browsers drop a longer cookie
/// without a word (6265bis section 5.6; ASVS 3.3.5).
pub const MAX_PAIR_BYTES: usize = 4096;

/// A name is a token, 6265bis section 4.1.1 and RFC 9110 section 5.6.2. Browsers take more than that,
/// but servers do not agree on how to read it.
pub(super) fn check_name(name: &str) -> Result<(), BuildError> {
    if name.is_empty() {
        return Err(BuildError::EmptyName);
    }
    check_bytes(CookiePart::Name, name, is_tchar)
}

/// A value is a run of cookie-octets, 6265bis section 4.1.1, possibly none. The grammar also allows
/// double quotes around it; they are refused, as some servers take them off and others do not.
pub(super) fn check_value(name: &str, value: &str) -> Result<(), BuildError> {
    check_bytes(CookiePart::Value, value, is_cookie_octet)?;
    check_length(CookiePart::Pair, name.len() + value.len(), MAX_PAIR_BYTES)
}

pub(super) fn check_bytes(
    part: CookiePart,
    text: &str,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), BuildError> {
    // Without an early end the compiler looks at many bytes at a time, and a bad one is rare.
    if text.bytes().fold(true, |all, byte| all & allowed(byte)) {
        return Ok(());
    }
    match text.bytes().enumerate().find(|&(_, byte)| !allowed(byte)) {
        Some((position, byte)) => Err(BuildError::ForbiddenByte { part, byte, position }),
        None => Ok(()),
    }
}

pub(super) fn check_length(
    part: CookiePart,
    length: usize,
    limit: usize,
) -> Result<(), BuildError> {
    if length > limit {
        return Err(BuildError::TooLong { part, length, limit });
    }
    Ok(())
}

/// `cookie-octet` of 6265bis section 4.1.1: visible ASCII without `"`, `,`, `;` and `\`.
pub(super) fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
