//! `hardtack sessions`.

use std::fs::OpenOptions;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use hardtack::time::UnixTime;
use hardtack_server::dump::{self, DumpError};

use super::{Failure, parsing};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Writes the live sessions of a store as JSON lines
    Export(Export),
    /// Puts exported sessions into a store, from standard input or a file
    Import(Import),
}

pub(crate) async fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Export(arguments) => export(arguments).await,
        Command::Import(arguments) => import(arguments).await,
    }
}

#[derive(Args)]
#[command(
    after_help = "Data is sealed as it is in the store. Users, times and device labels are readable, so \
             keep the file to yourself. Sessions that have ended are left out, and so are ends that \
             nobody was told of yet.\n\nExit codes: 0, done; 1, the store or the output failed; \
             2, wrong arguments."
)]
pub(crate) struct Export {
    /// The store, such as sqlite:sessions.db or redis://db.internal
    #[arg(value_name = "URL")]
    store: String,
    /// A new file to write, for its owner only [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The time, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
}

async fn export(arguments: &Export) -> Result<ExitCode, Failure> {
    let url = parsing::store(&arguments.store)?;
    let now = parsing::or_now(arguments.now);
    let store = url.existing().await.map_err(Failure::other)?;
    let Some(path) = &arguments.output else {
        let mut out = BufWriter::new(io::stdout().lock());
        dump::export(&*store, &mut out, now).await.map_err(|error| match error {
            DumpError::Io(error) => Failure::output(error),
            other => Failure::other(other),
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let refused = |error| format!("cannot make the file {}: {error}", path.display());
    let file = options.open(path).map_err(|error| Failure::input(refused(error)))?;
    let mut out = BufWriter::new(file);
    let count = dump::export(&*store, &mut out, now).await.map_err(Failure::other)?;
    out.get_ref().sync_all().map_err(Failure::output)?;
    super::output(|out| writeln!(out, "{count} sessions written to {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
#[command(
    after_help = "A live session is never overwritten, and one that has ended in the store is never \
             revived; doing it again is harmless. An end that came after the export, and that the \
             store knows nothing of, is not known: import what is fresh.\n\nExit codes: 0, all \
             of them are there; 1, some were refused, or the store failed; 2, wrong arguments \
             or input."
)]
pub(crate) struct Import {
    /// The store, such as sqlite:sessions.db or redis://db.internal
    #[arg(value_name = "URL")]
    store: String,
    /// The file with exported sessions [default: standard input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The time, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

async fn import(arguments: &Import) -> Result<ExitCode, Failure> {
    let url = parsing::store(&arguments.store)?;
    let now = parsing::or_now(arguments.now);
    let file =
        match &arguments.input {
            None => None,
            Some(path) => Some(std::fs::File::open(path).map_err(|error| {
                Failure::input(format!("cannot read {}: {error}", path.display()))
            })?),
        };
    let store = url.open().await.map_err(Failure::other)?;
    let imported = match file {
        Some(file) => dump::import(&*store, BufReader::new(file), now).await,
        None => dump::import(&*store, io::stdin().lock(), now).await,
    };
    let done = imported.map_err(|error| match error {
        DumpError::Store(error) => Failure::other(error),
        other => Failure::input(other),
    })?;
    if arguments.json {
        super::output_json(&done)?;
    } else {
        super::output(|out| {
            writeln!(out, "{} created, {} there already", done.created, done.there)?;
            writeln!(out, "{} expired, {} refused as ended", done.expired, done.refused)
        })?;
    }
    Ok(if done.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
