//! Time as an argument.
//!
//! Nothing in this crate reads a clock on its own account: every rule that
//! depends on the time takes a [`UnixTime`], and a program has one [`Clock`]
//! at its edge. That is what lets each of those rules be tested without sleeping.

use std::fmt;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The latest time there is; "never", where a limit is switched off.
    pub const MAX: UnixTime = UnixTime(u64::MAX);

    /// From milliseconds since 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole seconds since 1970; saturates at [`UnixTime::MAX`].
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// `self + after`, at most [`UnixTime::MAX`].
    pub const fn saturating_add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(millis(after)))
    }

    /// `self - before`, at least 1970.
    pub const fn saturating_sub(self, before: Duration) -> Self {
        Self(self.0.saturating_sub(millis(before)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: UnixTime) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// In milliseconds, as far as they can be counted.
const fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis() as u64)
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// Where a program takes the time from; one per process.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// Whether it shows the time of day. That of a test may not, and is then not
    /// compared with the clock of a store.
    fn is_time_of_day(&self) -> bool {
        true
    }
}

/// The operating system's clock; on Linux as exact as the kernel's tick, 1 to 10 ms.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn now(&self) -> UnixTime {
        use rustix::time::{ClockId, clock_gettime};
        // As exact as the kernel's tick (1 to 10 ms), for a quarter of the price.
        let now = clock_gettime(ClockId::RealtimeCoarse);
        let secs = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
        UnixTime(secs.saturating_mul(1000).saturating_add(nanos / 1_000_000))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock set before 1970 reads as 1970: everything that expires is then
        // not yet expired, and nothing panics.
        UnixTime(since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let t = UnixTime::from_secs(10);
        assert_eq!(t.saturating_sub(Duration::from_secs(11)).as_millis(), 0);
        assert_eq!(t.saturating_add(Duration::MAX), UnixTime::MAX);
        assert_eq!(UnixTime::from_secs(u64::MAX), UnixTime::MAX);
        assert_eq!(t.since(UnixTime::MAX), Duration::ZERO);
    }
}
