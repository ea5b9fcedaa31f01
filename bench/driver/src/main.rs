//! Builds every peer, interleaves their rounds, and holds hardtack against its bars.
//!
//! `driver [--quick] [GROUP...]`: without a group all of them, which also writes `results.md`.
//! `driver sweep [SESSIONS]`: takes minutes and much disk, so it is asked for by itself.

mod bars;
mod embedded;
mod http;
mod jar;
mod machine;
mod micro;
mod process;
mod remote;
mod rounds;
mod sweep;
mod tower;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bars::Report;

/// How much to measure: enough to trust, or just enough to see that everything runs.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds of operations that take some milliseconds.
    pub(crate) short_rounds: usize,
    /// Rounds of load.
    pub(crate) long_rounds: usize,
    /// How long a round of load is, in milliseconds.
    pub(crate) millis: u64,
}

const FULL: Effort = Effort { short_rounds: 21, long_rounds: 7, millis: 1000 };
const QUICK: Effort = Effort { short_rounds: 5, long_rounds: 2, millis: 300 };

type Group = fn(Effort, &mut Report);
const GROUPS: [(&str, Group); 6] = [
    ("micro", micro::measure),
    ("jar", jar::measure),
    ("tower", tower::measure),
    ("http", http::measure),
    ("embedded", embedded::measure),
    ("remote", remote::measure),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("sweep") {
        return sweep::measure(words.next().as_deref());
    }
    let (flags, names): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|word| word.starts_with('-'));
    let unknown = |name: &&String| !GROUPS.iter().any(|(group, _)| group == name);
    if let Some(wrong) = names.iter().find(unknown).or(flags.iter().find(|flag| *flag != "--quick"))
    {
        eprintln!(
            "{wrong} is neither --quick nor one of the groups micro, jar, tower, http, embedded, \
             remote"
        );
        return ExitCode::from(2);
    }
    let effort = if flags.is_empty() { FULL } else { QUICK };
    let mut report = Report::default();
    for (name, measure) in GROUPS {
        if names.is_empty() || names.iter().any(|n| n == name) {
            eprintln!("measuring {name}");
            measure(effort, &mut report);
        }
    }
    let text = format!("{}\n{}", machine::description(effort), report);
    println!("{text}");
    if flags.is_empty() && names.is_empty() {
        std::fs::write(folder().join("results.md"), text).expect("bench/ can be written to");
        eprintln!("written to bench/results.md");
    } else {
        eprintln!("bench/results.md is left as it is: only a full run of all groups writes it");
    }
    ExitCode::SUCCESS
}

/// The folder `bench`.
pub(crate) fn folder() -> PathBuf {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR"));
    driver.parent().expect("the driver is in a folder of bench").to_path_buf()
}
