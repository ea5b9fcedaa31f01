//! Whether this machine's clock goes with the store's.
//!
//! The nodes of one application judge idle time and lifetimes by clocks of their own. One whose
//! clock is far off would log out users who are active, or keep those who are not. So each
//! compares its clock with the store's, where a store has one, and beyond [`MOST`] it says
//! that it is not ready ([`Sessions::ready`]) and logs nobody out (law 8): it sweeps nothing, and
//! a session that is over by its clock is answered as in an outage, with 503.
//!
//! # What this does not protect
//! Stores on this machine (memory, SQLite) have no clock of their own, so there is nothing to
//! compare. If the store's clock is the one that is off, all nodes say that theirs are.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::events::Event;
use super::sessions::{Engine, Sessions};
use super::store::{StoreError, StoreErrorKind};
use crate::time::UnixTime;

/// How far a clock may be off.
pub(crate) const MOST: Duration = Duration::from_secs(5);

/// How often clocks are compared; one that was off is looked at with every housekeeping.
const EVERY: Duration = Duration::from_secs(10);

/// Why this process should be sent no requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReady {
    /// Its clock is this far ahead of the store's.
    ClockAhead(Duration),
    /// Its clock is this far behind the store's.
    ClockBehind(Duration),
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, way) = match self {
            Self::ClockAhead(by) => (by, "ahead of"),
            Self::ClockBehind(by) => (by, "behind"),
        };
        write!(
            f,
            "this machine's clock is {} s {way} the session store's, and may be {} s off: set one of \
             them right; until then no session is ended here because of the time",
            by.as_secs(),
            MOST.as_secs()
        )
    }
}

impl std::error::Error for NotReady {}

/// What the last comparison said.
#[derive(Default)]
pub(crate) struct Skew {
    /// How many milliseconds our clock is ahead; 0 if it is not off.
    ahead: AtomicI64,
    next: AtomicU64,
}

impl Skew {
    pub(crate) fn ready(&self) -> Result<(), NotReady> {
        let by = self.ahead.load(Relaxed);
        let off = Duration::from_millis(by.unsigned_abs());
        match by {
            0 => Ok(()),
            1.. => Err(NotReady::ClockAhead(off)),
            _ => Err(NotReady::ClockBehind(off)),
        }
    }

    /// Judges what the store's clock showed between two looks at ours.
    fn judge(&self, before: UnixTime, theirs: UnixTime, after: UnixTime) -> Result<(), NotReady> {
        let (ahead, behind) = (before.since(theirs), theirs.since(after));
        let millis = |off: Duration| i64::try_from(off.as_millis()).unwrap_or(i64::MAX);
        let by = match (ahead > MOST, behind > MOST) {
            (true, _) => millis(ahead),
            (_, true) => -millis(behind),
            _ => 0,
        };
        self.ahead.store(by, Relaxed);
        self.ready()
    }
}

impl Sessions {
    /// Whether requests may be sent to this process: for the health check of a load balancer.
    /// Clocks are compared by the housekeeping, every ten seconds.
    ///
    /// # Errors
    /// This machine's clock and the store's are more than five seconds apart.
    pub fn ready(&self) -> Result<(), NotReady> {
        self.0.skew.ready()
    }
}

impl Engine {
    /// Compares the clocks, if it is time. A store that fails changes nothing.
    pub(crate) async fn compare_clocks(&self) {
        let (before, was_ready) = (self.clock.now(), self.skew.ready().is_ok());
        let is_due = before.as_millis() >= self.skew.next.load(Relaxed) || !was_ready;
        if !is_due || !self.clock.is_time_of_day() {
            return;
        }
        let Ok(Some(theirs)) = self.within(self.store.clock()).await else { return };
        let after = self.clock.now();
        self.skew.next.store(before.saturating_add(EVERY).as_millis(), Relaxed);
        if let (Err(why), true) = (self.skew.judge(before, theirs, after), was_ready) {
            self.events.tell(&Event::ClockOff { why, at: after });
        }
    }

    /// Whether a session may be held to be over because of the time.
    pub(crate) fn trusts_its_clock(&self) -> Result<(), StoreError> {
        self.skew.ready().map_err(|why| {
            StoreError::new(
                StoreErrorKind::Unavailable,
                "nobody can tell whether the session is over",
            )
            .caused_by(why)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::attack_tests::{Nodes, nodes};
    use super::super::tests::{Browser, now};
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    #[test]
    fn five_seconds_are_allowed_and_the_way_to_the_store_does_not_count() {
        for (before, theirs, after, want) in [
            (100, 100, 100, Ok(())),
            (100, 95, 100, Ok(())),
            (100, 94, 100, Err(NotReady::ClockAhead(Duration::from_secs(6)))),
            (100, 105, 100, Ok(())),
            (100, 106, 100, Err(NotReady::ClockBehind(Duration::from_secs(6)))),
            (100, 160, 160, Ok(())),
            (100, 100, 160, Ok(())),
            (0, u64::MAX, 0, Err(NotReady::ClockBehind(Duration::from_millis(i64::MAX as u64)))),
        ] {
            assert_eq!(Skew::default().judge(at(before), at(theirs), at(after)), want);
        }
    }

    #[test]
    fn a_node_whose_clock_is_off_says_so_and_logs_nobody_out() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let ears = told.clone();
        let Nodes { store, clock, one, .. } = nodes(move |b| {
            let ears = ears.clone();
            b.on_event(move |event| ears.lock().unwrap().push(event.name()))
        });
        let mut browser = Browser::default();
        one.visit(&mut browser, |session| session.add("n", 1).unwrap());
        let maintain = || now(one.sessions.maintain()).unwrap();
        store.shows(at(1_800_000_000));
        maintain();
        assert_eq!(one.sessions.ready(), Ok(()));

        clock.0.fetch_add(400 * 24 * 3600, std::sync::atomic::Ordering::SeqCst);
        maintain();
        let Err(NotReady::ClockAhead(_)) = one.sessions.ready() else {
            panic!("it says it is ready")
        };
        maintain();
        let session = one.sessions.session();
        session.present(&browser.headers());
        let refused = now(session.load()).expect_err("it is over by this clock, and may not be");
        assert_eq!(refused.status(), 503);
        assert_eq!(told.lock().unwrap().iter().filter(|name| **name == "clock off").count(), 1);

        clock.0.store(1_800_000_003, std::sync::atomic::Ordering::SeqCst);
        maintain();
        assert_eq!(one.sessions.ready(), Ok(()));
        assert_eq!(one.open(&browser).get::<i64>("n").unwrap(), Some(1));
        // And one whose clock is right does.
        store.shows(at(1_900_000_000));
        clock.0.store(1_900_000_000, std::sync::atomic::Ordering::SeqCst);
        maintain();
        assert_eq!(one.open(&browser).get::<i64>("n").unwrap(), None);
    }
}
