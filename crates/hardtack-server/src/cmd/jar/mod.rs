//! `hardtack jar`.

mod edit;
mod file;
mod look;
mod replay;
mod transfer;

use std::process::ExitCode;

use clap::Subcommand;

use super::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the cookies of a jar, without their values
    Show(look::Show),
    /// Prints the Cookie header that the jar has for an address
    Get(look::Get),
    /// Stores what an answer sets, as a browser would
    Set(edit::Set),
    /// Removes cookies
    Rm(edit::Rm),
    /// Writes a jar into a new file, in the format that its name says
    Convert(transfer::Convert),
    /// Adds the cookies of other jars to a jar; of two copies, the one set later stays
    Merge(transfer::Merge),
    /// Adds the cookies of a browser to a jar
    Import(transfer::Import),
    /// Replays recorded cases and prints what a jar sends, or how well it agrees with the browser
    Replay(replay::Arguments),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Show(arguments) => look::show(&arguments),
        Command::Get(arguments) => look::get(&arguments),
        Command::Set(arguments) => edit::set(&arguments),
        Command::Rm(arguments) => edit::rm(&arguments),
        Command::Convert(arguments) => transfer::convert(&arguments),
        Command::Merge(arguments) => transfer::merge(&arguments),
        Command::Import(arguments) => transfer::import(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
    }
}
