//! What ids have opened lately.
//!
//! The requests of one page come in bursts and carry one id. So what it has opened is
//! kept for a minute at most, and of the next request's id only has to be seen that it is
//! the same, and of its record that it is the same.
//!
//! # Why that weakens nothing
//! - It answers no question that the store has not been asked: each request loads the
//!   record, and one that has ended, was replaced or differs in any column is judged anew.
//! - Only an id whose tag was checked and that opened a live session is kept. It is
//!   compared with all 72 bytes of one that is presented, the tag too, and that takes as
//!   long whichever of them differ. Nobody can push others out without sessions
//!   of their own, and who does makes them checked anew, which is all.
//! - A key that was taken off the ring opens nothing, as before.
//!
//! # What this does not protect
//! Whoever reads the process's memory finds ids, and what is in their sessions,
//! for up to a minute after their request, at most of [`SLOTS`] sessions. The secrets of ids are
//! zeroized when they are given up.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use super::id::{Claim, Locator};
use super::work::Work;
use crate::time::UnixTime;

/// Sessions that are kept; each in the one place that its locator says.
const SLOTS: usize = 1024;

/// What is larger is not kept, so that all of it stays below 16 MB.
const LARGEST: usize = 8 * 1024;

const KEPT: Duration = Duration::from_secs(60);

pub(crate) struct Recent(Box<[Mutex<Option<Work>>]>);

impl Default for Recent {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| Mutex::default()).collect())
    }
}

impl Recent {
    fn slot(&self, key: &Locator) -> &Mutex<Option<Work>> {
        &self.0[key.prefix() as usize % SLOTS]
    }

    /// What this very id has opened.
    pub(crate) fn find(&self, claim: &Claim, now: UnixTime) -> Option<Work> {
        // Whoever would have to wait is faster alone.
        let slot = match self.slot(&claim.locator()).try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        slot.as_ref().filter(|work| is_recent(work, now) && claim.is(&work.id)).cloned()
    }

    /// Keeps what an id has opened.
    pub(crate) fn keep(&self, work: &Work) {
        let small = work.source.as_ref().is_some_and(|source| source.len() <= LARGEST);
        if small && work.older.is_none() {
            let mut slot =
                self.slot(&work.id.locator()).lock().unwrap_or_else(PoisonError::into_inner);
            *slot = Some(work.clone());
        }
    }

    /// Gives up what has been kept for long enough.
    pub(crate) fn forget(&self, now: UnixTime) {
        for slot in &self.0 {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            drop(slot.take_if(|work| !is_recent(work, now)));
        }
    }
}

fn is_recent(work: &Work, now: UnixTime) -> bool {
    now.since(work.looked_at) < KEPT
}
