//! Security events and counters.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::id::Locator;
use super::record::{Cause, Kind};
use super::skew::NotReady;
use super::store::EndEvent;
use crate::time::UnixTime;

/// Something that an audit log wants to know. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A session started.
    Started {
        /// Which.
        session: Locator,
        /// What kind.
        kind: Kind,
        /// Whose.
        user: Option<String>,
        /// When.
        at: UnixTime,
    },
    /// A session ended. Told at least once for every session; its locator is the
    /// event's id.
    Ended(EndEvent),
    /// A secret that had been renewed was presented again after its grace: the
    /// cookie has been copied, or a client lost several answers.
    Reuse {
        /// Of which session.
        session: Locator,
        /// When.
        at: UnixTime,
    },
    /// One request carried two live sessions, which no browser does by itself:
    /// somebody plants cookies. It was treated as anonymous.
    TwoSessions {
        /// The sessions.
        sessions: Vec<Locator>,
        /// When.
        at: UnixTime,
    },
    /// This machine's clock and the store's do not go together any more.
    ClockOff {
        /// How far.
        why: NotReady,
        /// When, by this machine's.
        at: UnixTime,
    },
}

impl Event {
    /// A short name for logs.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Started { .. } => "session started",
            Event::Ended(_) => "session ended",
            Event::Reuse { .. } => "renewed secret used again",
            Event::TwoSessions { .. } => "two live sessions in one request",
            Event::ClockOff { .. } => "clock off",
        }
    }

    /// The cause, of an end.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Event::Ended(end) => Some(end.cause),
            _ => None,
        }
    }
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Events(Vec<Listener>);

impl Events {
    pub(crate) fn add(&mut self, listener: Listener) {
        self.0.push(listener);
    }

    pub(crate) fn tell(&self, event: &Event) {
        for listener in &self.0 {
            // One that panics has been told, and takes nobody else down: neither
            // the housekeeping nor the request that happened to tell it.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({})", self.0.len())
    }
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn up(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)* }

        /// What an engine has counted since it was built.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            pub(crate) fn counts(&self) -> Counts {
                Counts { $($name: self.$name.value(),)* }
            }
        }

        impl Counts {
            /// Every counter by name, for a metrics page.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Ids of the right shape and key that we did not make.
    forged,
    /// Ids made under a key that the ring does not hold.
    unknown_key,
    /// Cookies of our name that are not the shape of an id.
    malformed,
    /// Genuine ids of sessions that the store does not know.
    unknown,
    /// Requests with two live sessions.
    two_sessions,
    /// Uses of a renewed secret after its grace.
    reuse,
    /// Compare-and-sets that another process was ahead of.
    conflicts,
    /// Store calls whose outcome had to be found out.
    unknown_outcomes,
    /// Store calls that failed.
    store_errors,
    /// Requests refused because a key they had read has changed (409).
    clashes,
    /// Changes of others that a later `set` overwrote, where it is let win.
    overwritten,
    /// Activity notes passed on to the store.
    touches,
    /// Sessions created.
    started,
}
