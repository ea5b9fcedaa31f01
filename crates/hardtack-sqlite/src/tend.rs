//! The thread that watches: over deadlines, over activity that is to be written,
//! and over other processes. It never touches the disk, so nothing holds it up.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use crate::inner::Shared;
use crate::lease::Lease;
use crate::queue::Answer;
use crate::stopwatch;

/// Until the store is closed.
pub(crate) fn run(shared: &Arc<Shared>, mut lease: Lease) {
    let mut flushed = stopwatch::now();
    let mut flushing: Vec<Answer<()>> = Vec::new();
    while !shared.stop.load(SeqCst) {
        std::thread::park_timeout(shared.settings.tick);
        if lease.review(&shared.cache).is_err() {
            // Without locks there is no telling who else is there.
            shared.cache.enable(false);
        }
        shared.queue.expire(shared.settings.deadline);
        flushing.retain(|answer| !answer.is_there());
        if let Some(every) = shared.settings.flush
            && flushing.is_empty()
            && flushed.elapsed() >= every
        {
            flushed = stopwatch::now();
            flushing = shared.flush();
        }
    }
}
