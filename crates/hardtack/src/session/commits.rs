//! Commits: onto the newest record, by compare-and-set, several at once.
//!
//! Requests of one session do not wait for one another until they commit. Then
//! the first in line leads: it applies its own job and writes. The first of those
//! who have queued up meanwhile leads next: it applies the jobs of all of them to
//! one working copy and writes that with a single compare-and-set. So commits of one
//! session within one process never collide, and retries are only for other
//! processes (law 2). Where the store answers at once, the first attempt is made
//! without a future ([`begin`]); mostly that is all.
//!
//! An answer that did not come (timeout, reset) leaves the outcome unknown. Each
//! attempt carries a random tag, and the record keeps the last 16: the next look
//! at the record tells. What is tried again is always a compare-and-set on the
//! version that was seen, so an attempt that arrives late cannot be applied twice;
//! where more than 16 others have committed since, nobody can tell, and it fails.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::body::TAGS_KEPT;
use super::data::Data;
use super::id::{Locator, LocatorHash, SessionId};
use super::look::Look;
use super::oneshot;
use super::record::{Record, Version};
use super::sessions::Engine;
use super::store::{Replaced, StoreError, StoreErrorKind};
use super::work::{Done, Job, JobRefused, Work};
use crate::entropy;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// How often other processes may get in between before a commit gives up. Each
/// time one of them has made progress.
pub(crate) const ATTEMPTS: usize = 64;

const SHARDS: usize = 32;

/// Who waits to commit, by session. A session is listed while somebody leads.
pub(crate) struct Commits {
    lines: [Mutex<Lines>; SHARDS],
    /// The next commit's tag. They begin at random, so that those of two processes
    /// do not meet; that somebody could guess one gains nothing.
    tags: AtomicU64,
}

impl Default for Commits {
    fn default() -> Self {
        let random = std::hash::RandomState::new().build_hasher().finish();
        Self { lines: Default::default(), tags: AtomicU64::new(random) }
    }
}

type Lines = HashMap<Locator, Vec<Waiting>, LocatorHash>;

struct Waiting {
    job: Job,
    turn: oneshot::Sender<Turn>,
}

/// What somebody in line is told.
pub(crate) enum Turn {
    Done(Done),
    /// The leader has what it came for.
    Lead(Box<Leader>),
}

impl Commits {
    fn shard(&self, key: &Locator) -> std::sync::MutexGuard<'_, Lines> {
        self.lines[key.prefix() as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tag(&self) -> u64 {
        self.tags.fetch_add(1, Ordering::Relaxed)
    }

    /// Queues up behind a leader, or becomes the leader.
    fn join(&self, key: Locator, job: Job) -> Place {
        match self.shard(&key).entry(key) {
            std::collections::hash_map::Entry::Occupied(mut line) => {
                let (turn, told) = oneshot::channel();
                line.get_mut().push(Waiting { job, turn });
                Place::Follower(told)
            }
            std::collections::hash_map::Entry::Vacant(line) => {
                line.insert(Vec::new());
                Place::Leader(job)
            }
        }
    }

    /// Those who have come since; an empty line is closed.
    fn next(&self, key: &Locator) -> Vec<Waiting> {
        let mut shard = self.shard(key);
        let waiting = shard.get_mut(key).map(std::mem::take).unwrap_or_default();
        if waiting.is_empty() {
            shard.remove(key);
        }
        waiting
    }
}

enum Place {
    Leader(Job),
    Follower(oneshot::Receiver<Turn>),
}

/// Closes the line if its leader is dropped: those who wait learn it by their
/// channel and fail, rather than wait for ever.
struct Lead {
    engine: Arc<Engine>,
    key: Locator,
    over: bool,
}

impl Lead {
    /// Lets the first who still waits go on, so that no leader serves those behind
    /// it for as long as they keep coming.
    fn hand_over(mut self, newest: Option<&Work>) {
        loop {
            let mut behind = self.engine.commits.next(&self.key);
            if behind.is_empty() {
                self.over = true;
                return;
            }
            if let Some(at) = behind.iter().position(|waiting| !waiting.turn.is_abandoned()) {
                let Waiting { job, turn } = behind.remove(at);
                let leader = Leader::new(self, job, behind, newest.cloned());
                return turn.send(Turn::Lead(Box::new(leader)));
            }
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.over {
            let _closed = self.engine.commits.shard(&self.key).remove(&self.key);
        }
    }
}

/// Does `job` to the newest state of the session that `work` is a copy of.
pub(crate) async fn commit(engine: &Arc<Engine>, work: Work, job: Job) -> Done {
    begin(engine, work, job).done().await
}

/// As [`commit`], as far as that takes no waiting.
pub(crate) fn begin(engine: &Arc<Engine>, work: Work, job: Job) -> Begun {
    let (id, key) = (work.id.clone(), work.id.locator());
    let job = match engine.commits.join(key, job) {
        Place::Leader(job) => job,
        Place::Follower(turn) => return Begun::InLine(id, turn),
    };
    let lead = Lead { engine: engine.clone(), key, over: false };
    let mut leader = Leader::new(lead, job, Vec::new(), Some(work));
    if engine.at_once && leader.step.now(engine, &key, &mut leader.tasks) {
        Begun::Done(leader.done())
    } else {
        Begun::Leads(id, Box::new(leader))
    }
}

/// How far a commit has come.
#[must_use = "somebody may be in line behind it"]
pub(crate) enum Begun {
    Done(Done),
    InLine(SessionId, oneshot::Receiver<Turn>),
    Leads(SessionId, Box<Leader>),
}

impl Begun {
    /// Goes on to the end.
    pub(crate) async fn done(self) -> Done {
        let (id, mut leader) = match self {
            Self::Done(done) => return done,
            Self::Leads(id, leader) => (id, leader),
            Self::InLine(id, turn) => match turn.await {
                Some(Turn::Done(done)) => return done,
                Some(Turn::Lead(leader)) => (id, leader),
                None => return Done::Failed(Arc::new(interrupted())),
            },
        };
        let Leader { step, lead, tasks, .. } = &mut *leader;
        step.decide(&lead.engine, &id, tasks).await;
        leader.done()
    }
}

/// Whoever is at the head of the line, with what is wanted by it and by those whom it
/// takes along.
pub(crate) struct Leader {
    lead: Lead,
    tasks: Tasks,
    /// Of those that it takes along.
    turns: Vec<oneshot::Sender<Turn>>,
    step: Step,
}

impl Leader {
    fn new(lead: Lead, job: Job, behind: Vec<Waiting>, newest: Option<Work>) -> Self {
        let (mut others, mut turns) = (Vec::new(), Vec::new());
        for waiting in behind {
            others.push(Task::new(waiting.job));
            turns.push(waiting.turn);
        }
        let tasks = Tasks { own: Task::new(job), others };
        Self { lead, tasks, turns, step: Step { newest, ..Step::default() } }
    }

    /// Tells everybody what came of it, and lets the next one lead.
    fn done(self) -> Done {
        let Self { lead, mut tasks, turns, step: Step { newest, .. }, .. } = self;
        for (turn, mut task) in turns.into_iter().zip(tasks.others) {
            turn.send(Turn::Done(task.done(newest.clone())));
        }
        lead.hand_over(newest.as_ref());
        tasks.own.done(newest)
    }
}

/// A job, and why it is not committed, if it is not.
struct Task {
    job: Job,
    refused: Option<Done>,
}

impl Task {
    fn new(job: Job) -> Self {
        Self { job, refused: None }
    }

    /// What is told of it: that it was refused, or what stands now.
    fn done(&mut self, newest: Option<Work>) -> Done {
        match (self.refused.take(), newest) {
            (Some(refused), _) => refused,
            (None, Some(work)) => Done::Ok(work),
            (None, None) => Done::Failed(Arc::new(interrupted())),
        }
    }
}

/// The leader's own task, and those of the others; mostly there are none.
struct Tasks {
    own: Task,
    others: Vec<Task>,
}

impl Tasks {
    fn all(&mut self) -> impl Iterator<Item = &mut Task> {
        std::iter::once(&mut self.own).chain(&mut self.others)
    }

    fn refuse(&mut self, done: &Done) {
        self.all().for_each(|task| task.refused = Some(done.clone()));
    }
}

/// One write that is tried.
struct Attempt {
    tag: u64,
    seen: Version,
    next: Work,
}

impl Attempt {
    /// What is written, which need not be opened when it is read again.
    fn record(&mut self) -> Result<Record, StoreError> {
        let record = self.next.record().map_err(entropy_failed)?;
        self.next.was_written(&record.data);
        Ok(record)
    }
}

/// One compare-and-set for all tasks, tried until it is decided. What is not refused
/// then is committed.
#[derive(Default)]
struct Step {
    /// The working copy to begin with, and afterwards what is in the store, as far as that
    /// is known.
    newest: Option<Work>,
    /// The last attempt, while nobody knows what became of it, or before it is made.
    attempt: Option<Attempt>,
    /// It is ready to be made.
    ready: bool,
    /// It was made before, and its answer was lost.
    again: bool,
    failure: Option<StoreError>,
}

impl Step {
    /// Tries once, unless the store takes its time. Whether that decided it.
    fn now(&mut self, engine: &Engine, key: &Locator, tasks: &mut Tasks) -> bool {
        let Some(current) = self.newest.take() else { return false };
        if self.prepare(engine, current, tasks) {
            return true;
        }
        let Some(attempt) = &mut self.attempt else { return false };
        let record = match attempt.record() {
            Ok(record) => record,
            Err(e) => {
                tasks.refuse(&Done::Failed(Arc::new(e)));
                return true;
            }
        };
        // One that is not ready has not begun, and is asked for anew.
        let Ok(answer) = engine.store.replace(key, attempt.seen, record).into_ready() else {
            return false;
        };
        self.ready = false;
        let answer = answer.inspect_err(|_| engine.counters.store_errors.up());
        self.judge(engine, answer, tasks)
    }

    async fn decide(&mut self, engine: &Engine, id: &SessionId, tasks: &mut Tasks) {
        let key = id.locator();
        for _ in 0..ATTEMPTS {
            if !self.ready {
                let current = match self.newest.take() {
                    Some(work) => work,
                    None => match Box::pin(engine.look_again(id)).await {
                        Ok(Look::Live(work)) => work,
                        Ok(Look::Over(cause)) => return tasks.refuse(&Done::Gone(cause)),
                        Ok(Look::NotOurs) => return tasks.refuse(&Done::Again),
                        Err(error) => return tasks.refuse(&Done::Failed(Arc::new(error))),
                    },
                };
                if self.prepare(engine, current, tasks) {
                    return;
                }
            }
            let Some(attempt) = &mut self.attempt else { break };
            let replaced = match attempt.record() {
                Ok(record) => engine.store.replace(&key, attempt.seen, record),
                Err(e) => return tasks.refuse(&Done::Failed(Arc::new(e))),
            };
            self.ready = false;
            let answer = engine.within_own(replaced).await;
            if self.judge(engine, answer, tasks) {
                return;
            }
        }
        let failure = self.failure.take().unwrap_or_else(too_busy);
        tasks.refuse(&Done::Failed(Arc::new(failure)));
    }

    /// Makes an attempt ready, from the newest state. Whether there is nothing to attempt.
    fn prepare(&mut self, engine: &Engine, mut current: Work, tasks: &mut Tasks) -> bool {
        // An attempt without an answer may have been the one that won; what others
        // have written since may have pushed its tag out; or it may arrive yet: then
        // the very same is sent again, so that it counts once, whichever is first.
        self.again = match &self.attempt {
            Some(lost) if current.head.tags.contains(lost.tag) => {
                self.newest = Some(current);
                return true;
            }
            Some(lost)
                if current.version.number().saturating_sub(lost.seen.number())
                    > TAGS_KEPT as u64 =>
            {
                let failure = self.failure.take().unwrap_or_else(too_busy);
                tasks.refuse(&Done::Failed(Arc::new(failure)));
                return true;
            }
            Some(lost) => lost.seen == current.version,
            None => false,
        };
        if !self.again {
            if !apply(engine, tasks, &mut current) {
                self.newest = Some(current);
                return true;
            }
            let (seen, tag) = (current.version, engine.commits.tag());
            current.advance(seen.next(), tag);
            self.attempt = Some(Attempt { tag, seen, next: current });
        }
        self.ready = true;
        false
    }

    /// What the store's answer to the attempt means. Whether that decided it.
    fn judge(
        &mut self,
        engine: &Engine,
        answer: Result<Replaced, StoreError>,
        tasks: &mut Tasks,
    ) -> bool {
        match answer {
            Ok(Replaced::Ok) => {
                self.newest = self.attempt.take().map(|attempt| attempt.next);
                if let Some(newest) = &self.newest {
                    engine.recent.renew(newest);
                }
                return true;
            }
            Ok(Replaced::Conflict) => {
                engine.counters.conflicts.up();
                if !self.again {
                    self.attempt = None;
                }
            }
            Ok(Replaced::Gone(cause)) => {
                tasks.refuse(&Done::Gone(cause));
                return true;
            }
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::Timeout | StoreErrorKind::Unavailable
                ) && self.failure.is_none() =>
            {
                engine.counters.unknown_outcomes.up();
                self.failure = Some(error);
            }
            Err(error) => {
                tasks.refuse(&Done::Failed(Arc::new(error)));
                return true;
            }
        }
        false
    }
}

/// Applies all jobs; what is refused is noted, the rest will be `Ok`. Whether there is
/// anything to write.
fn apply(engine: &Engine, tasks: &mut Tasks, work: &mut Work) -> bool {
    let (now, later_wins) = (engine.clock.now(), engine.settings.later_wins);
    let mut changed = false;
    for Task { job, refused } in tasks.all() {
        let mut overwritten = 0;
        if let (true, Job::Changes(wanted)) = (later_wins, &*job) {
            let overwrites = wanted.changes.iter().filter(|change| change.overwrites(&work.data));
            overwritten = overwrites.count() as u64;
        }
        // A panic in the closure of one is not the others'. Data is put in place
        // only when a job has been applied, and if it fits: what fitted alone may not
        // beside what others have put there.
        let fits = |data: &Data| engine.fits(data);
        let applied =
            catch_unwind(AssertUnwindSafe(|| job.apply(work, !changed, later_wins, &fits, now)));
        *refused = match applied {
            Ok(Ok(wrote)) => {
                engine.counters.overwritten.add(overwritten);
                changed |= wrote;
                None
            }
            Ok(Err(JobRefused::Clash)) => Some(Done::Clash),
            Ok(Err(JobRefused::Declined)) => Some(Done::Declined),
            Ok(Err(JobRefused::Entropy)) => Some(Done::Failed(Arc::new(interrupted()))),
            Err(_) => Some(Done::Failed(Arc::new(panicked()))),
        };
    }
    changed
}

pub(crate) fn entropy_failed(error: entropy::EntropyError) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "no session can be written without random bytes")
        .caused_by(error)
}

fn panicked() -> StoreError {
    StoreError::new(StoreErrorKind::Bug, "the application's own update or transaction panicked")
}

fn interrupted() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the commit that this one was combined with was given up; try again",
    )
}

pub(crate) fn too_busy() -> StoreError {
    let what = format!(
        "other processes changed this session {ATTEMPTS} times while it was to be committed; try again"
    );
    StoreError::new(StoreErrorKind::Unavailable, what)
}
