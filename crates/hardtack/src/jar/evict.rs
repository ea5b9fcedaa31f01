//! Which cookies go when there are too many.
//!
//! As in Chromium's `net/cookies`: over a domain's limit, low priority goes before medium before
//! high, plain before Secure within it, and the least recently used first; some of each priority
//! are spared so that none starves. One difference: Chromium lets the jar as a whole grow beyond
//! its limit as long as every cookie was used within 30 days. Here the limit holds.

use super::index::Place;
use super::log::Cause;
use super::{Cookie, Jar, Partition};
use crate::cookie::{Eviction, Priority};
use crate::time::UnixTime;

impl Jar {
    /// Holds the limits after a cookie of `domain` came in. Tells how many had to go.
    pub(super) fn evict(
        &mut self,
        partition: Option<&Partition>,
        domain: &str,
        now: UnixTime,
    ) -> usize {
        let before = self.index.len();
        let limits = self.limits;
        let group = self.index.shelf(partition).and_then(|shelf| shelf.group_of(domain).cloned());
        if let Some(group) = group {
            let place = Place::Group(partition, &group);
            if self.group_is_full(partition, &group) {
                self.drop_expired(place, now);
            }
            if self.group_is_full(partition, &group) {
                let mut cookies = self.group_by_use(partition, &group);
                let too_many = cookies.len() > limits.per_domain;
                let victims = match (self.profile.eviction, partition) {
                    (Eviction::ByPriority, None) => by_priority(cookies, limits.per_domain_after),
                    (Eviction::PlainFirst, _) if too_many => {
                        plain_first(&cookies, limits.per_domain_after)
                    }
                    _ => {
                        let most = (limits.per_domain, limits.partition_bytes_after);
                        let spared = spared_suffix(&cookies, most);
                        cookies.truncate(cookies.len() - spared);
                        cookies.iter().map(|seen| seen.sequence).collect()
                    }
                };
                self.drop_victims(place, victims);
            }
        }
        if self.index.len() > limits.total {
            self.drop_expired(Place::Everywhere, now);
        }
        if self.index.len() > limits.total {
            let mut cookies: Vec<Seen> = self.index.iter().map(Seen::of).collect();
            cookies.sort_unstable_by_key(|seen| (seen.secure, seen.used()));
            let goal = cookies.len().saturating_sub(limits.total_after);
            let victims = cookies.iter().take(goal).map(|seen| seen.sequence).collect();
            self.drop_victims(Place::Everywhere, victims);
        }
        before - self.index.len()
    }

    fn group_is_full(&self, partition: Option<&Partition>, group: &str) -> bool {
        let Some(shelf) = self.index.shelf(partition) else { return false };
        shelf.group_len(group) > self.limits.per_domain
            || (partition.is_some_and(|partition| self.counts_bytes(partition))
                && self.limits.partition_bytes < usize::MAX
                && shelf.group_bytes(group) > self.limits.partition_bytes)
    }

    fn counts_bytes(&self, partition: &Partition) -> bool {
        self.profile.eviction == Eviction::ByPriority || partition.cross_site_ancestor
    }

    fn group_by_use(&self, partition: Option<&Partition>, group: &str) -> Vec<Seen> {
        let shelf = self.index.shelf(partition);
        let cookies = shelf.into_iter().flat_map(|shelf| shelf.group(group));
        let mut cookies: Vec<Seen> = cookies.map(Seen::of).collect();
        cookies.sort_unstable_by_key(Seen::used);
        cookies
    }

    fn drop_expired(&mut self, place: Place<'_>, now: UnixTime) {
        let taken = self.index.extract(place, |cookie| cookie.is_expired(now));
        self.log.gone(&taken, Cause::Expired);
    }

    fn drop_victims(&mut self, place: Place<'_>, mut victims: Vec<u64>) {
        victims.sort_unstable();
        let gone = |cookie: &Cookie| victims.binary_search(&cookie.sequence).is_ok();
        let taken = self.index.extract(place, gone);
        self.log.gone(&taken, Cause::Evicted);
    }
}

/// What eviction looks at.
struct Seen {
    last_access: UnixTime,
    sequence: u64,
    bytes: usize,
    priority: Priority,
    secure: bool,
    chosen: bool,
}

impl Seen {
    fn of(cookie: &Cookie) -> Seen {
        Seen {
            last_access: cookie.last_access(),
            sequence: cookie.sequence,
            bytes: cookie.name().len() + cookie.value().len(),
            priority: cookie.priority(),
            secure: cookie.secure(),
            chosen: false,
        }
    }

    fn used(&self) -> (UnixTime, u64) {
        (self.last_access, self.sequence)
    }
}

/// How many of the most recently used fit into this many cookies and bytes.
fn spared_suffix(by_use: &[Seen], (cookies, bytes): (usize, usize)) -> usize {
    let mut sum = 0usize;
    let fitting = by_use.iter().rev().take(cookies).take_while(|seen| {
        sum += seen.bytes;
        sum <= bytes
    });
    fitting.count()
}

/// The victims that bring a domain down to `most`, by Chromium's six rounds; `seen` is in the order of
/// use.
fn by_priority(mut seen: Vec<Seen>, most: usize) -> Vec<u64> {
    let mut goal = seen.len().saturating_sub(most);
    for (priority, plain_only) in [
        (Priority::Low, true),
        (Priority::Low, false),
        (Priority::Medium, true),
        (Priority::High, true),
        (Priority::Medium, false),
        (Priority::High, false),
    ] {
        let share = match priority {
            Priority::Low => 30,
            Priority::Medium => 50,
            Priority::High => 70,
        };
        // In a jar with other limits the same shares, or else they would stand above the limit.
        let quota = most.saturating_mul(share) / 150;
        let of_round = |seen: &&Seen| !seen.chosen && seen.priority == priority;
        let count = seen.iter().filter(of_round).count();
        let secure = seen.iter().filter(of_round).filter(|seen| seen.secure).count();
        let spared = if plain_only { secure.max(quota) } else { quota };
        let leaving = goal.min(count.saturating_sub(spared));
        let victims = seen
            .iter_mut()
            .filter(|seen| !seen.chosen && seen.priority == priority)
            .filter(|seen| !plain_only || !seen.secure);
        for victim in victims.take(leaving) {
            victim.chosen = true;
            goal -= 1;
        }
    }
    seen.iter().filter(|seen| seen.chosen).map(|seen| seen.sequence).collect()
}

/// The victims by Firefox's rule. The cookie that has just come in is one only if it is the only one
/// that is not Secure.
fn plain_first(by_use: &[Seen], most: usize) -> Vec<u64> {
    let goal = by_use.len().saturating_sub(most);
    let newest = by_use.iter().map(|seen| seen.sequence).max();
    let older = || by_use.iter().filter(|seen| Some(seen.sequence) != newest);
    let plain: Vec<u64> = older().filter(|seen| !seen.secure).map(|seen| seen.sequence).collect();
    if !plain.is_empty() {
        return plain.into_iter().take(goal).collect();
    }
    let refused = by_use.iter().find(|seen| Some(seen.sequence) == newest && !seen.secure);
    match refused {
        Some(newest) => vec![newest.sequence],
        None => older().map(|seen| seen.sequence).take(goal).collect(),
    }
}
