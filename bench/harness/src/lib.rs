//! What every measured process shares.
//!
//! Each peer is a process of its own, because peers do not always resolve into
//! one graph of dependencies. The driver asks it for one round at a time over
//! its standard input and output, so that rounds of different peers alternate.

mod alloc;
mod cases;
#[cfg(feature = "web")]
mod closed;
pub mod inputs;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "web")]
pub mod web;

pub use cases::Cases;

use std::io::Write;

/// Answers each line of standard input with one line, until it ends.
pub fn serve(mut answer: impl FnMut(&str) -> String) {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lines() {
        let line = line.expect("the driver writes UTF-8");
        writeln!(out, "{}", answer(&line)).expect("the driver reads until it has closed our input");
        out.flush().expect("the driver reads until it has closed our input");
    }
}
