//! Who may cache, when several processes have the store open.
//!
//! The process that opens the store first is its host and may cache. Whoever
//! comes while it is there is a guest: guests never cache, and a guest is not
//! let in before the host has stopped caching. So every process always sees
//! what every other was answered. The locks are advisory ones on two files
//! beside the store; the system takes them back when a process dies.
//!
//! | file | host | guest |
//! | --- | --- | --- |
//! | `-lock` | exclusive; the first byte says whether it caches | reads that byte |
//! | `-reserve` | exclusive, for a moment, to find out whether there are guests | shared |
//!
//! The host begins to cache only while it has both locks, so a guest that holds
//! its own and has read "no" may rely on that.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use crate::cache::Cache;
use crate::stopwatch;

const CACHES: &[u8; 1] = b"c";
const CACHES_NOT: &[u8; 1] = b"n";

pub(crate) struct Lease {
    host: File,
    guests: File,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Host { caches: bool },
    Guest,
}

impl Lease {
    /// Comes in as the host, or as a guest once the host has made way. Gives up
    /// after `patience`, with an error of the kind `TimedOut`.
    pub(crate) fn take(host: File, guests: File, patience: Duration) -> io::Result<Self> {
        let until = stopwatch::now() + patience;
        let mut lease = Self { host, guests, role: Role::Guest };
        let mut waits = false;
        loop {
            if locked(lease.host.try_lock())? {
                if waits {
                    lease.guests.unlock()?;
                }
                lease.role = Role::Host { caches: false };
                lease.say(CACHES_NOT)?;
                return Ok(lease);
            }
            if !waits {
                lease.guests.lock_shared()?;
                waits = true;
            }
            if lease.host_says()? == *CACHES_NOT {
                return Ok(lease);
            }
            if stopwatch::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Looks whether guests have come or all have left, and has the cache used
    /// accordingly. Of no effect in a guest.
    pub(crate) fn review(&mut self, cache: &Cache) -> io::Result<()> {
        let Role::Host { caches } = self.role else { return Ok(()) };
        let alone = locked(self.guests.try_lock())?;
        if alone != caches {
            cache.enable(alone);
            self.say(if alone { CACHES } else { CACHES_NOT })?;
            self.role = Role::Host { caches: alone };
        }
        if alone {
            self.guests.unlock()?;
        }
        Ok(())
    }

    fn say(&mut self, word: &[u8; 1]) -> io::Result<()> {
        self.host.rewind()?;
        self.host.write_all(word)
    }

    fn host_says(&mut self) -> io::Result<[u8; 1]> {
        let mut word = *CACHES;
        self.host.rewind()?;
        match self.host.read_exact(&mut word) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(*CACHES),
            read => read.map(|()| word),
        }
    }
}

/// Whether a lock was taken.
fn locked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
