//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use hardtack::time::{Clock, UnixTime};

/// A clock that stands still until a test moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// Where a clock made by [`FakeClock::new`] stands: early in 2030.
    pub const START: UnixTime = UnixTime::from_secs(1_900_000_000);

    /// A clock that shows [`FakeClock::START`].
    pub fn new() -> Self {
        Self::at(Self::START)
    }

    /// A clock that shows `time`.
    pub fn at(time: UnixTime) -> Self {
        Self(Arc::new(AtomicU64::new(time.as_millis())))
    }

    /// Moves to `time`, which may be in the past: clocks of machines are set back, too.
    pub fn set(&self, time: UnixTime) {
        self.0.store(time.as_millis(), SeqCst);
    }

    /// Moves on by `by`, at most to [`UnixTime::MAX`], and answers the new time.
    pub fn advance(&self, by: Duration) -> UnixTime {
        let time = self.now().saturating_add(by);
        self.set(time);
        time
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.0.load(SeqCst))
    }

    fn is_time_of_day(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_until_moved_and_clones_show_the_same_time() {
        let clock = FakeClock::new();
        let seen_by_the_engine = clock.clone();
        assert_eq!(seen_by_the_engine.now(), FakeClock::START);
        assert_eq!(clock.advance(Duration::from_millis(1500)), seen_by_the_engine.now());
        assert_eq!(seen_by_the_engine.now().since(FakeClock::START), Duration::from_millis(1500));
        clock.set(UnixTime::from_secs(1));
        assert_eq!(seen_by_the_engine.now(), UnixTime::from_secs(1));
        assert_eq!(clock.advance(Duration::MAX), UnixTime::MAX);
    }
}
