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

impl Gate {
    /// Waits while the gate is held.
    pub(crate) fn enter(&self) {
        let mut state = self.lock();
        while state.held {
            state = self.wait(state);
        }
        state.writing = true;
    }

    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.writing = false;
        if state.held {
            self.changed.notify_all();
        }
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
