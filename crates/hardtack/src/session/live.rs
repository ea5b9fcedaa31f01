//! A session beyond its request: for tasks, streams and sockets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Act, Change};
use super::commits::commit;
use super::error::{SessionError, ValueError};
use super::id::{Locator, SessionId};
use super::oneshot;
use super::record::Cause;
use super::sessions::{Engine, Look, Sessions};
use super::values;
use super::work::{Done, Job};

/// A session that outlives its request. Each operation looks at the newest state
/// and commits by itself; nothing is written to a response, so it sets no cookie,
/// and it does not count as activity.
#[derive(Clone, Debug)]
pub struct LiveSession {
    sessions: Sessions,
    id: SessionId,
}

impl LiveSession {
    pub(crate) fn new(sessions: Sessions, id: SessionId) -> Self {
        Self { sessions, id }
    }

    /// The session's public handle.
    pub fn handle(&self) -> Locator {
        self.id.locator()
    }

    /// The newest value of a key.
    ///
    /// # Errors
    /// The session has ended, the store failed, or the value is of another type.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let work = self.look().await?;
        Ok(values::decode(key, work.data.find(key).map(|(value, _)| value))?)
    }

    /// Puts a value, whatever is there.
    ///
    /// # Errors
    /// As [`get`](Self::get), and if the value does not fit.
    pub async fn set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
    ) -> Result<(), SessionError> {
        let value = values::encode(key, value)?;
        self.commit(Change::set(key, value)).await
    }

    /// Takes a key away.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn remove(&self, key: &str) -> Result<(), SessionError> {
        self.commit(Change { name: key.into(), act: Act::Remove { seen: None } }).await
    }

    /// Adds to a number.
    ///
    /// # Errors
    /// As [`get`](Self::get), and 409 if what is there is not a whole number.
    pub async fn add(&self, key: &str, by: i64) -> Result<(), SessionError> {
        values::check_name(key)?;
        self.commit(Change::add(key, by)).await
    }

    /// Whether the session still lives.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_live(&self) -> Result<bool, SessionError> {
        match self.look().await {
            Ok(_) => Ok(true),
            Err(SessionError::Ended(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Waits until the session ends, and tells why (`None`: unknown). Ends in this
    /// process are noticed at once; others when the housekeeping looks, within
    /// about a second.
    pub async fn ended(&self) -> Option<Cause> {
        let end = self.sessions.0.watchers.watch(self.id.clone());
        if let Err(SessionError::Ended(cause)) = self.look().await {
            return cause;
        }
        end.await.flatten()
    }

    async fn look(&self) -> Result<Box<super::work::Work>, SessionError> {
        match self.sessions.0.look(&self.id).await? {
            Look::Live(work) => Ok(work),
            Look::Over(cause) => Err(SessionError::Ended(cause)),
            Look::NotOurs => Err(SessionError::Ended(None)),
        }
    }

    async fn commit(&self, change: Change) -> Result<(), SessionError> {
        loop {
            let work = self.look().await?;
            let (engine, job) = (self.sessions.0.clone(), Job::Changes(vec![change.clone()]));
            let done =
                self.sessions.to_the_end(async move { commit(&engine, *work, job).await }).await;
            match done {
                Done::Ok(_) | Done::Declined => return Ok(()),
                Done::Clash => return Err(SessionError::Conflict(Some(change.name.into()))),
                Done::Gone(cause) => return Err(SessionError::Ended(cause)),
                Done::Failed(error) => return Err(SessionError::Store(error)),
                Done::Again => {}
            }
        }
    }
}

impl From<ValueError> for SessionError {
    fn from(error: ValueError) -> Self {
        Self::Value(error)
    }
}

/// Who waits for the end of which session.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<Locator, Watched>>);

struct Watched {
    id: SessionId,
    waiting: Vec<oneshot::Sender<Option<Cause>>>,
}

impl Watchers {
    fn watch(&self, id: SessionId) -> oneshot::Receiver<Option<Cause>> {
        let (sender, receiver) = oneshot::channel();
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched
            .entry(id.locator())
            .or_insert_with(|| Watched { id, waiting: Vec::new() })
            .waiting
            .push(sender);
        receiver
    }

    pub(crate) fn tell(&self, key: &Locator, cause: Option<Cause>) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        for waiting in watched.into_iter().flat_map(|w| w.waiting) {
            waiting.send(cause);
        }
    }

    /// Looks whether watched sessions have ended elsewhere.
    pub(crate) async fn look(&self, engine: &Engine) {
        let ids: Vec<SessionId> = {
            let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            watched.retain(|_, w| {
                w.waiting.retain(|waiting| !waiting.is_abandoned());
                !w.waiting.is_empty()
            });
            watched.values().map(|w| w.id.clone()).collect()
        };
        for id in ids {
            if let Ok(Look::Over(cause)) = engine.look(&id).await {
                self.tell(&id.locator(), cause);
            }
        }
    }
}
