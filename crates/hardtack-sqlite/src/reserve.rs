//! Some room on the disk that is kept for the time when there is none: ending
//! and removing sessions needs a little room, too.
//!
//! From the first "disk full" on, what needs more room is refused at once, and
//! when ending or removing fails as well the reserve is given up for that. Once
//! there is room for it again, it is kept again and the store takes everything.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

pub(crate) struct Reserve {
    pub(crate) file: File,
    bytes: u64,
    tight: AtomicBool,
}

impl Reserve {
    pub(crate) fn new(file: File, bytes: u64) -> Self {
        Self { file, bytes, tight: AtomicBool::new(false) }
    }

    /// Whether only what ends or removes something is done.
    pub(crate) fn is_tight(&self) -> bool {
        self.tight.load(SeqCst)
    }

    pub(crate) fn note_full(&self) {
        self.tight.store(true, SeqCst);
    }

    /// Gives the room back to the disk. `false` if that was done before.
    pub(crate) fn release(&self) -> bool {
        let kept = self.file.metadata().is_ok_and(|m| m.len() > 0);
        kept && self.file.set_len(0).is_ok()
    }

    /// Keeps the room, if it does not do so already.
    pub(crate) fn keep(&self) -> io::Result<()> {
        if self.file.metadata()?.len() == self.bytes && !self.is_tight() {
            return Ok(());
        }
        // Twice as much for a moment, so that something is left beside it.
        let filled = self.fill(2 * self.bytes);
        self.file.set_len(if filled.is_ok() { self.bytes } else { 0 })?;
        filled.inspect(|()| self.tight.store(false, SeqCst))
    }

    /// Zeros are written, not a hole: a hole keeps no room.
    fn fill(&self, bytes: u64) -> io::Result<()> {
        const BLOCK: usize = 64 * 1024;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut left = bytes;
        while left > 0 {
            let count = left.min(BLOCK as u64);
            file.write_all(&[0; BLOCK][..count as usize])?;
            left -= count;
        }
        file.sync_data()
    }
}
