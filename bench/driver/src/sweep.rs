//! A sweep of a tenth of the sessions on PostgreSQL while others are loaded.

use std::process::{Command, ExitCode};

use crate::bars::{Reach, Report};
use crate::process::{Process, build};

const SESSIONS: &str = "10000000";

/// Measures it with so many sessions, and tells it.
pub(crate) fn measure(sessions: Option<&str>) -> ExitCode {
    let Ok(sessions) = sessions.unwrap_or(SESSIONS).parse::<u64>() else {
        eprintln!("how many sessions is a number, such as {SESSIONS}");
        return ExitCode::from(2);
    };
    let expired = sessions / 10;
    let mut command = Command::new(build("hardtack", "sweep"));
    command.args([sessions.to_string(), expired.to_string()]);
    let line = Process::start(command).line();
    let figures: Vec<f64> = line.split(' ').filter_map(|figure| figure.parse().ok()).collect();
    let [calm, swept, ratio, rate] = figures[..] else { panic!("four figures, not {line}") };
    let mut report = Report::default();
    report.bar("PostgreSQL, loads during a sweep: p99, of that before", Reach::AtMost(2.0), ratio);
    println!(
        "{expired} expired of {sessions} sessions: p99 of loads {calm:.1} ms before and {swept:.1} ms \
         during the sweep, which ended {rate:.0} sessions a second\n\n{report}"
    );
    ExitCode::SUCCESS
}
