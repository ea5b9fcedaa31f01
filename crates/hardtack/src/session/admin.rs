//! Sessions as their user and an operator see them: to list, and to end.

use std::sync::Arc;

use super::body::Head;
use super::error::SessionError;
use super::id::Locator;
use super::record::{Cause, Kind, Record};
use super::session::Session;
use super::sessions::{Engine, Sessions};
use super::store::{Census, Ended, Loaded, StoreError};
use crate::time::UnixTime;

/// One session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its public handle: to end it by, and safe to show.
    pub handle: Locator,
    /// What kind.
    pub kind: Kind,
    /// Whose, as the index knows it: the user's id, or bytes of a hash in hexadecimal.
    pub user: Option<String>,
    /// The label of the device.
    pub device: Option<String>,
    /// When it was created.
    pub created: UnixTime,
    /// When it was last active, to within a twentieth of the idle timeout.
    pub last_seen: UnixTime,
    /// When it ends if nothing more happens.
    pub expires: UnixTime,
    /// Whether it is the session that asks.
    pub current: bool,
}

impl SessionInfo {
    fn new(handle: Locator, record: Record, current: Option<Locator>) -> Self {
        let user = record.user.map(|u| match std::str::from_utf8(u.as_bytes()) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => u.as_bytes().iter().map(|b| format!("{b:02x}")).collect(),
        });
        Self {
            handle,
            kind: record.kind,
            user,
            device: record.device.map(|d| d.to_string()),
            created: record.created,
            last_seen: record.last_seen,
            expires: record.expires,
            current: current == Some(handle),
        }
    }
}

/// The most sessions that one list gives.
const LIST_MAX: usize = 1000;

/// What an operator may do. From [`Sessions::admin`].
#[derive(Clone, Debug)]
pub struct Admin(Sessions);

impl Sessions {
    /// To list and end anybody's sessions.
    pub fn admin(&self) -> Admin {
        Admin(self.clone())
    }
}

impl Admin {
    /// Live sessions, of one user or of all, in the order of their handles; at
    /// most 1000, after `after`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list(
        &self,
        user: Option<&str>,
        after: Option<Locator>,
    ) -> Result<Vec<SessionInfo>, StoreError> {
        let engine = &self.0.0;
        let key = user.and_then(|u| engine.user_key(u));
        if user.is_some() && key.is_none() {
            return Ok(Vec::new());
        }
        let now = engine.clock.now();
        let records = engine.within(engine.store.list(key.as_ref(), after, LIST_MAX)).await?;
        let live = records.into_iter().filter(|(_, record)| record.expires > now);
        Ok(live.map(|(handle, record)| SessionInfo::new(handle, record, None)).collect())
    }

    /// Ends one session, and being remembered with it. `false`: it had ended before.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end(&self, handle: &Locator) -> Result<bool, StoreError> {
        let handle = *handle;
        let engine = self.0.0.clone();
        self.0.to_the_end(async move { engine.end_with_token(&handle, Cause::Revoked).await }).await
    }

    /// Ends all sessions of a user, and being remembered, by one write (ASVS 5.0 7.4.2).
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_all(&self, user: &str) -> Result<(), StoreError> {
        let engine = &self.0.0;
        if let Some(key) = engine.user_key(user) {
            engine.within(engine.store.raise(Some(&key), engine.clock.now())).await?;
        }
        Ok(())
    }

    /// Ends every session there is (ASVS 5.0 7.4.5).
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_everything(&self) -> Result<(), StoreError> {
        let engine = &self.0.0;
        engine.within(engine.store.raise(None, engine.clock.now())).await.map(drop)
    }

    /// How many live sessions there are, by kind and by key.
    ///
    /// # Errors
    /// The store failed.
    pub async fn census(&self) -> Result<Census, StoreError> {
        self.0.0.within(self.0.0.store.census()).await
    }
}

impl Session {
    /// The signed-in user's own sessions, this one among them (ASVS 5.0 7.5.2).
    ///
    /// # Errors
    /// The store failed, or nobody is signed in.
    pub async fn list(&self) -> Result<Vec<SessionInfo>, SessionError> {
        Ok(self.own().await?.into_iter().filter(|info| info.kind == Kind::User).collect())
    }

    /// Ends one of the user's own sessions, and being remembered with it.
    /// `false`: the user has no such session. Ending this one is a logout.
    ///
    /// # Errors
    /// The store failed, or nobody is signed in.
    pub async fn end_session(&self, handle: &Locator) -> Result<bool, SessionError> {
        if self.handle() == Some(*handle) {
            return self.logout().await.map(|()| true);
        }
        if !self.own().await?.iter().any(|info| info.handle == *handle) {
            return Ok(false);
        }
        Ok(self.sessions().admin().end(handle).await?)
    }

    /// Ends the user's other sessions, and their being remembered (ASVS 5.0 7.4.3).
    /// Tells how many sessions that were.
    ///
    /// # Errors
    /// The store failed, or nobody is signed in.
    pub async fn end_others(&self) -> Result<usize, SessionError> {
        let own = self.own().await?;
        let token = self.state().base.as_ref().and_then(|base| base.facts.remember);
        let engine = self.engine().clone();
        let ended = self.sessions().to_the_end(async move {
            let mut ended = 0;
            for info in own.iter().filter(|info| !info.current && Some(info.handle) != token) {
                let now = engine.end(&info.handle, Cause::Revoked, engine.clock.now()).await?
                    == Ended::Now;
                ended += usize::from(now && info.kind == Kind::User);
            }
            Ok::<_, StoreError>(ended)
        });
        Ok(ended.await?)
    }

    /// Ends all sessions of the user, this one too, and being remembered, by one
    /// write. Logins that began before end with them.
    ///
    /// # Errors
    /// The store failed, or nobody is signed in.
    pub async fn end_all(&self) -> Result<(), SessionError> {
        self.load().await?;
        let key = self
            .state()
            .base
            .as_ref()
            .and_then(|base| base.user.clone())
            .ok_or(SessionError::NotSignedIn)?;
        let engine = self.engine().clone();
        self.sessions()
            .to_the_end(async move {
                engine.within(engine.store.raise(Some(&key), engine.clock.now())).await
            })
            .await?;
        self.signed_out(Cause::Revoked);
        Ok(())
    }

    /// All that the user has, tokens too.
    async fn own(&self) -> Result<Vec<SessionInfo>, SessionError> {
        self.load().await?;
        let (user, current) = {
            let state = self.state();
            let base = state.base.as_ref().filter(|base| base.facts.kind == Kind::User);
            let base = base.ok_or(SessionError::NotSignedIn)?;
            (base.user.clone().ok_or(SessionError::NotSignedIn)?, base.id.locator())
        };
        let engine = self.engine();
        let now = engine.clock.now();
        let mut own = Vec::new();
        let mut after = None;
        loop {
            let page = engine.within(engine.store.list(Some(&user), after, LIST_MAX)).await?;
            after = page.last().map(|(handle, _)| *handle);
            let full = page.len() == LIST_MAX;
            let live = page.into_iter().filter(|(_, record)| record.expires > now);
            own.extend(
                live.map(|(handle, record)| SessionInfo::new(handle, record, Some(current))),
            );
            if !full {
                return Ok(own);
            }
        }
    }
}

impl Engine {
    /// Ends a session, and first the token that could bring its user back.
    async fn end_with_token(
        self: &Arc<Self>,
        key: &Locator,
        cause: Cause,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if let Loaded::Live(record) = self.within(self.store.load(key)).await?
            && let Ok(Head { token: Some(token), .. }) = Head::read(&record.data)
        {
            self.end(&token, cause, now).await?;
        }
        Ok(self.end(key, cause, now).await? == Ended::Now)
    }
}
