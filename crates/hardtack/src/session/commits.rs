//! Commits: onto the newest record, by compare-and-set, several at once.
//!
//! Requests of one session do not wait for one another until they commit. Then
//! the first in line leads: it applies its own job and those of all who have
//! queued up meanwhile to one working copy and writes that with a single
//! compare-and-set. So commits of one session within one process never collide,
//! and retries are only for other processes (law 2).
//!
//! An answer that did not come (timeout, reset) leaves the outcome unknown. Each
//! attempt carries a random tag, and the record keeps the last 16: the next look
//! at the record tells. What is tried again is always a compare-and-set on the
//! version that was seen, so an attempt that arrives late cannot be applied twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::id::{Locator, SessionId};
use super::oneshot;
use super::sessions::{Engine, Look};
use super::store::{Replaced, StoreError, StoreErrorKind};
use super::work::{Done, Job, JobRefused, Work};
use crate::entropy;

/// How often other processes may get in between before a commit gives up. Each
/// time one of them has made progress.
pub(crate) const ATTEMPTS: usize = 64;

const SHARDS: usize = 32;

/// Who waits to commit, by session. A session is listed while somebody leads.
#[derive(Default)]
pub(crate) struct Commits([Mutex<HashMap<Locator, Vec<Waiting>>>; SHARDS]);

struct Waiting {
    job: Job,
    done: oneshot::Sender<Done>,
}

impl Commits {
    fn shard(&self, key: &Locator) -> std::sync::MutexGuard<'_, HashMap<Locator, Vec<Waiting>>> {
        self.0[key.prefix() as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues up behind a leader, or becomes the leader.
    fn join(&self, key: Locator, job: Job) -> Place {
        match self.shard(&key).entry(key) {
            std::collections::hash_map::Entry::Occupied(mut line) => {
                let (done, answer) = oneshot::channel();
                line.get_mut().push(Waiting { job, done });
                Place::Follower(answer)
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
    Follower(oneshot::Receiver<Done>),
}

/// Closes the line if its leader is dropped: those who wait learn it by their
/// channel and fail, rather than wait for ever.
struct Lead<'a> {
    commits: &'a Commits,
    key: Locator,
    over: bool,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.commits.shard(&self.key).remove(&self.key);
        }
    }
}

/// Does `job` to the newest state of the session that `work` is a copy of.
pub(crate) async fn commit(engine: &Engine, work: Work, job: Job) -> Done {
    let key = work.id.locator();
    let place = engine.commits.join(key, job);
    match place {
        Place::Leader(job) => lead(engine, key, work, job).await,
        Place::Follower(answer) => match answer.await {
            Some(done) => done,
            None => Done::Failed(Arc::new(interrupted())),
        },
    }
}

async fn lead(engine: &Engine, key: Locator, work: Work, job: Job) -> Done {
    let mut lead = Lead { commits: &engine.commits, key, over: false };
    let id = work.id.clone();
    let mut newest = Some(work);
    let mut jobs = vec![job];
    let mine = step(engine, &id, &mut newest, &mut jobs).await.pop();
    loop {
        let waiting = engine.commits.next(&key);
        if waiting.is_empty() {
            lead.over = true;
            return mine.unwrap_or_else(|| Done::Failed(Arc::new(interrupted())));
        }
        let (mut jobs, answers): (Vec<Job>, Vec<_>) =
            waiting.into_iter().map(|w| (w.job, w.done)).unzip();
        let done = step(engine, &id, &mut newest, &mut jobs).await;
        for (answer, done) in answers.into_iter().zip(done) {
            answer.send(done);
        }
    }
}

/// One compare-and-set for all `jobs`, tried until it is decided. `newest` is
/// the working copy to begin with, and afterwards what is in the store, as far
/// as that is known.
async fn step(
    engine: &Engine,
    id: &SessionId,
    newest: &mut Option<Work>,
    jobs: &mut [Job],
) -> Vec<Done> {
    let key = id.locator();
    let all = |done: Done, n: usize| vec![done; n];
    let mut tried: Vec<(u64, Vec<Option<Done>>, Work)> = Vec::new();
    let mut failure = None;
    for _ in 0..ATTEMPTS {
        let current = match newest.take() {
            Some(work) => work,
            None => match engine.look_again(id).await {
                Ok(Look::Live(work)) => *work,
                Ok(Look::Over(cause)) => return all(Done::Gone(cause), jobs.len()),
                Ok(Look::NotOurs) => return all(Done::Again, jobs.len()),
                Err(error) => return all(Done::Failed(Arc::new(error)), jobs.len()),
            },
        };
        // An earlier attempt without an answer may have been the one that won.
        if let Some((_, done, work)) =
            tried.iter().find(|(tag, ..)| current.head.tags.contains(*tag))
        {
            let (done, work) = (done.clone(), work.clone());
            *newest = Some(current);
            return answer(done, &work);
        }
        let now = engine.clock.now();
        let mut next = current.clone();
        let (refused, changed) = apply(engine, jobs, &mut next);
        if !changed {
            let done = answer(refused, &current);
            *newest = Some(current);
            return done;
        }
        if let Err(done) = engine.check_size(&next) {
            return all(done, jobs.len());
        }
        let written =
            tag().and_then(|tag| Ok((tag, next.write_record(current.version.next(), tag, now)?)));
        let (tag, record) = match written {
            Ok(written) => written,
            Err(error) => return all(Done::Failed(Arc::new(entropy_failed(error))), jobs.len()),
        };
        let replaced = engine.store.replace(&key, current.version, record);
        match engine.within(replaced).await {
            Ok(Replaced::Ok) => {
                let done = answer(refused, &next);
                *newest = Some(next);
                return done;
            }
            Ok(Replaced::Conflict) => engine.counters.conflicts.up(),
            Ok(Replaced::Gone(cause)) => return all(Done::Gone(cause), jobs.len()),
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::Timeout | StoreErrorKind::Unavailable
                ) && failure.is_none() =>
            {
                engine.counters.unknown_outcomes.up();
                failure = Some(error);
            }
            Err(error) => return all(Done::Failed(Arc::new(error)), jobs.len()),
        }
        tried.push((tag, refused, next));
    }
    all(Done::Failed(Arc::new(failure.unwrap_or_else(too_busy))), jobs.len())
}

/// Applies all jobs; what is refused is told, the rest (`None`) will be `Ok`.
fn apply(engine: &Engine, jobs: &mut [Job], work: &mut Work) -> (Vec<Option<Done>>, bool) {
    let (now, later_wins) = (engine.clock.now(), engine.settings.later_wins);
    let mut changed = false;
    let done = jobs.iter_mut().map(|job| match job.apply(work, later_wins, now) {
        Ok(wrote) => {
            changed |= wrote;
            None
        }
        Err(JobRefused::Clash) => Some(Done::Clash),
        Err(JobRefused::Declined) => Some(Done::Declined),
        Err(JobRefused::Entropy) => Some(Done::Failed(Arc::new(interrupted()))),
    });
    (done.collect(), changed)
}

fn answer(refused: Vec<Option<Done>>, work: &Work) -> Vec<Done> {
    refused
        .into_iter()
        .map(|refused| refused.unwrap_or_else(|| Done::Ok(Box::new(work.clone()))))
        .collect()
}

fn tag() -> Result<u64, entropy::EntropyError> {
    let mut bytes = [0; 8];
    entropy::fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

pub(crate) fn entropy_failed(error: entropy::EntropyError) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "no session can be written without random bytes")
        .caused_by(error)
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
