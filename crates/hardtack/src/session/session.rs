//! One request's session: what it reads, and what it wants changed.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Act, Change, Clash};
use super::commits::commit;
use super::data::{Data, UNCOMMITTED};
use super::error::ValueError;
use super::id::Locator;
use super::key::SessionKey;
use super::lifetime::{self, Remaining};
use super::live::LiveSession;
use super::record::{Cause, Kind};
use super::runtime::ToTheEnd;
use super::sessions::{Engine, Sessions};
use super::state::{Known, Phase};
use super::values;
use super::work::{Done, Job, Work};
use crate::time::UnixTime;

/// The session of one request. Cheap to clone; all clones are the same one, and
/// no lock is ever held across an await.
///
/// Reading and writing values needs a loaded session ([`Session::load`]; the
/// adapters' extractors have done it) and does not wait for anything: changes
/// are collected, and committed when the request has been handled. After that
/// the handle is closed.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Handle>);

pub(crate) struct Handle {
    pub(crate) sessions: Sessions,
    state: Mutex<Known>,
}

/// What else is known of a request.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "adapters fill it in")]
pub struct About {
    /// Its method may change something: with two live sessions it is refused.
    pub unsafe_method: bool,
    /// The user did not make it; see [`Session::passive`].
    pub passive: bool,
}

impl Session {
    pub(crate) fn new(sessions: Sessions) -> Self {
        Self(Arc::new(Handle { sessions, state: Mutex::default() }))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.sessions.0
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, Known> {
        // A panic in a handler's closure cannot leave half a change: each is one push.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine that this session belongs to.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Takes from a request what may be ids. Only the first call counts; does not
    /// look at the store.
    pub fn present(&self, headers: &HeaderMap) {
        self.present_as(headers, About::default());
    }

    /// As [`present`](Self::present), with what else is known of the request.
    pub fn present_as(&self, headers: &HeaderMap, about: About) {
        let mut state = self.state();
        if state.presented.is_none() {
            state.present(self.engine().transport.read(headers), headers, about);
        }
    }

    /// Marks the request as one that the user did not make (polling, prefetch):
    /// it does not count as activity, renews nothing and remembers nobody.
    pub fn passive(&self) {
        self.state().passive = true;
    }

    /// Says who asks, such as an address: for the bound on the anonymous sessions of
    /// one client, and for the list of a user's sessions, should this request start one.
    pub fn set_client(&self, client: &str) {
        self.state().client = Some(client.into());
    }

    /// What to call the device in the list of a user's sessions, should this
    /// request start one, instead of what its User-Agent says. Its first line counts, and
    /// of that, with who asks, 255 bytes.
    pub fn set_device(&self, label: &str) {
        self.state().device = Some(label.into());
    }

    /// The value under a key.
    ///
    /// # Errors
    /// The value is not of this type ([`ValueError::Decode`]); other keys are not
    /// concerned.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        let mut state = self.loaded()?;
        state.has_seen(key);
        values::decode(key, state.view().find(key).map(|(value, _)| value))
    }

    /// Puts a value. If this request has read the key before, and by the time of
    /// the commit another request has changed it, the answer is 409; without
    /// having read it, the later one wins.
    ///
    /// # Errors
    /// The name, the value or the sum of all does not fit, or the request is over.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), ValueError> {
        let value = values::encode(key, value)?;
        self.record(key, |seen| Act::Set { value, seen })
    }

    /// Takes a key away; as [`set`](Self::set).
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn remove(&self, key: &str) -> Result<(), ValueError> {
        values::check_name(key)?;
        self.record(key, |seen| Act::Remove { seen })
    }

    /// Adds to a whole number (absent: 0). Never conflicts: all additions count.
    ///
    /// # Errors
    /// As [`set`](Self::set), and if what is there is not a whole number, or the sum overflows.
    pub fn add(&self, key: &str, by: i64) -> Result<(), ValueError> {
        values::check_name(key)?;
        self.record_change(Change::add(key, by))
    }

    /// Puts a value at the end of a list (absent: an empty one). Never conflicts.
    ///
    /// # Errors
    /// As [`set`](Self::set), and if what is there is not a list.
    pub fn append<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), ValueError> {
        let value = values::encode(key, value)?;
        self.record_change(Change::append(key, value))
    }

    /// Derives the next value from the newest. Runs now, to be seen by later reads
    /// of this request, and again at each attempt to commit, so it must depend on
    /// nothing but its argument. For a result or a refusal use
    /// [`transact`](Self::transact).
    ///
    /// # Errors
    /// As [`set`](Self::set), and if what is there is of another type.
    pub fn update<T, F>(&self, key: &str, next: F) -> Result<(), ValueError>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        values::check_name(key)?;
        self.record_change(Change::update(key, move |old| {
            let old = old.map(serde_json::from_slice).transpose().map_err(|_| Clash)?;
            serde_json::to_vec(&next(old)).map(Bytes::from).map_err(|_| Clash)
        }))
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
        let names = state
            .view()
            .iter()
            .map(|(name, ..)| name)
            .filter(|name| !name.starts_with(values::OURS));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The value under a key as the JSON that it is stored as.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn json(&self, key: &str) -> Result<Option<serde_json::Value>, ValueError> {
        self.get(key)
    }

    /// Who is signed in.
    pub fn user(&self) -> Option<String> {
        self.facts(|work| work.facts.user().map(str::to_owned)).flatten()
    }

    /// The session's public handle, if there is one. Not a credential.
    pub fn handle(&self) -> Option<Locator> {
        self.facts(|work| work.id.locator())
    }

    /// Whether there is a session, and of which kind.
    pub fn kind(&self) -> Option<Kind> {
        self.facts(|work| work.facts.kind)
    }

    /// When the session was created.
    pub fn created(&self) -> Option<UnixTime> {
        self.facts(|work| work.facts.created)
    }

    /// How much longer the session has.
    pub fn remaining(&self) -> Option<Remaining> {
        let now = self.engine().clock.now();
        self.facts(|work| lifetime::remaining(&work.facts, work.last_seen, now))
    }

    /// Whether credentials were checked for this session within `age` (ASVS 5.0
    /// 7.5.1). Never true for a session that comes from being remembered.
    pub fn fresh_within(&self, age: Duration) -> bool {
        let now = self.engine().clock.now();
        self.facts(|work| work.facts.authenticated.is_some_and(|at| now.since(at) <= age))
            .unwrap_or(false)
    }

    /// Whether this session was started by a remember-me token, not by credentials.
    pub fn is_remembered(&self) -> bool {
        self.facts(|work| work.facts.remember.is_some() && work.facts.authenticated.is_none())
            .unwrap_or(false)
    }

    /// Why the session that the request named is no more, where that is known: for
    /// a page that says "you were signed out because nothing happened".
    pub fn ended(&self) -> Option<Cause> {
        self.state().ended
    }

    /// Whether the request carried two live sessions; it is then anonymous.
    pub fn carried_two_sessions(&self) -> bool {
        self.state().two_sessions
    }

    /// Gives up all changes of this request.
    pub fn discard(&self) {
        let mut state = self.state();
        state.discarded = true;
        state.changes.clear();
    }

    /// The session for work that outlives the request: tasks, streams, sockets.
    /// `None` without a session.
    pub fn detach(&self) -> Option<LiveSession> {
        let id = self.facts(|work| work.id.clone())?;
        Some(LiveSession::new(self.0.sessions.clone(), id))
    }

    fn facts<T>(&self, of: impl FnOnce(&Work) -> T) -> Option<T> {
        self.state().base.as_ref().map(of)
    }

    /// The state, if values may be read.
    pub(crate) fn loaded(&self) -> Result<MutexGuard<'_, Known>, ValueError> {
        let state = self.state();
        match state.phase {
            Phase::Untouched => Err(ValueError::NotLoaded),
            Phase::Loaded | Phase::Closed => Ok(state),
        }
    }

    /// Notes a `set` or `remove`, with the revision that this request has seen.
    fn record(
        &self,
        key: &str,
        act: impl FnOnce(super::change::Seen) -> Act,
    ) -> Result<(), ValueError> {
        let seen = {
            let state = self.loaded()?;
            state.seen(key).map(|data| data.revision(key))
        };
        self.record_change(Change { name: key.into(), act: act(seen) })
    }

    pub(crate) fn record_change(&self, change: Change) -> Result<(), ValueError> {
        let mut state = self.loaded()?;
        if state.phase == Phase::Closed {
            return Err(ValueError::Closed);
        }
        let mut next = state.view().clone();
        // What was seen is judged at the commit; here only whether the change fits.
        let applied = change.apply(&mut next, state.view(), UNCOMMITTED, true);
        applied.map_err(|Clash| ValueError::Decode {
            key: change.name.to_string(),
            why: "what is there does not fit this change".to_owned(),
        })?;
        self.check_size(&next)?;
        state.change(change, next);
        Ok(())
    }

    fn check_size(&self, data: &Data) -> Result<(), ValueError> {
        let settings = &self.engine().settings;
        let (bytes, keys) = data.size();
        if bytes > settings.most_bytes {
            return Err(ValueError::TooLarge {
                size: bytes,
                most: settings.most_bytes,
                unit: "bytes",
            });
        }
        if keys > settings.most_keys {
            return Err(ValueError::TooLarge {
                size: keys,
                most: settings.most_keys,
                unit: "keys",
            });
        }
        Ok(())
    }
}

impl Sessions {
    /// Runs something to its end, even if whoever waits for it goes.
    pub(crate) fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> ToTheEnd<T> {
        ToTheEnd::new(self.0.runtime().cloned(), work)
    }

    /// Does a job to a session, to the end: others may be in line behind it.
    pub(crate) fn commit(&self, work: Work, job: Job) -> ToTheEnd<Done> {
        let engine = self.0.clone();
        self.to_the_end(async move { commit(&engine, work, job).await })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Session")
            .field("handle", &state.base.as_ref().map(|work| work.id.locator()))
            .field("kind", &state.base.as_ref().map(|work| work.facts.kind))
            .finish_non_exhaustive()
    }
}
