//! `hardtack explain`.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hardtack::cookie::Profile;
use hardtack::jar::Target;
use hardtack::time::UnixTime;
use hardtack_server::explain::{self, Answer, How, Question, Report, Request};
use hardtack_server::terminal;
use serde::Serialize;

use super::{Failure, parsing};

#[derive(Args)]
#[command(
    after_help = "The cookies are set by the answer to a request to --url, and the same request is then made \
             once more: would they be sent? With --send-url, they are set by a plain visit to \
             --url, and --context says how the requests to the other addresses come \
             about.\n\nExit codes: 0, every cookie is stored and sent in every browser asked \
             about; 1, some are dropped, removed, replaced or withheld; 2, wrong arguments or \
             input.\n\nExample: hardtack explain 'sid=1; Domain=.co.uk; SameSite=None' --url \
             https://shop.example.co.uk/"
)]
pub(crate) struct Arguments {
    /// Set-Cookie values; `-` or none reads standard input, a line each or the head of a response
    #[arg(value_name = "SET-COOKIE", conflicts_with = "har")]
    lines: Vec<OsString>,
    /// The address whose answer sets the cookies; with --har, only answers from there
    #[arg(long, value_parser = parsing::url, required_unless_present = "har")]
    url: Option<Target>,
    /// The page that makes the request: by a link, form-post, subresource or iframe
    #[arg(long, value_name = "URL", visible_alias = "initiator", value_parser = parsing::url)]
    from: Option<Target>,
    /// How the request comes about [default: nav]
    #[arg(long, value_parser = parsing::context())]
    context: Option<How>,
    /// The page of the tab, if what asks is a page in a frame of it: for subresource, iframe and script
    #[arg(long, value_name = "URL", value_parser = parsing::url)]
    top_level: Option<Target>,
    /// Another address, asked for after --url; may be given more than once
    #[arg(long, value_name = "URL", value_parser = parsing::url)]
    send_url: Vec<Target>,
    /// Reads the cookies from a browser's recording; values are hidden then
    #[arg(long, value_name = "FILE")]
    har: Option<PathBuf>,
    /// Only this browser; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = parsing::profile())]
    profile: Vec<&'static Profile>,
    /// The time of it all, in seconds since 1970 [default: now, or that of the recording]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Output {
    /// Whether every cookie is stored and sent in every browser.
    all_sent: bool,
    questions: Vec<Report>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let profiles = match &arguments.profile[..] {
        [] => &Profile::ALL[..],
        named => named,
    };
    let questions = questions(arguments)?;
    let answers: Vec<Vec<Answer>> =
        questions.iter().map(|question| explain::explain(question, profiles)).collect();
    let all_sent = answers.iter().flatten().all(Answer::is_all_sent);
    let shown = match arguments.har {
        Some(_) => terminal::without_values,
        None => terminal::printable,
    };
    let asked = || questions.iter().zip(&answers);
    if arguments.json {
        let questions = asked().map(|(question, answers)| Report::new(question, answers, shown));
        super::output_json(&Output { all_sent, questions: questions.collect() })?;
    } else {
        super::output(|out| {
            for (at, (question, answers)) in asked().enumerate() {
                if at > 0 {
                    io::Write::write_all(out, b"\n\n")?;
                }
                explain::write(question, answers, shown, terminal::width(), out)?;
            }
            Ok(())
        })?;
    }
    Ok(if all_sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn questions(arguments: &Arguments) -> Result<Vec<Question>, Failure> {
    if let Some(path) = &arguments.har {
        let url = arguments.url.as_ref();
        let questions: Vec<Question> = parsing::recording(path)?
            .into_iter()
            .filter(|entry| url.is_none_or(|url| entry.request.url == *url))
            .map(|entry| {
                let now = parsing::or_now(arguments.now.or(entry.started));
                arguments.question(entry.lines, entry.request, now)
            })
            .collect();
        if questions.is_empty() {
            let whose = url.map_or(String::new(), |url| format!(" from {url}"));
            let path = path.display();
            return Err(Failure::input(format!("no answer{whose} in {path} sets a cookie")));
        }
        return Ok(questions);
    }
    // Without --har there is always one.
    let url = arguments.url.clone().ok_or_else(|| Failure::input("give --url or --har"))?;
    let lines = arguments.lines()?;
    if lines.is_empty() {
        return Err(Failure::input(
            "no Set-Cookie was given; write it in quotation marks, like 'sid=1; Secure'",
        ));
    }
    let set = Request::new(url, How::Navigation);
    Ok(vec![arguments.question(lines, set, parsing::or_now(arguments.now))])
}

fn from_input() -> Result<Vec<Vec<u8>>, Failure> {
    let mut text = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|error| Failure::input(format!("the input cannot be read: {error}")))?;
    Ok(parsing::lines(&text))
}

impl Arguments {
    fn lines(&self) -> Result<Vec<Vec<u8>>, Failure> {
        if self.lines.is_empty() {
            return from_input();
        }
        let mut lines = Vec::new();
        for line in &self.lines {
            if line == "-" {
                lines.extend(from_input()?);
            } else {
                lines.push(parsing::line(line));
            }
        }
        Ok(lines)
    }

    /// As the arguments say, or as the request came about where they say nothing.
    fn request(&self, mut request: Request) -> Request {
        request.how = self.context.unwrap_or(request.how);
        request.from = self.from.clone().or(request.from);
        request.top = self.top_level.clone();
        request
    }

    fn question(&self, lines: Vec<Vec<u8>>, set: Request, now: UnixTime) -> Question {
        if self.send_url.is_empty() {
            return Question::new(lines, self.request(set), now);
        }
        let mut question = Question::new(lines, set, now);
        let sent = self.send_url.iter().cloned();
        question.send = sent.map(|url| self.request(Request::new(url, How::Navigation))).collect();
        question
    }
}
