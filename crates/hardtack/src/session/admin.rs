//! Sessions as their user and an operator see them: to list, and to end.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use super::body::Head;
use super::device;
use super::error::SessionError;
use super::id::Locator;
use super::record::{Cause, Kind, Record};
use super::session::Session;
use super::sessions::{Engine, Sessions};
use super::store::{Census, Ended, Loaded, StoreError};
use crate::seal::KeyId;
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
    /// Who asked for it, such as an address, where the adapter knows that.
    pub client: Option<String>,
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
        let (device, client) = record.device.as_deref().map_or((None, None), device::parts);
        Self {
            handle,
            kind: record.kind,
            user,
            device: device.map(str::to_owned),
            client: client.map(str::to_owned),
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

    /// Ends all sessions whose ids were made under a key, and being remembered (cause
    /// `key`): for one that somebody else may have. Answers how many it has ended.
    ///
    /// First let another key seal in every process, or sessions begun meanwhile are missed.
    /// Afterwards nothing uses it and it can be [retired](crate::seal::Keyring::retire).
    /// This looks at every session, and takes as long as that takes.
    ///
    /// # Errors
    /// The store failed. Those that were ended stay so; ask again for the rest.
    pub async fn end_by_key(&self, key: KeyId) -> Result<usize, StoreError> {
        let engine = self.0.0.clone();
        self.0.to_the_end(async move { engine.end_by_key(key).await }).await
    }

    /// How many live sessions there are, by kind and by key. It takes as long as the
    /// store takes to look at all of them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn census(&self) -> Result<Census, StoreError> {
        let counted = self.0.0.store.census().await;
        counted.inspect_err(|_| self.0.0.counters.store_errors.up())
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

    async fn end_by_key(&self, id: KeyId) -> Result<usize, StoreError> {
        let (now, mut ended, mut after) = (self.clock.now(), 0, None);
        loop {
            let page = self.within(self.store.list(None, after, LIST_MAX)).await?;
            let Some((last, _)) = page.last() else { return Ok(ended) };
            after = Some(*last);
            let under = page.iter().filter(|(_, record)| record.key == id);
            let handles: Vec<Locator> = under.map(|(handle, _)| *handle).collect();
            // Some at once: each may be held back until no process remembers it.
            for some in handles.chunks(AT_ONCE) {
                for end in all(some.iter().map(|handle| self.end(handle, Cause::Key, now))).await {
                    ended += usize::from(end? == Ended::Now);
                }
            }
        }
    }
}

/// How many sessions are ended at once.
const AT_ONCE: usize = 32;

/// What all of some futures come to, once the last one is there.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    let mut done = Vec::with_capacity(waiting.len());
    poll_fn(|cx| {
        for place in &mut waiting {
            if let Some(future) = place
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                done.push(output);
                *place = None;
            }
        }
        if waiting.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::store::Store;
    use super::super::tests::{Browser, Site, now, plain};
    use super::super::{About, Login};
    use super::*;
    use crate::seal::{Key, KeyUsage};

    #[test]
    fn what_a_key_has_made_is_ended_and_then_it_can_be_retired() {
        let (site, mut ada, mut visitor) = (plain(), Browser::default(), Browser::default());
        let (admin, keys) = (site.sessions.admin(), site.sessions.keys());
        site.visit(&mut ada, |s| now(s.login("ada")).unwrap());
        site.visit(&mut visitor, |s| s.set("x", &1).unwrap());
        let old = now(admin.census()).unwrap().by_key[0].0;
        let next = Key::generate().unwrap();
        let new = next.id();
        keys.add(next).unwrap();
        keys.promote(new).unwrap();
        let mut bob = Browser::default();
        site.visit(&mut bob, |s| now(s.login("bob")).unwrap());

        assert_eq!(now(admin.end_by_key(old)).unwrap(), 2);
        assert_eq!(now(admin.end_by_key(old)).unwrap(), 0, "they have ended once");
        assert_eq!(site.visit(&mut ada, Session::ended), Some(Cause::Key));
        assert_eq!(site.visit(&mut bob, |s| s.user()), Some("bob".into()));
        let told = now(site.store.undelivered(9)).unwrap();
        assert_eq!(told.iter().map(|end| end.cause).collect::<Vec<_>>(), [Cause::Key; 2]);
        assert_eq!(now(admin.census()).unwrap().by_key, [(new, 1)]);
        let usage = KeyUsage::counted(old, 0, UnixTime::default());
        keys.retire(usage, site.sessions.now()).unwrap();
    }

    #[test]
    fn a_list_tells_the_device_and_who_asked() {
        let (site, mut ada) = (plain(), Browser::default());
        let long = format!("telephone\n{}", "x".repeat(300));
        for (label, client) in [
            (None, None),
            (Some("telephone"), None),
            (None, Some("192.0.2.7")),
            (Some(&*long), Some("192.0.2.8\nx")),
        ] {
            site.visit(&mut ada, |s| {
                label.inspect(|label| s.set_device(label));
                client.inspect(|client| s.set_client(client));
                now(s.login("ada")).unwrap();
            });
            let [one] = &now(site.sessions.admin().list(Some("ada"), None)).unwrap()[..] else {
                panic!("one session")
            };
            let label = label.map(|_| "telephone");
            let client = client.map(|client| &client[..9]);
            assert_eq!((one.device.as_deref(), one.client.as_deref()), (label, client));
        }
    }

    #[test]
    fn a_remembered_user_is_on_the_device_that_was_named_and_where_they_ask_from_now() {
        let month = Duration::from_secs(30 * 24 * 3600);
        let (site, mut ada) = (Site::new(|b| b.remember(month)), Browser::default());
        site.visit(&mut ada, |s| {
            s.set_device("telephone");
            s.set_client("192.0.2.7");
            now(s.login(Login::from("ada").remember())).unwrap();
        });
        ada.0.retain(|(name, _)| name == "__Host-Http-rem");
        let session = site.sessions.session();
        session.set_client("192.0.2.8");
        now(session.load_as(&ada.headers(), About::default())).unwrap();
        let own = now(session.list()).unwrap();
        let [.., one] = &own.iter().filter(|one| one.current).collect::<Vec<_>>()[..] else {
            panic!("this one is in {own:?}")
        };
        let told = (one.device.as_deref(), one.client.as_deref());
        assert_eq!(told, (Some("telephone"), Some("192.0.2.8")));
    }
}
