//! Cookies on the wire, the server's half.
//!
//! A cookie is a name and a value, both bytes. The server hands it out with one `Set-Cookie`
//! header a cookie, `name=value; Path=/; Secure; ...`; the browser sends back only
//! `Cookie: name=value; other=value`, without any attribute. So what comes in says nothing about
//! who set it, for which path or domain, or whether it was ever encrypted on its way.
//!
//! * [`CookieHeader`] reads the `Cookie` header: borrowed byte pairs, in the order they were sent.
//!   [`find`] looks up one name and answers with every value it was sent with.
//! * [`SetCookie`] writes one `Set-Cookie` header. [`CookieSpec`] is the fixed part of a cookie
//!   that is set again and again, checked once. Both come from a [`CookieBuilder`], which starts
//!   from `Path=/; Secure; HttpOnly; SameSite=Lax` and refuses what browsers would drop.
//! * [`date`] writes the date of `Expires`.
//!
//! Sections cited as "6265bis" are those of draft-ietf-httpbis-rfc6265bis-22.
//!
//! ```
//! use std::time::Duration;
//! use hardtack::cookie::{CookieSpec, SetCookie, find};
//! use hardtack::time::UnixTime;
//!
//! # fn main() -> Result<(), hardtack::cookie::BuildError> {
//! let theme = SetCookie::builder("theme", "dark")
//!     .max_age(Duration::from_secs(30 * 86_400))
//!     .readable_by_scripts()
//!     .build()?;
//! assert_eq!(
//!     theme.to_header_value(),
//!     "theme=dark; Max-Age=2592000; Path=/; Secure; SameSite=Lax"
//! );
//!
//! let session = CookieSpec::builder("__Host-Http-sid").build()?;
//! let header = session.set("0123456789abcdef", None, UnixTime::from_secs(1_800_000_000))?;
//! assert_eq!(header, "__Host-Http-sid=0123456789abcdef; Path=/; Secure; HttpOnly; SameSite=Lax");
//!
//! let mut sent = find(b"theme=dark; __Host-Http-sid=0123456789abcdef", b"__Host-Http-sid");
//! assert_eq!(sent.next(), Some(&b"0123456789abcdef"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! # What this does not protect
//!
//! * A value is readable and changeable by whoever holds the browser. What must stay secret or
//!   unchanged belongs into a session or a sealed value.
//! * A sibling host can set a cookie of the same name for the whole domain, unless the name starts
//!   with `__Host-`. Two values of one name are a fact to judge; nothing here picks one.
//! * An attribute binds the browser only. A copied cookie works from anywhere until the server
//!   refuses it.
//! * Number and size of the cookies sent are bounded by the HTTP server's header limits, not here;
//!   the work is linear in the bytes of the header.
//! * Buffers that held a value are not zeroized: the header that carries it is not either.

mod attribute;
mod builder;
pub mod date;
mod error;
mod header;
mod ignored;
mod lint;
mod name;
mod parse;
mod prefix;
mod profile;
mod set_cookie;
mod spec;
mod split;

pub use attribute::{MAX_ATTRIBUTE_BYTES, MAX_LIFETIME, SameSite};
pub use builder::CookieBuilder;
pub use error::{BuildError, CookiePart};
pub use header::{CookieHeader, CookiePair, ValuesOf, find};
pub use ignored::Ignored;
pub use lint::{Finding, Severity, lint, lint_all};
pub use name::MAX_PAIR_BYTES;
pub use parse::{Expiry, ParsedCookie, Priority, parse};
pub use prefix::NamePrefix;
pub use profile::{
    DateGrammar, Eviction, HostPrefixPath, Limits, MaxAgeGrammar, Nameless, Overwrite, Partitions,
    Profile, SameSiteDefault,
};
pub use set_cookie::SetCookie;
pub use spec::CookieSpec;
