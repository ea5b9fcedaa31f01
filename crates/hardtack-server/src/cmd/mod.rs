//! The subcommands: their arguments, and what they print.
//!
//! A command ends with the exit code that its help names, or with a [`Failure`].

pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod jar;
pub(crate) mod lint;
pub(crate) mod migrate;
mod parsing;
pub(crate) mod schema;
pub(crate) mod sessions;

use std::error::Error;
use std::io::{self, BufWriter, Stdout, Write};

use anstream::AutoStream;
use serde::Serialize;

/// Why a command did not do its work.
pub(crate) enum Failure {
    /// Arguments or input are wrong: exit code 2, as for what clap refuses.
    Input(Box<dyn Error>),
    /// Something else went wrong: exit code 1.
    Other(Box<dyn Error>),
    /// Whoever read the output has closed it and wants no more of it.
    Closed,
}

impl Failure {
    pub(crate) fn input(error: impl Into<Box<dyn Error>>) -> Failure {
        Failure::Input(error.into())
    }

    pub(crate) fn other(error: impl Into<Box<dyn Error>>) -> Failure {
        Failure::Other(error.into())
    }

    /// Of writing the output.
    pub(crate) fn output(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::other(format!("the output cannot be written: {error}")),
        }
    }
}

/// Prints what `print` writes: with colours on a terminal, unless `NO_COLOR` is set.
pub(crate) fn output(
    print: impl FnOnce(&mut BufWriter<AutoStream<Stdout>>) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(anstream::stdout());
    print(&mut out).and_then(|()| out.flush()).map_err(Failure::output)
}

/// Prints one JSON value.
pub(crate) fn output_json(value: &impl Serialize) -> Result<(), Failure> {
    output(|out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}
