//! The client's cookie jar.

mod context;
mod cookie;
mod host;
mod site;
mod suffixes;
mod target;

pub use context::{Api, Initiator, RequestContext};
pub use cookie::{Cookie, CookieParts, Identity, Partition, PartsError, Priority};
pub use host::Host;
pub use site::Site;
pub use suffixes::{Suffixes, SuffixesError};
pub use target::{Target, TargetError};
