//! Operations that are measured by the time their thread spends on them.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

/// Named operations of one process; the driver asks for rounds by name.
#[derive(Default)]
pub struct Cases(Vec<Case>);

struct Case {
    name: &'static str,
    run: Box<dyn FnMut(u64)>,
    per_round: u64,
}

impl Cases {
    /// An operation.
    pub fn add<T>(&mut self, name: &'static str, mut operation: impl FnMut() -> T + 'static) {
        self.add_loop(name, move |times| {
            for _ in 0..times {
                black_box(operation());
            }
        });
    }

    /// An operation that repeats itself as often as it is told.
    pub fn add_loop(&mut self, name: &'static str, run: impl FnMut(u64) + 'static) {
        self.0.push(Case { name, run: Box::new(run), per_round: 0 });
    }

    /// Answers `NAME` with one round: nanoseconds, allocations and bytes
    /// allocated, per operation.
    pub fn serve(mut self) {
        crate::serve(|name| match self.0.iter_mut().find(|case| case.name == name) {
            Some(case) => case.round(),
            None => panic!("there is no case {name}"),
        });
    }
}

impl Case {
    fn round(&mut self) -> String {
        if self.per_round == 0 {
            self.calibrate();
        }
        let (allocations, bytes) = crate::alloc::counted();
        let nanos = self.timed(self.per_round);
        let (allocations_after, bytes_after) = crate::alloc::counted();
        let per = |n: u64| n as f64 / self.per_round as f64;
        let allocations = per(allocations_after - allocations);
        format!("{} {} {}", per(nanos), allocations, per(bytes_after - bytes))
    }

    /// Finds how many operations make a round, and warms up on the way.
    fn calibrate(&mut self) {
        let mut times = 1;
        loop {
            let nanos = self.timed(times);
            if nanos > ROUND_NANOS / 4 {
                self.per_round = (times * ROUND_NANOS / nanos).max(1);
                return;
            }
            times *= 2;
        }
    }

    fn timed(&mut self, times: u64) -> u64 {
        let start = thread_nanos();
        (self.run)(times);
        thread_nanos() - start
    }
}

/// How long a round is to last.
const ROUND_NANOS: u64 = 4_000_000;

/// The time that this thread has run, without what others took from it.
fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
