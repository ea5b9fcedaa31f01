//! The servers of these tests.

use std::path::Path;

pub(crate) use hardtack_testkit::database::*;

/// The port of the server that all tests here share.
pub(crate) fn shared(engine: Engine) -> u16 {
    hardtack_testkit::database::shared(engine, Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// The URL of a new and empty database on it.
pub(crate) fn database(engine: Engine) -> String {
    engine.database(shared(engine))
}
