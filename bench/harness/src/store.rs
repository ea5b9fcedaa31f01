//! The load on a store: 16 tasks in a closed loop on sessions of 500 bytes,
//! uniformly at random.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::inputs::mix;

/// How many sessions there are at the start of a store on disk.
pub const SESSIONS: u64 = 200_000;
/// How many there are at the start of a store on a server.
pub const REMOTE_SESSIONS: u64 = 20_000;
const TASKS: u64 = 16;

/// A store under load. Sessions have numbers; what number `n` is called, is the store's to say.
pub trait Target: Send + Sync + 'static {
    /// Creates the session, signed in, with the first version of its body.
    fn create(&self, n: u64) -> impl Future<Output = ()> + Send;
    /// Loads it: the version, and nothing of it if it is not there.
    fn load(&self, n: u64) -> impl Future<Output = Option<u64>> + Send;
    /// Notes activity.
    fn touch(&self, n: u64) -> impl Future<Output = ()> + Send;
    /// Loads it and puts another body in its place if nobody else has meanwhile.
    fn replace(&self, n: u64) -> impl Future<Output = ()> + Send;
    /// Ends it.
    fn end(&self, n: u64) -> impl Future<Output = ()> + Send;
    /// Commits so far, where the store counts them.
    fn batches(&self) -> u64 {
        0
    }
}

/// Answers `PHASE MILLISECONDS` with the operations a second, the 99.9th percentile of all
/// creates so far in milliseconds, and the commits. `preload` comes first.
pub fn serve<T: Target>(sessions: u64, open: impl Future<Output = T>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
    let target = Arc::new(runtime.block_on(open));
    let load = Arc::new(Load {
        target,
        sessions,
        loaded: sessions - sessions / 4,
        created: AtomicU64::new(0),
        ended: AtomicU64::new(sessions - sessions / 4),
    });
    let mut creates = Vec::new();
    crate::serve(|line| {
        let (phase, millis) = line.split_once(' ').unwrap_or((line, "0"));
        let time = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
        runtime.block_on(load.clone().phase(phase, time, &mut creates))
    });
}

struct Load<T> {
    target: Arc<T>,
    sessions: u64,
    /// How many of them are loaded; the others may be ended.
    loaded: u64,
    created: AtomicU64,
    ended: AtomicU64,
}

impl<T: Target> Load<T> {
    async fn phase(self: Arc<Self>, phase: &str, time: Duration, creates: &mut Vec<u32>) -> String {
        let kind = match phase {
            "preload" => return self.preload().await,
            "warm" => return self.warm().await,
            "loads" => Kind::Loads,
            "mix" => Kind::Mix,
            "creates" => Kind::Creates,
            "cas" => Kind::Replaces,
            "ends" => Kind::Ends,
            _ => panic!("there is no phase {phase}"),
        };
        let batches = self.target.batches();
        let salt = self.created.load(Relaxed) ^ self.ended.load(Relaxed) << 32;
        let start = Instant::now();
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| tokio::spawn(self.clone().run(kind, mix(salt + task), start + time)))
            .collect();
        let mut operations = 0;
        for task in tasks {
            let (done, latencies) = task.await.expect("a store does not panic");
            operations += done;
            creates.extend(latencies);
        }
        let rate = operations as f64 / start.elapsed().as_secs_f64();
        creates.sort_unstable();
        let p999 =
            creates.get(creates.len() * 999 / 1000).map_or(0.0, |us| f64::from(*us) / 1000.0);
        format!("{rate} {p999} {operations} {}", self.target.batches() - batches)
    }

    async fn run(self: Arc<Self>, kind: Kind, mut random: u64, until: Instant) -> (u64, Vec<u32>) {
        let mut done = 0;
        let mut latencies = Vec::new();
        while Instant::now() < until {
            random = mix(random);
            let n = (random >> 32) % self.loaded;
            match kind.operation(random % 100) {
                Operation::Load => {
                    assert!(self.target.load(n).await.is_some(), "session {n} is not there");
                    if done % 16 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Operation::Touch => self.target.touch(n).await,
                Operation::Replace => self.target.replace(n).await,
                Operation::Create => {
                    let start = Instant::now();
                    self.target.create(self.created.fetch_add(1, Relaxed)).await;
                    latencies.push(start.elapsed().as_micros() as u32);
                }
                Operation::End => {
                    let n = self.ended.fetch_add(1, Relaxed);
                    if n >= self.created.load(Relaxed) {
                        break; // all have ended before the time was up
                    }
                    self.target.end(n).await;
                }
            }
            done += 1;
        }
        (done, latencies)
    }

    /// Creates the sessions, many at a time.
    async fn preload(self: Arc<Self>) -> String {
        let tasks = (0..500).map(|_| {
            let load = self.clone();
            tokio::spawn(async move {
                loop {
                    let n = load.created.fetch_add(1, Relaxed);
                    if n >= load.sessions {
                        return;
                    }
                    load.target.create(n).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("a store does not panic");
        }
        self.created.store(self.sessions, Relaxed);
        String::from("preloaded")
    }

    /// Loads every session once.
    async fn warm(&self) -> String {
        for n in 0..self.loaded {
            self.target.load(n).await;
        }
        String::from("warm")
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Loads,
    Mix,
    Creates,
    Replaces,
    Ends,
}

enum Operation {
    Load,
    Touch,
    Replace,
    Create,
    End,
}

impl Kind {
    fn operation(self, percent: u64) -> Operation {
        match self {
            Kind::Loads => Operation::Load,
            Kind::Mix if percent < 90 => Operation::Load,
            Kind::Mix if percent < 98 => Operation::Touch,
            Kind::Mix | Kind::Replaces => Operation::Replace,
            Kind::Creates => Operation::Create,
            Kind::Ends => Operation::End,
        }
    }
}
