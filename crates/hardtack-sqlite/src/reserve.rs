//! Some room on the disk that is kept for the time when there is none: ending
//! and removing sessions needs a little room, too.
//!
//! From the first "disk full" on, what needs more room is refused at once, and
//! when ending or removing fails as well the reserve is given up for that. Once
//! there is room for it again, it is kept again and the store takes everything.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) struct Reserve {
    pub(crate) file: File,
    bytes: u64,
    tight: AtomicBool,
    /// Whoever takes room for it, or needs that it is not taken.
    turn: Mutex<()>,
}

impl Reserve {
    pub(crate) fn new(file: File, bytes: u64) -> Self {
        Self { file, bytes, tight: AtomicBool::new(false), turn: Mutex::default() }
    }

    /// Whether only what ends or removes something is done.
    pub(crate) fn is_tight(&self) -> bool {
        self.tight.load(SeqCst)
    }

    pub(crate) fn note_full(&self) {
        self.tight.store(true, SeqCst);
    }

    /// Gives the room back to the disk, where it stays while the answer is held: trying
    /// whether there is room for the reserve takes all of it for a moment.
    pub(crate) fn release(&self) -> MutexGuard<'_, ()> {
        let turn = self.turn();
        // If this fails, so does what the room is for, and says why.
        let _ = self.file.set_len(0);
        turn
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the room, if it does not do so already.
    pub(crate) fn keep(&self) -> io::Result<()> {
        let _turn = self.turn();
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
