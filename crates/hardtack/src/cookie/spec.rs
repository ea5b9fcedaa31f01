//! The fixed part of a cookie that a program sets again and again.

use core::time::Duration;
use std::borrow::Cow;

use http::HeaderValue;

use super::attribute::{Attributes, Expiry};
use super::builder::CookieBuilder;
use super::error::BuildError;
use super::name::check_value;
use super::set_cookie::into_header_value;
use crate::time::UnixTime;

/// The fixed part of a cookie, its name and attributes, checked and written once. Setting a value
/// then costs one allocation and a check of that value.
#[derive(Clone, Debug)]
pub struct CookieSpec {
    name: String,
    /// `; Path=/; Secure; ...`: all that follows the expiry.
    attributes: String,
}

impl CookieSpec {
    /// Starts the fixed part of a cookie of this name, with the safe attributes of
    /// [`CookieBuilder`].
    pub fn builder<'a>(name: impl Into<Cow<'a, str>>) -> CookieBuilder<'a, ()> {
        CookieBuilder::new(name.into(), ())
    }

    /// `attributes` have been checked.
    pub(super) fn new(attributes: &Attributes<'_>) -> CookieSpec {
        let mut text = Vec::with_capacity(attributes.encoded_len());
        attributes.write_to(&mut text);
        CookieSpec {
            name: attributes.name.clone().into_owned(),
            attributes: String::from_utf8(text).expect("every part was checked to be ASCII"),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `Set-Cookie` header value that sets the cookie, marked sensitive. The cookie lasts until
    /// the browser closes, or for `max_age` (rounded up to seconds, at most
    /// [`MAX_LIFETIME`](super::MAX_LIFETIME)), which is then written as Max-Age and as Expires;
    /// zero deletes it.
    ///
    /// # Errors
    ///
    /// A byte in the value that is not a cookie-octet, or more than 4096 bytes of name and value.
    pub fn set(
        &self,
        value: &str,
        max_age: Option<Duration>,
        now: UnixTime,
    ) -> Result<HeaderValue, BuildError> {
        check_value(&self.name, value)?;
        let expiry = max_age.map_or_else(Expiry::default, |lifetime| Expiry::after(lifetime, now));
        Ok(self.write(value, expiry))
    }

    /// The `Set-Cookie` header value that makes the browser forget the cookie: the same attributes,
    /// no value, Max-Age 0 and Expires in 1970.
    #[must_use = "a removal does nothing until it is put into a response"]
    pub fn removal(&self) -> HeaderValue {
        self.write("", Expiry::PAST)
    }

    fn write(&self, value: &str, expiry: Expiry) -> HeaderValue {
        let length =
            self.name.len() + 1 + value.len() + expiry.encoded_len() + self.attributes.len();
        let mut buffer = Vec::with_capacity(length);
        buffer.extend_from_slice(self.name.as_bytes());
        buffer.push(b'=');
        buffer.extend_from_slice(value.as_bytes());
        expiry.write_to(&mut buffer);
        buffer.extend_from_slice(self.attributes.as_bytes());
        into_header_value(buffer)
    }
}
