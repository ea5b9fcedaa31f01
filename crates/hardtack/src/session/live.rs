//! A session beyond its request: for tasks, streams and sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Act, Change, Wanted};
use super::error::{SessionError, ValueError};
use super::id::{Locator, SessionId};
use super::look::Look;
use super::oneshot;
use super::record::Cause;
use super::sessions::{Engine, Sessions};
use super::values;
use super::work::{Done, Job};

/// A session that outlives its request. Each operation looks at the newest state
/// and commits by itself; nothing is written to a response, so it sets no cookie,
/// and it does not count as activity. It follows renewals of the session's secret
/// while it is used or [its end](Self::ended) is awaited; one that did neither
/// through two renewals answers as if the session had ended.
#[derive(Clone, Debug)]
pub struct LiveSession {
    sessions: Sessions,
    id: HeldId,
}

/// An id that follows the renewals of its session, as far as they are noticed:
/// at each use, and once a second while somebody waits for the end.
#[derive(Clone, Debug)]
struct HeldId(Arc<Mutex<SessionId>>);

impl HeldId {
    fn newest(&self) -> SessionId {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn follow(&self, id: &SessionId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = id.clone();
    }
}

impl LiveSession {
    pub(crate) fn new(sessions: Sessions, id: SessionId) -> Self {
        Self { sessions, id: HeldId(Arc::new(Mutex::new(id))) }
    }

    /// The session's public handle.
    pub fn handle(&self) -> Locator {
        self.id.newest().locator()
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

    /// Waits until the session ends, and tells why (`None`: unknown). The end of this
    /// one session in this process is noticed at once; an end of all of a user's, or
    /// in another process, when the housekeeping looks, within about a second.
    pub async fn ended(&self) -> Option<Cause> {
        let end = self.sessions.0.watchers.watch(self.id.clone());
        if let Err(SessionError::Ended(cause)) = self.look().await {
            return cause;
        }
        end.await.flatten()
    }

    async fn look(&self) -> Result<super::work::Work, SessionError> {
        let mut id = self.id.newest();
        loop {
            match self.sessions.0.look_again(&id).await? {
                Look::Live(work) => {
                    self.id.follow(&work.id);
                    return Ok(work);
                }
                Look::Over(cause) => return Err(SessionError::Ended(cause)),
                Look::NotOurs => {
                    // It may have been renewed twice while the store was asked.
                    let newest = self.id.newest();
                    if newest.is(&id) {
                        return Err(SessionError::Ended(None));
                    }
                    id = newest;
                }
            }
        }
    }

    async fn commit(&self, change: Change) -> Result<(), SessionError> {
        let name = change.name.to_string();
        let wanted = Arc::new(Wanted { changes: vec![change], view: None });
        loop {
            let work = self.look().await?;
            match self.sessions.commit(work, Job::Changes(wanted.clone())).await {
                Done::Ok(_) | Done::Declined => return Ok(()),
                Done::Clash => return Err(SessionError::Conflict(Some(name))),
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

type Watched = Vec<(HeldId, oneshot::Sender<Option<Cause>>)>;

impl Watchers {
    fn watch(&self, id: HeldId) -> oneshot::Receiver<Option<Cause>> {
        let (sender, receiver) = oneshot::channel();
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(id.newest().locator()).or_default().push((id, sender));
        receiver
    }

    pub(crate) fn tell(&self, key: &Locator, cause: Option<Cause>) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        for (_, waiting) in watched.into_iter().flatten() {
            waiting.send(cause);
        }
    }

    /// Looks whether watched sessions have ended elsewhere.
    pub(crate) async fn look(&self, engine: &Engine) {
        let ids: Vec<SessionId> = {
            let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            watched.retain(|_, waiting| {
                waiting.retain(|(_, sender)| !sender.is_abandoned());
                !waiting.is_empty()
            });
            watched.values().filter_map(|waiting| Some(waiting.first()?.0.newest())).collect()
        };
        for id in ids {
            let key = id.locator();
            match engine.look_again(&id).await {
                Ok(Look::Over(cause)) => self.tell(&key, cause),
                Ok(Look::Live(work)) => self.follow(&key, &work.id),
                Ok(Look::NotOurs) | Err(_) => {}
            }
        }
    }

    fn follow(&self, key: &Locator, id: &SessionId) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (held, _) in watched.get(key).into_iter().flatten() {
            held.follow(id);
        }
    }
}
