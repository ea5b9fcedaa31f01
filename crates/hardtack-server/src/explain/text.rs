//! Answers for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Answer, Fate, Question, Reason, Request, Sent, Stored};
use crate::terminal::{Cell, paragraph, table};

/// Prints what becomes of each cookie, in a table of browsers and then as sentences. `shown` turns a
/// line into what may be seen of it.
///
/// # Errors
///
/// What the writer says.
pub fn write(
    question: &Question,
    answers: &[Answer],
    shown: impl Fn(&[u8]) -> String,
    width: usize,
    to: &mut impl Write,
) -> io::Result<()> {
    paragraph(to, width, "Set by  ", "        ", &described(&question.set))?;
    for (at, request) in question.send.iter().enumerate() {
        let label = sent_head(question, at);
        paragraph(to, width, &format!("{label:8}"), "        ", &described(request))?;
    }
    let heads: Vec<String> = ["browser".to_owned(), "stored".to_owned()]
        .into_iter()
        .chain((0..question.send.len()).map(|at| sent_head(question, at)))
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    for (at, line) in question.lines.iter().enumerate() {
        let fates: Vec<(&Answer, &Fate)> =
            answers.iter().filter_map(|answer| Some((answer, answer.fates.get(at)?))).collect();
        let bold = Style::new().bold();
        writeln!(to, "\n{bold}{}{bold:#}", shown(line))?;
        let rows: Vec<Vec<Cell>> = fates.iter().map(|(answer, fate)| row(answer, fate)).collect();
        table(to, width, &heads, &rows)?;
        let told = told(question, &fates, &shown);
        for (sentence, browsers) in &told {
            let all = browsers.len() == answers.len();
            let who = if all { "All".to_owned() } else { browsers.join(" and ") };
            paragraph(to, width, "- ", "  ", &format!("{who}: {sentence}"))?;
        }
    }
    Ok(())
}

fn row(answer: &Answer, fate: &Fate) -> Vec<Cell> {
    let (good, bad) = (AnsiColor::Green.on_default(), AnsiColor::Red.on_default());
    let stored = match fate.stored {
        Stored::Yes => Cell::styled("yes", good),
        Stored::Removes => Cell::styled("removes", bad),
        Stored::No { .. } => Cell::styled("no", bad),
    };
    let sent = fate.sent.iter().map(|sent| match sent {
        Sent::Yes => Cell::styled("yes", good),
        _ => Cell::styled("no", bad),
    });
    [Cell::from(answer.profile.title.to_owned()), stored].into_iter().chain(sent).collect()
}

/// Each thing there is to say about one cookie, with the browsers that it holds for.
fn told<'a>(
    question: &Question,
    fates: &[(&'a Answer, &Fate)],
    shown: &impl Fn(&[u8]) -> String,
) -> Vec<(String, Vec<&'a str>)> {
    let mut told = Vec::new();
    for (answer, fate) in fates {
        let browser = answer.profile.title;
        match &fate.stored {
            Stored::Yes => {}
            Stored::Removes => say(
                &mut told,
                "not stored, for it has expired when it comes; it removes the cookie of its name, \
                 Domain and Path, as servers do on purpose."
                    .to_owned(),
                browser,
            ),
            Stored::No { reasons, .. } => {
                for (at, reason) in reasons.iter().enumerate() {
                    let again = if at == 0 { "dropped" } else { "dropped even then" };
                    say(&mut told, format!("{again}, {}", Reason::from(*reason)), browser);
                }
            }
        }
        for (at, sent) in fate.sent.iter().enumerate() {
            let head = match sent_head(question, at).as_str() {
                "sent" => "not sent".to_owned(),
                numbered => format!("not {numbered}"),
            };
            match sent {
                Sent::Withheld(why) => {
                    say(&mut told, format!("{head}, {}", Reason::from(*why)), browser);
                }
                Sent::Superseded => say(&mut told, format!("{head}: {sent}."), browser),
                _ => {}
            }
        }
    }
    for (answer, fate) in fates {
        if let Stored::No { repaired: Some(repaired), .. } = &fate.stored {
            let sentence = format!("would be stored as `{}`", shown(repaired));
            say(&mut told, sentence, answer.profile.title);
        }
    }
    told
}

/// Adds what holds for one more browser: to a sentence that is told already, or as a new one.
pub(crate) fn say<'a>(told: &mut Vec<(String, Vec<&'a str>)>, sentence: String, browser: &'a str) {
    match told.iter_mut().find(|(known, _)| *known == sentence) {
        Some((_, browsers)) => browsers.push(browser),
        None => told.push((sentence, vec![browser])),
    }
}

fn sent_head(question: &Question, at: usize) -> String {
    if question.send.len() == 1 { "sent".to_owned() } else { format!("sent {}", at + 1) }
}

fn described(request: &Request) -> String {
    let mut text = format!("{}, when {}", request.url, request.how.meaning());
    if let Some(from) = &request.from {
        text += &format!("; the page is {from}");
    }
    if let Some(top) = &request.top {
        text += &format!(", in a tab of {top}");
    }
    text
}
