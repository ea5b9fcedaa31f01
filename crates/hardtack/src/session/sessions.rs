//! The engine: what all requests share.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::clients::Clients;
use super::commits::Commits;
use super::config::{SessionsBuilder, Settings};
use super::data::Data;
use super::error::SessionError;
use super::events::{Counters, Counts, Event, Events};
use super::id::{Locator, LocatorHash};
use super::live::Watchers;
use super::recent::Recent;
use super::record::{Cause, Kind, UserKey};
use super::runtime::{Runtime, Within};
use super::session::Session;
use super::skew::Skew;
use super::store::{Reply, Store, StoreError, StoreInfo, Touch};
use super::transport::Transport;
use crate::seal::Keyring;
use crate::time::{Clock, UnixTime};

/// Sessions of one application: a store, a keyring and rules. Cheap to clone;
/// all clones are one engine.
#[derive(Clone)]
pub struct Sessions(pub(crate) Arc<Engine>);

pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Keyring,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    pub(crate) settings: Settings,
    pub(crate) transport: Transport,
    pub(crate) commits: Commits,
    pub(crate) counters: Counters,
    pub(crate) watchers: Watchers,
    pub(crate) clients: Clients,
    pub(crate) recent: Recent,
    pub(crate) skew: Skew,
    /// Whether bodies are sealed: wherever records leave the process.
    pub(crate) sealed: bool,
    /// Whether the store answers without waiting.
    pub(crate) at_once: bool,
    /// Whether it never does so to a load.
    pub(crate) waits: bool,
    /// Whether the store answers loads and replaces in time by itself.
    keeps_deadline: bool,
    touches: Mutex<HashMap<Locator, (UnixTime, UnixTime), LocatorHash>>,
    /// Whether there may be any.
    any_touches: AtomicBool,
    runtime: OnceLock<Arc<dyn Runtime>>,
}

/// Activity notes kept before they are passed on; beyond it new ones are dropped
/// (the session's idle time then counts from an earlier note).
const MOST_TOUCHES: usize = 100_000;

impl Sessions {
    /// Begins to set up sessions kept in `store`, with ids made under `keys`: the
    /// two things that have no safe default.
    pub fn builder(store: impl Store, keys: Keyring) -> SessionsBuilder {
        SessionsBuilder::new(Arc::new(store), keys)
    }

    pub(crate) fn new(engine: Engine) -> Self {
        Self(Arc::new(engine))
    }

    /// The session of one request; nothing is looked up before it is loaded.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// Gives the engine a runtime; the first one stays.
    pub fn attach(&self, runtime: Arc<dyn Runtime>) {
        if self.0.runtime.set(runtime.clone()).is_err() {
            return;
        }
        let (engine, sleeper) = (Arc::downgrade(&self.0), runtime.clone());
        runtime.spawn(Box::pin(async move {
            while let Some(engine) = engine.upgrade() {
                let _ = engine.maintain().await; // a failure is counted, and tried again
                drop(engine);
                sleeper.sleep(Duration::from_secs(1)).await;
            }
        }));
    }

    /// Whether the engine has a runtime.
    pub fn is_attached(&self) -> bool {
        self.0.runtime.get().is_some()
    }

    /// The housekeeping: passes on activity, ends what is due, tells the ends.
    /// Runs once a second by itself where a runtime is attached.
    ///
    /// # Errors
    /// The store failed; what was not passed on is kept for the next time.
    pub async fn maintain(&self) -> Result<(), StoreError> {
        self.0.maintain().await
    }

    /// Signs `user` in without a request and gives the `Cookie` header of the
    /// session: for tests of applications that check who is signed in.
    ///
    /// # Errors
    /// As [`Session::login`].
    pub async fn issue_for_test(&self, user: &str) -> Result<String, SessionError> {
        let session = self.session();
        session.login(user).await?;
        let outcome = session.finish().await;
        let pairs = outcome.headers.iter().filter_map(|(_, v)| v.to_str().ok()?.split(';').next());
        Ok(pairs.collect::<Vec<_>>().join("; "))
    }

    /// What has been counted.
    pub fn counts(&self) -> Counts {
        self.0.counters.counts()
    }

    /// What the store is.
    pub fn store_info(&self) -> StoreInfo {
        self.0.store.info()
    }

    /// The time by this engine's clock.
    pub fn now(&self) -> UnixTime {
        self.0.clock.now()
    }

    /// The keys that ids are made under.
    pub fn keys(&self) -> &Keyring {
        &self.0.keys
    }

    /// The name of the cookie that sessions of `kind` travel in; `None` with
    /// header transport. That of a signed-in session's id since it was renewed is
    /// the same with a `2` behind it.
    pub fn cookie_name(&self, kind: Kind) -> Option<&str> {
        self.0.transport.cookie(kind).map(crate::cookie::CookieSpec::name)
    }

    /// The names of all cookies that these sessions may set, for pages that tell of them
    /// and for programs in front that let some through; none with header transport.
    pub fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.0.transport.cookies().map(crate::cookie::CookieSpec::name)
    }

    /// The request header that ids are read from, and that responses of a session
    /// therefore vary by.
    pub fn varies_by(&self) -> &http::HeaderName {
        match &self.0.transport {
            Transport::Cookies { .. } => &http::header::COOKIE,
            Transport::Header(name) => name,
        }
    }

    /// Whether a parameter of the URL may name a session
    /// ([`danger::url_parameter`](super::danger::url_parameter)), so that adapters have to
    /// call [`Session::present_url`].
    pub fn takes_url_parameter(&self) -> bool {
        self.0.settings.url.is_some()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("store", &self.0.store.info().name).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        keys: Keyring,
        clock: Arc<dyn Clock>,
        events: Events,
        settings: Settings,
        transport: Transport,
    ) -> Self {
        let StoreInfo { persistent, at_once, waits, deadline, .. } = store.info();
        let keeps_deadline = deadline.is_some_and(|deadline| deadline <= settings.deadline);
        let sealed = persistent && !settings.readable;
        let clients = Clients::new(settings.anonymous_per_client);
        Self {
            store,
            keys,
            clock,
            events,
            settings,
            transport,
            commits: Commits::default(),
            counters: Counters::default(),
            watchers: Watchers::default(),
            clients,
            recent: Recent::default(),
            skew: Skew::default(),
            sealed,
            at_once,
            waits,
            keeps_deadline,
            touches: Mutex::default(),
            any_touches: AtomicBool::new(false),
            runtime: OnceLock::new(),
        }
    }

    pub(crate) fn runtime(&self) -> Option<&Arc<dyn Runtime>> {
        self.runtime.get()
    }

    /// Awaits a store's answer under the deadline.
    pub(crate) fn within<'a, T: Unpin>(
        &'a self,
        reply: Reply<'a, Result<T, StoreError>>,
    ) -> Within<'a, T> {
        Within { reply, engine: self, timer: None, in_time: false }
    }

    /// The same of a load or a replace, which every request makes: where the store has a
    /// timer for it, a second one would cost as much as a good part of the rest.
    pub(crate) fn within_own<'a, T: Unpin>(
        &'a self,
        reply: Reply<'a, Result<T, StoreError>>,
    ) -> Within<'a, T> {
        Within { in_time: self.keeps_deadline, ..self.within(reply) }
    }

    /// Ends one session and tells whoever watches it.
    pub(crate) async fn end(
        &self,
        key: &Locator,
        cause: Cause,
        now: UnixTime,
    ) -> Result<super::store::Ended, StoreError> {
        let ended = self.within(self.store.end(key, cause, now)).await?;
        match ended {
            super::store::Ended::Now => self.watchers.tell(key, Some(cause)),
            super::store::Ended::Before(cause) => self.watchers.tell(key, cause),
            super::store::Ended::NotDue => {}
        }
        Ok(ended)
    }

    /// Notes activity, to be passed on within a second.
    pub(crate) fn note(&self, key: Locator, now: UnixTime, expires: UnixTime) {
        let mut touches = self.touches.lock().unwrap_or_else(PoisonError::into_inner);
        if touches.len() < MOST_TOUCHES || touches.contains_key(&key) {
            touches.insert(key, (now, expires));
            self.any_touches.store(true, SeqCst);
        }
    }

    /// Activity that was noted here and may not have reached the store.
    pub(crate) fn noted(&self, key: &Locator) -> UnixTime {
        if !self.any_touches.load(SeqCst) {
            return UnixTime::default();
        }
        let touches = self.touches.lock().unwrap_or_else(PoisonError::into_inner);
        touches.get(key).map_or(UnixTime::default(), |(seen, _)| *seen)
    }

    /// By what the sessions of `user` are found.
    pub(crate) fn user_key(&self, user: &str) -> Option<UserKey> {
        match &self.settings.user_hash {
            None => UserKey::new(user.as_bytes()),
            Some(key) => UserKey::new(&blake3::keyed_hash(key, user.as_bytes()).as_bytes()[..16]),
        }
    }

    /// Whether data is within the bounds; a backstop, since handles check each change.
    pub(crate) fn fits(&self, data: &Data) -> bool {
        let (bytes, keys) = data.size();
        bytes <= self.settings.most_bytes && keys <= self.settings.most_keys
    }

    pub(crate) async fn maintain(&self) -> Result<(), StoreError> {
        // What is swept is due at a time before the activity known here was passed on:
        // the other way round an active session could be ended.
        let now = self.clock.now();
        self.recent.forget(now);
        self.compare_clocks().await;
        let flushed = self.flush().await;
        let swept = async {
            flushed?;
            while self.skew.ready().is_ok() && self.within(self.store.sweep(now, SWEEP)).await?.more
            {
            }
            self.deliver().await
        };
        let swept = swept.await;
        self.watchers.look(self).await;
        swept
    }

    /// Passes activity on. It stays known here until the store has it, for requests
    /// that look meanwhile.
    async fn flush(&self) -> Result<(), StoreError> {
        let touches = || self.touches.lock().unwrap_or_else(PoisonError::into_inner);
        let touch = |(key, (seen, expires)): (&Locator, &(UnixTime, UnixTime))| {
            Touch::new(*key, *seen, *expires)
        };
        let batch: Vec<Touch> = touches().iter().map(touch).collect();
        if batch.is_empty() {
            return Ok(());
        }
        self.within(self.store.touch(&batch)).await?;
        self.counters.touches.add(batch.len() as u64);
        let mut touches = touches();
        for written in &batch {
            if touches.get(&written.key).is_some_and(|(seen, _)| *seen == written.last_seen) {
                touches.remove(&written.key);
            }
        }
        self.any_touches.store(!touches.is_empty(), SeqCst);
        Ok(())
    }

    async fn deliver(&self) -> Result<(), StoreError> {
        loop {
            let ends = self.within(self.store.undelivered(SWEEP)).await?;
            if ends.is_empty() {
                return Ok(());
            }
            let keys: Vec<Locator> = ends.iter().map(|end| end.key).collect();
            for end in ends {
                self.watchers.tell(&end.key, Some(end.cause));
                self.events.tell(&Event::Ended(end));
            }
            self.within(self.store.delivered(&keys)).await?;
        }
    }
}

/// How many sessions one step of the housekeeping handles.
const SWEEP: usize = 500;
