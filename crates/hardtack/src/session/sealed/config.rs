//! How sealed sessions are set up: all defaults, and what cannot be right.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cookies::Cookies;
use super::engine::{Engine, SealedSessions, most_data_in};
use super::revocable::{self, Revocable};
use super::until_expiry::{self, UntilExpiry};
use crate::cookie::SameSite;
use crate::seal::{Keyring, Sealer};
use crate::session::events::{Event, Events};
use crate::session::{ConfigError, Sessions};
use crate::time::{Clock, SystemClock};

/// Sets up [`SealedSessions`]. Begin with [`SealedSessions::builder`].
#[must_use = "nothing is set up before build()"]
pub struct SealedSessionsBuilder<R = UntilExpiry> {
    setup: Setup,
    revocation: R,
}

struct Setup {
    keys: Keyring,
    clock: Arc<dyn Clock>,
    events: Events,
    rules: Rules,
    name: Option<String>,
    same_site: SameSite,
    insecure: bool,
    /// What is sealed for: with and without revocation it is not the same, so that
    /// switching revocation off does not revive what was revoked.
    purpose: &'static str,
    promises: &'static str,
}

/// What may be set, with its defaults.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) idle: Duration,
    pub(super) lifetime: Duration,
    pub(super) most_bytes: usize,
    pub(super) most_keys: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            lifetime: Duration::from_secs(12 * 3600),
            most_bytes: 4096,
            most_keys: 64,
        }
    }
}

impl SealedSessionsBuilder<UntilExpiry> {
    pub(super) fn new(keys: Keyring) -> Self {
        let setup = Setup {
            keys,
            clock: Arc::new(SystemClock),
            events: Events::default(),
            rules: Rules::default(),
            name: None,
            same_site: SameSite::Lax,
            insecure: false,
            purpose: until_expiry::PURPOSE,
            promises: until_expiry::PROMISES,
        };
        Self { setup, revocation: UntilExpiry }
    }

    /// Lets sessions be ended: keeps a record of each login, without data, in the
    /// store of `sessions`, and asks it at each load of a signed-in session. The
    /// clock becomes that of `sessions`; limits on sessions per user, the deadline,
    /// the index of users and the events of ends are theirs, too.
    ///
    /// Cookies from before are not accepted any more.
    pub fn revocation(mut self, sessions: &Sessions) -> SealedSessionsBuilder<Revocable> {
        self.setup.clock = sessions.0.clock.clone();
        self.setup.purpose = revocable::PURPOSE;
        self.setup.promises = revocable::PROMISES;
        SealedSessionsBuilder { setup: self.setup, revocation: Revocable::new(sessions.clone()) }
    }
}

impl<R> SealedSessionsBuilder<R> {
    /// How long a session lives without activity. Default 30 minutes; at least a
    /// second, at most the lifetime. It ends up to a twentieth of this later,
    /// because that is how much activity goes by before a cookie is set for it.
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.setup.rules.idle = timeout;
        self
    }

    /// How long a session lives at most, whatever happens. Default 12 hours.
    /// Without revocation this is how long a copied cookie can be kept alive.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.setup.rules.lifetime = lifetime;
        self
    }

    /// How large the data of one session may grow: names, values as JSON, and 13
    /// bytes for each key. Default 4096 bytes in 64 keys, which is two cookies.
    /// Eight cookies are the most, about 23 000 bytes; before you ask for so
    /// much, see what headers your server and proxies take.
    pub fn most_data(mut self, bytes: usize, keys: usize) -> Self {
        (self.setup.rules.most_bytes, self.setup.rules.most_keys) = (bytes, keys);
        self
    }

    /// A name within the cookies' names, for an application that shares its host or
    /// its keys with another: `shop` gives `__Host-Http-shop-ses`.
    pub fn name(mut self, name: &str) -> Self {
        self.setup.name = Some(name.to_owned());
        self
    }

    /// The cookies' SameSite. Default Lax.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.setup.same_site = same_site;
        self
    }

    pub(crate) fn insecure(mut self) -> Self {
        self.setup.insecure = true;
        self
    }

    /// Where the time comes from. Default: the operating system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.setup.clock = Arc::new(clock);
        self
    }

    /// Tells that a session started, and that one request carried two of them. May
    /// be set more than once. Ends are told where there is a record of them: by
    /// the [`Sessions`] that revocation uses.
    pub fn on_event(mut self, told: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.setup.events.add(Arc::new(told));
        self
    }

    /// Checks everything. Log what [`SealedSessions::promises`] says once, at start.
    ///
    /// # Errors
    /// A configuration that cannot be right, with the value and the rule.
    pub fn build(self) -> Result<SealedSessions<R>, ConfigError> {
        let Setup { keys, clock, events, rules, name, same_site, insecure, purpose, promises } =
            self.setup;
        for (what, value) in [("idle timeout", rules.idle), ("lifetime", rules.lifetime)] {
            if value < Duration::from_secs(1) {
                return Err(ConfigError::TooShort { what, value });
            }
        }
        if rules.idle > rules.lifetime {
            let Rules { idle, lifetime, .. } = rules;
            return Err(ConfigError::IdleOverLifetime { idle, lifetime });
        }
        if rules.most_keys == 0 || rules.most_bytes == 0 {
            let what = "room for a session's data";
            return Err(ConfigError::TooShort { what, value: Duration::ZERO });
        }
        let cookies = Cookies::build(name.as_deref(), same_site, insecure)?;
        let most = most_data_in(cookies.capacity());
        if rules.most_bytes > most {
            return Err(ConfigError::TooMuchData { bytes: rules.most_bytes, most });
        }
        Ok(SealedSessions::new(Engine {
            sealer: Sealer::new(&keys, purpose),
            clock,
            events,
            rules,
            cookies,
            counters: Default::default(),
            promises,
            revocation: self.revocation,
        }))
    }
}

impl<R> fmt::Debug for SealedSessionsBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSessionsBuilder")
            .field("rules", &self.setup.rules)
            .finish_non_exhaustive()
    }
}
