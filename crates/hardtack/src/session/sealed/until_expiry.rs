//! Sealed sessions that nothing can end before they expire.

use super::session::{SealedSession, check_user};
use crate::session::{Epochs, SessionError};

/// Says of sealed sessions that a copy of one lives until its own expiry.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UntilExpiry;

/// Part of the format.
pub(super) const PURPOSE: &str = "hardtack sealed session, until expiry";

pub(super) const PROMISES: &str = "sealed sessions without a revocation store: a copied cookie \
    lives until its own expiry, also after a logout, and of parallel writes the last one wins";

impl SealedSession<UntilExpiry> {
    /// Opens what came with the request, unless that has been done.
    /// [`present`](Self::present) comes first. Looks at no store.
    ///
    /// # Errors
    /// [`SessionError::TwoSessions`]: two live sessions with an unsafe method (400).
    pub fn load(&self) -> Result<(), SessionError> {
        self.open().map_or(Ok(()), |live| self.settle(live))
    }

    /// Signs a user in, with the response: a new session. The data of this request
    /// are taken along unless they were another user's. Cookies from before are
    /// replaced in this browser; **copies of them live on until they expire**.
    ///
    /// # Errors
    /// The user's id is empty or longer than 255 bytes, or the request is over.
    pub fn login(&self, user: &str) -> Result<(), SessionError> {
        self.load()?;
        self.still_open()?;
        check_user(user)?;
        self.take_over(self.engine().make(Some(user), None, Epochs::default())?);
        Ok(())
    }

    /// Signs out in this browser: its cookies are removed by the response, and
    /// changes of this request are given up. **A copy of the cookies lives on until
    /// it expires**; if that is not good enough, set up
    /// [`revocation`](super::SealedSessionsBuilder::revocation).
    ///
    /// # Errors
    /// The request is over.
    pub fn logout(&self) -> Result<(), SessionError> {
        self.load()?;
        self.still_open()?;
        self.let_go();
        Ok(())
    }
}
