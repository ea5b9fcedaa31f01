//! Random bytes from the operating system, drawn in blocks.
//!
//! A call of getrandom(2) costs more than everything else that making a
//! session id does, so each thread draws [`BLOCK`] bytes at once and hands
//! them out in turn. A byte is zeroized in the block the moment it is handed
//! out, so that reading the memory of a process later does not tell the ids it
//! made before.
//!
//! There is no fallback: where the operating system gives no randomness, the
//! answer is [`EntropyError`] and nothing is made.
//!
//! # Forks
//! A child of fork(2) inherits a copy of the block, and would hand out the
//! same bytes as its parent: two workers issuing the same session ids. So the
//! block carries the id of the process that drew it, and *every* call compares
//! that with the process it runs in; a block that somebody else drew is wiped
//! and never used. Comparing only when the block is refilled would not do,
//! because the copy is full. Asking for the process id is a system call of its
//! own, but less than half the price of getrandom(2).
//!
//! # What this does not protect
//! - A machine or container image whose *memory* was snapshotted and is resumed
//!   more than once: every copy has the same block and the same process id.
//!   Take such snapshots before the first request.
//! - A child that gets its parent's process id: process 1 of a container that
//!   forks a process 1 of a nested PID namespace, or the wrap-around of process
//!   ids. Both need a fork without exec after the first use.
//! - Memory read while the bytes are still in the block: up to [`BLOCK`] bytes
//!   of ids and keys that are yet to be issued.

use std::cell::RefCell;
use std::fmt;

use zeroize::Zeroize;

/// Bytes drawn from the operating system at once, per thread.
const BLOCK: usize = 4096;

/// Requests this long go to the operating system directly: they would empty
/// the block too fast for it to save anything.
const DIRECT: usize = BLOCK / 4;

/// Fills `dest` with bytes from the operating system's generator.
///
/// # Errors
/// [`EntropyError`] when the operating system gives none; `dest` is then
/// zeroes or partly filled and must not be used.
pub(crate) fn fill(dest: &mut [u8]) -> Result<(), EntropyError> {
    if dest.len() >= DIRECT {
        return draw(dest);
    }
    // While a thread ends, its block may be gone already: then one call each.
    POOL.try_with(|pool| pool.borrow_mut().fill(dest, std::process::id()))
        .unwrap_or_else(|_| draw(dest))
}

/// The operating system gave no random bytes.
///
/// Nothing was made: there is no weaker source to fall back to. On a running
/// system this means that the process may not call getrandom(2) or read
/// /dev/urandom, usually because of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntropyError(getrandom::Error);

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the operating system gave no random bytes ({}); allow this process getrandom(2) or /dev/urandom",
            self.0
        )
    }
}

impl std::error::Error for EntropyError {}

struct Pool {
    block: [u8; BLOCK],
    /// Where the unused bytes begin.
    next: usize,
    /// The process that drew the block.
    drawn_by: u32,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::empty()) };
}

impl Pool {
    const fn empty() -> Pool {
        Pool { block: [0; BLOCK], next: BLOCK, drawn_by: 0 }
    }

    fn fill(&mut self, dest: &mut [u8], process: u32) -> Result<(), EntropyError> {
        if self.drawn_by != process || BLOCK - self.next < dest.len() {
            self.refill(process)?;
        }
        let taken = &mut self.block[self.next..self.next + dest.len()];
        dest.copy_from_slice(taken);
        taken.zeroize();
        self.next += dest.len();
        Ok(())
    }

    fn refill(&mut self, process: u32) -> Result<(), EntropyError> {
        // Marked as used up first: after a failure nothing of it is handed out.
        self.next = BLOCK;
        self.block.zeroize();
        draw(&mut self.block)?;
        self.next = 0;
        self.drawn_by = process;
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.block.zeroize();
    }
}

fn draw(dest: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(dest).map_err(EntropyError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_length_is_filled_and_no_value_comes_twice() {
        let mut seen = HashSet::new();
        for length in (16..64).chain(DIRECT - 2..DIRECT + 2).chain([BLOCK, 3 * BLOCK]) {
            for _ in 0..50 {
                let mut bytes = vec![0; length];
                fill(&mut bytes).unwrap();
                let tail = bytes[length - 16..].to_vec();
                assert_ne!(tail, [0; 16], "the last bytes of {length} were not filled");
                assert!(seen.insert(tail), "bytes came twice at length {length}");
            }
        }
        fill(&mut []).unwrap();
    }

    #[test]
    fn bytes_handed_out_are_gone_from_the_block() {
        let mut pool = Pool::empty();
        let mut bytes = [0; 32];
        pool.fill(&mut bytes, 7).unwrap();
        assert_eq!(pool.block[..32], [0; 32]);
        assert!(!pool.block.windows(32).any(|window| window == bytes));
    }

    #[test]
    fn a_copy_in_another_process_hands_out_other_bytes() {
        let mut parent = Pool::empty();
        parent.fill(&mut [0; 8], 100).unwrap();
        let mut child = Pool { block: parent.block, next: parent.next, drawn_by: parent.drawn_by };

        let (mut of_parent, mut of_child) = ([0; 32], [0; 32]);
        parent.fill(&mut of_parent, 100).unwrap();
        child.fill(&mut of_child, 101).unwrap();
        assert_ne!(of_parent, of_child);
    }

    #[test]
    fn threads_do_not_share_bytes() {
        let draw = || {
            let mut bytes = [0; 32];
            fill(&mut bytes).unwrap();
            bytes
        };
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(draw)).collect();
        let all: HashSet<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert_eq!(all.len(), 8);
    }
}
