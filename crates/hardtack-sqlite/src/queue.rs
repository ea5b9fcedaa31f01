//! From the callers to the writer and back.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hardtack::session::store::{StoreError, StoreErrorKind};

use crate::error::closed;
use crate::stopwatch;

/// The most operations in one commit.
pub(crate) const BATCH: usize = 512;

/// The most operations that wait. More than that is an overload, and whoever
/// comes then is told so at once.
const WAITING_MAX: usize = 16 * 1024;

/// The longest that a commit is put off so that more operations can share it.
const LINGER_MAX: Duration = Duration::from_micros(500);

/// After a batch with something from the back lane, for how many times as long
/// as it took the next one has to wait; fewer once a lot waits there.
const BACK_RESTS: u32 = 8;
const BACK_RESTS_LITTLE: u32 = 2;
const BACK_LONG: usize = 3072;

/// Something that the writer has been asked for.
pub(crate) trait Work: Send {
    /// Does it, within a transaction. May be called again if that is rolled back.
    fn run(&mut self, change: &mut crate::writer::Change<'_>) -> rusqlite::Result<()>;
    /// Tells the caller, once, what came of the last run.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
    /// Whether it makes room or ends something, and so may use the reserve.
    fn relieves(&self) -> bool;
    /// To tell the caller that it took too long.
    fn patience(&self) -> Arc<dyn Patience>;
}

/// A caller who waits.
pub(crate) trait Patience: Send + Sync {
    /// Answers with `error`, unless there is an answer.
    fn give_up(&self, error: StoreError);
}

/// One operation that waits.
pub(crate) struct Job {
    pub(crate) since: Instant,
    pub(crate) work: Box<dyn Work>,
}

/// Where operations wait for the writer.
#[derive(Default)]
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    came: Condvar,
}

#[derive(Default)]
struct Lanes {
    front: VecDeque<Job>,
    /// What has time: sweeps and deliveries. At most one to a batch, so that it
    /// never holds up the others for long.
    back: VecDeque<Job>,
    /// What has even more: touches. In place of one from `back`.
    last: VecDeque<Job>,
    /// How many in `front` the writer wants to be woken for; 0: it is awake.
    wanted: usize,
    /// Whether it wants to be woken for something in `back`.
    wanted_back: bool,
    batch: Vec<(Instant, Arc<dyn Patience>)>,
    closed: Option<&'static str>,
}

impl Lanes {
    /// Whether there is something that has time.
    fn has_time(&self) -> bool {
        !self.back.is_empty() || !self.last.is_empty()
    }

    fn pop_back(&mut self) -> Option<Job> {
        self.back.pop_front().or_else(|| self.last.pop_front())
    }
}

/// How the writer takes from the queue.
pub(crate) struct Pace {
    /// How many operations are likely to come: a commit costs much the same for
    /// one as for many, so they are waited for,
    expected: usize,
    /// but not for longer than this.
    linger: Duration,
    /// Until when nothing is taken from the back lane.
    back_rests: Instant,
    has_back: bool,
    /// For how long there is something better to do than to wait.
    pub(crate) patience: Duration,
}

impl Pace {
    pub(crate) fn new(patience: Duration) -> Self {
        let (expected, linger, has_back) = (0, Duration::ZERO, false);
        Self { expected, linger, back_rests: stopwatch::now(), has_back, patience }
    }

    /// After a batch of `count` that was begun at `began`.
    pub(crate) fn keep(&mut self, queue: &Queue, began: Instant, count: usize) {
        let (took, lanes) = (began.elapsed(), queue.lock());
        self.expected = (count - usize::from(self.has_back) + lanes.front.len()).min(BATCH);
        self.linger = (took / 4).min(LINGER_MAX);
        if self.has_back {
            let long = lanes.last.len() > BACK_LONG;
            let rests = if long { BACK_RESTS_LITTLE } else { BACK_RESTS };
            self.back_rests = stopwatch::now() + took * rests;
        }
    }
}

/// What the writer finds in the queue.
pub(crate) enum Next {
    Batch(Vec<Job>),
    /// Nothing came for a while.
    Idle,
    Closed,
}

/// In which lane.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Front,
    Back,
    Last,
}

impl Queue {
    /// Puts an operation at the end of a lane. If it cannot be taken, it is answered.
    pub(crate) fn push(&self, lane: Lane, work: Box<dyn Work>) {
        let mut lanes = self.lock();
        if let Some(why) = lanes.closed {
            drop(lanes);
            return work.answer(Err(closed(why)));
        }
        if lane == Lane::Front && lanes.front.len() >= WAITING_MAX {
            drop(lanes);
            let what = format!(
                "{WAITING_MAX} operations wait for the session store already; try again later"
            );
            return work.answer(Err(StoreError::new(StoreErrorKind::Unavailable, what)));
        }
        let job = Job { since: stopwatch::now(), work };
        match lane {
            Lane::Front => lanes.front.push_back(job),
            Lane::Back => lanes.back.push_back(job),
            Lane::Last => lanes.last.push_back(job),
        }
        let enough = lanes.wanted > 0 && lanes.front.len() >= lanes.wanted;
        if enough || (lanes.wanted_back && lane != Lane::Front) {
            (lanes.wanted, lanes.wanted_back) = (0, false);
            drop(lanes);
            self.came.notify_one();
        }
    }

    /// The next batch, taken at the writer's pace.
    pub(crate) fn next(&self, pace: &mut Pace) -> Next {
        let mut lanes = self.lock();
        lanes.batch.clear();
        let now = stopwatch::now();
        let back_rests = pace.back_rests.saturating_duration_since(now);
        if lanes.front.is_empty() && lanes.closed.is_none() {
            if !lanes.has_time() {
                lanes.wanted = 1;
                lanes.wanted_back = back_rests.is_zero();
                lanes = self.wait(lanes, pace.patience);
            } else if !back_rests.is_zero() {
                lanes.wanted = 1;
                lanes = self.wait(lanes, back_rests);
            }
        }
        if !lanes.front.is_empty() && lanes.front.len() < pace.expected {
            let until = stopwatch::now() + pace.linger;
            loop {
                lanes.wanted = pace.expected;
                lanes = self.wait(lanes, until.saturating_duration_since(stopwatch::now()));
                if lanes.front.len() >= pace.expected || stopwatch::now() >= until {
                    break;
                }
            }
        }
        (lanes.wanted, lanes.wanted_back) = (0, false);
        let count = lanes.front.len().min(BATCH);
        let mut batch: Vec<Job> = Vec::with_capacity(count + 1);
        batch.extend(lanes.front.drain(..count));
        pace.has_back = false;
        if lanes.closed.is_some() {
            batch.extend((0..BATCH).map_while(|_| lanes.pop_back()));
        } else if stopwatch::now() >= pace.back_rests {
            batch.extend(lanes.pop_back());
            pace.has_back = batch.len() > count;
        }
        if batch.is_empty() {
            let done = lanes.closed.is_some() && !lanes.has_time();
            return if done { Next::Closed } else { Next::Idle };
        }
        lanes.batch.extend(batch.iter().map(|job| (job.since, job.work.patience())));
        Next::Batch(batch)
    }

    fn wait<'a>(
        &'a self,
        lanes: MutexGuard<'a, Lanes>,
        patience: Duration,
    ) -> MutexGuard<'a, Lanes> {
        self.came.wait_timeout(lanes, patience).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Answers everybody who has waited for `deadline`.
    pub(crate) fn expire(&self, deadline: Duration) {
        let mut late: Vec<Arc<dyn Patience>> = Vec::new();
        let mut lanes = self.lock();
        let lanes = &mut *lanes;
        let too_old = |since: &Instant| since.elapsed() >= deadline;
        for lane in [&mut lanes.front, &mut lanes.back, &mut lanes.last] {
            while lane.front().is_some_and(|job| too_old(&job.since)) {
                late.extend(lane.pop_front().map(|job| job.work.patience()));
            }
        }
        lanes.batch.retain(|(since, patience)| {
            let keep = !too_old(since);
            if !keep {
                late.push(patience.clone());
            }
            keep
        });
        for patience in late {
            let what = format!(
                "the session store did not answer within {} ms; the disk is slow or overloaded",
                deadline.as_millis()
            );
            patience.give_up(StoreError::new(StoreErrorKind::Timeout, what));
        }
    }

    /// Takes nothing more. What waits is still done, unless the writer is gone.
    pub(crate) fn close(&self, why: &'static str) {
        self.lock().closed.get_or_insert(why);
        self.came.notify_all();
    }

    /// Answers everything that waits, because the writer is gone.
    pub(crate) fn abandon(&self, why: &'static str) {
        let mut lanes = self.lock();
        lanes.closed.get_or_insert(why);
        let Lanes { front, back, last, batch, .. } = &mut *lanes;
        let left: Vec<Job> = front.drain(..).chain(back.drain(..)).chain(last.drain(..)).collect();
        let batch = std::mem::take(batch);
        drop(lanes);
        for job in left {
            job.work.answer(Err(closed(why)));
        }
        for (_, patience) in batch {
            patience.give_up(closed(why));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one answer is put, and awaited. The first answer counts.
pub(crate) struct Slot<T>(Mutex<State<T>>);

enum State<T> {
    Waiting(Option<Waker>),
    Answered(Result<T, StoreError>),
    Taken,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Waiting(None))))
    }

    pub(crate) fn put(&self, answer: Result<T, StoreError>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Waiting(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Answered(answer);
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T: Send> Patience for Slot<T> {
    fn give_up(&self, error: StoreError) {
        self.put(Err(error));
    }
}

/// An answer to come.
pub(crate) struct Answer<T>(pub(crate) Arc<Slot<T>>);

impl<T> Future for Answer<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Answered(answer) => Poll::Ready(answer),
            State::Waiting(_) => {
                *state = State::Waiting(Some(cx.waker().clone()));
                Poll::Pending
            }
            State::Taken => Poll::Pending,
        }
    }
}

impl<T> Answer<T> {
    pub(crate) fn is_there(&self) -> bool {
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(*state, State::Waiting(_))
    }
}
