//! `hardtack lint`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hardtack::time::UnixTime;
use hardtack_server::har;
use hardtack_server::lint::{self, Page};
use hardtack_server::terminal;

use super::{Failure, parsing};

#[derive(Args)]
#[command(
    after_help = "Fetches the address, follows redirects with a browser's jar, and looks at the cookies of \
             each answer: what their author should change, and what each browser does with \
             them. Values are not shown.\n\nExit codes: 0, nothing to change but advice; 1, \
             errors or warnings, or a browser drops a cookie; 2, wrong arguments or input, or \
             the page cannot be fetched."
)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(crate) struct Arguments {
    /// The page, of your own site
    #[arg(group = "source")]
    url: Option<String>,
    /// A Set-Cookie value to look at instead; may be given more than once
    #[arg(long, value_name = "SET-COOKIE", group = "source")]
    line: Vec<OsString>,
    /// A browser's recording to look at instead
    #[arg(long, value_name = "FILE", group = "source")]
    har: Option<PathBuf>,
    /// Seconds to wait for each answer
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = parsing::wait)]
    timeout: Duration,
    /// The time, in seconds since 1970, for dates of cookies [default: now, or that of the recording]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let pages = pages(arguments).await?;
    let is_clean = pages.iter().all(Page::is_clean);
    if arguments.json {
        super::output_json(&pages)?;
    } else {
        super::output(|out| lint::write(&pages, terminal::width(), out))?;
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn pages(arguments: &Arguments) -> Result<Vec<Page>, Failure> {
    let now = parsing::or_now(arguments.now);
    if let Some(url) = &arguments.url {
        return lint::fetch(url, now, arguments.timeout).await.map_err(Failure::input);
    }
    if let Some(path) = &arguments.har {
        let page = |entry: har::Entry| {
            let now = arguments.now.or(entry.started).unwrap_or(now);
            Page::new(entry.lines, Some(entry.request), now)
        };
        return Ok(parsing::recording(path)?.into_iter().map(page).collect());
    }
    let lines = arguments.line.iter().map(|line| parsing::line(line));
    Ok(vec![Page::new(lines.collect(), None, now)])
}
