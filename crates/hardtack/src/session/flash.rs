//! Messages for the next page.

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::error::{SessionError, ValueError};
use super::session::Session;
use super::values;
use super::work::Job;

/// Where they are kept among the data: a name that applications cannot use.
const KEY: &str = "~flash";

/// A message that is shown once, by the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Flash {
    /// What kind of message, such as `info` or `error`.
    pub kind: String,
    /// The message.
    pub text: String,
}

impl Session {
    /// Leaves a message for the next page that asks for them.
    ///
    /// # Errors
    /// As [`set`](Session::set).
    pub fn flash(&self, kind: &str, text: &str) -> Result<(), ValueError> {
        let flash = Flash { kind: kind.to_owned(), text: text.to_owned() };
        let value = values::json("flash", &flash)?;
        self.record_change(Change::append(KEY, value))
    }

    /// Takes the messages that are there, to show them now. They are gone with
    /// this, in one step with the look, so that of two pages at once only one
    /// shows them. A [passive](Session::passive) request takes none.
    ///
    /// # Errors
    /// The store failed, or the session has ended.
    pub async fn take_flashes(&self) -> Result<Vec<Flash>, SessionError> {
        self.load().await?;
        {
            let state = self.state();
            if state.passive || state.base.is_none() || state.view().find(KEY).is_none() {
                return Ok(Vec::new());
            }
        }
        let taken = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let slot = taken.clone();
        self.job(move || {
            let slot = slot.clone();
            Job::Transact(Box::new(move |data, revision| {
                let found = data
                    .find(KEY)
                    .map(|(value, _)| serde_json::from_slice(value).unwrap_or_default());
                data.put(KEY, None, revision);
                *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    found.unwrap_or_default();
                true
            }))
        })
        .await?;
        let taken =
            std::mem::take(&mut *taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        Ok(taken)
    }
}
