//! What the threads of one open store share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use crate::Durability;
use crate::backup::Request;
use crate::cache::Cache;
use crate::gate::Gate;
use crate::queue::{Answer, Lane, Queue, Slot};
use crate::readers::Readers;
use crate::reserve::Reserve;
use crate::verbs::{Flush, Task, Verb};

/// How the store was set up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) durability: Durability,
    pub(crate) cache_bytes: usize,
    pub(crate) deadline: Duration,
    pub(crate) reserve_bytes: u64,
    pub(crate) create: bool,
    /// How often the background looks around.
    pub(crate) tick: Duration,
    /// How long activity stays in memory at most; `None`: until it is flushed by hand.
    pub(crate) flush: Option<Duration>,
}

pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) cache: Cache,
    pub(crate) queue: Queue,
    pub(crate) readers: Readers,
    pub(crate) gate: Gate,
    pub(crate) reserve: Reserve,
    pub(crate) backup: Mailbox,
    /// Whether something was committed that is not on the disk yet.
    pub(crate) unsynced: AtomicBool,
    pub(crate) stop: AtomicBool,
    pub(crate) commits: AtomicU64,
    pub(crate) checkpointer: OnceLock<Thread>,
}

/// How many locators' activity goes to the file in one transaction.
const FLUSHED_AT_ONCE: usize = 64;

/// After how many commits the checkpointer looks at the log.
const LOOK_AFTER: u64 = 8;

impl Shared {
    /// Has the writer do `verb`.
    pub(crate) fn ask<V: Verb>(&self, lane: Lane, verb: V) -> Answer<V::Answer> {
        let slot = Slot::new();
        self.queue.push(lane, Box::new(Task::new(verb, slot.clone())));
        Answer(slot)
    }

    /// Has all activity that is only noted written to the file, bit by bit.
    pub(crate) fn flush(&self) -> Vec<Answer<()>> {
        let noted = self.cache.all_noted();
        let parts = noted.chunks(FLUSHED_AT_ONCE);
        parts.map(|part| self.ask(Lane::Last, Flush(part.to_vec()))).collect()
    }

    pub(crate) fn committed(&self) {
        if self.commits.fetch_add(1, SeqCst).is_multiple_of(LOOK_AFTER)
            && let Some(thread) = self.checkpointer.get()
        {
            thread.unpark();
        }
    }
}

/// Holds at most one request for the writer.
#[derive(Default)]
pub(crate) struct Mailbox {
    there: AtomicBool,
    request: Mutex<Option<Arc<Request>>>,
}

impl Mailbox {
    /// `false`: there is one already.
    pub(crate) fn put(&self, request: Arc<Request>) -> bool {
        let mut place = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        let free = place.is_none();
        if free {
            *place = Some(request);
            self.there.store(true, SeqCst);
        }
        free
    }

    pub(crate) fn take(&self) -> Option<Arc<Request>> {
        if !self.there.swap(false, SeqCst) {
            return None;
        }
        self.request.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
