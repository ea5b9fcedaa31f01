//! Prints a table from the report of a run: `tables laws|faults REPORT`.

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::process::ExitCode;

use hardtack_testkit::{faults, laws};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let read = args.get(1).map(std::fs::read_to_string);
    match (args.first().map(String::as_str), read) {
        (Some("laws"), Some(Ok(report))) => print!("{}", laws::table(&report)),
        (Some("faults"), Some(Ok(report))) => print!("{}", faults::table(&report)),
        (_, Some(Err(error))) => {
            eprintln!("tables: cannot read the report {}: {error}", args[1]);
            return ExitCode::FAILURE;
        }
        _ => {
            eprintln!("tables: say `laws` or `faults`, and the file of the report");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
