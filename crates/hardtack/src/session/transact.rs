//! Transactions: changes that need an answer, or may refuse.

use std::sync::Arc;

use super::change::apply_all;
use super::data::Data;
use super::error::SessionError;
use super::session::Session;
use super::state::Phase;
use super::values;
use super::work::Job;

impl Session {
    /// Runs a transaction on the newest data, at once, and gives its result. It may
    /// run again if another process commits in between, so it must not have
    /// effects of its own. An `Err` changes nothing.
    ///
    /// # Errors
    /// `Ok(Err(..))` is the transaction's own refusal. The outer error: the store
    /// failed, or the session has ended. Without a session, one is created.
    pub async fn transact<T, E, F>(&self, run: F) -> Result<Result<T, E>, SessionError>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: Fn(&mut Txn<'_>) -> Result<T, E> + Send + Sync + 'static,
    {
        self.load().await?;
        if self.state().phase == Phase::Closed {
            return Err(SessionError::Value(super::ValueError::Closed));
        }
        let create = self.state().base.is_none();
        if create {
            let changes = self.state().changes.clone();
            let mut data = apply_all(&changes, &Data::default(), 1, true)
                .map_err(|_| SessionError::Conflict(None))?;
            let result = run(&mut Txn { data: &mut data, revision: 1, written: Vec::new() });
            if result.is_ok() {
                self.create(data, changes.len()).await?;
            }
            return Ok(result);
        }
        let run = Arc::new(run);
        let result = Arc::new(std::sync::Mutex::new(None));
        let (slot, latest) = (result.clone(), result);
        self.job(move || {
            let (run, slot) = (run.clone(), slot.clone());
            Job::Transact(Box::new(move |data, revision| {
                let mut txn = Txn { data, revision, written: Vec::new() };
                let outcome = run(&mut txn);
                let fine = outcome.is_ok();
                *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    Some((outcome, txn.written));
                fine
            }))
        })
        .await?;
        let latest = latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let (outcome, written) = latest.ok_or(SessionError::Conflict(None))?;
        if outcome.is_ok() {
            let mut state = self.state();
            written.iter().for_each(|key| state.has_seen(key));
        }
        Ok(outcome)
    }
}

/// The newest data within a [transaction](Session::transact).
#[derive(Debug)]
pub struct Txn<'a> {
    data: &'a mut Data,
    revision: u64,
    written: Vec<Box<str>>,
}

impl Txn<'_> {
    /// The value under a key.
    ///
    /// # Errors
    /// It is of another type.
    pub fn get<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, super::ValueError> {
        values::decode(key, self.data.find(key).map(|(value, _)| value))
    }

    /// Puts a value.
    ///
    /// # Errors
    /// The name does not fit, or the value is not JSON.
    pub fn set<T: serde::Serialize + ?Sized>(
        &mut self,
        key: &str,
        value: &T,
    ) -> Result<(), super::ValueError> {
        let value = values::encode(key, value)?;
        self.data.put(key, Some(value), self.revision);
        self.written.push(key.into());
        Ok(())
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) {
        self.data.put(key, None, self.revision);
        self.written.push(key.into());
    }
}
