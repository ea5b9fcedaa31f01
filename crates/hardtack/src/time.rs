//! A point in time, as the caller's clock told it.

/// Milliseconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
///
/// This library reads no clock: every operation that depends on time takes a
/// `UnixTime` as its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The time this many milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> UnixTime {
        UnixTime(millis)
    }

    /// The time this many seconds after the epoch; beyond what milliseconds in
    /// 64 bits can hold, the last moment they can.
    pub const fn from_secs(secs: u64) -> UnixTime {
        UnixTime(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}
