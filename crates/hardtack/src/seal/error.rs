//! Why a keyring could not be loaded or changed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::file::MAX_FILE;
use super::key::{KeyError, KeyId};
use super::keyring::{KeyUsage, Keyring};

/// Why a keyring could not be loaded. No message repeats what stood there.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyringError {
    /// The key file could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The key file, its lock or its directory could not be written.
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others have rights to the key file.
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file belongs to somebody else.
    Owner {
        /// The file.
        path: PathBuf,
        /// The id of the user it belongs to.
        owner: u32,
        /// The id of the user that this process runs as.
        user: u32,
    },
    /// The key file is longer than any list of keys.
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The environment variable is not set, or not text.
    Variable {
        /// Its name.
        name: String,
    },
    /// One of the keys is not a key.
    Key {
        /// Where the keys came from.
        origin: String,
        /// The line of the file or the place in the list, counted from 1.
        place: usize,
        /// What is wrong with it.
        source: KeyError,
    },
    /// There is no key at all.
    Empty {
        /// Where the keys should have come from.
        origin: String,
    },
    /// There are more than [`Keyring::MAX_KEYS`].
    TooMany {
        /// Where the keys came from.
        origin: String,
        /// How many there are.
        keys: usize,
    },
    /// Two keys have the same id.
    Duplicate {
        /// Where the keys came from.
        origin: String,
        /// The id.
        id: KeyId,
    },
    /// The ring did not come from a file and cannot be reloaded.
    NoFile,
}

impl KeyringError {
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, KeyringError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyringError::Read { path, source } => {
                write!(f, "the key file {} could not be read: {source}", path.display())
            }
            KeyringError::Write { path, source } => {
                write!(f, "{} could not be written: {source}", path.display())
            }
            KeyringError::Permissions { path, mode } => write!(
                f,
                "the key file {path} has mode {mode:04o}, and nobody but its owner may have any right to it; run `chmod 600 {path}`",
                path = path.display()
            ),
            KeyringError::Owner { path, owner, user } => write!(
                f,
                "the key file {path} belongs to user {owner}, and this process runs as user {user}; run `chown {user} {path}`",
                path = path.display()
            ),
            KeyringError::TooLarge { path } => write!(
                f,
                "the key file {} has more than {MAX_FILE} bytes; is it the right file?",
                path.display()
            ),
            KeyringError::Variable { name } => {
                write!(f, "the environment variable {name} is not set to text; set it to a key")
            }
            KeyringError::Key { origin, place, source } => {
                write!(f, "key {place} of {origin} cannot be used: {source}")
            }
            KeyringError::Empty { origin } => {
                write!(f, "there is no key in {origin}; add one made with `openssl rand -hex 32`")
            }
            KeyringError::TooMany { origin, keys } => write!(
                f,
                "there are {keys} keys in {origin}, and a ring has at most {}; retire old ones",
                Keyring::MAX_KEYS
            ),
            KeyringError::Duplicate { origin, id } => {
                write!(f, "two keys in {origin} have the id {id}; remove one")
            }
            KeyringError::NoFile => {
                f.write_str("this keyring did not come from a file, so there is nothing to reload")
            }
        }
    }
}

impl std::error::Error for KeyringError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyringError::Read { source, .. } | KeyringError::Write { source, .. } => Some(source),
            KeyringError::Key { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why a keyring was not changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum RotationError {
    /// The ring has no key of this id.
    Unknown(KeyId),
    /// The ring has a key of this id already.
    Duplicate(KeyId),
    /// The ring has [`Keyring::MAX_KEYS`] keys.
    Full,
    /// The key that seals cannot be retired.
    Sealing(KeyId),
    /// Something still depends on the key.
    InUse(KeyUsage),
    /// The ring's file could not be read or written.
    File(KeyringError),
}

impl From<KeyringError> for RotationError {
    fn from(error: KeyringError) -> RotationError {
        RotationError::File(error)
    }
}

impl fmt::Display for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RotationError::Unknown(id) => write!(f, "the keyring has no key {id}"),
            RotationError::Duplicate(id) => {
                write!(f, "the keyring has a key {id} already; generate another one")
            }
            RotationError::Full => write!(
                f,
                "the keyring has {} keys and may have no more; retire old ones first",
                Keyring::MAX_KEYS
            ),
            RotationError::Sealing(id) => {
                write!(f, "the key {id} is the one that seals; promote another one first")
            }
            RotationError::InUse(KeyUsage { key, live_sessions, seals_end }) => write!(
                f,
                "the key {key} is in use: {live_sessions} sessions were made with it, and its seals end at {} (unix time); end the sessions or wait",
                seals_end.as_secs()
            ),
            RotationError::File(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RotationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RotationError::File(error) => Some(error),
            _ => None,
        }
    }
}
