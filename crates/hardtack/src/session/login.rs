//! Signing in and out, and everything else that takes effect when it is awaited.
//!
//! # What this does not protect
//! Credentials are checked by the application, or by one in front of it. What a
//! session may do is the application's to decide, too.

use std::sync::Arc;
use std::time::Duration;

use super::UserKey;
use super::body::{Facts, Head};
use super::change::apply_all;
use super::commits::{ATTEMPTS, entropy_failed, too_busy};
use super::data::Data;
use super::error::SessionError;
use super::events::Event;
use super::id::{Locator, SessionId};
use super::look::Look;
use super::record::{Cause, Epochs, Kind, Record, Version};
use super::session::Session;
use super::sessions::Engine;
use super::state::Phase;
use super::store::{Admission, Inserted, Loaded, Relocated, StoreError};
use super::work::{Content, Job, Work};

/// A login that has begun: who, and since when. What was ended after it began
/// stays ended, however long checking the credentials takes.
#[derive(Clone, Debug)]
#[must_use = "nobody is signed in before Session::login() is awaited"]
pub struct Login {
    user: String,
    epochs: Option<Epochs>,
    keep: Keep,
    idle: Option<Duration>,
    lifetime: Option<Duration>,
    remember: bool,
}

#[derive(Clone, Debug)]
enum Keep {
    All,
    Nothing,
    These(Vec<String>),
}

impl Login {
    /// Asks for the user to be remembered on this device.
    pub fn remember(mut self) -> Self {
        self.remember = true;
        self
    }

    /// Begins with no data: nothing of the anonymous session is taken along.
    pub fn start_empty(mut self) -> Self {
        self.keep = Keep::Nothing;
        self
    }

    /// Takes only these keys of the anonymous session along. Without this, all.
    pub fn keep_only(mut self, keys: &[&str]) -> Self {
        self.keep = Keep::These(keys.iter().map(|k| (*k).to_owned()).collect());
        self
    }

    /// Another idle timeout for this session.
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.idle = Some(timeout);
        self
    }

    /// Another lifetime for this session.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

impl From<&str> for Login {
    fn from(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            epochs: None,
            keep: Keep::All,
            idle: None,
            lifetime: None,
            remember: false,
        }
    }
}

impl From<String> for Login {
    fn from(user: String) -> Self {
        Login::from(user.as_str())
    }
}

impl Session {
    /// Begins a login, before the credentials are checked: an "end all sessions"
    /// that comes in between also ends this one.
    ///
    /// # Errors
    /// The store failed, or the user's id does not fit.
    pub async fn begin_login(&self, user: &str) -> Result<Login, SessionError> {
        let key = self.user_key(user)?;
        let epochs = self.engine().within(self.engine().store.epochs(Some(&key))).await?;
        Ok(Login { epochs: Some(epochs), ..Login::from(user) })
    }

    /// Signs a user in: a new session with a new id. The session that was there
    /// ends with it, in the same step; its data, with the changes of this request,
    /// is taken along if it was anonymous or the same user's (ASVS 5.0 7.2.4).
    /// Takes effect when awaited.
    ///
    /// # Errors
    /// The store failed, the user has too many sessions, or everything was ended
    /// since the login began.
    pub async fn login(&self, login: impl Into<Login>) -> Result<(), SessionError> {
        let login = login.into();
        self.load().await?;
        if self.state().phase == Phase::Closed {
            return Err(SessionError::Value(super::ValueError::Closed));
        }
        let user = self.user_key(&login.user)?;
        let epochs = match login.epochs {
            Some(epochs) => epochs,
            None => self.engine().within(self.engine().store.epochs(Some(&user))).await?,
        };
        let token = match login.remember {
            true => Some(self.make_token(&login.user, user.clone(), epochs).await?),
            false => None,
        };
        let (this, key) = (self.clone(), token.as_ref().map(SessionId::locator));
        let signed_in = self
            .sessions()
            .to_the_end(async move { this.sign_in(login, user, epochs, key).await })
            .await;
        match (&signed_in, token) {
            (Ok(()), Some(token)) => self.answer_with_token(&token),
            (Err(_), Some(token)) => {
                // Nobody has it; should this fail too, it just expires.
                let engine = self.engine();
                let _ = engine.end(&token.locator(), Cause::Revoked, engine.clock.now()).await;
            }
            _ => {}
        }
        signed_in
    }

    async fn sign_in(
        &self,
        login: Login,
        user: UserKey,
        epochs: Epochs,
        token: Option<Locator>,
    ) -> Result<(), SessionError> {
        let engine = self.engine();
        let mut old = self.state().base.clone();
        // What belongs to another user is neither taken along nor left to come back.
        let ours = old
            .as_ref()
            .is_none_or(|w| w.facts.kind == Kind::Anonymous || w.facts.user() == Some(&login.user));
        let old_token = old.as_ref().and_then(|w| w.facts.remember);
        let token = token.or(old_token.filter(|_| ours));
        let recorded = self.state().changes.clone();
        let changes = if ours { &recorded[..] } else { &[] };
        for _ in 0..ATTEMPTS {
            let now = engine.clock.now();
            let taken = match &old {
                Some(work) if ours => work.data.clone(),
                _ => Data::default(),
            };
            let data = login.keep.filter(
                apply_all(changes, &taken, 1, true).map_err(|_| SessionError::Conflict(None))?,
            );
            let facts = Facts {
                kind: Kind::User,
                created: now,
                authenticated: Some(now),
                issued: now,
                epochs,
                idle: login.idle.unwrap_or(engine.settings.idle),
                lifetime: login.lifetime.unwrap_or(engine.settings.lifetime),
                remember: token,
                user: login.user.clone().into(),
            };
            let mut new = engine
                .make(facts, data, Some(user.clone()), self.state().device(None))
                .map_err(entropy_failed)?;
            let key = new.id.locator();
            let admission = Admission::at(now).limited(engine.settings.limit);
            let record = new.write_record(Version::FIRST, 0).map_err(entropy_failed)?;
            let outcome = match &old {
                Some(work) => {
                    let from = work.id.locator();
                    engine.relocate(&from, work.version, &key, record, admission).await?
                }
                None => match engine.insert(&key, record, admission).await? {
                    Inserted::Ok => Relocated::Ok,
                    Inserted::Exists => Relocated::Exists,
                    Inserted::Full => Relocated::Full,
                    Inserted::Outdated => Relocated::Outdated,
                },
            };
            match outcome {
                Relocated::Ok => {
                    if let Some(work) = &old {
                        engine.watchers.tell(&work.id.locator(), Some(Cause::Replaced));
                    }
                    self.take_over(new, recorded.len());
                    if let Some(old_token) = old_token.filter(|old| Some(*old) != token) {
                        engine.end(&old_token, Cause::Replaced, now).await?;
                    }
                    return Ok(());
                }
                Relocated::Exists => {}
                Relocated::Full => return Err(SessionError::TooManySessions),
                Relocated::Outdated => return Err(SessionError::LoginOutdated),
                // Signing in stands by itself: without the old session there is
                // just nothing to take along.
                Relocated::Gone(_) => old = None,
                Relocated::Conflict => {
                    old = match old {
                        None => None,
                        Some(work) => match engine.look_again(&work.id).await? {
                            Look::Live(work) => Some(work),
                            Look::Over(_) | Look::NotOurs => None,
                        },
                    };
                }
            }
        }
        Err(too_busy().into())
    }

    /// Makes a session that was just created this request's own, and answers with
    /// its id. It holds the first `taken` of the request's changes, or they are void.
    pub(crate) fn take_over(&self, work: Work, taken: usize) {
        let engine = self.engine();
        let mut state = self.state();
        engine.started(&work);
        state.answer_with(engine.transport.write(&work.id, None, engine.clock.now()));
        let taken = taken.min(state.changes.len());
        state.changes.drain(..taken);
        state.ended = None;
        state.renew_due = false;
        if let (Kind::User, Some(visitor)) = (work.facts.kind, &mut state.visitor) {
            visitor.signed_in();
        }
        state.adopt(work);
    }

    /// Creates an anonymous session out of this request's changes.
    pub(crate) async fn create_of_changes(&self) -> Result<(), SessionError> {
        let changes = self.state().changes.clone();
        let data = apply_all(&changes, &Data::default(), 1, true)
            .map_err(|_| SessionError::Conflict(None))?;
        self.create(data, changes.len()).await
    }

    /// Creates an anonymous session with `data`, the first `taken` changes in it.
    pub(crate) async fn create(&self, data: Data, taken: usize) -> Result<(), SessionError> {
        let this = self.clone();
        self.sessions().to_the_end(async move { this.insert_anonymous(data, taken).await }).await
    }

    async fn insert_anonymous(&self, data: Data, taken: usize) -> Result<(), SessionError> {
        let engine = self.engine();
        if data.iter().next().is_none() {
            return Ok(()); // a removal of nothing is nothing to keep
        }
        if !engine.clients.admit(self.state().client.as_deref(), engine.clock.now()) {
            return Err(SessionError::TooManyVisits);
        }
        let epochs = engine.within(engine.store.epochs(None)).await?;
        loop {
            let now = engine.clock.now();
            let settings = &engine.settings;
            let facts = Facts {
                kind: Kind::Anonymous,
                created: now,
                authenticated: None,
                issued: now,
                epochs,
                idle: settings.idle.min(settings.anonymous_lifetime),
                lifetime: settings.lifetime.min(settings.anonymous_lifetime),
                remember: None,
                user: bytes::Bytes::new(),
            };
            let mut work = engine
                .make(facts, data.clone(), None, self.state().device(None))
                .map_err(entropy_failed)?;
            let key = work.id.locator();
            let record = work.write_record(Version::FIRST, 0).map_err(entropy_failed)?;
            match engine.insert(&key, record, Admission::at(now)).await? {
                Inserted::Ok => {
                    self.take_over(work, taken);
                    return Ok(());
                }
                Inserted::Exists => {}
                Inserted::Outdated => return Err(SessionError::Ended(Some(Cause::Revoked))),
                Inserted::Full => return Err(SessionError::TooManySessions),
            }
        }
    }

    /// Signs out: ends this session, and being remembered with it, when awaited
    /// (ASVS 5.0 7.4.1). Changes of this request are given up; later ones go to a
    /// new anonymous session. The cookie is left where it is and names nothing any
    /// more: an answer that removed it could arrive late and take a newer login's
    /// cookie away. To remove it all the same use [`forget`](Self::forget). The answer
    /// sets another cookie, `-out`, for a minute: its change makes browsers drop the
    /// pages that they keep in memory for the back button.
    ///
    /// # Errors
    /// The store failed: the session may live on, and the caller should say so.
    pub async fn logout(&self) -> Result<(), SessionError> {
        self.load().await?;
        self.end_this(Cause::Logout).await
    }

    /// Signs out and makes the browser forget its cookies, also those of sessions
    /// that ended before.
    ///
    /// # Errors
    /// As [`logout`](Self::logout).
    pub async fn forget(&self) -> Result<(), SessionError> {
        self.logout().await?;
        let mut state = self.state();
        if let Some(visitor) = &mut state.visitor {
            visitor.forget();
        }
        for removal in self.engine().transport.removals() {
            state.answer_with(Some(removal));
        }
        Ok(())
    }

    /// This request's session has ended at its wish: it goes on without one.
    pub(crate) fn signed_out(&self, cause: Cause) {
        let engine = self.engine();
        let mut state = self.state();
        state.let_go(Some(cause));
        state.answer_with(engine.transport.signed_out(engine.clock.now()));
    }

    async fn end_this(&self, cause: Cause) -> Result<(), SessionError> {
        let Some(work) = self.state().base.clone() else {
            return Ok(());
        };
        let engine = self.engine().clone();
        let ended = self.sessions().to_the_end(async move {
            let now = engine.clock.now();
            if let Some(token) = &work.facts.remember {
                engine.end(token, cause, now).await?;
            }
            engine.end(&work.id.locator(), cause, now).await
        });
        ended.await?;
        self.signed_out(cause);
        Ok(())
    }

    /// Gives this session a new secret, in two phases: this answer carries the new
    /// id, and the old one stays good until the new one is first presented, then
    /// for 10 seconds. Until then a further call changes nothing.
    ///
    /// # Errors
    /// The store failed, or the session has ended.
    pub async fn renew(&self) -> Result<(), SessionError> {
        self.load().await?;
        let key = self.engine().keys.sealing();
        self.job(move || Job::Renew(key.clone())).await
    }

    /// Another idle timeout for this session, from now on.
    ///
    /// # Errors
    /// The store failed, or there is no session.
    pub async fn set_idle(&self, timeout: Duration) -> Result<(), SessionError> {
        self.job(move || Job::Facts(Box::new(move |facts| facts.idle = timeout))).await
    }

    fn user_key(&self, user: &str) -> Result<UserKey, SessionError> {
        // The body keeps its length in one byte.
        let fits = (1..=UserKey::MAX).contains(&user.len());
        self.engine()
            .user_key(user)
            .filter(|_| fits)
            .ok_or(SessionError::UserId { length: user.len() })
    }
}

impl Keep {
    fn filter(&self, data: Data) -> Data {
        let mut kept = data.clone();
        for (name, ..) in data.iter() {
            let keep = match self {
                Keep::All => true,
                Keep::Nothing => false,
                Keep::These(names) => names.iter().any(|n| n == name),
            };
            if !keep {
                kept.put(name, None, 1);
            }
        }
        kept
    }
}

impl Engine {
    /// A session that is not in the store yet, with a new id.
    pub(crate) fn make(
        &self,
        facts: Facts,
        data: Data,
        user: Option<UserKey>,
        device: Option<Arc<str>>,
    ) -> Result<Work, crate::entropy::EntropyError> {
        let locator = Locator::random(user.as_ref().map(UserKey::as_bytes))?;
        let id = SessionId::issue(facts.kind, locator, self.settings.scope, self.keys.sealing())?;
        let head = Head::new(*id.verifier(), self.sealed);
        let (now, version) = (facts.created, Version::FIRST);
        let content = Content { id, version, head, facts, data, user, device, source: None };
        Ok(Work::new(content, now, now))
    }

    /// Creates a record. An answer that was lost is found out: only we know the locator.
    pub(crate) async fn insert(
        &self,
        key: &Locator,
        record: Record,
        admission: Admission,
    ) -> Result<Inserted, SessionError> {
        match self.within(self.store.insert(key, record, admission)).await {
            Ok(inserted) => Ok(inserted),
            Err(error) => self.exists(key, error).await.map(|()| Inserted::Ok),
        }
    }

    /// As [`insert`](Self::insert), and ends the record that was there before.
    pub(crate) async fn relocate(
        &self,
        old: &Locator,
        seen: Version,
        key: &Locator,
        record: Record,
        admission: Admission,
    ) -> Result<Relocated, SessionError> {
        match self.within(self.store.relocate(old, seen, key, record, admission)).await {
            Ok(relocated) => Ok(relocated),
            Err(error) => self.exists(key, error).await.map(|()| Relocated::Ok),
        }
    }

    async fn exists(&self, key: &Locator, error: StoreError) -> Result<(), SessionError> {
        self.counters.unknown_outcomes.up();
        match self.within(self.store.load(key)).await {
            Ok(Loaded::Live(_)) => Ok(()),
            Ok(_) | Err(_) => Err(error.into()),
        }
    }

    fn started(&self, work: &Work) {
        self.counters.started.up();
        self.events.tell(&Event::Started {
            session: work.id.locator(),
            kind: work.facts.kind,
            user: work.facts.user().map(str::to_owned),
            at: work.facts.created,
        });
    }
}
