//! The subcommands: their arguments, and what they print.

pub(crate) mod demo;
