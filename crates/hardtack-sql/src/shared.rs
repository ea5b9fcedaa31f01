//! What both engines need.

use std::collections::BTreeMap;

use hardtack::session::Locator;
use hardtack::session::store::Touch;
use hardtack::time::UnixTime;

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

/// Whether what goes to this host stays on this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
