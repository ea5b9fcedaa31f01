//! The near-cache: one connection on which the server tells of every write, and that is asked
//! all the time whether it still does.
//!
//! # What is told, and how that is proven
//! Each statement that changes or ends sessions notifies a channel of their locators, in its own
//! transaction. PostgreSQL tells a listener in the order in which transactions commit. So
//! a listener that notifies itself, and hears it, has heard of every write that was committed
//! before it asked (`listener.rs`): what is remembered is used for less than the lag after the
//! question was sent, less a tenth.
//!
//! # Why an end is answered late enough
//! Nobody notifies and nobody waits unless `hardtack_near` says so: for how long ends are held
//! back, and until when that stands. The statement that ends reads it, and with it locks the table
//! against whoever wants it alone. So take an end written at W, and a process that uses a record
//! of the same session after the end was answered.
//!
//! - Where it does not stand it is put down by somebody who has the table alone. A
//!   statement from before has been committed by then, and what it ended is not loaded any more:
//!   a process forgets everything when the number of the row is new to it. A statement from
//!   after sees the row.
//! - Where it stands it is renewed long before it ends. A statement that has not seen
//!   that began before it, when it stood as well: it counts by its own beginning.
//! - Each question asks also whether it stands, for the lag of this process or more, for 20
//!   seconds yet, and under the number that is known. If it does, an end that is written while the
//!   answer is believed was told, and held back for longer than the answer is believed.
//!
//! A greater lag of another process stands until nobody renews it.
//!
//! # What this does not protect
//! - Two servers that both take writes, as after a failover that has not stopped the old one:
//!   who still loads from that one believes it, with a near-cache or without.
//! - What is changed by hand in the tables is not told.
//! - A clock of the server that jumps forward by more than 20 seconds may have ends answered at
//!   once for as long as the lag.
//! - Clocks of processes are believed to run evenly, to a tenth.

mod listener;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::tokio_postgres::{Config, NoTls};
use hardtack::session::store::near::{Near, Since, trust};
use hardtack::session::{Locator, Record, UserKey};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What one store remembers, and the task that listens for it.
pub(super) struct NearCache {
    near: Arc<Near>,
    ears: Arc<Ears>,
    task: Mutex<Option<AbortHandle>>,
}

/// What a listener has to know.
pub(super) struct Ears {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// What a connection begins with.
    pub(super) setup: String,
    pub(super) lag: Duration,
    pub(super) deadline: Duration,
}

/// How connections are kept from others.
#[derive(Clone)]
pub(super) enum Tls {
    /// Not: it is this machine, or was asked for.
    None(NoTls),
    Rustls(MakeRustlsConnect),
}

impl NearCache {
    pub(super) fn new(bytes: usize, ears: Ears) -> Self {
        let near = Near::new(bytes, trust(ears.lag), Instant::now().into_std());
        Self { near: Arc::new(near), ears: Arc::new(ears), task: Mutex::default() }
    }

    pub(super) fn find(&self, key: &Locator) -> Option<Record> {
        self.near.find(key, Instant::now().into_std())
    }

    /// Before a load. Begins to listen if nobody does yet.
    pub(super) fn before(&self, key: &Locator) -> Option<Since> {
        let since = self.near.before(key);
        if since.is_none() {
            let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            // One may have ended with its runtime.
            if task.as_ref().is_none_or(AbortHandle::is_finished) {
                let listening =
                    tokio::spawn(listener::listen(self.near.clone(), self.ears.clone()));
                *task = Some(listening.abort_handle());
            }
        }
        since
    }

    pub(super) fn fill(&self, key: &Locator, since: Since, record: &Record) {
        self.near.fill(key, since, record.clone());
    }

    /// So that who has written does not read what was there before.
    pub(super) fn forget(&self, key: &Locator) {
        self.near.forget(key);
    }

    /// The same after a raise.
    pub(super) fn clear(&self) {
        self.near.clear();
    }
}

impl Drop for NearCache {
    fn drop(&mut self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.iter().for_each(AbortHandle::abort);
    }
}

/// What is told of everybody: no locator, so that everything is forgotten.
const EVERYBODY: &str = "*";
const SLOT: &str = "slot ";
const LOCATOR_CHARS: usize = 24;

/// What is told of a raised epoch. The index of a user's sessions may not show yet one that is
/// being made, so what is told is what all of their locators have in common.
pub(super) fn raised(user: Option<&UserKey>) -> String {
    match user.map(UserKey::slot) {
        None => EVERYBODY.to_owned(),
        Some([a, b]) => format!("{SLOT}{a:02x}{b:02x}"),
    }
}

/// Takes in what is told: the locators of sessions, one after the other, or a slot. Of anything
/// else it may be that everything was written to.
fn hear(near: &Near, text: &str) {
    if let Some(hex) = text.strip_prefix(SLOT) {
        return match u16::from_str_radix(hex, 16) {
            Ok(slot) => near.forget_slot(slot.to_be_bytes()),
            Err(_) => near.clear(),
        };
    }
    for locator in text.as_bytes().chunks(LOCATOR_CHARS) {
        match std::str::from_utf8(locator).ok().and_then(Locator::parse) {
            Some(key) => near.forget(&key),
            None => near.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hardtack_testkit::FakeClock;
    use hardtack_testkit::records::{locator, signed_in, user};

    use super::*;

    /// A near-cache that remembers a session of each of some users.
    fn remembering(users: &[UserKey]) -> (Near, Instant, Vec<Locator>) {
        let now = Instant::now();
        let near = Near::new(1 << 20, Duration::from_secs(1), now.into_std());
        near.begin();
        near.proven(now.into_std());
        let keys: Vec<_> = users.iter().map(|user| locator(Some(user))).collect();
        for (key, user) in keys.iter().zip(users) {
            let since = near.before(key).unwrap();
            near.fill(key, since, signed_in(user, FakeClock::START));
        }
        (near, now, keys)
    }

    #[test]
    fn what_is_told_is_forgotten_and_nothing_else() {
        let users = ["ada", "bob", "eve"].map(user);
        let told = |text: &dyn Fn(&[Locator]) -> String| {
            let (near, now, keys) = remembering(&users);
            hear(&near, &text(&keys));
            [0, 1, 2].map(|n: usize| near.find(&keys[n], now.into_std()).is_some())
        };
        assert_eq!(told(&|_| String::new()), [true, true, true]);
        assert_eq!(told(&|keys| keys[1].to_string()), [true, false, true]);
        assert_eq!(told(&|keys| format!("{}{}", keys[2], keys[0])), [false, true, false]);
        assert_eq!(told(&|_| raised(Some(&users[0]))), [false, true, true]);
        assert_eq!(told(&|_| raised(None)), [false, false, false]);
        for odd in ["?", "slot ", "slot 12345", "\u{e9}"] {
            assert_eq!(told(&|_| odd.to_owned()), [false, false, false], "{odd}");
        }
    }

    /// A load that began before a raise was told may have found what is outdated.
    #[test]
    fn a_load_from_before_a_raise_is_not_remembered_after_it() {
        let ada = user("ada");
        let (near, now, keys) = remembering(std::slice::from_ref(&ada));
        let since = near.before(&keys[0]).unwrap();
        hear(&near, &raised(Some(&ada)));
        near.fill(&keys[0], since, signed_in(&ada, FakeClock::START));
        assert_eq!(near.find(&keys[0], now.into_std()), None);
    }
}
