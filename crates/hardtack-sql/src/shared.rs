//! What both engines need.

use std::collections::BTreeMap;
use std::time::Duration;

use hardtack::session::store::{
    Inserted, Relocated, StoreError, StoreErrorKind, TOMBSTONE_KEPT, Touch,
};
use hardtack::session::{Cause, Locator};
use hardtack::time::UnixTime;

use crate::columns::millis;

/// How often a verb looks again that found the row changed between its statement
/// and the one that asks why.
pub(crate) const LOOKS: usize = 64;

/// The most sessions that one statement of a sweep looks after.
pub(crate) const PART: usize = 500;

/// How a session is.
pub(crate) enum State {
    Unknown,
    Ended(Cause),
    Live { version: i64, expires: i64 },
}

impl State {
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Ended(cause) => Some(*cause),
            _ => None,
        }
    }
}

/// A session changed again and again while it was looked at.
#[derive(Debug)]
pub(crate) struct Restless;

impl std::fmt::Display for Restless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a session changed {LOOKS} times while it was looked at")
    }
}

impl std::error::Error for Restless {}

/// What an insert answers: a login in place of no other session.
pub(crate) fn inserted(created: Relocated) -> Inserted {
    match created {
        Relocated::Ok => Inserted::Ok,
        Relocated::Full => Inserted::Full,
        Relocated::Outdated => Inserted::Outdated,
        _ => Inserted::Exists,
    }
}

/// The latest times of each locator, in the order of the locators: whoever locks
/// rows in one order waits for nobody who waits for them.
pub(crate) fn merged(batch: &[Touch]) -> BTreeMap<Locator, (UnixTime, UnixTime)> {
    let mut merged = BTreeMap::<Locator, (UnixTime, UnixTime)>::new();
    for touch in batch {
        let times = merged.entry(touch.key).or_default();
        *times = (times.0.max(touch.last_seen), times.1.max(touch.expires));
    }
    merged
}

/// The latest end, as a column, that a sweep may forget; `None` if it is too early
/// for any.
pub(crate) fn forgettable(now: UnixTime) -> Option<i64> {
    let kept = UnixTime::from_millis(0).saturating_add(TOMBSTONE_KEPT);
    (now >= kept).then(|| millis(now.saturating_sub(TOMBSTONE_KEPT)))
}

/// Refuses a schema that is missing (0), older or newer than this crate's.
pub(crate) fn check_schema(place: &str, found: i32, known: i32) -> Result<(), StoreError> {
    let advice = match found {
        _ if found == known => return Ok(()),
        0 => "it has no tables for sessions: migrate it, or apply the schema by hand".to_owned(),
        _ if found < known => format!("its schema has version {found}: migrate it to {known}"),
        _ => format!(
            "its schema has version {found} and this program knows versions up to {known}: \
             use a newer program"
        ),
    };
    Err(StoreError::new(StoreErrorKind::Corrupt, format!("session store {place}: {advice}")))
}

/// The error of a verb that has no answer when its deadline is over.
pub(crate) fn too_late(place: &str, deadline: Duration) -> StoreError {
    let what = format!(
        "session store {place}: no answer within {} ms; whether it was done is unknown",
        deadline.as_millis()
    );
    StoreError::new(StoreErrorKind::Timeout, what)
}

/// Whether what goes to this host stays on this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
