//! How many anonymous sessions one client may open (law 12): a visitor without
//! cookies, a bot, opens one with each request that keeps something.
//!
//! # What this does not protect
//! Counts are those of one process. A client is whatever the adapter is told it is:
//! behind a proxy that is not named to it, everybody is one client; a botnet is many.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::time::UnixTime;

/// Clients are counted in this many places, whatever their number: memory is
/// bounded, and two that share a place share what is allowed.
const PLACES: usize = 1 << 14;

/// What is allowed is allowed anew after this.
const WINDOW: Duration = Duration::from_secs(3600);

/// Counts the sessions that each client opens.
pub(crate) struct Clients {
    most: Option<NonZeroU32>,
    /// Random, so that nobody can choose to share a place.
    hash: RandomState,
    places: Mutex<Vec<Place>>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    since: UnixTime,
    opened: u32,
}

impl Clients {
    pub(crate) fn new(most: Option<NonZeroU32>) -> Self {
        let places = if most.is_some() { PLACES } else { 0 };
        Self { most, hash: RandomState::new(), places: Mutex::new(vec![Place::default(); places]) }
    }

    /// Whether a client may open one more; if so it is counted.
    pub(crate) fn admit(&self, client: Option<&str>, now: UnixTime) -> bool {
        let (Some(most), Some(client)) = (self.most, client) else { return true };
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.hash.hash_one(client) as usize % PLACES;
        let Some(place) = places.get_mut(at) else { return true };
        if now.since(place.since) >= WINDOW {
            *place = Place { since: now, opened: 0 };
        }
        let admitted = place.opened < most.get();
        place.opened += u32::from(admitted);
        admitted
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_counted_by_itself_and_anew_each_hour() {
        let clients = Clients::new(NonZeroU32::new(2));
        let now = UnixTime::from_secs(1_800_000_000);
        let admit = |client, at| clients.admit(Some(client), at);
        assert!(admit("192.0.2.1", now) && admit("192.0.2.1", now));
        assert!(!admit("192.0.2.1", now), "the third");
        assert!(admit("192.0.2.2", now), "another client");
        assert!(clients.admit(None, now), "nobody knows who");
        assert!(!admit("192.0.2.1", now.saturating_add(WINDOW - Duration::from_secs(1))));
        assert!(admit("192.0.2.1", now.saturating_add(WINDOW)));
        assert!((0..9).all(|_| Clients::new(None).admit(Some("192.0.2.1"), now)));
    }
}
