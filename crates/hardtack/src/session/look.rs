//! What an id names: one look at the store, and what is to be done about what is there.

use super::events::Event;
use super::id::{Locator, NoId, SessionId};
use super::lifetime::{self, Verdict};
use super::record::{Cause, Kind};
use super::sessions::Engine;
use super::store::{Loaded, StoreError};
use super::transport::{Candidate, IdText};
use super::work::{Opened, Work};
use crate::time::UnixTime;

/// An id to look for.
pub(crate) struct Named {
    pub(crate) id: SessionId,
    /// Its text, if it came in a cookie.
    text: Option<IdText>,
    /// What it has opened lately.
    lately: Option<Work>,
}

impl From<SessionId> for Named {
    fn from(id: SessionId) -> Self {
        Self { id, text: None, lately: None }
    }
}

/// What one look at the store found behind an id.
pub(crate) enum Look {
    Live(Work),
    /// It has ended (`None`: unknown).
    Over(Option<Cause>),
    /// Written by a newer release, or under a key this node does not have yet.
    NotOurs,
}

/// What is to be done about what was opened.
enum Judged {
    /// It may be used.
    Live(Work, Verdict),
    /// It lives, if the token does that its user is remembered by.
    WithToken(Work),
    Over(Cause),
    Tampered,
    Reused,
    Newer,
}

impl Engine {
    /// Checks what came in a cookie.
    pub(crate) fn identify(&self, candidate: &Candidate) -> Option<SessionId> {
        let parsed = match &candidate.text {
            Some(text) => SessionId::parse(text, candidate.kind, self.settings.scope, &self.keys),
            None => Err(NoId::Malformed),
        };
        match parsed {
            Ok(id) => return Some(id),
            Err(NoId::Malformed) => self.counters.malformed.up(),
            Err(NoId::UnknownKey) => self.counters.unknown_key.up(),
            Err(NoId::Forged) => self.counters.forged.up(),
        }
        None
    }

    /// The session that a cookie names, if the store answers at once and nothing about it
    /// calls for more than reading it. `None`: nothing has been done, not even counted.
    pub(crate) fn look_now(&self, kind: Kind, text: &IdText) -> Option<(Work, Verdict)> {
        let now = self.clock.now();
        let recent = self.opened_lately(kind, text, now);
        let id = match &recent {
            Some(work) => work.id.clone(),
            None => SessionId::parse(text, kind, self.settings.scope, &self.keys).ok()?,
        };
        let key = id.locator();
        let noted = self.noted(&key);
        let Loaded::Live(record) = self.store.load(&key).into_ready().ok()?.ok()? else {
            return None;
        };
        let again = recent.and_then(|recent| recent.reopen(&record, now));
        let is_new = again.is_none();
        let opened =
            again.map_or_else(|| Work::open(id, record, &self.keys, now, false), Opened::Live);
        match self.judge(opened, noted, now) {
            Judged::Live(work, verdict) if !work.must_confirm() => {
                if is_new {
                    self.recent.keep(text, &work);
                }
                Some((work, verdict))
            }
            _ => None,
        }
    }

    /// What this very id has opened lately, under a key that we still have.
    fn opened_lately(&self, kind: Kind, text: &IdText, now: UnixTime) -> Option<Work> {
        self.recent.find(kind, text, now).filter(|work| self.keys.holds(work.id.key_id()))
    }

    /// What a cookie names that holds an id; see [`look`](Self::look).
    pub(crate) fn named(&self, candidate: &Candidate) -> Option<Named> {
        let (kind, text) = (candidate.kind, candidate.text);
        let lately = text.and_then(|text| self.opened_lately(kind, &text, self.clock.now()));
        let id = match &lately {
            Some(work) => work.id.clone(),
            None => self.identify(candidate)?,
        };
        Some(Named { id, text, lately })
    }

    /// Loads and judges what a presented id names. Ends it where that cannot wait.
    pub(crate) fn look<'a>(
        &'a self,
        named: &'a Named,
    ) -> impl Future<Output = Result<Look, StoreError>> + Send + 'a {
        self.look_at(named, false)
    }

    /// As [`look`](Self::look), with an id that we have held for a while: that the
    /// session was renewed meanwhile is no reuse. After a second renewal it opens
    /// nothing any more ([`Look::NotOurs`]).
    pub(crate) async fn look_again(&self, id: &SessionId) -> Result<Look, StoreError> {
        self.look_at(&id.clone().into(), true).await
    }

    async fn look_at(&self, named: &Named, held: bool) -> Result<Look, StoreError> {
        let key = named.id.locator();
        let now = self.clock.now();
        // Asked before the store: what is passed on in between is in one of them.
        let noted = self.noted(&key);
        let record = match self.within_own(self.store.load(&key)).await? {
            Loaded::Live(record) => record,
            Loaded::Ended(cause) => return Ok(Look::Over(Some(cause))),
            Loaded::Unknown => {
                self.counters.unknown.up();
                return Ok(Look::Over(None));
            }
        };
        let again = named.lately.as_ref().and_then(|work| work.reopen(&record, now));
        let is_new = again.is_none();
        let open = || Work::open(named.id.clone(), record, &self.keys, now, held);
        let opened = again.map_or_else(open, Opened::Live);
        let ends = match self.judge(opened, noted, now) {
            Judged::Live(work, _) => {
                if let Some(text) = &named.text
                    && is_new
                    && !work.must_confirm()
                {
                    self.recent.keep(text, &work);
                }
                return Ok(Look::Live(work));
            }
            Judged::WithToken(work) => return Box::pin(self.with_token(work, now)).await,
            Judged::Over(cause) => {
                self.trusts_its_clock()?;
                return Ok(Look::Over(Some(cause)));
            }
            Judged::Newer => return Ok(Look::NotOurs),
            Judged::Reused if held => return Ok(Look::NotOurs),
            Judged::Tampered => Cause::Tampered,
            Judged::Reused => {
                self.counters.reuse.up();
                self.events.tell(&Event::Reuse { session: key, at: now });
                if !self.settings.reuse_ends {
                    return Ok(Look::Over(Some(Cause::Reuse)));
                }
                Cause::Reuse
            }
        };
        Box::pin(self.end_now(&key, ends, now)).await
    }

    /// What is to be done about what was opened; does nothing of it.
    fn judge(&self, opened: Opened, noted: UnixTime, now: UnixTime) -> Judged {
        let mut work = match opened {
            Opened::Live(work) if self.is_ours(&work) => work,
            Opened::Live(_) | Opened::Tampered => return Judged::Tampered,
            Opened::Newer => return Judged::Newer,
            Opened::Reused => return Judged::Reused,
        };
        work.last_seen = work.last_seen.max(noted);
        let renew_after = self.settings.renew_after;
        match lifetime::judge(&work.facts, work.last_seen, renew_after, now) {
            Verdict::Over(cause) => Judged::Over(cause),
            Verdict::Live { .. } if work.facts.remember.is_some() => Judged::WithToken(work),
            verdict => Judged::Live(work, verdict),
        }
    }

    /// Whether a record that opened is as this engine writes it: sealed if it seals,
    /// and indexed by the user whose it is. Else somebody could write a body in
    /// clear, or keep a session out of reach of its user's "end all".
    fn is_ours(&self, work: &Work) -> bool {
        let is_theirs = match (work.facts.user(), &work.user) {
            (None, None) => true,
            (Some(user), Some(key)) if self.settings.user_hash.is_none() => {
                key.as_bytes() == user.as_bytes()
            }
            (Some(user), Some(key)) => self.user_key(user).as_ref() == Some(key),
            _ => false,
        };
        (work.head.sealed || !self.sealed) && is_theirs
    }

    /// A session that its user is remembered by lives no longer than the token.
    async fn with_token(&self, work: Work, now: UnixTime) -> Result<Look, StoreError> {
        let Some(token) = &work.facts.remember else { return Ok(Look::Live(work)) };
        match self.within(self.store.load(token)).await? {
            Loaded::Live(_) => Ok(Look::Live(work)),
            Loaded::Ended(cause) => self.end_now(&work.id.locator(), cause, now).await,
            Loaded::Unknown => self.end_now(&work.id.locator(), Cause::Revoked, now).await,
        }
    }

    async fn end_now(
        &self,
        key: &Locator,
        cause: Cause,
        now: UnixTime,
    ) -> Result<Look, StoreError> {
        self.end(key, cause, now).await?;
        Ok(Look::Over(Some(cause)))
    }
}
