//! Records what browsers do with cookies. `README.md` has the commands and the format.

mod browser;
mod case;
mod cases;
mod changes;
mod chromium;
mod firefox;
mod perform;
mod server;
mod wire;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use browser::Which;
use perform::Recorder;

/// Without a command: records all kept cases again and prints what changed.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Verb>,
    /// The folder of the kept cases.
    #[arg(long, default_value = "crates/hardtack/tests/browsers")]
    data: PathBuf,
    /// Only this browser.
    #[arg(long)]
    browser: Option<Which>,
    /// Replace the kept cases by what the browsers do now.
    #[arg(long)]
    update: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes the cases of a seed.
    Generate {
        #[arg(long)]
        seed: u64,
        /// How many cases: 1 makes as many as the categories say, 0.1 a tenth of them.
        #[arg(long, default_value_t = 1.0)]
        scale: f64,
    },
    /// Reads cases and writes them with what a browser does.
    Run {
        #[arg(long)]
        browser: Which,
        /// Standard input if absent.
        #[arg(long)]
        input: Option<PathBuf>,
        /// Standard output if absent.
        #[arg(long)]
        output: Option<PathBuf>,
        /// Only cases whose id begins with this.
        #[arg(long, default_value = "")]
        only: String,
    },
}

fn main() -> Result<ExitCode> {
    let Arguments { command, data, browser, update } = Arguments::parse();
    match command {
        Some(Verb::Generate { seed, scale }) => {
            io::stdout().write_all(case::lines(&cases::generate(seed, scale))?.as_bytes())?;
        }
        Some(Verb::Run { browser, input, output, only }) => {
            let input = input.unwrap_or_else(|| "/dev/stdin".into());
            let cases: Vec<_> =
                case::read(&input)?.into_iter().filter(|case| case.id.starts_with(&only)).collect();
            let mut output: Box<dyn Write> = match output {
                Some(path) => Box::new(BufWriter::new(
                    File::create(&path)
                        .with_context(|| format!("cannot write {}", path.display()))?,
                )),
                None => Box::new(io::stdout()),
            };
            let mut recorder = Recorder::start(browser)?;
            for case in &cases {
                output.write_all(case::lines(&[recorder.record(case)?])?.as_bytes())?;
            }
            output.flush()?;
        }
        None => {
            let mut changed = 0;
            for browser in
                Which::ALL.into_iter().filter(|it| browser.is_none_or(|only| only == *it))
            {
                changed += record_again(browser, &data, update)?;
            }
            if changed > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Records a browser's kept cases again, and gives the number of those that changed.
fn record_again(browser: Which, data: &Path, update: bool) -> Result<usize> {
    let path = data.join(format!("{}.jsonl", browser.name()));
    let kept = case::read(&path)?;
    let mut recorder = Recorder::start(browser)?;
    let now = kept.iter().map(|case| recorder.record(case)).collect::<Result<Vec<_>>>()?;
    let mut changed = 0;
    for change in kept.iter().zip(&now).filter_map(|(was, is)| changes::describe(was, is)) {
        println!("{change}");
        changed += 1;
    }
    let version = |cases: &[case::Case]| cases.first().and_then(|case| case.browser.clone());
    println!(
        "{changed} of {} cases changed from {} to {}",
        kept.len(),
        version(&kept).unwrap_or_default(),
        version(&now).unwrap_or_default()
    );
    if update {
        fs::write(&path, case::lines(&now)?)?;
    }
    Ok(changed)
}
