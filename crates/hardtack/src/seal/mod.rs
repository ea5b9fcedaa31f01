//! Keys, and values that only their holders can make or read.

mod key;
mod keyring;

pub use crate::entropy::EntropyError;
pub(crate) use key::Use;
pub use key::{Key, KeyError, KeyId};
pub use keyring::Keyring;
