//! Keeps the writer still for the moment in which the log starts over.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Between transactions the writer passes here.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    writing: bool,
    held: bool,
}

/// The writer is in a transaction.
#[must_use = "the writer has left as soon as this is dropped"]
pub(crate) struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.writing = false;
        if state.held {
            self.0.changed.notify_all();
        }
    }
}

impl Gate {
    /// Waits while the gate is held. The writer is inside until it drops this.
    pub(crate) fn enter(&self) -> Inside<'_> {
        let mut state = self.lock();
        while state.held {
            state = self.wait(state);
        }
        state.writing = true;
        Inside(self)
    }

    /// Runs `quick` while the writer is between two transactions.
    pub(crate) fn hold<T>(&self, quick: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        state.held = true;
        while state.writing {
            state = self.wait(state);
        }
        drop(state);
        let done = quick();
        self.lock().held = false;
        self.changed.notify_all();
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}
