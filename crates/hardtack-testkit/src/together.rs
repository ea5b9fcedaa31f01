//! Tests that share one server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Runs all tests of a suite within one, three at a time: for a server that takes too
/// long to start for each to have its own. `run` is told the name of the test and the test.
///
/// # Panics
/// With the names of the tests that panicked.
pub fn together<T: Sync>(tests: &[(&str, T)], run: impl Fn(&str, &T) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((name, test)) = tests.get(next.fetch_add(1, SeqCst)) {
                    if catch_unwind(AssertUnwindSafe(|| run(name, test))).is_err() {
                        failed.lock().expect("nobody panics with it").push(*name);
                    }
                }
            });
        }
    });
    assert_eq!(failed.into_inner().expect("nobody panics with it"), [""; 0]);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn each_test_runs_once() {
        let sum = AtomicU64::new(0);
        together(&[("a", 1), ("b", 20), ("c", 300), ("d", 4_000)], |_, n| {
            sum.fetch_add(*n, SeqCst);
        });
        assert_eq!(sum.into_inner(), 4_321);
    }

    #[test]
    #[should_panic(expected = "left: [\"b\"]")]
    fn what_panics_is_named() {
        together(&[("a", true), ("b", false), ("c", true)], |_, holds| assert!(holds));
    }
}
