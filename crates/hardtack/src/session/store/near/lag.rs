//! How long ends are held back, and what follows from that.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const LEAST_LAG: Duration = Duration::from_millis(10);

/// The longest that an end is held back. Short beside what nodes that move sessions to
/// another store grant each other.
pub const MOST_LAG: Duration = Duration::from_secs(1);

/// Refuses a lag that a near-cache cannot have, of a store whose verbs answer within
/// `deadline`.
///
/// # Errors
/// A sentence that says what it may be: 10 ms to a quarter of the deadline, and to
/// [`MOST_LAG`].
pub fn check_lag(lag: Duration, deadline: Duration) -> Result<(), String> {
    let most = MOST_LAG.min(deadline / 4);
    if (LEAST_LAG..=most).contains(&lag) {
        return Ok(());
    }
    Err(format!(
        "the lag of a near-cache is {lag:?}, and must be {LEAST_LAG:?} to {most:?}: up to a quarter \
         of the deadline, and to {MOST_LAG:?}"
    ))
}

/// For how long an answer is believed where ends are held back for `lag`: a tenth less,
/// since clocks may run at different speeds, and a server may answer who wrote a moment
/// before it tells the others.
pub fn trust(lag: Duration) -> Duration {
    lag - lag / 10
}

/// For how long the last end was held back. The next is likely to be held back for as
/// long, which is known only when it is written.
#[derive(Debug, Default)]
pub struct Held(AtomicU64);

impl Held {
    /// The time that a verb has which may end something, of a deadline.
    pub fn leaves(&self, deadline: Duration) -> Duration {
        deadline - Duration::from_millis(self.0.load(Relaxed)).min(deadline / 2)
    }

    /// An end is held back for so long.
    pub fn note(&self, lag: Duration) {
        self.0.store(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_short_beside_the_deadline() {
        let millis = Duration::from_millis;
        for (lag, deadline, fits) in [
            (9, 2000, false),
            (10, 2000, true),
            (500, 2000, true),
            (501, 2000, false),
            (1000, 10_000, true),
            (1001, 10_000, false),
        ] {
            let checked = check_lag(millis(lag), millis(deadline));
            assert_eq!(checked.is_ok(), fits, "{lag} of {deadline}: {checked:?}");
        }
    }

    #[test]
    fn what_an_end_is_held_back_for_comes_off_its_time_and_never_more_than_half() {
        let (held, deadline) = (Held::default(), Duration::from_secs(1));
        assert_eq!(held.leaves(deadline), deadline);
        held.note(Duration::from_millis(100));
        assert_eq!(held.leaves(deadline), Duration::from_millis(900));
        held.note(Duration::from_secs(9));
        assert_eq!(held.leaves(deadline), Duration::from_millis(500));
    }
}
