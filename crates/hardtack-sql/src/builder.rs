//! Setting a store up, in what is the same for both engines.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Durability;

/// Sets up a store of type `S`. Made by its function `builder`, and turned into a
/// store by `open`.
#[derive(Clone)]
#[must_use = "a store is opened by `open`"]
pub struct Builder<S> {
    pub(crate) url: String,
    pub(crate) deadline: Duration,
    pub(crate) connections: usize,
    pub(crate) durability: Durability,
    pub(crate) migrate: bool,
    pub(crate) roots: Option<PathBuf>,
    /// Whether TLS may be left out to another machine, too.
    #[cfg(feature = "mysql")]
    pub(crate) plain: bool,
    #[cfg(feature = "postgres")]
    pub(crate) near_bytes: usize,
    #[cfg(feature = "postgres")]
    pub(crate) near_lag: Duration,
    store: PhantomData<fn() -> S>,
}

impl<S> std::fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl<S> Builder<S> {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            deadline: Duration::from_secs(2),
            connections: 16,
            durability: Durability::Full,
            migrate: true,
            roots: None,
            #[cfg(feature = "mysql")]
            plain: false,
            #[cfg(feature = "postgres")]
            near_bytes: 0,
            #[cfg(feature = "postgres")]
            near_lag: Duration::from_millis(100),
            store: PhantomData,
        }
    }

    /// Within which time every verb answers, if only with
    /// [`StoreErrorKind::Timeout`]; 2 s if this is not called, and at least
    /// 100 ms. The server is told to give up at the same time; MySQL and MariaDB
    /// are at the next whole second.
    ///
    /// [`StoreErrorKind::Timeout`]: hardtack::session::store::StoreErrorKind::Timeout
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.max(Duration::from_millis(100));
        self
    }

    /// How many connections are opened at most; 16 if this is not called, and at
    /// least 1. They are opened when they are needed.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// What a crash of the server may take; [`Durability::Full`] if this is not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether opening makes the tables or brings them up to date; yes if this
    /// is not called. With no, the user needs no right to make tables, and a
    /// schema that is missing or old is an error.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// A file with the certificates (PEM) that the server's certificate is checked
    /// against, in place of the system's (PostgreSQL) or of those that browsers
    /// trust (MySQL, MariaDB).
    pub fn root_certificates(mut self, file: impl AsRef<Path>) -> Self {
        self.roots = Some(file.as_ref().into());
        self
    }
}
