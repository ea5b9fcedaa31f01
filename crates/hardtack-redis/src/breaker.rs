//! Leaves a server that does not answer alone for a while.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Closed: everybody may call. After [`FAILURES`] in a row open: nobody may, but
/// for one probe every [`REST`]; the first call that is answered closes it.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: AtomicU32,
    /// When the next probe may go, in milliseconds of the caller's clock.
    probe_at: AtomicU64,
}

const FAILURES: u32 = 5;
const REST: Duration = Duration::from_millis(500);

impl Breaker {
    /// Whether a call may be made at `now`, any clock that only goes forward.
    pub(crate) fn admits(&self, now: impl FnOnce() -> Duration) -> bool {
        if self.failures.load(SeqCst) < FAILURES {
            return true;
        }
        let (now, probe_at) = (now().as_millis() as u64, self.probe_at.load(SeqCst));
        let next = now + REST.as_millis() as u64;
        now >= probe_at && self.probe_at.compare_exchange(probe_at, next, SeqCst, SeqCst).is_ok()
    }

    /// The server answered, whatever it said.
    pub(crate) fn answered(&self) {
        if self.failures.load(SeqCst) != 0 {
            self.failures.store(0, SeqCst);
        }
    }

    /// It did not.
    pub(crate) fn failed(&self, now: Duration) {
        if self.failures.fetch_add(1, SeqCst) + 1 == FAILURES {
            self.probe_at.store((now + REST).as_millis() as u64, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_probes_and_closes() {
        let (breaker, at) = (Breaker::default(), Duration::from_millis);
        for _ in 0..FAILURES {
            assert!(breaker.admits(|| at(10)));
            breaker.failed(at(10));
        }
        assert!(!breaker.admits(|| at(509)), "open");
        assert!(breaker.admits(|| at(510)), "one probe");
        assert!(!breaker.admits(|| at(600)), "and no other while it is under way");
        breaker.failed(at(700));
        assert!(!breaker.admits(|| at(1009)));
        assert!(breaker.admits(|| at(1010)), "the next probe");
        breaker.answered();
        assert!(breaker.admits(|| at(1011)) && breaker.admits(|| at(1011)), "closed");
    }
}
