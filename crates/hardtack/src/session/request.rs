//! A request's beginning and end: loading its session, and committing it.
//!
//! What is rare is boxed here and in `look.rs`: otherwise the future of every
//! request would be as large as that of the rarest one. What is usual (one cookie of
//! ours, a live session, a store that answers at once) takes a way of its own,
//! `load_now`, that never waits and copies nothing of the headers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::change::Wanted;
use super::commits::{Begun, begin};
use super::error::SessionError;
use super::events::Event;
use super::id::SessionId;
use super::lifetime::{self, Verdict};
use super::look::Look;
use super::plan::{Plan, plan};
use super::record::{Cause, Kind};
use super::runtime::ToTheEnd;
use super::session::{About, Session};
use super::state::{Known, Phase};
use super::transport::{CANDIDATES, Candidates};
use super::url::UrlAnswer;
use super::work::{Done, Job, Work};

/// What a finished request's session asks of the response.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The commit failed: the response is to be replaced by this error's, without
    /// any of `headers`.
    pub error: Option<SessionError>,
    /// `Set-Cookie` (or the id's own header) to add.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What caches may do with the response.
    pub caching: Caching,
}

impl Outcome {
    fn failed(error: SessionError) -> Self {
        Self { error: Some(error), headers: Vec::new(), caching: Caching::NoStore }
    }
}

/// [`Session::finish`]'s future. Once polled, what it does is done to the end even if
/// this is dropped, where a runtime is attached.
#[must_use = "nothing is committed before it is awaited"]
pub struct Finish(Finishing);

enum Finishing {
    /// There is something to commit.
    Due(Session),
    /// There was nothing to do, or no waiting.
    Done(Outcome),
    /// Boxed, and done to the end.
    Commit(ToTheEnd<Outcome>),
}

impl Future for Finish {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if let Finishing::Due(session) = &self.0 {
            self.0 = session.begin_to_finish();
        }
        match &mut self.0 {
            Finishing::Done(outcome) => Poll::Ready(std::mem::take(outcome)),
            Finishing::Commit(commit) => Pin::new(commit).poll(cx),
            Finishing::Due(_) => Poll::Pending, // it has just begun
        }
    }
}

impl fmt::Debug for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finish")
    }
}

/// What caches may do with a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caching {
    /// The session has nothing to do with it.
    #[default]
    AsItIs,
    /// It may show something of an anonymous session: not for shared caches, and
    /// different with other cookies.
    Private,
    /// It sets a cookie, or may show something of a signed-in session: nobody may
    /// keep it, so that after a logout the back button shows nothing.
    NoStore,
}

/// What came of looking for a request's session.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) live: Option<Work>,
    /// Why one that was named is no more.
    pub(crate) ended: Option<Cause>,
    pub(crate) two: bool,
    pub(crate) renew: bool,
    /// What is answered in the application's place.
    pub(crate) answer: Option<UrlAnswer>,
}

impl Session {
    /// Looks up what the request's cookies name, unless that has been done.
    /// [`present`](Session::present) comes first.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the store failed (503; nobody is logged out).
    /// [`SessionError::TwoSessions`]: two live sessions with an unsafe method (400).
    /// [`SessionError::ByUrl`]: only after [`present_url`](Session::present_url).
    pub async fn load(&self) -> Result<(), SessionError> {
        {
            let state = self.state();
            if state.phase != Phase::Untouched {
                return state.if_one_session();
            }
        }
        Box::pin(self.load_anyhow()).await
    }

    /// [`present_as`](Session::present_as) and [`load`](Self::load) in one.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_as(&self, headers: &HeaderMap, about: About) -> Result<(), SessionError> {
        if self.load_now(headers, about) { Ok(()) } else { self.load().await }
    }

    /// Loads what nearly all requests have: one cookie of ours, and behind it a live
    /// session that the store gives at once. Otherwise only takes what was presented.
    fn load_now(&self, headers: &HeaderMap, about: About) -> bool {
        let (engine, mut state) = (self.engine(), self.state());
        if state.presented.is_some() {
            return false;
        }
        let at_hand = !engine.waits && engine.settings.url.is_none();
        let only = at_hand.then(|| engine.transport.only(headers)).flatten();
        let looked =
            only.and_then(|only| Some((engine.look_now(only.kind, only.text)?, only.of_visitor)));
        let Some(((mut work, verdict), of_visitor)) = looked else {
            state.present(engine.transport.read(headers), headers, about);
            return false;
        };
        state.present(Candidates::none(of_visitor), headers, about);
        let renew = !state.passive && self.note_activity(&mut work, verdict);
        state.take_live(work, renew);
        true
    }

    async fn load_anyhow(&self) -> Result<(), SessionError> {
        let (candidates, passive) = {
            let state = self.state();
            let candidates = state.presented.as_ref().map(|presented| &presented.candidates);
            (candidates.cloned().unwrap_or_default(), state.passive)
        };
        let mut found = match self.engine().settings.url {
            None => self.find(&candidates, passive).await?,
            Some(_) => self.find_or_by_url(&candidates, passive).await?,
        };
        let mut state = self.state();
        if state.phase != Phase::Untouched {
            return state.if_one_session(); // another clone was faster
        }
        let answer = found.answer.take();
        state.take_found(found);
        state.if_one_session()?;
        answer.map_or(Ok(()), |answer| Err(SessionError::ByUrl(answer)))
    }

    /// The one live session among the candidates: a signed-in one before an
    /// anonymous one before one that a token is exchanged for.
    pub(crate) async fn find(
        &self,
        candidates: &Candidates,
        passive: bool,
    ) -> Result<Found, SessionError> {
        let mut found = Found::default();
        for kind in [Kind::User, Kind::Anonymous] {
            self.find_one(kind, candidates, &mut found).await?;
            if found.two {
                found.live = None;
                return Ok(found);
            }
            if let Some(work) = &mut found.live {
                found.renew = self.active(work, passive).await;
                return Ok(found);
            }
        }
        if !passive && candidates.of(Kind::Remember).next().is_some() {
            found.live = Box::pin(self.exchange(candidates)).await?;
        }
        Ok(found)
    }

    async fn find_one(
        &self,
        kind: Kind,
        candidates: &Candidates,
        found: &mut Found,
    ) -> Result<(), SessionError> {
        let engine = self.engine();
        let (mut tried, mut judged) = (0, [None; CANDIDATES]);
        for candidate in candidates.of(kind) {
            let Some(named) = engine.named(candidate) else { continue };
            // A renewed id comes before the one whose place it took: that one would be
            // taken for a stolen one.
            let key = named.id.locator();
            if judged.contains(&Some(key)) {
                continue;
            }
            if tried == CANDIDATES {
                break;
            }
            let look = engine.look(&named).await?;
            if !matches!(look, Look::NotOurs) {
                judged[tried] = Some(key);
            }
            tried += 1;
            let work = match look {
                Look::Live(work) => work,
                Look::Over(cause) => {
                    // The first one counts: that of the signed-in session is of more interest.
                    found.ended = found.ended.or(cause);
                    continue;
                }
                Look::NotOurs => continue,
            };
            if let Some(other) = &found.live {
                engine.counters.two_sessions.up();
                let sessions = vec![other.id.locator(), work.id.locator()];
                engine.events.tell(&Event::TwoSessions { sessions, at: engine.clock.now() });
                found.two = true;
                return Ok(());
            }
            found.live = Some(work);
        }
        Ok(())
    }

    /// What a live session's use entails: activity, and the steps of a renewal.
    /// Answers whether a new one is due.
    pub(crate) async fn active(&self, work: &mut Work, passive: bool) -> bool {
        let renewal_due = !passive && {
            let renew_after = self.engine().settings.renew_after;
            let verdict = lifetime::judge(&work.facts, work.last_seen, renew_after, work.looked_at);
            self.note_activity(work, verdict)
        };
        if work.must_confirm() {
            // Should it fail, the old secret stays good until the next time.
            let confirm = Box::pin(self.sessions().commit(work.clone(), Job::Confirm));
            if let Done::Ok(mut confirmed) = confirm.await {
                confirmed.presented_by(&work.id);
                *work = confirmed;
            }
        }
        renewal_due
    }

    fn note_activity(&self, work: &mut Work, verdict: Verdict) -> bool {
        let now = work.looked_at;
        work.last_seen = now;
        let Verdict::Live { touch, renew } = verdict else { return false };
        if touch {
            self.engine().note(work.id.locator(), now, lifetime::expires(&work.facts, now));
        }
        renew && work.facts.kind == Kind::User
    }

    /// Commits what the request wants changed and closes the handle; once the
    /// response is ready and before its head leaves. A second call does nothing.
    /// Once begun, the commit runs to its end even if this is dropped half-way.
    pub fn finish(&self) -> Finish {
        match self.finish_now() {
            Some(outcome) => Finish(Finishing::Done(outcome)),
            None => Finish(Finishing::Due(self.clone())),
        }
    }

    /// Commits changes, as far as that takes no waiting.
    fn begin_to_finish(&self) -> Finishing {
        let (plan, renew) = self.close(&mut self.state());
        let mut begun = None;
        if let (Plan::Commit, false, Some(work)) = (plan, renew, self.base()) {
            let (id, wanted) = (work.id.clone(), self.wanted());
            match begin(self.engine(), work, Job::Changes(wanted.clone())) {
                Begun::Done(done) if !matches!(done, Done::Again) => {
                    return Finishing::Done(self.committed(self.take(&id, done)));
                }
                waits => begun = Some((wanted, waits)),
            }
        }
        let this = self.clone();
        let rest = async move { this.finish_here(plan, renew, begun).await };
        Finishing::Commit(self.sessions().to_the_end(rest))
    }

    /// [`load`](Self::load), then [`finish`](Self::finish): for a request that is answered
    /// without the application. Whatever fails in loading, the next request meets again.
    pub fn load_and_finish(&self) -> Finish {
        let this = self.clone();
        Finish(Finishing::Commit(self.sessions().to_the_end(async move {
            let _ = this.load().await;
            let (plan, renew) = this.close(&mut this.state());
            this.finish_here(plan, renew, None).await
        })))
    }

    async fn finish_here(
        &self,
        plan: Plan,
        renew: bool,
        begun: Option<(Arc<Wanted>, Begun)>,
    ) -> Outcome {
        let committed = match (plan, begun) {
            (Plan::Nothing, _) => return Outcome::default(),
            (Plan::Answer, _) => Ok(()),
            (Plan::Create, _) => Box::pin(self.create_of_changes()).await,
            (Plan::Commit, None) => self.commit_changes().await,
            (Plan::Commit, Some((wanted, begun))) => {
                self.job_here(move || Job::Changes(wanted.clone()), Some(begun)).await
            }
        };
        if renew && committed.is_ok() {
            // A renewal that cannot be begun now is begun by a later request.
            let _ = Box::pin(self.renew()).await;
        }
        self.committed(committed)
    }

    fn committed(&self, committed: Result<(), SessionError>) -> Outcome {
        let Err(error) = committed else { return self.outcome(&mut self.state()) };
        if matches!(error, SessionError::Conflict(_)) {
            self.engine().counters.clashes.up();
        }
        Outcome::failed(error)
    }

    /// What comes of a request that changed nothing and for which nothing is due.
    fn finish_now(&self) -> Option<Outcome> {
        let mut state = self.state();
        let idle = state.phase != Phase::Loaded || (state.changes.is_empty() && !state.renew_due);
        idle.then(|| match self.close(&mut state) {
            (Plan::Nothing, _) => Outcome::default(),
            _ => self.outcome(&mut state),
        })
    }

    /// Decides, and closes the handle.
    fn close(&self, state: &mut Known) -> (Plan, bool) {
        if state.phase == Phase::Untouched && state.came_with_url_parameter() {
            return (Plan::Answer, false);
        }
        if state.phase != Phase::Loaded {
            return (Plan::Nothing, false);
        }
        state.phase = Phase::Closed;
        let changed = !state.changes.is_empty() && !state.discarded;
        (plan(state.used, changed, state.base.is_some()), state.renew_due && state.base.is_some())
    }

    fn outcome(&self, state: &mut Known) -> Outcome {
        self.answer_with_newest(state);
        let url_header = state.url_header();
        state.answer_with(url_header);
        if let Err(error) = self.answer_visitor(state) {
            return Outcome::failed(error);
        }
        let headers = std::mem::take(&mut state.headers);
        let secret = state.signed_in || !headers.is_empty() || state.hands_out_url_token();
        let caching = match (state.used, secret) {
            (_, true) => Caching::NoStore,
            (true, false) => Caching::Private,
            (false, false) => Caching::AsItIs,
        };
        Outcome { error: None, headers, caching }
    }

    /// Whether nothing of this session was asked for, so that the response needs
    /// nothing of it.
    pub fn is_untouched(&self) -> bool {
        self.state().phase == Phase::Untouched
    }

    /// While a renewal is under way every answer carries the new id.
    fn answer_with_newest(&self, state: &mut Known) {
        let engine = self.engine();
        let by_url = state.arrival.as_deref().is_some_and(|arrival| arrival.carried);
        let Some(base) = state.base.as_mut().filter(|base| base.older.is_some()) else { return };
        base.older = None;
        let now = engine.clock.now();
        let header = match by_url {
            // There is no cookie of it yet.
            true => engine.transport.write(&base.id, None, now),
            false => engine.transport.write_renewed(&base.id, now),
        };
        state.answer_with(header);
    }

    /// Commits the collected changes onto the newest record.
    pub(crate) async fn commit_changes(&self) -> Result<(), SessionError> {
        let wanted = self.wanted();
        self.job_here(move || Job::Changes(wanted.clone()), None).await
    }

    /// Takes the collected changes.
    fn wanted(&self) -> Arc<Wanted> {
        let mut state = self.state();
        let version = state.base.as_ref().map(|base| base.version);
        let (changes, view) = state.take_changes();
        Arc::new(Wanted { changes, view: version.zip(view) })
    }

    /// Does a job on this request's session, to the end, and takes over what comes of it.
    pub(crate) async fn job(
        &self,
        job: impl Fn() -> Job + Send + 'static,
    ) -> Result<(), SessionError> {
        let this = self.clone();
        self.sessions().to_the_end(async move { this.job_here(job, None).await }).await
    }

    async fn job_here(
        &self,
        job: impl Fn() -> Job,
        mut begun: Option<Begun>,
    ) -> Result<(), SessionError> {
        loop {
            let Some(work) = self.base() else { return Err(SessionError::Ended(None)) };
            let id = work.id.clone();
            let begun = begun.take().unwrap_or_else(|| begin(self.engine(), work, job()));
            let done = begun.done().await;
            if !matches!(done, Done::Again) {
                return self.take(&id, done);
            }
            // The leader held an older secret of this session. Look again with ours.
            match Box::pin(self.engine().look_again(&id)).await? {
                Look::Live(work) => self.state().rebase(work),
                Look::Over(cause) => return Err(self.over(cause)),
                Look::NotOurs => return Err(self.over(None)),
            }
        }
    }

    fn base(&self) -> Option<Work> {
        self.state().base.clone()
    }

    /// Takes over what came of a job.
    fn take(&self, id: &SessionId, done: Done) -> Result<(), SessionError> {
        match done {
            Done::Ok(work) => self.state().rebase(work),
            Done::Declined => {}
            Done::Clash => return Err(SessionError::Conflict(None)),
            Done::Gone(cause) => {
                self.engine().watchers.tell(&id.locator(), cause);
                return Err(self.over(cause));
            }
            Done::Failed(error) => return Err(SessionError::Store(error)),
            Done::Again => return Err(self.over(None)),
        }
        Ok(())
    }

    /// The session has ended under this request: what it showed and wanted is void.
    fn over(&self, cause: Option<Cause>) -> SessionError {
        self.state().let_go(cause);
        SessionError::Ended(cause)
    }
}
