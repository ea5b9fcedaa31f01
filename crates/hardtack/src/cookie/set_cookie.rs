//! One `Set-Cookie` header.

use core::fmt;
use std::borrow::Cow;

use http::HeaderValue;

use super::attribute::{Attributes, Expiry};
use super::builder::CookieBuilder;

/// A cookie to set: name, value and attributes that fit together, checked by
/// [`CookieBuilder`]'s `build`. Has no `Display` and hides its value in `Debug`, so that the value
/// does not end in a log by accident.
#[must_use = "a Set-Cookie does nothing until it is put into a response"]
#[derive(Clone)]
pub struct SetCookie<'a> {
    pub(super) attributes: Attributes<'a>,
    pub(super) value: Cow<'a, str>,
    pub(super) expiry: Expiry,
}

impl<'a> SetCookie<'a> {
    /// Starts a cookie of this name and value, with the safe attributes of [`CookieBuilder`].
    ///
    /// The name is a token (RFC 9110 section 5.6.2); the value is visible ASCII without `"`, `,`, `;`
    /// and `\`; both together have at most 4096 bytes.
    pub fn builder(
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> CookieBuilder<'a, Cow<'a, str>> {
        CookieBuilder::new(name.into(), value.into())
    }

    /// The cookie that makes the browser forget this one: no value, an expiry that is past, and the
    /// same name, Domain, Path and other attributes, as a browser would otherwise take it for
    /// another cookie or refuse it.
    pub fn removal(&self) -> SetCookie<'a> {
        SetCookie {
            attributes: self.attributes.clone(),
            value: Cow::Borrowed(""),
            expiry: Expiry::PAST,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.attributes.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value of the `Set-Cookie` header, written into one allocation. Marked sensitive: hidden in
    /// `Debug` and never indexed by HPACK (RFC 7541 section 7.1.3).
    ///
    /// Give each cookie a header of its own (`append`, not `insert`).
    pub fn to_header_value(&self) -> HeaderValue {
        let mut buffer = Vec::with_capacity(self.encoded_len());
        self.write_unreserved(&mut buffer);
        into_header_value(buffer)
    }

    /// Appends the value of the `Set-Cookie` header.
    pub fn write_to(&self, buffer: &mut Vec<u8>) {
        buffer.reserve(self.encoded_len());
        self.write_unreserved(buffer);
    }

    fn write_unreserved(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.attributes.name.as_bytes());
        buffer.push(b'=');
        buffer.extend_from_slice(self.value.as_bytes());
        self.expiry.write_to(buffer);
        self.attributes.write_to(buffer);
    }

    fn encoded_len(&self) -> usize {
        self.attributes.name.len()
            + 1
            + self.value.len()
            + self.expiry.encoded_len()
            + self.attributes.encoded_len()
    }
}

impl fmt::Debug for SetCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie").field("name", &self.attributes.name).finish_non_exhaustive()
    }
}

/// Takes over a buffer that was reserved to the byte: a larger one would cost a second allocation.
pub(super) fn into_header_value(buffer: Vec<u8>) -> HeaderValue {
    let mut header = HeaderValue::from_maybe_shared(bytes::Bytes::from(buffer))
        .expect("every part was checked to be visible ASCII when the cookie was built");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests;
