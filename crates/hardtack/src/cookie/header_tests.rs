use std::cell::Cell;

thread_local! { static STEPS: Cell<usize> = const { Cell::new(0) }; }

pub(super) fn count_steps(steps: usize) {
    STEPS.set(STEPS.get() + steps);
}
