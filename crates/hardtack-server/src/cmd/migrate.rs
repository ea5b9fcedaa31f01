//! `hardtack migrate`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hardtack::session::store::moving::{Control, Phase};
use hardtack_server::migrate::{MigrateError, Migration, Progress, Report};
use hardtack_server::stores::StoreUrl;
use hardtack_server::terminal;
use serde::Serialize;
use tokio::time::Instant;

use super::{Failure, parsing};

#[derive(Args)]
#[command(after_help = "Step by step:\n\
1. Restart each node (a process of your application that serves sessions) on both stores, one after \
the other: give its engine a MovingStore over both in place of its store, as \
hardtack::session::store::moving says. Nothing changes yet.\n\
2. hardtack migrate FROM TO --nodes N. From now on writes go to both stores; all sessions are copied \
and compared, and the second store takes over. Writes wait for less than a second at that moment, \
and nobody is logged out. It may be killed at any time and started again.\n\
3. See whether your application is well for a while. If not, hardtack migrate FROM TO --roll-back \
goes back to the first store, with all that happened since.\n\
4. hardtack migrate FROM TO --finish. Then restart each node on the second store alone, and turn the \
first one off. Empty it before you migrate from it again.\n\n\
Name the same FROM and TO in each step. The first store must be reachable until step 4 is done. A \
node that serves through the first store alone loses what it writes: that is why --nodes must be \
exact.\n\n\
Exit codes: 0, done; 1, a store failed: start again; 2, wrong arguments, or it is refused.")]
pub(crate) struct Arguments {
    /// The store that the sessions are in, such as sqlite:sessions.db
    from: String,
    /// The store that they go to, such as redis://db.internal; it must have no sessions yet
    to: String,
    /// How many nodes of the application serve through both stores
    #[arg(long, value_name = "N")]
    nodes: Option<usize>,
    /// Copies and compares, but does not let the second store take over yet
    #[arg(long, group = "what")]
    copy: bool,
    /// Goes back to the first store, until --finish
    #[arg(long, group = "what")]
    roll_back: bool,
    /// Ends the writes to the first store, once the second has taken over
    #[arg(long, group = "what")]
    finish: bool,
    /// Tells how far the migration is, and which nodes serve; changes nothing
    #[arg(long, group = "what")]
    status: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let from = parsing::store(&arguments.from)?;
    let to = parsing::store(&arguments.to)?;
    if from == to {
        return Err(Failure::input(
            "FROM and TO are the same store; name the one that the sessions go to as TO",
        ));
    }
    let first = from.existing().await.map_err(Failure::other)?;
    if arguments.status {
        let control = Migration::status(&*first).await.map_err(failure)?;
        return status(&control, arguments.json);
    }
    let second = to.open().await.map_err(Failure::other)?;
    let mut migration = Migration::begin(first, second).await.map_err(failure)?;
    let began = Instant::now();
    let report = drive(&mut migration, arguments).await;
    if report.is_err() {
        // So that the next one need not wait. If that fails too, it waits.
        let _ = migration.end().await;
    }
    print(&report.map_err(failure)?, &from, &to, began.elapsed(), arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn drive(migration: &mut Migration, arguments: &Arguments) -> Result<Report, MigrateError> {
    let mut line = Line { is_shown: std::io::stderr().is_terminal(), drawn: None };
    let tell = &mut |progress: Progress| line.draw(progress);
    if arguments.roll_back {
        migration.roll_back(tell).await
    } else if arguments.finish {
        migration.finish().await
    } else {
        migration.copy(arguments.nodes, tell).await?;
        match arguments.copy {
            true => migration.end().await,
            false => migration.cut_over(tell).await,
        }
    }
}

fn failure(error: MigrateError) -> Failure {
    match error {
        MigrateError::Refused(_) => Failure::input(error),
        _ => Failure::other(error),
    }
}

fn print(
    report: &Report,
    from: &StoreUrl,
    to: &StoreUrl,
    took: Duration,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return super::output_json(report);
    }
    super::output(|out| {
        if report.rounds > 0 {
            writeln!(
                out,
                "{} copied, {} the same, {} repaired, {} ended, in {:.1} s",
                report.copied,
                report.same,
                report.repaired,
                report.ended,
                took.as_secs_f64()
            )?;
        }
        if let Some(pause) = report.pause_ms {
            writeln!(out, "writes waited for the switch for at most {pause} ms")?;
        }
        let text = in_words(report.phase, &from.to_string(), &to.to_string());
        terminal::paragraph(out, terminal::width(), "", "", &text)
    })
}

fn in_words(phase: Phase, from: &str, to: &str) -> String {
    match phase {
        Phase::From => format!("Sessions are served from {from}; {to} is not used."),
        Phase::Copy => format!("Sessions are served from {from}; {to} gets every write, too."),
        Phase::To => format!(
            "Sessions are served from {to}; {from} gets every write, too, so --roll-back is \
             possible until --finish."
        ),
        Phase::Done => format!(
            "Sessions are served from {to} alone. Restart each node on it, then turn {from} off."
        ),
        _ => "The switch is under way.".to_owned(),
    }
}

fn status(control: &Control, json: bool) -> Result<ExitCode, Failure> {
    #[derive(Serialize)]
    struct Status<'a> {
        phase: Phase,
        driven: bool,
        nodes: Vec<Row<'a>>,
    }
    #[derive(Serialize)]
    struct Row<'a> {
        name: &'a str,
        follows: bool,
        failures: u64,
    }
    let nodes: Vec<Row<'_>> = control
        .nodes
        .iter()
        .map(|(name, node)| Row {
            name,
            follows: node.seen == control.generation,
            failures: node.failures,
        })
        .collect();
    if json {
        let driven = control.driver.is_some();
        super::output_json(&Status { phase: control.phase, driven, nodes })?;
        return Ok(ExitCode::SUCCESS);
    }
    super::output(|out| {
        let width = terminal::width();
        let text = in_words(control.phase, "the first store", "the second store");
        terminal::paragraph(out, width, "", "", &text)?;
        if control.driver.is_some() {
            writeln!(out, "A `hardtack migrate` is at work, or died.")?;
        }
        if nodes.is_empty() {
            return writeln!(out, "No node of the application serves through both stores.");
        }
        let rows: Vec<Vec<terminal::Cell>> = nodes
            .iter()
            .map(|row| {
                let follows = if row.follows { "yes" } else { "not yet" };
                [row.name.to_owned(), follows.to_owned(), row.failures.to_string()]
                    .map(terminal::Cell::from)
                    .to_vec()
            })
            .collect();
        terminal::table(out, width, &["node", "knows the phase", "failed writes"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The line that shows how far it is, on a terminal.
struct Line {
    is_shown: bool,
    drawn: Option<Instant>,
}

impl Line {
    fn draw(&mut self, progress: Progress) {
        let is_over = progress.done >= progress.of;
        let is_due = self.drawn.is_none_or(|at| at.elapsed() > Duration::from_millis(200));
        if !self.is_shown || !(is_due || is_over) {
            return;
        }
        self.drawn = Some(Instant::now());
        // Nothing to be done about a terminal that takes no text.
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", bar(&progress));
    }
}

impl Drop for Line {
    /// What comes next, be it an error, begins a new line.
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn bar(progress: &Progress) -> String {
    const WIDTH: u64 = 24;
    let full = (progress.done * WIDTH / progress.of.max(1)).min(WIDTH) as usize;
    let what = if progress.copies { "copying  " } else { "comparing" };
    let left = progress.remaining().map_or_else(String::new, |left| {
        let seconds = left.as_secs();
        format!(", {}:{:02} left", seconds / 60, seconds % 60)
    });
    format!(
        "{what} [{}{}] {} of {}, {:.0}/s{left}",
        "#".repeat(full),
        ".".repeat(WIDTH as usize - full),
        progress.done,
        progress.of,
        progress.rate
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_tells_how_far_how_fast_and_how_long() {
        let mut migration = Progress::default();
        (migration.copies, migration.done, migration.of, migration.rate) = (true, 50, 200, 2.0);
        assert_eq!(
            bar(&migration),
            "copying   [######..................] 50 of 200, 2/s, 1:15 left"
        );
        (migration.copies, migration.done, migration.of, migration.rate) = (false, 0, 0, 0.0);
        assert_eq!(bar(&migration), "comparing [........................] 0 of 0, 0/s");
    }
}
