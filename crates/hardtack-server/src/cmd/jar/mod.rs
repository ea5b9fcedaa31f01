//! `hardtack jar`.

mod replay;

use std::process::ExitCode;

use clap::Subcommand;

use super::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Replays recorded cases and prints what a jar sends, or how well it agrees with the browser
    Replay(replay::Arguments),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Replay(arguments) => replay::run(&arguments),
    }
}
