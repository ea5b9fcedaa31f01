//! `hardtack jar set` and `hardtack jar rm`.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use hardtack::jar::{Cookie, Outcome, RequestContext, Target};
use hardtack_server::explain::Reason;
use hardtack_server::terminal::{paragraph, width, without_values};

use super::file::{FileArguments, counted};
use crate::cmd::{self, Failure, parsing};

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0, every cookie was stored or, if it has expired, removed; 1, some were \
             dropped; 2, wrong arguments or file."
)]
pub(crate) struct Set {
    #[command(flatten)]
    file: FileArguments,
    /// The address whose answer sets the cookies
    #[arg(value_parser = parsing::url)]
    url: Target,
    /// The values of its Set-Cookie headers
    #[arg(value_name = "SET-COOKIE", required = true)]
    lines: Vec<OsString>,
}

pub(super) fn set(arguments: &Set) -> Result<ExitCode, Failure> {
    let mut opened = arguments.file.any()?;
    let context = RequestContext::client(&arguments.url);
    let mut told = Vec::new();
    let mut is_any_dropped = false;
    for line in &arguments.lines {
        let line = parsing::line(line);
        let said = match opened.jar.set(&line, &context, opened.now) {
            Outcome::Stored { .. } => "stored".to_owned(),
            Outcome::Replaced => "stored in place of the one before".to_owned(),
            Outcome::Removed => "removed, for it has expired".to_owned(),
            Outcome::Expired => "not stored, for it has expired".to_owned(),
            Outcome::Ignored(why) => {
                is_any_dropped = true;
                format!("dropped, {}", Reason::from(why))
            }
            _ => "not stored".to_owned(),
        };
        told.push(format!("{}: {said}", without_values(&line)));
    }
    opened.save()?;
    cmd::output(|out| told.iter().try_for_each(|line| paragraph(out, width(), "", "  ", line)))?;
    Ok(if is_any_dropped { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0, some were removed; 1, there were none; 2, wrong arguments or file."
)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct Rm {
    #[command(flatten)]
    file: FileArguments,
    /// Those with this name
    #[arg(group = "which")]
    name: Option<String>,
    /// Those of this very domain
    #[arg(long, group = "which")]
    domain: Option<String>,
    /// Those of this very path
    #[arg(long, group = "which")]
    path: Option<String>,
    /// Those whose time is over
    #[arg(long, group = "which")]
    expired: bool,
    /// Those that end with the browser's session
    #[arg(long, group = "which")]
    session: bool,
    /// Every one
    #[arg(long, group = "which", conflicts_with_all = ["name", "domain", "path", "expired", "session"])]
    all: bool,
}

pub(super) fn rm(arguments: &Rm) -> Result<ExitCode, Failure> {
    let mut opened = arguments.file.existing()?;
    let now = opened.now;
    let domain =
        arguments.domain.as_ref().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
    let removed = opened.jar.remove_if(|cookie: &Cookie| {
        arguments.name.as_ref().is_none_or(|name| name.as_bytes() == cookie.name())
            && domain.as_ref().is_none_or(|domain| domain == cookie.domain())
            && arguments.path.as_ref().is_none_or(|path| path.as_bytes() == cookie.path())
            && (!arguments.expired || cookie.is_expired(now))
            && (!arguments.session || cookie.expires().is_none())
    });
    if removed > 0 {
        opened.save()?;
    }
    cmd::output(|out| writeln!(out, "{} removed", counted(removed)))?;
    Ok(if removed == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
