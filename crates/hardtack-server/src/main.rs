//! The program `hardtack`.

mod cmd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(arguments) => cmd::demo::run(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hardtack: {error}");
            ExitCode::FAILURE
        }
    }
}
