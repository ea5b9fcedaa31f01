//! When a session is live, due for a touch or a renewal, or over: pure functions
//! of what the record says and of the time.

use std::time::Duration;

use super::body::Facts;
use super::record::Cause;
use crate::time::UnixTime;

/// How long the old secret stays good after the new one was first presented.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// What the time says about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be used.
    Live {
        /// Activity has not been noted for half a touch interval.
        touch: bool,
        /// Its secret is older than the configuration wants.
        renew: bool,
    },
    /// It is over.
    Over(Cause),
}

/// How much longer a session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remaining {
    /// Until it ends if nothing happens. Each request that loads it starts this anew.
    pub idle: Duration,
    /// Until it ends whatever happens.
    pub lifetime: Duration,
}

/// How much activity may go unnoted: a twentieth of the idle timeout.
pub(crate) fn touch_interval(idle: Duration) -> Duration {
    idle / 20
}

/// Judges a session.
pub(crate) fn judge(
    facts: &Facts,
    last_seen: UnixTime,
    renew_after: Option<Duration>,
    now: UnixTime,
) -> Verdict {
    if now >= facts.dies() {
        return Verdict::Over(Cause::Lifetime);
    }
    if now >= idle_end(facts, last_seen) {
        return Verdict::Over(Cause::Idle);
    }
    Verdict::Live {
        touch: now.since(last_seen) >= touch_interval(facts.idle) / 2,
        renew: renew_after.is_some_and(|after| now.since(facts.issued) >= after),
    }
}

/// When idle time runs out: the timeout, and one touch interval on top, because
/// the activity that was noted may be that much older than the real one.
fn idle_end(facts: &Facts, last_seen: UnixTime) -> UnixTime {
    last_seen.saturating_add(facts.idle).saturating_add(touch_interval(facts.idle))
}

/// The `expires` column: when the session is over if nothing more happens.
pub(crate) fn expires(facts: &Facts, last_seen: UnixTime) -> UnixTime {
    idle_end(facts, last_seen).min(facts.dies())
}

/// What is left for somebody who was active at `last_seen`.
pub(crate) fn remaining(facts: &Facts, last_seen: UnixTime, now: UnixTime) -> Remaining {
    let lifetime = facts.dies().since(now);
    Remaining { idle: last_seen.saturating_add(facts.idle).since(now).min(lifetime), lifetime }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Epochs, Kind};

    const T0: UnixTime = UnixTime::from_secs(1_000_000);

    fn facts() -> Facts {
        Facts {
            kind: Kind::User,
            created: T0,
            authenticated: Some(T0),
            issued: T0,
            epochs: Epochs::default(),
            idle: Duration::from_secs(1800),
            lifetime: Duration::from_secs(43_200),
            remember: None,
            user: "alice".into(),
        }
    }

    fn at(secs: u64) -> UnixTime {
        T0.saturating_add(Duration::from_secs(secs))
    }

    #[test]
    fn idle_and_lifetime_both_hold() {
        let hour = Some(Duration::from_secs(3600));
        let live = |touch, renew| Verdict::Live { touch, renew };
        for (last_seen, now, want) in [
            (0, 0, live(false, false)),
            (0, 44, live(false, false)),
            (0, 45, live(true, false)), // half of 90 s
            (0, 1889, live(true, false)),
            (0, 1890, Verdict::Over(Cause::Idle)), // 30 min and one interval
            (3600, 3600, live(false, true)),
            (43_199, 43_199, live(false, true)),
            (43_199, 43_200, Verdict::Over(Cause::Lifetime)),
        ] {
            assert_eq!(
                judge(&facts(), at(last_seen), hour, at(now)),
                want,
                "seen {last_seen}, now {now}"
            );
        }
    }

    #[test]
    fn activity_never_extends_the_lifetime() {
        for seen in (0..43_200).step_by(60) {
            assert!(expires(&facts(), at(seen)) <= facts().dies());
            assert!(
                remaining(&facts(), at(seen), at(seen)).lifetime <= facts().dies().since(at(seen))
            );
        }
        assert_eq!(remaining(&facts(), at(43_000), at(43_000)).idle, Duration::from_secs(200));
    }
}
