//! One request's sealed session: what it reads, and what it wants changed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cookies::{Names, Presented};
use super::engine::{Base, Engine, Opened};
use super::until_expiry::UntilExpiry;
use crate::session::change::{Change, Clash};
use crate::session::data::Data;
use crate::session::events::Event;
use crate::session::lifetime::{self, Verdict};
use crate::session::state::Phase;
use crate::session::transport::CANDIDATES;
use crate::session::{
    About, Caching, Epochs, Kind, Locator, Outcome, Remaining, SessionError, SessionKey, UserKey,
    ValueError, device, values,
};
use crate::time::UnixTime;

/// The sealed session of one request. Cheap to clone; all clones are the same one.
///
/// Changes are made to this request's own copy, and the response carries all of
/// it: of two requests at once, the browser keeps what the later response says,
/// and what the other one wrote is lost. What must not be lost belongs into
/// [`Session`](crate::session::Session).
///
/// `load`, `login` and `logout` wait for a store, and `end_all` is there, only
/// with [`Revocable`](super::Revocable).
#[derive(Clone)]
pub struct SealedSession<R = UntilExpiry>(Arc<Handle<R>>);

struct Handle<R> {
    engine: Arc<Engine<R>>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    presented: Option<Presented>,
    /// The live session, if there is one.
    pub(super) base: Option<Base>,
    /// The data with this request's changes.
    view: Data,
    /// When this session was last active, this request included if it counts.
    seen: UnixTime,
    changed: bool,
    reseal: bool,
    /// The cookies that came are to go.
    forget: bool,
    about: About,
    user_agent: Option<HeaderValue>,
    two_sessions: bool,
}

impl<R> SealedSession<R> {
    pub(super) fn new(engine: Arc<Engine<R>>) -> Self {
        Self(Arc::new(Handle { engine, state: Mutex::default() }))
    }

    pub(super) fn engine(&self) -> &Arc<Engine<R>> {
        &self.0.engine
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a handler's closure cannot leave half a change: each is one put.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the sealed cookies from a request. Called once, before loading.
    pub fn present(&self, headers: &HeaderMap) {
        self.present_as(headers, About::default());
    }

    /// As [`present`](Self::present), with what else is known of the request.
    pub fn present_as(&self, headers: &HeaderMap, about: About) {
        let mut state = self.state();
        if state.presented.is_some() {
            return;
        }
        state.presented = Some(self.engine().cookies.read(headers));
        state.user_agent = headers.get(http::header::USER_AGENT).cloned();
        state.about.unsafe_method |= about.unsafe_method;
        state.about.passive |= about.passive;
    }

    /// Marks the request as one that the user did not make (polling, prefetch): it
    /// does not count as activity.
    pub fn passive(&self) {
        self.state().about.passive = true;
    }

    /// Opens what came: every genuine session in it that is not over. `None`: that
    /// has been done.
    pub(super) fn open(&self) -> Option<Vec<Opened>> {
        let state = self.state();
        if state.phase != Phase::Untouched {
            return None;
        }
        let engine = self.engine();
        let now = engine.clock.now();
        let Some(presented) = &state.presented else { return Some(Vec::new()) };
        engine.counters.malformed.add(presented.malformed);
        let opened = presented.texts.iter().filter_map(|text| engine.open(text, now));
        Some(opened.take(CANDIDATES).collect())
    }

    /// Takes the one session of those that are live; signed in counts before
    /// anonymous. Two copies of one session are what a race of a long with a short
    /// response leaves, and the newer one counts. Two sessions are not for us to
    /// choose from: both go.
    pub(super) fn settle(&self, live: Vec<Opened>) -> Result<(), SessionError> {
        let mut state = self.state();
        if state.phase != Phase::Untouched {
            return Ok(());
        }
        state.phase = Phase::Loaded;
        let engine = self.engine();
        let now = engine.clock.now();
        let signed_in = live.iter().any(|opened| opened.base.facts.kind == Kind::User);
        let of_kind = |o: &Opened| (o.base.facts.kind == Kind::User) == signed_in;
        let live: Vec<Opened> = live.into_iter().filter(of_kind).collect();
        let first = live.first().map(|opened| opened.base.locator);
        if live.iter().any(|opened| Some(opened.base.locator) != first) {
            engine.counters.two_sessions.up();
            let sessions = live.iter().map(|opened| opened.base.locator).collect();
            engine.events.tell(&Event::TwoSessions { sessions, at: now });
            (state.two_sessions, state.forget) = (true, true);
            return if state.about.unsafe_method { Err(SessionError::TwoSessions) } else { Ok(()) };
        }
        if let Some(newest) = live.into_iter().max_by_key(|opened| opened.base.facts.issued) {
            state.seen = if state.about.passive { newest.base.facts.issued } else { now };
            state.reseal = newest.reseal;
            state.view = newest.data;
            state.base = Some(newest.base);
        }
        Ok(())
    }

    /// The value under a key.
    ///
    /// # Errors
    /// The value is not of this type ([`ValueError::Decode`]); other keys are not
    /// concerned.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        values::decode(key, self.loaded()?.view.find(key).map(|(value, _)| value))
    }

    /// Puts a value.
    ///
    /// # Errors
    /// The name, the value or the sum of all does not fit, or the request is over.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), ValueError> {
        self.apply(&Change::set(key, values::encode(key, value)?))
    }

    /// Takes a key away.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn remove(&self, key: &str) -> Result<(), ValueError> {
        values::check_name(key)?;
        self.put(key, None)
    }

    /// Adds to a whole number (absent: 0).
    ///
    /// # Errors
    /// As [`set`](Self::set), and if what is there is not a whole number, or the sum overflows.
    pub fn add(&self, key: &str, by: i64) -> Result<(), ValueError> {
        values::check_name(key)?;
        self.apply(&Change::add(key, by))
    }

    /// Puts a value at the end of a list (absent: an empty one).
    ///
    /// # Errors
    /// As [`set`](Self::set), and if what is there is not a list.
    pub fn append<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), ValueError> {
        self.apply(&Change::append(key, values::encode(key, value)?))
    }

    /// Derives the next value from the present one.
    ///
    /// # Errors
    /// As [`set`](Self::set), and if what is there is of another type.
    pub fn update<T, F>(&self, key: &str, next: F) -> Result<(), ValueError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(Option<T>) -> T,
    {
        let value = values::encode(key, &next(self.get(key)?))?;
        self.put(key, Some(value))
    }

    /// The value under a typed key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn value<T: DeserializeOwned>(&self, key: &SessionKey<T>) -> Result<Option<T>, ValueError> {
        self.get(key.name())
    }

    /// Puts a value under a typed key.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_value<T: Serialize>(
        &self,
        key: &SessionKey<T>,
        value: &T,
    ) -> Result<(), ValueError> {
        self.set(key.name(), value)
    }

    /// The names of all keys, sorted.
    ///
    /// # Errors
    /// The session is not loaded.
    pub fn keys(&self) -> Result<Vec<String>, ValueError> {
        let state = self.loaded()?;
        let mut names: Vec<String> = state.view.iter().map(|(name, ..)| name.to_owned()).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Who is signed in.
    pub fn user(&self) -> Option<String> {
        self.state().base.as_ref().and_then(|base| base.facts.user().map(str::to_owned))
    }

    /// The session's public handle, if there is one. Not a credential.
    pub fn handle(&self) -> Option<Locator> {
        self.state().base.as_ref().map(|base| base.locator)
    }

    /// Whether there is a session, and of which kind.
    pub fn kind(&self) -> Option<Kind> {
        self.state().base.as_ref().map(|base| base.facts.kind)
    }

    /// When the session was created.
    pub fn created(&self) -> Option<UnixTime> {
        self.state().base.as_ref().map(|base| base.facts.created)
    }

    /// How much longer the session has.
    pub fn remaining(&self) -> Option<Remaining> {
        let now = self.engine().clock.now();
        let state = self.state();
        state.base.as_ref().map(|base| lifetime::remaining(&base.facts, state.seen, now))
    }

    /// Whether credentials were checked for this session within `age` (ASVS 5.0
    /// 7.5.1).
    pub fn fresh_within(&self, age: Duration) -> bool {
        let now = self.engine().clock.now();
        let authenticated = self.state().base.as_ref().and_then(|base| base.facts.authenticated);
        authenticated.is_some_and(|at| now.since(at) <= age)
    }

    /// Whether the request carried two live sessions; it is then anonymous, and the
    /// response makes the browser forget both.
    pub fn carried_two_sessions(&self) -> bool {
        self.state().two_sessions
    }

    /// Whether nothing of this session was asked for.
    pub fn is_untouched(&self) -> bool {
        self.state().phase == Phase::Untouched
    }

    /// Says what the response must carry, and closes the handle; once the response
    /// is ready and before its head leaves. A second call does nothing.
    ///
    /// There is a `Set-Cookie` only if something has changed, if a twentieth of
    /// the idle timeout has gone by since the last one, or if the key is old.
    pub fn finish(&self) -> Outcome {
        let mut state = self.state();
        if state.phase != Phase::Loaded {
            return Outcome::default();
        }
        state.phase = Phase::Closed;
        let headers = match self.headers(&mut state) {
            Ok(headers) => headers,
            Err(error) => {
                return Outcome {
                    error: Some(error),
                    headers: Vec::new(),
                    caching: Caching::NoStore,
                };
            }
        };
        let signed_in = state.base.as_ref().is_some_and(|base| base.facts.kind == Kind::User);
        let caching =
            if signed_in || !headers.is_empty() { Caching::NoStore } else { Caching::Private };
        Outcome { error: None, headers, caching }
    }

    fn headers(&self, state: &mut State) -> Result<Vec<(HeaderName, HeaderValue)>, SessionError> {
        let engine = self.engine();
        let now = engine.clock.now();
        let came = state.presented.as_ref().map(|presented| presented.names).unwrap_or_default();
        if state.base.is_none() && state.changed && state.view.iter().next().is_some() {
            let base = engine.make(None, None, Epochs::default())?;
            engine.started(&base);
            state.base = Some(base);
        }
        let Some(base) = &mut state.base else {
            let names = if state.forget { came } else { Names::default() };
            return Ok(engine.cookies.remove(names).collect());
        };
        if let Verdict::Over(cause) = lifetime::judge(&base.facts, base.facts.issued, None, now) {
            // It ran out while the handler ran.
            let lost = state.changed.then_some(SessionError::Ended(Some(cause)));
            return lost.map_or(Ok(Vec::new()), Err);
        }
        let interval = lifetime::touch_interval(base.facts.idle);
        let due = !state.about.passive && now.since(base.facts.issued) >= interval;
        if !(due || state.changed || state.reseal) {
            return Ok(Vec::new());
        }
        if !state.about.passive {
            base.facts.issued = now;
        }
        let sealed = engine.seal(base, &state.view, now)?;
        engine.cookies.write(&sealed, came, now)
    }

    /// Makes a session that was just signed in this request's own. Its data stay if
    /// they were nobody's or the same user's (ASVS 5.0 7.2.4).
    pub(super) fn take_over(&self, base: Base) {
        self.engine().started(&base);
        let mut state = self.state();
        let foreign =
            |old: &Base| old.facts.kind == Kind::User && old.facts.user != base.facts.user;
        if state.base.as_ref().is_some_and(foreign) {
            state.view = Data::default();
        }
        state.seen = base.facts.issued;
        state.base = Some(base);
        state.changed = true;
    }

    /// Has no session any more; later changes are for a new one.
    pub(super) fn let_go(&self) {
        let mut state = self.state();
        state.base = None;
        state.view = Data::default();
        state.changed = false;
        state.forget = true;
    }

    /// What to call the device in a list.
    pub(super) fn device(&self) -> Option<Arc<str>> {
        let state = self.state();
        let said = state.user_agent.as_ref()?;
        Some(device::label(&String::from_utf8_lossy(said.as_bytes())).into())
    }

    /// Refuses what would come too late for the response.
    pub(super) fn still_open(&self) -> Result<(), SessionError> {
        match self.state().phase {
            Phase::Closed => Err(SessionError::Value(ValueError::Closed)),
            Phase::Untouched | Phase::Loaded => Ok(()),
        }
    }

    fn loaded(&self) -> Result<MutexGuard<'_, State>, ValueError> {
        let state = self.state();
        match state.phase {
            Phase::Untouched => Err(ValueError::NotLoaded),
            Phase::Loaded | Phase::Closed => Ok(state),
        }
    }

    fn apply(&self, change: &Change) -> Result<(), ValueError> {
        self.edit(|view| {
            let before = view.clone();
            change.apply(view, &before, REVISION, true).map_err(|Clash| ValueError::Decode {
                key: change.name.to_string(),
                why: "what is there does not fit this change".to_owned(),
            })
        })
    }

    fn put(&self, key: &str, value: Option<Bytes>) -> Result<(), ValueError> {
        self.edit(|view| {
            view.put(key, value, REVISION);
            Ok(())
        })
    }

    /// Changes the data, unless they do not fit then.
    fn edit(
        &self,
        change: impl FnOnce(&mut Data) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        let mut state = self.loaded()?;
        if state.phase == Phase::Closed {
            return Err(ValueError::Closed);
        }
        let mut next = state.view.clone();
        change(&mut next)?;
        let rules = &self.engine().rules;
        for (size, most, unit) in [
            (next.encoded_len(), rules.most_bytes, "bytes"),
            (next.iter().count(), rules.most_keys, "keys"),
        ] {
            if size > most {
                return Err(ValueError::TooLarge { size, most, unit });
            }
        }
        state.view = next;
        state.changed = true;
        Ok(())
    }
}

/// Values of sealed sessions have no revisions: nobody could compare them.
const REVISION: u64 = 0;

/// A user's id has 1 to 255 bytes: its length is one byte of the body.
pub(super) fn check_user(user: &str) -> Result<(), SessionError> {
    if (1..=UserKey::MAX).contains(&user.len()) {
        return Ok(());
    }
    Err(SessionError::UserId { length: user.len() })
}

impl<R> fmt::Debug for SealedSession<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSession")
            .field("handle", &self.handle())
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}
