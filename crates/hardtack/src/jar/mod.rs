//! The client's cookie jar, which agrees with browsers case by case.
//!
//! A server says `Set-Cookie`; the client keeps the cookie and sends it back to the same domain,
//! until it expires, `Secure` ones over https only. What exactly that means is 6265bis sections 5.7
//! (storing) and 5.8 (sending), and where browsers differ from it and from one another a [`Profile`]
//! says so: [`Profile::CHROMIUM`], the default, [`Profile::FIREFOX`] and [`Profile::RFC6265BIS`].
//!
//! ```
//! use hardtack::jar::{Jar, RequestContext, Target};
//! use hardtack::time::UnixTime;
//!
//! # fn main() -> Result<(), hardtack::jar::TargetError> {
//! let now = UnixTime::from_secs(1_800_000_000);
//! let login = Target::parse("https://shop.example/login")?;
//! let mut jar = Jar::default();
//! jar.set(b"sid=31d4d96e; Path=/; Secure; HttpOnly", &RequestContext::client(&login), now);
//!
//! let cart = Target::parse("https://shop.example/cart")?;
//! let header = jar.header(&RequestContext::client(&cart), now);
//! assert_eq!(header.unwrap(), "sid=31d4d96e");
//! let plain = Target::parse("http://shop.example/cart")?;
//! assert_eq!(jar.header(&RequestContext::client(&plain), now), None);
//! # Ok(())
//! # }
//! ```
//!
//! Every cookie that is set has an [`Outcome`], every one that is not sent a reason ([`Withheld`],
//! from [`Jar::explain_cookies`]): the section that decided, and what to change.
//!
//! | file | what it does |
//! | --- | --- |
//! | `jar.rs`, `cookie.rs`, `parts.rs` | the jar as a whole, a cookie in it, and one as plain fields |
//! | `host.rs`, `target.rs` | URLs in the form that cookies compare |
//! | `suffixes.rs`, `site.rs` | who owns a name, and what a site is |
//! | `context.rs`, `circumstances.rs` | who makes a request, and how that stands to the target |
//! | `store.rs`, `retrieve.rs` | sections 5.7 and 5.8, step by step |
//! | `index.rs`, `evict.rs` | where cookies are, and which go when there are too many |
//! | `log.rs`, `outcome.rs` | what changed, what was decided |
//! | `file/`, `merge.rs` | a jar on the disk that several processes share |
//! | `json.rs`, `netscape.rs`, `read_error.rs` | what a jar on the disk looks like |
//! | `replay.rs` | recorded cases, to hold a jar against a browser |
//!
//! A jar keeps bytes, not UTF-8. It never reads a clock, and what it answers depends on nothing but
//! what it was told: the same calls give the same bytes.
//!
//! [`Profile`]: crate::cookie::Profile
//! [`Profile::CHROMIUM`]: crate::cookie::Profile::CHROMIUM
//! [`Profile::FIREFOX`]: crate::cookie::Profile::FIREFOX
//! [`Profile::RFC6265BIS`]: crate::cookie::Profile::RFC6265BIS
//!
//! # What this does not protect
//!
//! * Cookies lie in memory in clear, and are not zeroized; on the disk too, unless [`JarFile::sealed`]
//!   says otherwise.
//! * A jar believes its caller: the context decides what `SameSite` and `Partitioned` mean, and a
//!   client that says [`RequestContext::client`] for requests that a page started has neither.
//! * Hosts of one registrable domain can set cookies for one another, except for names that begin
//!   with `__Host-`.
//! * Names that were registered below a public suffix that is newer than the list share cookies.
//!   [`Jar::replace_suffixes`] takes a newer list.
//! * The limits bound the number of cookies, and 4 KiB a pair and 32 KiB a path the size of each one:
//!   a domain can make requests to itself that long.

mod circumstances;
mod context;
mod cookie;
mod evict;
mod file;
mod host;
mod index;
#[expect(clippy::module_inception, reason = "the jar's file in the jar's folder")]
mod jar;
pub mod json;
mod log;
mod merge;
pub mod netscape;
mod outcome;
mod parts;
mod read_error;
pub mod replay;
mod retrieve;
mod site;
mod store;
mod suffixes;
mod target;
#[cfg(test)]
mod tests;

pub use context::{Api, Initiator, RequestContext};
pub use cookie::{Cookie, Identity, Partition};
pub use file::{FileError, Format, JarFile};
pub use host::Host;
pub use jar::{Jar, JarBuilder};
pub use log::{Cause, Change};
pub use merge::Merged;
pub use outcome::{Outcome, Withheld};
pub use parts::{CookieParts, PartsError};
pub use read_error::ReadError;
pub use site::Site;
pub use suffixes::{Suffixes, SuffixesError};
pub use target::{Target, TargetError};
