//! `hardtack jar replay`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Args;
use hardtack::cookie::Profile;
use hardtack::time::{Clock, SystemClock, UnixTime};
use hardtack_server::replay::{Agreement, Count, replay};
use hardtack_server::terminal;

use crate::cmd::{Failure, parsing};

/// Cases are lines of JSON on standard input: `{"id", "cat", "steps": [{"url", "context"?,
/// "initiator"?, "set_cookie": [...], "wait_ms"?}], "probes": [{"url", ...}], "expect"?: {"now_ms",
/// "probes": [{"cookie"}]}}`. Strings are Latin-1: one character is one byte. Each case has a fresh
/// jar and the clock of its recording.
///
/// Exit codes: 0, done; 1, with --check: less agreement than --min; 2, wrong arguments or a line
/// that is not a case.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Whose rules hold: chromium, firefox or rfc6265bis
    #[arg(long, value_parser = parsing::profile)]
    profile: &'static Profile,
    /// The clock of cases without `expect.now_ms`, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
    /// Prints the agreement with the recording by category, and the cases that differ, in place of
    /// the headers
    #[arg(long)]
    check: bool,
    /// The agreement of headers, in percent, below which --check fails
    #[arg(long, value_name = "PERCENT", default_value_t = 100.0, requires = "check")]
    min: f64,
    /// With --check: one JSON object in place of the table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let now = arguments.now.unwrap_or_else(|| SystemClock::default().now());
    let cases = replay(io::stdin().lock(), arguments.profile, now);
    let mut out = BufWriter::new(io::stdout().lock());
    if !arguments.check {
        for replayed in cases {
            let report = match replayed {
                Ok(replayed) => replayed.report(),
                Err(error) => {
                    out.flush().map_err(Failure::output)?;
                    return Err(Failure::input(error));
                }
            };
            serde_json::to_writer(&mut out, &report).map_err(|e| Failure::output(e.into()))?;
            out.write_all(b"\n").map_err(Failure::output)?;
        }
        out.flush().map_err(Failure::output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut agreement = Agreement::default();
    for replayed in cases {
        agreement.add(&replayed.map_err(Failure::input)?);
    }
    let printed = if arguments.json {
        let written = serde_json::to_writer_pretty(&mut out, &agreement).map_err(io::Error::from);
        written.and_then(|()| out.write_all(b"\n"))
    } else {
        print(&agreement, arguments.profile, &mut out)
    };
    printed.and_then(|()| out.flush()).map_err(Failure::output)?;
    let enough = agreement.total.percent() >= arguments.min;
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(agreement: &Agreement, profile: &Profile, out: &mut impl Write) -> io::Result<()> {
    let row = |category: &str, count: &Count| {
        vec![
            terminal::printable(category.as_bytes()),
            count.cases.to_string(),
            count.agree.to_string(),
            format!("{:.2} %", count.percent()),
            count.agree_in_scripts.to_string(),
        ]
    };
    let mut rows: Vec<_> =
        agreement.categories.iter().map(|(category, count)| row(category, count)).collect();
    rows.push(row("all", &agreement.total));
    let heads = ["category", "cases", "agree", "", "in scripts"];
    terminal::table(out, terminal::width(), &heads, &rows)?;
    if agreement.unrecorded > 0 {
        writeln!(out, "{} cases have no recording to hold against.", agreement.unrecorded)?;
    }
    for case in &agreement.differing {
        let what = if case.in_headers { "Cookie" } else { "document.cookie" };
        let (line, id) = (case.line, terminal::printable(case.id.as_bytes()));
        writeln!(out, "\nline {line}, {id}: {what} differs")?;
        for (recorded, sent) in case.recorded.iter().zip(&case.sent) {
            writeln!(out, "  recorded  {recorded:?}\n  {:9} {sent:?}", profile.name)?;
        }
    }
    Ok(())
}
