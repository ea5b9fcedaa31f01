//! Messages for the next page.
//!
//! With a session they are kept in it. Without one they open none and write nothing to
//! the store: they are kept in a cookie, `msg`, encrypted, for 5 minutes and of at most
//! 2 KiB. What is there at the moment of [`flash`](Session::flash) decides, whatever
//! becomes of the request: the next page takes what is in the cookie and what is in the
//! session, so a login in between loses none. With header transport there is no cookie,
//! and a message opens a session.
//!
//! # What this does not protect
//! Those in the session are taken in one step with the look, so that of two pages at once
//! only one shows them. Those in the cookie are shown by both, and of two answers at once
//! that each leave messages there, only those of the one that arrives last are kept. A
//! browser that keeps no cookies shows none of them: for one that is carried on by its URL
//! ([`danger::url_parameter`](super::danger::url_parameter)), open a session first.

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
    /// Leaves a message for the next page that asks for them. Opens no session.
    ///
    /// # Errors
    /// As [`set`](Session::set), and without a session where the messages come to more
    /// than 2 KiB ([`ValueError::Messages`]).
    pub fn flash(&self, kind: &str, text: &str) -> Result<(), ValueError> {
        let flash = Flash { kind: kind.to_owned(), text: text.to_owned() };
        let has_session = self.loaded()?.base.is_some();
        if !has_session && self.engine().transport.visitor().is_some() {
            return self.leave(flash);
        }
        let value = values::json("flash", &flash)?;
        self.record_change(Change::append(KEY, value))
    }

    /// Takes the messages that earlier requests have left, to show them now. They are
    /// gone with this: of two pages at once only one shows those that the session
    /// keeps. A [passive](Session::passive) request takes none.
    ///
    /// # Errors
    /// The store failed, or the session has ended.
    pub async fn take_flashes(&self) -> Result<Vec<Flash>, SessionError> {
        self.load().await?;
        if self.state().passive {
            return Ok(Vec::new());
        }
        let kept = self.take_kept().await?;
        let mut messages = self.take_left();
        messages.extend(kept);
        Ok(messages)
    }

    /// Those in the session.
    async fn take_kept(&self) -> Result<Vec<Flash>, SessionError> {
        {
            let state = self.state();
            if state.base.is_none() || state.view().find(KEY).is_none() {
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
