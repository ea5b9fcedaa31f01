//! How sessions are set up: all defaults, and what cannot be right.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::events::{Event, Events};
use super::id::Scope;
use super::lifetime::touch_interval;
use super::record::Kind;
use super::sessions::{Engine, Sessions};
use super::store::{SessionLimit, Store, WhenFull};
use super::transport::{Transport, TransportPlan};
use super::url::UrlParameter;
use crate::cookie::{BuildError, SameSite};
use crate::seal::Keyring;
use crate::time::{Clock, SystemClock};

/// What may be set, with its defaults.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) idle: Duration,
    pub(crate) lifetime: Duration,
    pub(crate) anonymous_lifetime: Duration,
    pub(crate) remember: Option<Duration>,
    pub(crate) renew_after: Option<Duration>,
    pub(crate) deadline: Duration,
    pub(crate) limit: Option<SessionLimit>,
    pub(crate) anonymous_per_client: Option<NonZeroU32>,
    pub(crate) most_bytes: usize,
    pub(crate) most_keys: usize,
    pub(crate) later_wins: bool,
    pub(crate) reuse_ends: bool,
    pub(crate) readable: bool,
    pub(crate) user_hash: Option<[u8; 32]>,
    pub(crate) url: Option<UrlParameter>,
    pub(crate) scope: Scope,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            lifetime: Duration::from_secs(12 * 3600),
            anonymous_lifetime: Duration::from_secs(4 * 3600),
            remember: None,
            renew_after: Some(Duration::from_secs(3600)),
            deadline: Duration::from_secs(2),
            limit: None,
            anonymous_per_client: None,
            most_bytes: 64 * 1024,
            most_keys: 256,
            later_wins: false,
            reuse_ends: true,
            readable: false,
            user_hash: None,
            url: None,
            scope: Scope::default(),
        }
    }
}

/// Sets up [`Sessions`]. Begin with [`Sessions::builder`].
#[must_use = "nothing is set up before build()"]
pub struct SessionsBuilder {
    store: Arc<dyn Store>,
    keys: Keyring,
    clock: Arc<dyn Clock>,
    events: Events,
    settings: Settings,
    transport: TransportPlan,
    profile: Option<Profile>,
}

/// The reauthentication limits of NIST SP 800-63B-4 (sections 2.1.3, 2.2.3, 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// AAL1: lifetime at most 30 days.
    Aal1,
    /// AAL2: lifetime at most 24 hours, idle at most 1 hour.
    Aal2,
    /// AAL3: lifetime at most 12 hours, idle at most 15 minutes.
    Aal3,
}

impl Profile {
    /// The greatest idle timeout, if the profile names one, and the greatest lifetime.
    pub const fn limits(self) -> (Option<Duration>, Duration) {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        match self {
            Profile::Aal1 => (None, Duration::from_secs(30 * 24 * HOUR)),
            Profile::Aal2 => (Some(Duration::from_secs(HOUR)), Duration::from_secs(24 * HOUR)),
            Profile::Aal3 => {
                (Some(Duration::from_secs(15 * MINUTE)), Duration::from_secs(12 * HOUR))
            }
        }
    }
}

impl SessionsBuilder {
    pub(crate) fn new(store: Arc<dyn Store>, keys: Keyring) -> Self {
        Self {
            store,
            keys,
            clock: Arc::new(SystemClock),
            events: Events::default(),
            settings: Settings::default(),
            transport: TransportPlan::default(),
            profile: None,
        }
    }

    /// How long a session lives without activity. Default 30 minutes; at least a
    /// second, at most the lifetime. It ends up to a twentieth of this later
    /// (see [`lifetime`](Self::lifetime) for what nothing extends).
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.settings.idle = timeout;
        self
    }

    /// How long a session lives at most, whatever happens. Default 12 hours.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetime = lifetime;
        self
    }

    /// How long an anonymous session lives at most. Default 4 hours, or the
    /// lifetime if that is shorter.
    pub fn anonymous_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.anonymous_lifetime = lifetime;
        self
    }

    /// Lets a login ask to be remembered, and how long that lasts. Off by default.
    pub fn remember(mut self, lifetime: Duration) -> Self {
        self.settings.remember = Some(lifetime);
        self
    }

    /// How old the secret of a signed-in session may grow before it is renewed.
    /// Default one hour; `None`: never of its own accord.
    pub fn renew_after(mut self, age: Option<Duration>) -> Self {
        self.settings.renew_after = age;
        self
    }

    /// Holds idle timeout and lifetime against a profile; `build()` refuses what
    /// is beyond it.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// How long a call to the store may take. Default 2 seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// How many signed-in sessions one user may have, and what happens to the
    /// login after that. Unlimited by default (ASVS 5.0 7.1.2 asks for a decision).
    pub fn sessions_per_user(mut self, most: NonZeroU32, when_full: WhenFull) -> Self {
        self.settings.limit = Some(SessionLimit::new(most, when_full));
        self
    }

    /// How many anonymous sessions one client may open in an hour, counted in each
    /// process. Unlimited by default; it needs an adapter that is told how to know a
    /// client (`client_by` of the tower layer). What is beyond is answered 429.
    pub fn anonymous_per_client(mut self, most: NonZeroU32) -> Self {
        self.settings.anonymous_per_client = Some(most);
        self
    }

    /// How large the data of one session may grow. Default 64 KiB in 256 keys.
    pub fn most_data(mut self, bytes: usize, keys: usize) -> Self {
        (self.settings.most_bytes, self.settings.most_keys) = (bytes, keys);
        self
    }

    /// Where a request sets a key that it has read and that has changed since:
    /// let the later one win (counted as `overwritten`) instead of answering 409.
    pub fn let_later_set_win(mut self) -> Self {
        self.settings.later_wins = true;
        self
    }

    /// What happens when a secret that has been renewed is used again: by default
    /// the session ends, since somebody may have stolen it. With this the use is
    /// only refused and told as an event.
    pub fn tolerate_reuse(mut self) -> Self {
        self.settings.reuse_ends = false;
        self
    }

    /// Keeps the bodies of records readable in the store: anybody who can read it
    /// reads every session's data, and anybody who can write to it can make a
    /// session of theirs anybody else's.
    pub fn readable_records(mut self) -> Self {
        self.settings.readable = true;
        self
    }

    /// Indexes users by a keyed hash instead of their id, so that the store
    /// does not tell who has sessions. The key must never change while there are
    /// sessions: it is not one of the keyring.
    pub fn hash_users(mut self, key: [u8; 32]) -> Self {
        self.settings.user_hash = Some(key);
        self
    }

    /// A name within the cookies' names, for an application that shares its host
    /// with another, or has two layers: `shop` gives `__Host-Http-shop-sid`. Ids are
    /// bound to it: one of another name is not ours, also over the same store
    /// and keys.
    pub fn name(mut self, name: &str) -> Self {
        self.transport.name = Some(name.to_owned());
        self
    }

    /// The cookies' SameSite. Default Lax.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.transport.same_site = same_site;
        self
    }

    /// Carries the id in a request and response header instead of a cookie: for
    /// APIs whose clients keep it themselves.
    pub fn in_header(mut self, header: http::HeaderName) -> Self {
        self.transport.header = Some(header);
        self
    }

    /// Sets the Domain of the cookies, so that they go to every subdomain too.
    /// Needs [`danger::insecure_cookie`](super::danger) or names without the
    /// `__Host-` prefix; `build()` says so.
    pub fn domain(mut self, domain: &str) -> Self {
        self.transport.domain = Some(domain.to_owned());
        self
    }

    /// Sets the Path of the cookies. Default `/`, which the `__Host-` prefix asks for.
    pub fn path(mut self, path: &str) -> Self {
        self.transport.path = path.to_owned();
        self
    }

    /// The prefix of the cookies' names, `__Host-Http-` by default. With
    /// `__Secure-` or none, siblings of this host can overwrite the cookies.
    pub fn cookie_prefix(mut self, prefix: &'static str) -> Self {
        self.transport.prefix = prefix;
        self
    }

    pub(crate) fn insecure(mut self) -> Self {
        self.transport.insecure = true;
        self
    }

    pub(crate) fn url_parameter(mut self, name: &str, signed_in: bool) -> Self {
        self.settings.url = Some(UrlParameter { name: name.into(), signed_in });
        self
    }

    /// Where the time comes from. Default: the operating system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Tells every security event (a session started or ended and why, a secret
    /// used again, two live sessions in one request). May be set more than once.
    /// Ends are told at least once, whichever process noticed them.
    pub fn on_event(mut self, told: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events.add(Arc::new(told));
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// A configuration that cannot be right, with the value and the rule.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        let s = &self.settings;
        for (what, value) in [
            ("idle timeout", s.idle),
            ("lifetime", s.lifetime),
            ("lifetime of anonymous sessions", s.anonymous_lifetime),
            ("lifetime of remember-me tokens", s.remember.unwrap_or(Duration::MAX)),
            ("age at which secrets are renewed", s.renew_after.unwrap_or(Duration::MAX)),
        ] {
            if value < Duration::from_secs(1) {
                return Err(ConfigError::TooShort { what, value });
            }
        }
        if s.idle > s.lifetime {
            return Err(ConfigError::IdleOverLifetime { idle: s.idle, lifetime: s.lifetime });
        }
        if let Some(remember) = s.remember.filter(|r| *r <= s.lifetime) {
            return Err(ConfigError::RememberWithinLifetime { remember, lifetime: s.lifetime });
        }
        if let Some(profile) = self.profile {
            let (idle, lifetime) = profile.limits();
            for (what, value, most) in [
                // Idle sessions end one touch interval late.
                (
                    "idle timeout with a twentieth on top",
                    s.idle.saturating_add(touch_interval(s.idle)),
                    idle.unwrap_or(Duration::MAX),
                ),
                ("lifetime", s.lifetime, lifetime),
            ] {
                if value > most {
                    return Err(ConfigError::BeyondProfile { profile, what, value, most });
                }
            }
        }
        if s.most_keys == 0 || s.most_bytes == 0 {
            return Err(ConfigError::TooShort {
                what: "room for a session's data",
                value: Duration::ZERO,
            });
        }
        if let (Some(header), Some(_)) = (&self.transport.header, s.remember) {
            return Err(ConfigError::RememberInHeader { header: header.clone() });
        }
        let transport = Transport::build(&self.transport)?;
        if let Some(url) = &s.url {
            url.check(transport.cookie(Kind::User).is_some())?;
        }
        let scope = Scope::of(self.transport.name.as_deref());
        Ok(Sessions::new(Engine::new(
            self.store,
            self.keys,
            self.clock,
            self.events,
            Settings { scope, ..self.settings },
            transport,
        )))
    }
}

impl fmt::Debug for SessionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder")
            .field("store", &self.store.info().name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A duration or size is too small to mean anything.
    TooShort {
        /// Which.
        what: &'static str,
        /// What it was set to.
        value: Duration,
    },
    /// The idle timeout is longer than the lifetime.
    IdleOverLifetime {
        /// The idle timeout.
        idle: Duration,
        /// The lifetime.
        lifetime: Duration,
    },
    /// Being remembered would not outlast the session.
    RememberWithinLifetime {
        /// How long a login is remembered.
        remember: Duration,
        /// The lifetime of a session.
        lifetime: Duration,
    },
    /// A remember-me token needs a cookie of its own.
    RememberInHeader {
        /// The header that carries ids instead.
        header: http::HeaderName,
    },
    /// Longer than the profile allows.
    BeyondProfile {
        /// The profile.
        profile: Profile,
        /// What is too long.
        what: &'static str,
        /// What it was set to.
        value: Duration,
        /// The most that the profile allows.
        most: Duration,
    },
    /// More data than the cookies of sealed sessions hold.
    TooMuchData {
        /// What `most_data()` was set to, in bytes.
        bytes: usize,
        /// The most that fits.
        most: usize,
    },
    /// The cookies would be dropped or refused by browsers.
    Cookie {
        /// The name of the cookie.
        name: String,
        /// The rule it breaks.
        rule: BuildError,
    },
    /// The parameter of [`danger::url_parameter`](super::danger::url_parameter) cannot be used.
    UrlParameter {
        /// Its name.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::TooShort { what, value } => {
                write!(f, "the {what} is {value:?}; it must be at least 1 (second, byte or key)")
            }
            ConfigError::IdleOverLifetime { idle, lifetime } => {
                write!(
                    f,
                    "the idle timeout ({idle:?}) is longer than the lifetime ({lifetime:?}), so it would never be reached; shorten the one or lengthen the other"
                )
            }
            ConfigError::RememberWithinLifetime { remember, lifetime } => {
                write!(
                    f,
                    "a login would be remembered for {remember:?}, which is not longer than a session lives anyway ({lifetime:?})"
                )
            }
            ConfigError::RememberInHeader { header } => {
                write!(
                    f,
                    "remember() needs a cookie of its own, but ids travel in the header {header}; leave out one of the two"
                )
            }
            ConfigError::BeyondProfile { profile, what, value, most } => {
                write!(
                    f,
                    "the {what} is {value:?}, but {profile:?} (NIST SP 800-63B-4) allows at most {most:?}"
                )
            }
            ConfigError::TooMuchData { bytes, most } => {
                write!(
                    f,
                    "most_data() allows {bytes} bytes, but the cookies of a sealed session hold at most {most}; allow less, or keep the data on the server"
                )
            }
            ConfigError::Cookie { name, rule } => {
                write!(f, "the cookie {name} cannot be set: {rule}")
            }
            ConfigError::UrlParameter { name, rule } => {
                write!(f, "the URL parameter {name:?} cannot carry a session: {rule}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
