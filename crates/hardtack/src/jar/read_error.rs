//! What is wrong with a written jar, and where.

use std::fmt;
use std::io;

/// Why a text is not a jar. Says what was expected, never what stood there: it may be a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// It could not be read to its end.
    Io(io::Error),
    /// It is not what the format asks for.
    #[non_exhaustive]
    Wrong {
        /// The line, from 1.
        line: u64,
        /// The byte in the line, from 1, where one can be named.
        column: Option<u64>,
        /// What is wrong.
        what: String,
    },
}

impl ReadError {
    pub(super) fn at_line(line: u64, what: impl Into<String>) -> ReadError {
        ReadError::Wrong { line, column: None, what: what.into() }
    }
}

/// What serde_json says, without the place, which its error has in numbers too.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => write!(f, "the cookies could not be read: {error}"),
            ReadError::Wrong { line, column: Some(column), what } => {
                write!(f, "line {line}, byte {column}: {what}")
            }
            ReadError::Wrong { line, column: None, what } => write!(f, "line {line}: {what}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Io(error) => Some(error),
            ReadError::Wrong { .. } => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Io(error)
    }
}
