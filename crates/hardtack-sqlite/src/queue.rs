//! From the callers to the writer and back.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hardtack::session::store::{StoreError, StoreErrorKind};

use crate::error::closed;

/// The most operations in one commit.
pub(crate) const BATCH: usize = 512;

/// The most operations that wait. More than that is an overload, and whoever
/// comes then is told so at once.
const WAITING_MAX: usize = 16 * 1024;

/// The longest that a commit is put off so that more operations can share it.
const LINGER_MAX: Duration = Duration::from_micros(500);

/// After a batch with something from the back lane, for how many times as long
/// as it took the next one has to wait.
const BACK_RESTS: u32 = 3;

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
    /// What has time: touches, sweeps, deliveries. At most one to a batch, so
    /// that it never holds up the others for long.
    back: VecDeque<Job>,
    /// How many in `front` the writer wants to be woken for; 0: it is awake.
    wanted: usize,
    /// Whether it wants to be woken for something in `back`.
    wanted_back: bool,
    batch: Vec<(Instant, Arc<dyn Patience>)>,
    closed: Option<&'static str>,
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
        Self { expected, linger, back_rests: Instant::now(), has_back, patience }
    }

    /// After a batch of `count` that was begun at `began`, with `waiting` more there.
    pub(crate) fn keep(&mut self, began: Instant, count: usize, waiting: usize) {
        let took = began.elapsed();
        self.expected = (count - usize::from(self.has_back) + waiting).min(BATCH);
        self.linger = (took / 4).min(LINGER_MAX);
        if self.has_back {
            self.back_rests = Instant::now() + took * BACK_RESTS;
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
        let job = Job { since: Instant::now(), work };
        match lane {
            Lane::Front => lanes.front.push_back(job),
            Lane::Back => lanes.back.push_back(job),
        }
        let enough = lanes.wanted > 0 && lanes.front.len() >= lanes.wanted;
        if enough || (lanes.wanted_back && lane == Lane::Back) {
            (lanes.wanted, lanes.wanted_back) = (0, false);
            drop(lanes);
            self.came.notify_one();
        }
    }

    /// The next batch, taken at the writer's pace.
    pub(crate) fn next(&self, pace: &mut Pace) -> Next {
        let mut lanes = self.lock();
        lanes.batch.clear();
        let now = Instant::now();
        let back_rests = pace.back_rests.saturating_duration_since(now);
        if lanes.front.is_empty() && lanes.closed.is_none() {
            if lanes.back.is_empty() {
                lanes.wanted = 1;
                lanes.wanted_back = back_rests.is_zero();
                lanes = self.wait(lanes, pace.patience);
            } else if !back_rests.is_zero() {
                lanes.wanted = 1;
                lanes = self.wait(lanes, back_rests);
            }
        }
        if !lanes.front.is_empty() && lanes.front.len() < pace.expected {
            let until = Instant::now() + pace.linger;
            loop {
                lanes.wanted = pace.expected;
                lanes = self.wait(lanes, until.saturating_duration_since(Instant::now()));
                if lanes.front.len() >= pace.expected || Instant::now() >= until {
                    break;
                }
            }
        }
        (lanes.wanted, lanes.wanted_back) = (0, false);
        let count = lanes.front.len().min(BATCH);
        let mut batch: Vec<Job> = Vec::with_capacity(count + 1);
        batch.extend(lanes.front.drain(..count));
        pace.has_back = false;
        if Instant::now() >= pace.back_rests || lanes.closed.is_some() {
            batch.extend(lanes.back.pop_front());
            pace.has_back = batch.len() > count;
        }
        if batch.is_empty() {
            let done = lanes.closed.is_some() && lanes.back.is_empty();
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

    /// How many operations wait in the front lane.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().front.len()
    }

    /// Answers everybody who has waited for `deadline`.
    pub(crate) fn expire(&self, deadline: Duration) {
        let mut late: Vec<Arc<dyn Patience>> = Vec::new();
        let mut lanes = self.lock();
        let lanes = &mut *lanes;
        let too_old = |since: &Instant| since.elapsed() >= deadline;
        for lane in [&mut lanes.front, &mut lanes.back] {
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
        let left: Vec<Job> = std::mem::take(&mut lanes.front).into();
        let later: Vec<Job> = std::mem::take(&mut lanes.back).into();
        let batch = std::mem::take(&mut lanes.batch);
        drop(lanes);
        for job in left.into_iter().chain(later) {
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

    /// Waits for it on this thread.
    pub(crate) fn wait(self) -> Result<T, StoreError> {
        struct Unpark(std::thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut cx = Context::from_waker(&waker);
        let mut answer = std::pin::pin!(self);
        loop {
            match answer.as_mut().poll(&mut cx) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}
