//! The client's cookie jar.

mod circumstances;
mod context;
mod cookie;
mod evict;
mod host;
mod index;
#[expect(clippy::module_inception, reason = "the jar's file in the jar's folder")]
mod jar;
mod log;
mod outcome;
pub mod replay;
mod retrieve;
mod site;
mod store;
mod suffixes;
mod target;

pub use context::{Api, Initiator, RequestContext};
pub use cookie::{Cookie, CookieParts, Identity, Partition, PartsError};
pub use host::Host;
pub use jar::{Jar, JarBuilder};
pub use log::{Cause, Change};
pub use outcome::{Outcome, Withheld};
pub use site::Site;
pub use suffixes::{Suffixes, SuffixesError};
pub use target::{Target, TargetError};
