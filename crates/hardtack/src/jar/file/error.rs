//! Why a jar's file was not read or written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::ReadError;
use crate::seal::{SealError, UnsealError};

/// Why a jar's file was not read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused.
    #[non_exhaustive]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// It is not a jar, or a damaged one.
    #[non_exhaustive]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: ReadError,
    },
    /// It is sealed, and there is no key.
    #[non_exhaustive]
    NeedsKey {
        /// The file.
        path: PathBuf,
    },
    /// It is not sealed, and must be.
    #[non_exhaustive]
    NotSealed {
        /// The file.
        path: PathBuf,
    },
    /// A sealed piece did not open.
    #[non_exhaustive]
    Unseal {
        /// The file.
        path: PathBuf,
        /// The line that the piece is on.
        line: u64,
        /// Why.
        source: UnsealError,
    },
    /// Nothing could be sealed.
    Seal(SealError),
}

impl FileError {
    pub(super) fn io(path: &Path, doing: &'static str, source: io::Error) -> FileError {
        FileError::Io { path: path.to_owned(), doing, source }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Io { path, doing, source } => {
                write!(f, "cannot {doing} the cookie jar {}: {source}", path.display())
            }
            FileError::Contents { path, source } => {
                write!(f, "{} is not a whole cookie jar: {source}", path.display())
            }
            FileError::NeedsKey { path } => {
                write!(
                    f,
                    "the cookie jar {} is sealed; give the key that it was sealed with",
                    path.display()
                )
            }
            FileError::NotSealed { path } => write!(
                f,
                "the cookie jar {} is not sealed, though a key was given; load it without a key and \
                 save it to another path with one",
                path.display()
            ),
            FileError::Unseal { path, line, source: UnsealError::UnknownKey(id) } => write!(
                f,
                "the cookie jar {}, line {line}, was sealed with the key {id}, which is not among the \
                 keys given",
                path.display()
            ),
            FileError::Unseal { path, line, .. } => write!(
                f,
                "the cookie jar {}, line {line}, does not open: it is damaged, truncated, or sealed \
                 for another purpose",
                path.display()
            ),
            FileError::Seal(source) => write!(f, "the cookie jar was not sealed: {source}"),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FileError::Io { source, .. } => Some(source),
            FileError::Contents { source, .. } => Some(source),
            FileError::Unseal { source, .. } => Some(source),
            FileError::Seal(source) => Some(source),
            FileError::NeedsKey { .. } | FileError::NotSealed { .. } => None,
        }
    }
}
