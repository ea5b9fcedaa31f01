//! Sealed sessions that can be ended: each login leaves a record in the store of
//! a [`Sessions`], and a session whose record is not live is none.
//!
//! The record has no data, is written at login and ended at logout, and is never
//! touched in between: lists show when somebody signed in, not when they were
//! last seen, and a session that ended by idle time stays listed until the end of
//! its lifetime. Whoever administers the [`Sessions`] lists and ends these, too.

use std::sync::Arc;

use bytes::Bytes;

use super::engine::{Base, SealedSessions};
use super::session::{SealedSession, check_user};
use crate::seal::KeyId;
use crate::session::record::Version;
use crate::session::sessions::Engine;
use crate::session::store::{Admission, Inserted, Loaded, Relocated};
use crate::session::{
    Cause, Epochs, Kind, Locator, Record, SessionError, Sessions, StoreError, UserKey,
};

/// Says of sealed sessions that every login can be ended.
#[derive(Clone, Debug)]
pub struct Revocable(Sessions);

/// Part of the format.
pub(super) const PURPOSE: &str = "hardtack sealed session, revocable";

pub(super) const PROMISES: &str = "sealed sessions with a revocation store: a logout ends all \
    copies of this session and end_all those of the user's every session; an older copy of a live \
    session opens until its own expiry, anonymous sessions cannot be revoked, and of parallel \
    writes the last one wins";

impl Revocable {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self(sessions)
    }
}

/// A login that has begun: who, and since when. What was ended after it began
/// stays ended, however long checking the credentials takes.
#[derive(Clone, Debug)]
#[must_use = "nobody is signed in before login() is awaited"]
pub struct SealedLogin {
    user: String,
    epochs: Option<Epochs>,
}

impl From<&str> for SealedLogin {
    fn from(user: &str) -> Self {
        Self { user: user.to_owned(), epochs: None }
    }
}

impl SealedSessions<Revocable> {
    /// Whose store says what has ended, and through whom an operator lists and ends
    /// these sessions ([`Sessions::admin`]). An adapter attaches its runtime to it.
    pub fn sessions(&self) -> &Sessions {
        &self.0.revocation.0
    }
}

impl SealedSession<Revocable> {
    /// Opens what came with the request, unless that has been done, and asks the
    /// store whether a signed-in session among it is live. [`present`](Self::present)
    /// comes first. Without a signed-in session this does not wait for the store.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the store failed (503; nobody is let in, nobody is
    /// logged out). [`SessionError::TwoSessions`]: two live sessions with an unsafe
    /// method (400).
    pub async fn load(&self) -> Result<(), SessionError> {
        let Some(opened) = self.open() else { return Ok(()) };
        let mut live = Vec::with_capacity(opened.len());
        for one in opened {
            if one.base.facts.kind == Kind::Anonymous || self.is_live(&one.base.locator).await? {
                live.push(one);
            }
        }
        self.settle(live)
    }

    async fn is_live(&self, locator: &Locator) -> Result<bool, StoreError> {
        let store = self.store();
        match store.within(store.store.load(locator)).await? {
            Loaded::Live(_) => Ok(true),
            Loaded::Ended(_) => Ok(false),
            Loaded::Unknown => {
                self.engine().counters.unknown.up();
                Ok(false)
            }
        }
    }

    /// Begins a login, before the credentials are checked: an "end all sessions"
    /// that comes in between also ends this one.
    ///
    /// # Errors
    /// The store failed, or the user's id does not fit.
    pub async fn begin_login(&self, user: &str) -> Result<SealedLogin, SessionError> {
        let key = self.user_key(user)?;
        let epochs = Some(self.epochs(&key).await?);
        Ok(SealedLogin { user: user.to_owned(), epochs })
    }

    /// Signs a user in: a new session, whose record is there when this has been
    /// awaited; that of the session that was signed in before ends in the same
    /// step. The data of this request are taken along unless they were another
    /// user's.
    ///
    /// # Errors
    /// The store failed, the user has too many sessions, or everything was ended
    /// since the login began.
    pub async fn login(&self, login: impl Into<SealedLogin>) -> Result<(), SessionError> {
        let login = login.into();
        self.load().await?;
        self.still_open()?;
        let key = self.user_key(&login.user)?;
        let epochs = match login.epochs {
            Some(epochs) => epochs,
            None => self.epochs(&key).await?,
        };
        let base = self.engine().make(Some(&login.user), Some(&key), epochs)?;
        let (new, old, store) = (base.locator, self.signed_in(), self.store().clone());
        let record = record(&base, key, store.keys.sealing().id(), self.device());
        let admission = Admission::at(base.facts.created).limited(store.settings.limit);
        let admit = async move { admit(&store, old, new, record, admission).await };
        self.lender().to_the_end(admit).await?;
        self.take_over(base);
        Ok(())
    }

    /// Signs out: when awaited, this session has ended, all copies of it with it
    /// (ASVS 5.0 7.4.1). Changes of this request are given up, and the response
    /// makes the browser forget its cookies.
    ///
    /// # Errors
    /// The store failed: the session may live on, and the caller should say so.
    pub async fn logout(&self) -> Result<(), SessionError> {
        self.load().await?;
        if let Some(locator) = self.signed_in() {
            let store = self.store().clone();
            let end = async move { store.end(&locator, Cause::Logout, store.clock.now()).await };
            self.lender().to_the_end(end).await?;
        }
        self.let_go();
        Ok(())
    }

    /// Ends all sessions of the user, this one too, by one write (ASVS 5.0 7.4.3):
    /// sealed ones and those of [`SealedSessions::sessions`]. Logins that began
    /// before end with them.
    ///
    /// # Errors
    /// The store failed, or nobody is signed in.
    pub async fn end_all(&self) -> Result<(), SessionError> {
        self.load().await?;
        let user = self.user().ok_or(SessionError::NotSignedIn)?;
        let (key, store) = (self.user_key(&user)?, self.store().clone());
        let raise =
            async move { store.within(store.store.raise(Some(&key), store.clock.now())).await };
        self.lender().to_the_end(raise).await?;
        self.let_go();
        Ok(())
    }

    fn lender(&self) -> &Sessions {
        &self.engine().revocation.0
    }

    fn store(&self) -> &Arc<Engine> {
        &self.lender().0
    }

    fn signed_in(&self) -> Option<Locator> {
        let state = self.state();
        state.base.as_ref().filter(|base| base.facts.kind == Kind::User).map(|base| base.locator)
    }

    fn user_key(&self, user: &str) -> Result<UserKey, SessionError> {
        check_user(user)?;
        self.store().user_key(user).ok_or(SessionError::UserId { length: user.len() })
    }

    async fn epochs(&self, key: &UserKey) -> Result<Epochs, StoreError> {
        let store = self.store();
        store.within(store.store.epochs(Some(key))).await
    }
}

/// Writes the record of a new login, in place of the old one's where that is live.
async fn admit(
    store: &Engine,
    old: Option<Locator>,
    new: Locator,
    record: Record,
    admission: Admission,
) -> Result<(), SessionError> {
    let moved = match old {
        None => Relocated::Gone(None),
        // Nothing replaces these records, so the version is always the first.
        Some(old) => store.relocate(&old, Version::FIRST, &new, record.clone(), admission).await?,
    };
    let outcome = match moved {
        // Signing in stands by itself.
        Relocated::Gone(_) => match store.insert(&new, record, admission).await? {
            Inserted::Ok => Relocated::Ok,
            Inserted::Exists => Relocated::Exists,
            Inserted::Full => Relocated::Full,
            Inserted::Outdated => Relocated::Outdated,
        },
        other => other,
    };
    match outcome {
        Relocated::Ok => Ok(()),
        Relocated::Full => Err(SessionError::TooManySessions),
        Relocated::Outdated => Err(SessionError::LoginOutdated),
        Relocated::Exists | Relocated::Conflict | Relocated::Gone(_) => {
            Err(SessionError::Conflict(None))
        }
    }
}

fn record(base: &Base, user: UserKey, key: KeyId, device: Option<Arc<str>>) -> Record {
    Record {
        version: Version::FIRST,
        kind: Kind::User,
        key,
        user: Some(user),
        epochs: base.facts.epochs,
        created: base.facts.created,
        last_seen: base.facts.created,
        expires: base.facts.dies(),
        dies: base.facts.dies(),
        device,
        data: Bytes::new(),
    }
}
