//! `hardtack jar convert`, `hardtack jar merge` and `hardtack jar import`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hardtack::jar::{Format, netscape};
use hardtack_sqlite::browsers::{chromium, firefox};

use super::file::{self, FileArguments, Settings, counted};
use crate::cmd::{self, Failure};

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0, done; 1, done, but some cookies do not fit into the format and were left \
             out; 2, wrong arguments or file."
)]
pub(crate) struct Convert {
    #[command(flatten)]
    file: FileArguments,
    /// The file to make
    #[arg(value_name = "NEW")]
    to: PathBuf,
    /// Seals the new jar, as JSON, with these keys; the file of a hardtack keyring, made if not there
    #[arg(long, value_name = "FILE")]
    to_key_file: Option<PathBuf>,
}

pub(super) fn convert(arguments: &Convert) -> Result<ExitCode, Failure> {
    let mut opened = arguments.file.existing()?;
    let to = &arguments.to;
    if to.exists() {
        let path = to.display();
        return Err(Failure::input(format!(
            "{path} is there already; give another name, or use `hardtack jar merge`"
        )));
    }
    if let Some(keys) = &arguments.to_key_file {
        hardtack::seal::Keyring::load_or_generate(keys).map_err(Failure::input)?;
    }
    let mut file = file::sealed(to, arguments.to_key_file.as_deref())?;
    let left_out = match file.format() {
        Format::Netscape => opened.jar.iter().filter(|cookie| !netscape::holds(cookie)).count(),
        _ => 0,
    };
    file.save(&mut opened.jar, opened.now).map_err(Failure::input)?;
    let written = counted(opened.jar.len() - left_out);
    cmd::output(|out| {
        writeln!(out, "{written} written to {}", to.display())?;
        if left_out > 0 {
            writeln!(out, "{left_out} left out: cookies.txt cannot hold them")?;
        }
        Ok(())
    })?;
    Ok(if left_out == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Args)]
#[command(
    after_help = "cookies.txt does not say when a cookie was set: against one from there, the jar's own \
             stays.\n\nExit codes: 0, done; 2, wrong arguments or file."
)]
pub(crate) struct Merge {
    /// The jar that gets the cookies; made if it is not there
    into: PathBuf,
    /// The jars that they come from, which stay as they are
    #[arg(required = true)]
    from: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn merge(arguments: &Merge) -> Result<ExitCode, Failure> {
    let mut opened = arguments.settings.any(&arguments.into)?;
    let before = opened.jar.revision();
    for path in &arguments.from {
        arguments.settings.merge(path, &mut opened)?;
    }
    if opened.jar.revision() != before {
        opened.save()?;
    }
    let count = counted(opened.jar.len());
    cmd::output(|out| writeln!(out, "{count} in {}", arguments.into.display()))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
#[command(
    after_help = "Chromium's file is `Cookies` in its profile, or `Network/Cookies`; Firefox's is \
             `cookies.sqlite`. The browser may be running. Values that Chromium has encrypted \
             cannot be read, and are named.\n\nExit codes: 0, done; 1, done, but some cookies \
             were left out; 2, wrong arguments or file."
)]
pub(crate) struct Import {
    /// The browser
    #[arg(value_enum)]
    browser: Browser,
    /// Its database of cookies
    database: PathBuf,
    #[command(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum Browser {
    Chromium,
    Firefox,
}

pub(super) fn import(arguments: &Import) -> Result<ExitCode, Failure> {
    let read = match arguments.browser {
        Browser::Chromium => chromium::read(&arguments.database),
        Browser::Firefox => firefox::read(&arguments.database),
    };
    let mut opened = arguments.file.any()?;
    let (mut taken, mut left_out) = (0, Vec::new());
    for imported in read.map_err(Failure::input)? {
        match imported.into_cookie() {
            Ok(cookie) => {
                taken += 1;
                opened.jar.restore(cookie);
            }
            Err(why) => left_out.push(why),
        }
    }
    if taken > 0 {
        opened.save()?;
    }
    cmd::output(|out| {
        writeln!(out, "{} taken over", counted(taken))?;
        left_out.iter().try_for_each(|why| writeln!(out, "left out: {why}"))
    })?;
    Ok(if left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
