//! What changes in a jar, counted and told.

use std::sync::Arc;

use super::Cookie;

/// The jar's counters, and whom it tells.
#[derive(Clone, Default)]
pub(super) struct Log {
    sequence: u64,
    revision: u64,
    watcher: Option<Watcher>,
}

type Watcher = Arc<dyn Fn(&Change<'_>) + Send + Sync>;

impl Log {
    /// The next place in the order of storing.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn watch(&mut self, watcher: Watcher) {
        self.watcher = Some(watcher);
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    pub(super) fn changed(&mut self, change: &Change<'_>) {
        self.revision += 1;
        if let Some(watcher) = &self.watcher {
            watcher(change);
        }
    }

    pub(super) fn gone(&mut self, cookies: &[Cookie], cause: Cause) {
        for cookie in cookies {
            self.changed(&Change::Gone { cookie, cause });
        }
    }
}

/// What a watcher is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change<'a> {
    /// A cookie is in the jar.
    #[non_exhaustive]
    Stored {
        /// The cookie.
        cookie: &'a Cookie,
        /// The one that it replaced.
        before: Option<&'a Cookie>,
    },
    /// A cookie is no longer in the jar.
    #[non_exhaustive]
    Gone {
        /// The cookie.
        cookie: &'a Cookie,
        /// Why.
        cause: Cause,
    },
}

/// Why a cookie is no longer in the jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The program said so, or a server by an expiry that is past.
    Removed,
    /// Its time was over.
    Expired,
    /// There were too many.
    Evicted,
    /// A restored cookie took its place.
    Overwritten,
}
