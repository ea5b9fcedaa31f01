//! `hardtack jar replay`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use hardtack::cookie::Profile;
use hardtack::time::UnixTime;
use hardtack_server::replay::{Agreement, Count, replay};
use hardtack_server::terminal::{self, Cell};

use crate::cmd::{self, Failure, parsing};

#[derive(Args)]
#[command(
    after_help = "Cases are lines of JSON on standard input: `{\"id\", \"cat\", \"steps\": [{\"url\", \
             \"context\"?, \"initiator\"?, \"set_cookie\": [...], \"wait_ms\"?}], \"probes\": \
             [{\"url\", ...}], \"expect\"?: {\"now_ms\", \"probes\": [{\"cookie\"}]}}`. Strings \
             are Latin-1: one character is one byte. Each case has a fresh jar and the clock of \
             its recording.\n\nExit codes: 0, done; 1, with --check: less agreement than --min; \
             2, wrong arguments or a line that is not a case."
)]
pub(crate) struct Arguments {
    /// Whose rules hold
    #[arg(long, value_name = "NAME", value_parser = parsing::profile())]
    profile: &'static Profile,
    /// The clock of cases without `expect.now_ms`, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
    /// Prints the agreement with the recording by category, and the cases that differ, in place of
    /// the headers
    #[arg(long)]
    check: bool,
    /// The agreement of headers, in percent, below which --check fails
    #[arg(long, value_name = "PERCENT", default_value = "100", requires = "check",
          value_parser = parsing::percent)]
    min: f64,
    /// With --check: one JSON object in place of the table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let now = parsing::or_now(arguments.now);
    let cases = replay(io::stdin().lock(), arguments.profile, now);
    if !arguments.check {
        let mut wrong = None;
        cmd::output(|out| {
            for replayed in cases {
                match replayed {
                    Ok(replayed) => serde_json::to_writer(&mut *out, &replayed.report())?,
                    Err(error) => {
                        wrong = Some(error);
                        break;
                    }
                }
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
        return wrong.map_or(Ok(ExitCode::SUCCESS), |error| Err(Failure::input(error)));
    }
    let mut agreement = Agreement::default();
    for replayed in cases {
        agreement.add(&replayed.map_err(Failure::input)?);
    }
    if arguments.json {
        cmd::output_json(&agreement)?;
    } else {
        cmd::output(|out| print(&agreement, arguments.profile, out))?;
    }
    let enough = agreement.total.percent() >= arguments.min;
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(agreement: &Agreement, profile: &Profile, out: &mut impl Write) -> io::Result<()> {
    let row = |category: &str, count: &Count| {
        let cells = [
            terminal::printable(category.as_bytes()),
            count.cases.to_string(),
            count.agree.to_string(),
            format!("{:.2} %", count.percent()),
            count.agree_in_scripts.to_string(),
        ];
        cells.map(Cell::from).to_vec()
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
