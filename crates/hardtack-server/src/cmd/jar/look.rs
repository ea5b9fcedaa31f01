//! `hardtack jar show` and `hardtack jar get`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use hardtack::cookie::date::imf_fixdate;
use hardtack::jar::{Cookie, Partition, Target};
use hardtack::time::UnixTime;
use hardtack_server::explain::{How, Request};
use hardtack_server::terminal::{Cell, printable, table, width};
use serde::Serialize;

use super::file::FileArguments;
use crate::cmd::{self, Failure, parsing};

#[derive(Args)]
#[command(after_help = "Exit codes: 0, done; 2, wrong arguments or file.")]
pub(crate) struct Show {
    #[command(flatten)]
    file: FileArguments,
    /// Only cookies of this domain and below
    #[arg(long)]
    domain: Option<String>,
    /// Shows the values too
    #[arg(long)]
    values: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    domain: String,
    host_only: bool,
    path: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    value_bytes: usize,
    secure: bool,
    http_only: bool,
    same_site: Option<&'static str>,
    partition: Option<String>,
    expires: Option<String>,
    expired: bool,
}

pub(super) fn show(arguments: &Show) -> Result<ExitCode, Failure> {
    let opened = arguments.file.existing()?;
    let wanted = |cookie: &&Cookie| {
        arguments.domain.as_ref().is_none_or(|domain| {
            let domain = domain.trim_start_matches('.').to_ascii_lowercase();
            let above = cookie.domain().strip_suffix(&domain);
            above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
        })
    };
    let cookies: Vec<Shown> = opened
        .jar
        .iter()
        .filter(wanted)
        .map(|cookie| Shown::of(cookie, arguments.values, opened.now))
        .collect();
    if arguments.json {
        cmd::output_json(&cookies)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut heads = vec!["domain", "path", "name", "bytes", "attributes", "expires"];
    if arguments.values {
        heads.push("value");
    }
    let rows: Vec<Vec<Cell>> = cookies.iter().map(Shown::row).collect();
    cmd::output(|out| match rows.is_empty() {
        true => writeln!(out, "There are no cookies in it."),
        false => table(out, width(), &heads, &rows),
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Shown {
    fn of(cookie: &Cookie, with_value: bool, now: UnixTime) -> Shown {
        Shown {
            domain: cookie.domain().to_owned(),
            host_only: cookie.host_only(),
            path: printable(cookie.path()),
            name: printable(cookie.name()),
            value: with_value.then(|| printable(cookie.value())),
            value_bytes: cookie.value().len(),
            secure: cookie.secure(),
            http_only: cookie.http_only(),
            same_site: cookie.same_site().map(|rule| rule.as_str()),
            partition: cookie.partition().map(site_of),
            expires: cookie
                .expires()
                .map(|at| String::from_utf8_lossy(&imf_fixdate(at)).into_owned()),
            expired: cookie.is_expired(now),
        }
    }

    fn row(&self) -> Vec<Cell> {
        let mut attributes = Vec::new();
        attributes.extend(self.secure.then(|| "Secure".to_owned()));
        attributes.extend(self.http_only.then(|| "HttpOnly".to_owned()));
        attributes.extend(self.same_site.map(|rule| format!("SameSite={rule}")));
        attributes.extend(self.partition.as_ref().map(|site| format!("in pages of {site}")));
        let expires = match (&self.expires, self.expired) {
            (None, _) => "with the session".to_owned(),
            (Some(at), false) => at.clone(),
            (Some(_), true) => "has expired".to_owned(),
        };
        let dot = if self.host_only { "" } else { "." };
        let cells = [
            format!("{dot}{}", self.domain),
            self.path.clone(),
            self.name.clone(),
            self.value_bytes.to_string(),
            attributes.join(" "),
            expires,
        ];
        cells.into_iter().chain(self.value.clone()).map(Cell::from).collect()
    }
}

fn site_of(partition: &Partition) -> String {
    partition.top_level.to_string()
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0, there are cookies to send; 1, there are none; 2, wrong arguments or file."
)]
pub(crate) struct Get {
    #[command(flatten)]
    file: FileArguments,
    /// The address
    #[arg(value_parser = parsing::url)]
    url: Target,
    /// Prints only the value of the cookie of this name
    #[arg(long)]
    name: Option<String>,
    /// How the request comes about
    #[arg(long, default_value = "nav", value_parser = parsing::context())]
    context: How,
    /// The page that makes the request: by a link, form-post, subresource or iframe
    #[arg(long, value_name = "URL", value_parser = parsing::url)]
    from: Option<Target>,
}

pub(super) fn get(arguments: &Get) -> Result<ExitCode, Failure> {
    let opened = arguments.file.existing()?;
    let mut request = Request::new(arguments.url.clone(), arguments.context);
    request.from.clone_from(&arguments.from);
    let context = request.context();
    let found = match &arguments.name {
        None => {
            let mut header = Vec::new();
            opened.jar.write_header(&context, opened.now, &mut header);
            Some(header).filter(|header| !header.is_empty())
        }
        Some(name) => {
            let mut cookies = opened.jar.cookies(&context, opened.now);
            let named = cookies.find(|cookie| cookie.name() == name.as_bytes());
            named.map(|cookie| cookie.value().to_vec())
        }
    };
    let Some(mut line) = found else { return Ok(ExitCode::FAILURE) };
    line.push(b'\n');
    // The bytes as they are: this is for programs.
    std::io::stdout().lock().write_all(&line).map_err(Failure::output)?;
    Ok(ExitCode::SUCCESS)
}
