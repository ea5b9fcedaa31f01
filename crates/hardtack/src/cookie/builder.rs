//! From wishes to a cookie that browsers take as it is meant.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use super::attribute::{Attributes, Expiry, SameSite, capped_seconds};
use super::error::BuildError;
use super::name::{MAX_PAIR_BYTES, check_length, check_value};
use super::set_cookie::SetCookie;
use super::spec::CookieSpec;
use super::{CookiePart, MAX_LIFETIME};
use crate::time::UnixTime;

/// Describes a cookie. As long as nothing else is said it is `Path=/; Secure; HttpOnly;
/// SameSite=Lax`, goes to no host but the one that set it and ends when the browser closes. Nothing
/// is checked before `build()`.
///
/// `V` is what the cookie carries: its value when this came from [`SetCookie::builder`], `()` when
/// it came from [`CookieSpec::builder`].
#[must_use = "a builder does nothing until `build` is called"]
#[derive(Clone)]
pub struct CookieBuilder<'a, V> {
    attributes: Attributes<'a>,
    value: V,
    expiry: Expiry,
}

impl<'a, V> CookieBuilder<'a, V> {
    pub(super) fn new(name: Cow<'a, str>, value: V) -> CookieBuilder<'a, V> {
        CookieBuilder { attributes: Attributes::new(name), value, expiry: Expiry::default() }
    }

    /// Sends the cookie to this path and those below it only, instead of to all. Starts with a
    /// slash and has at most 1024 bytes.
    ///
    /// This does not keep the cookie from other pages of the same host: they can read each other.
    pub fn path(mut self, path: impl Into<Cow<'a, str>>) -> Self {
        self.attributes.path = path.into();
        self
    }

    /// Shares the cookie with this domain and **all its subdomains**, each of which may also
    /// overwrite it, instead of keeping it to the host that sets it. Must be that host or a parent
    /// of it, or browsers drop the cookie; at most 253 bytes.
    pub fn domain(mut self, domain: impl Into<Cow<'a, str>>) -> Self {
        self.attributes.domain = Some(domain.into());
        self
    }

    /// On which requests that other sites start the cookie is sent, instead of [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.attributes.same_site = same_site;
        self
    }

    /// Keeps one cookie for each top-level site that embeds this one (CHIPS), instead of one for
    /// all. Needs Secure.
    pub fn partitioned(mut self) -> Self {
        self.attributes.partitioned = true;
        self
    }

    /// Leaves HttpOnly out, so that every script on the page, injected ones included, can read and
    /// copy the value. Never for a credential.
    pub fn readable_by_scripts(mut self) -> Self {
        self.attributes.http_only = false;
        self
    }

    /// Leaves Secure out, so that the value also travels over plain http, where anybody on the way
    /// can read and replace it. Never for a credential.
    ///
    /// Development does not need this: browsers take Secure cookies over plain http on localhost
    /// and 127.0.0.1.
    pub fn danger_sent_over_plain_http(mut self) -> Self {
        self.attributes.secure = false;
        self
    }
}

impl<'a> CookieBuilder<'a, Cow<'a, str>> {
    /// Keeps the cookie for this long, also when the browser closes: writes Max-Age, rounded up to
    /// seconds, at most [`MAX_LIFETIME`]. Zero deletes the cookie.
    pub fn max_age(mut self, lifetime: Duration) -> Self {
        self.expiry.max_age = Some(capped_seconds(lifetime));
        self
    }

    /// Keeps the cookie until this time, also when the browser closes: writes Expires, rounded down
    /// to the second, at most [`MAX_LIFETIME`] from `now`. A time that is past deletes the cookie.
    ///
    /// Browsers compare it with their own clock and prefer Max-Age where both are there.
    pub fn expires(mut self, at: UnixTime, now: UnixTime) -> Self {
        let latest = now.as_millis().saturating_add(MAX_LIFETIME.as_secs() * 1000);
        self.expiry.expires = Some(at.min(UnixTime::from_millis(latest)));
        self
    }

    /// Checks every rule and makes the cookie.
    ///
    /// # Errors
    ///
    /// A byte that could inject an attribute or be misread, a part that is too long, or a
    /// combination that browsers refuse: by the name's prefix, `SameSite=None` or `Partitioned`.
    pub fn build(self) -> Result<SetCookie<'a>, BuildError> {
        self.attributes.check()?;
        check_value(&self.attributes.name, &self.value)?;
        Ok(SetCookie { attributes: self.attributes, value: self.value, expiry: self.expiry })
    }
}

impl CookieBuilder<'_, ()> {
    /// Checks every rule that does not concern the value and prepares the bytes.
    ///
    /// # Errors
    ///
    /// As those of a [`SetCookie`], except for the value's own.
    pub fn build(self) -> Result<CookieSpec, BuildError> {
        self.attributes.check()?;
        check_length(CookiePart::Pair, self.attributes.name.len(), MAX_PAIR_BYTES)?;
        Ok(CookieSpec::new(&self.attributes))
    }
}

impl<V> fmt::Debug for CookieBuilder<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieBuilder")
    }
}
