//! The program `hardtack`.

mod cmd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cmd::Failure;

/// Sessions and cookies for the web
#[derive(Parser)]
#[command(name = "hardtack", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a small web shop on this computer that shows how sessions and cookies work
    Demo(cmd::demo::Arguments),
    /// Tells which browsers store a cookie and send it, why not, and what to change
    Explain(cmd::explain::Arguments),
    /// Fetches a page of your own site and tells what to change about its cookies
    Lint(cmd::lint::Arguments),
    /// Works on cookie jars in files, and holds the jar against recorded browsers
    #[command(
        subcommand,
        after_help = "Files are JSON or cookies.txt, the format that curl has too, told apart by \
                      their contents; a new file gets the format that its name says, cookies.txt \
                      for `.txt`. Several programs may work on one file at once."
    )]
    Jar(cmd::jar::Command),
    /// Takes the sessions of a running application to another store, without a logout
    Migrate(cmd::migrate::Arguments),
    /// Prints the tables of the session stores on databases, or makes them
    Schema(cmd::schema::Arguments),
    /// Writes the sessions of a store into a file, and reads them back
    #[command(subcommand)]
    Sessions(cmd::sessions::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(arguments) => cmd::demo::run(arguments).await,
        Command::Explain(arguments) => cmd::explain::run(&arguments),
        Command::Lint(arguments) => cmd::lint::run(&arguments).await,
        Command::Jar(command) => cmd::jar::run(command),
        Command::Migrate(arguments) => cmd::migrate::run(&arguments).await,
        Command::Schema(arguments) => cmd::schema::run(&arguments).await,
        Command::Sessions(command) => cmd::sessions::run(&command).await,
    };
    let (code, error) = match outcome {
        Ok(code) => return code,
        // Nobody is left to be told.
        Err(Failure::Closed) => return ExitCode::SUCCESS,
        Err(Failure::Input(error)) => (ExitCode::from(2), error),
        Err(Failure::Other(error)) => (ExitCode::FAILURE, error),
    };
    eprintln!("hardtack: {error}");
    code
}
