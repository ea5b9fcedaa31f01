//! The one place where this crate looks at a clock.

use std::time::Instant;

/// For deadlines and the pace of background work, which are about the machine.
/// What is due in a session is decided by the times that come as arguments.
#[expect(clippy::disallowed_methods, reason = "no rule of a session depends on it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
