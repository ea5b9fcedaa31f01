//! Being remembered: a token in a cookie of its own that can be exchanged for a
//! session, again and again, each time in a new form.
//!
//! The token is a record like a session's, of another kind: locator and secret
//! are what others call selector and validator, the store keeps only the
//! verifier, and each exchange renews the secret by the same two phases as a
//! session's. A secret that comes back after its grace ends the token and, since
//! a session looks whether its token still holds, every session that came of it.
//!
//! # What this does not protect
//! A session that comes of it is never fresh: ask for credentials before anything
//! that matters. Whoever copies the cookie first is the user until the other copy
//! is used.

use super::body::Facts;
use super::commits::entropy_failed;
use super::data::Data;
use super::error::SessionError;
use super::id::SessionId;
use super::look::Look;
use super::record::{Epochs, Kind, UserKey, Version};
use super::session::Session;
use super::store::{Admission, Inserted};
use super::transport::{CANDIDATES, Candidates};
use super::work::{Done, Job, Work};

impl Session {
    /// Makes a token for a session that is about to be signed in: before it, so that
    /// the session names it from its first moment.
    pub(crate) async fn make_token(
        &self,
        user: &str,
        key: UserKey,
        epochs: Epochs,
    ) -> Result<SessionId, SessionError> {
        let engine = self.engine();
        let Some(lasts) = engine.settings.remember else { return Err(SessionError::RememberIsOff) };
        let now = engine.clock.now();
        let facts = Facts {
            kind: Kind::Remember,
            created: now,
            authenticated: None,
            issued: now,
            epochs,
            idle: lasts,
            lifetime: lasts,
            remember: None,
            user: user.to_owned().into(),
        };
        let mut token = engine
            .make(facts, Data::default(), Some(key), self.state().device(None))
            .map_err(entropy_failed)?;
        let locator = token.id.locator();
        let record = token.write_record(Version::FIRST, 0).map_err(entropy_failed)?;
        match engine.insert(&locator, record, Admission::at(now)).await? {
            Inserted::Ok => Ok(token.id.clone()),
            Inserted::Outdated => Err(SessionError::LoginOutdated),
            Inserted::Exists | Inserted::Full => Err(SessionError::TooManySessions),
        }
    }

    /// Exchanges a token for a session, and the token's secret for the next.
    pub(crate) async fn exchange(
        &self,
        candidates: &Candidates,
    ) -> Result<Option<Work>, SessionError> {
        let engine = self.engine();
        if engine.settings.remember.is_none() {
            return Ok(None);
        }
        let tokens = candidates.of(Kind::Remember);
        let ids: Vec<SessionId> =
            tokens.filter_map(|c| engine.identify(c)).take(CANDIDATES).collect();
        for presented in ids {
            let Look::Live(mut token) = engine.look(&presented.clone().into()).await? else {
                continue;
            };
            if token.must_confirm()
                && let Done::Ok(confirmed) =
                    self.sessions().commit(token.clone(), Job::Confirm).await
            {
                token = confirmed;
            }
            let Some(session) = self.start_remembered(&token).await? else { continue };
            let renew = Job::Renew(engine.keys.sealing());
            if let Done::Ok(renewed) = self.sessions().commit(token, renew).await
                && renewed.id.verifier() != presented.verifier()
            {
                self.answer_with_token(&renewed.id);
            }
            self.take_over(session.clone(), 0);
            return Ok(Some(session));
        }
        Ok(None)
    }

    async fn start_remembered(&self, token: &Work) -> Result<Option<Work>, SessionError> {
        let engine = self.engine();
        let now = engine.clock.now();
        let facts = Facts {
            kind: Kind::User,
            created: now,
            authenticated: None,
            issued: now,
            idle: engine.settings.idle,
            lifetime: engine.settings.lifetime,
            remember: Some(token.id.locator()),
            ..token.facts.clone()
        };
        let device = self.state().device(token.device.as_deref());
        let mut work = engine
            .make(facts, Data::default(), token.user.clone(), device)
            .map_err(entropy_failed)?;
        let key = work.id.locator();
        let record = work.write_record(Version::FIRST, 0).map_err(entropy_failed)?;
        let admission = Admission::at(now).limited(engine.settings.limit);
        match engine.insert(&key, record, admission).await? {
            Inserted::Ok => Ok(Some(work)),
            Inserted::Exists | Inserted::Full | Inserted::Outdated => Ok(None),
        }
    }

    pub(crate) fn answer_with_token(&self, id: &SessionId) {
        let engine = self.engine();
        let header = engine.transport.write(id, engine.settings.remember, engine.clock.now());
        self.state().answer_with(header);
    }
}
