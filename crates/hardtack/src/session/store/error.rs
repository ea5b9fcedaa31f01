//! What goes wrong in a store.

use std::error::Error;
use std::fmt;

/// A store could not answer. The engine fails closed on it: 503, no Set-Cookie,
/// and nobody is logged out.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Who can do something about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached, or it is not ready: try again later.
    Unavailable,
    /// It did not answer in time. Whether it did what was asked is unknown.
    Timeout,
    /// It has no room left (a full disk, a bound that was set).
    Full,
    /// It may not be written: read-only, or locked by somebody else.
    ReadOnly,
    /// What it holds cannot be read: damaged, or not ours, or too new.
    Corrupt,
    /// A fault in a store's code; please report it.
    Bug,
}

impl StoreError {
    /// An error with a sentence that says what was tried, with which value, and
    /// what to do. Never put a secret in it.
    pub fn new(kind: StoreErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// Keeps the error that this one comes from.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Who can do something about it.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}
