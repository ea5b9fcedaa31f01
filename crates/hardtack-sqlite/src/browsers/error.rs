//! Why cookies of a browser were not read.

use std::fmt;
use std::io;
use std::path::PathBuf;

use hardtack::jar::PartsError;

use super::Scheme;

/// Why a browser's database was not read.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrowserError {
    /// The file could not be copied.
    #[non_exhaustive]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is not a database of SQLite, a damaged one, or not one of this browser.
    #[non_exhaustive]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It has a version that this program does not know.
    #[non_exhaustive]
    Version {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The oldest that is known.
        oldest: i64,
        /// The newest that is known.
        newest: i64,
    },
}

impl fmt::Display for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BrowserError::Io { path, source } => {
                write!(f, "cannot read the cookie database {}: {source}", path.display())
            }
            BrowserError::Database { path, source } => {
                write!(
                    f,
                    "{} is not a whole cookie database of this browser: {source}",
                    path.display()
                )
            }
            BrowserError::Version { path, found, oldest, newest } => write!(
                f,
                "the cookie database {} has version {found}; {oldest} to {newest} are known, so it \
                 is newer or older than this program can read, or another browser's",
                path.display()
            ),
        }
    }
}

impl std::error::Error for BrowserError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BrowserError::Io { source, .. } => Some(source),
            BrowserError::Database { source, .. } => Some(&**source),
            BrowserError::Version { .. } => None,
        }
    }
}

/// Why a cookie of a browser is not one for a jar.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// Its value is encrypted.
    #[non_exhaustive]
    Encrypted {
        /// Its domain.
        domain: String,
        /// Its name.
        name: String,
        /// How.
        scheme: Scheme,
    },
    /// A jar cannot hold it.
    #[non_exhaustive]
    Parts {
        /// Its domain.
        domain: String,
        /// Its name.
        name: String,
        /// Why.
        source: PartsError,
    },
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftOut::Encrypted { domain, name, scheme } => write!(
                f,
                "the value of cookie {name:?} of {domain} is encrypted ({scheme}); \
                 export it from the browser itself"
            ),
            LeftOut::Parts { domain, name, source } => {
                write!(f, "cookie {name:?} of {domain}: {source}")
            }
        }
    }
}

impl std::error::Error for LeftOut {}
