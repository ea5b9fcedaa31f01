//! Replaying recorded cases, a line of JSON each, and counting where the jar agrees.
//!
//! # What this does not protect
//!
//! It believes the recording, and prints what cookies it is given. Recordings of real visits hold
//! real secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use hardtack::cookie::Profile;
use hardtack::jar::replay::{Answer, Case, CaseError};
use hardtack::time::UnixTime;
use serde::Serialize;

/// A case and what the jar sent in it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replayed {
    /// The number of its line, from 1.
    pub line: usize,
    /// The case.
    pub case: Case,
    /// One for each probe.
    pub answers: Vec<Answer>,
}

/// Replays each line of `input` in a jar of its own; empty lines are skipped. The clock of a case
/// that does not say when it was recorded is `now`.
///
/// Each item is an error for a line that cannot be replayed, with its number.
pub fn replay(
    mut input: impl BufRead,
    profile: &'static Profile,
    now: UnixTime,
) -> impl Iterator<Item = Result<Replayed, ReplayError>> {
    let mut bytes = Vec::new();
    let mut line = 0;
    std::iter::from_fn(move || {
        loop {
            bytes.clear();
            line += 1;
            match input.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(_) => return Some(replay_line(line, bytes.trim_ascii_end(), profile, now)),
                Err(source) => return Some(Err(ReplayError::Read { line, source })),
            }
        }
    })
}

fn replay_line(
    line: usize,
    bytes: &[u8],
    profile: &'static Profile,
    now: UnixTime,
) -> Result<Replayed, ReplayError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ReplayError::NotUtf8 { line, position: error.valid_up_to() + 1 })?;
    let of_line = |source| ReplayError::Case { line, source };
    let case = Case::parse(text).map_err(of_line)?;
    let answers = case.replay_at(profile, now).map_err(of_line)?;
    Ok(Replayed { line, case, answers })
}

/// What the jar sent in one case, as it is printed: `Cookie` headers in Latin-1, so that one
/// character is one byte.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    id: String,
    probes: Vec<Sent>,
}

#[derive(Debug, Serialize)]
struct Sent {
    cookie: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_cookie: Option<String>,
    /// The headers of the redirects on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<Option<String>>,
}

impl Replayed {
    /// What is printed of it.
    pub fn report(&self) -> Report {
        Report { id: self.case.id.clone(), probes: self.answers.iter().map(Sent::of).collect() }
    }
}

impl Sent {
    fn of(answer: &Answer) -> Sent {
        Sent {
            cookie: answer.cookie.as_deref().map(latin1),
            document_cookie: answer.document_cookie.clone(),
            via: answer.via.iter().map(|cookie| cookie.as_deref().map(latin1)).collect(),
        }
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// How often the jar did what the browser did.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Agreement {
    /// The counts of each category.
    pub categories: BTreeMap<String, Count>,
    /// All of them together.
    pub total: Count,
    /// Cases without a recording, which nothing can be held against.
    pub unrecorded: usize,
    /// The cases that differ.
    pub differing: Vec<Difference>,
}

/// Cases of one category.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Count {
    /// Cases with a recording.
    pub cases: usize,
    /// Those of them with every `Cookie` header byte for byte as recorded.
    pub agree: usize,
    /// Those of them with every `document.cookie` as recorded.
    pub agree_in_scripts: usize,
}

/// A case that differs.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The number of its line, from 1.
    pub line: usize,
    /// Its name.
    pub id: String,
    /// Its category.
    pub category: String,
    /// Whether headers differ; else it is only `document.cookie`.
    pub in_headers: bool,
    /// What the browser sent, for each probe.
    pub recorded: Vec<Option<String>>,
    /// What the jar sent, for each probe.
    pub sent: Vec<Option<String>>,
}

impl Agreement {
    /// Counts one more case.
    pub fn add(&mut self, replayed: &Replayed) {
        let Replayed { line, case, answers } = replayed;
        let (Some(agrees), Some(in_scripts)) =
            (case.agrees(answers), case.agrees_in_scripts(answers))
        else {
            self.unrecorded += 1;
            return;
        };
        let category = if case.cat.is_empty() { "(none)" } else { &case.cat };
        for count in [self.categories.entry(category.to_owned()).or_default(), &mut self.total] {
            count.cases += 1;
            count.agree += usize::from(agrees);
            count.agree_in_scripts += usize::from(in_scripts);
        }
        if !agrees || !in_scripts {
            let probes = case.expect.iter().flat_map(|expect| &expect.probes);
            let recorded = probes.map(|probe| match agrees {
                true => probe.document_cookie.clone(),
                false => probe.cookie.clone(),
            });
            let sent = answers.iter().map(|answer| match agrees {
                true => answer.document_cookie.clone(),
                false => answer.cookie.as_deref().map(latin1),
            });
            self.differing.push(Difference {
                line: *line,
                id: case.id.clone(),
                category: category.to_owned(),
                in_headers: !agrees,
                recorded: recorded.collect(),
                sent: sent.collect(),
            });
        }
    }
}

impl Count {
    /// Cases whose headers agree, of a hundred.
    pub fn percent(self) -> f64 {
        if self.cases == 0 { 100.0 } else { 100.0 * self.agree as f64 / self.cases as f64 }
    }
}

/// Why a line was not replayed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// It could not be read.
    #[non_exhaustive]
    Read {
        /// Its number, from 1.
        line: usize,
        /// Why.
        source: io::Error,
    },
    /// It is not UTF-8.
    #[non_exhaustive]
    NotUtf8 {
        /// Its number, from 1.
        line: usize,
        /// The first wrong byte, from 1.
        position: usize,
    },
    /// It is not a case.
    #[non_exhaustive]
    Case {
        /// Its number, from 1.
        line: usize,
        /// Why.
        source: CaseError,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Read { line, source } => write!(f, "line {line} cannot be read: {source}"),
            ReplayError::NotUtf8 { line, position } => write!(
                f,
                "line {line} is not UTF-8 from its byte {position} on; cases are JSON, in which a \
                 byte is written as the Latin-1 character that it is"
            ),
            ReplayError::Case { line, source: CaseError::Json { column, message, .. } } => {
                write!(f, "line {line} is not a case: {message}, at column {column}")
            }
            ReplayError::Case { line, source } => {
                write!(f, "line {line}: {source}")?;
                if let CaseError::Url { source, .. } = source {
                    write!(f, ": {source}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ReplayError {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn all(input: &[u8]) -> Vec<Result<Replayed, ReplayError>> {
        replay(input, &Profile::CHROMIUM, NOW).collect()
    }

    #[test]
    fn agreement_is_counted_by_category_and_only_of_what_was_recorded() {
        let input = br#"
            {"id":"1","cat":"a","steps":[{"url":"https://a.example/","set_cookie":["x=\u00e9"]}],"probes":[{"url":"https://a.example/"}],"expect":{"now_ms":1,"probes":[{"cookie":"x=\u00e9"}]}}
            {"id":"2","cat":"a","steps":[],"probes":[{"url":"https://a.example/","document_cookie":true}],"expect":{"now_ms":1,"probes":[{"cookie":"x=2","document_cookie":""}]}}

            {"id":"3","cat":"b","steps":[],"probes":[{"url":"https://a.example/","document_cookie":true}],"expect":{"now_ms":1,"probes":[{"cookie":null,"document_cookie":"x"}]}}
            {"id":"4","steps":[],"probes":[{"url":"https://a.example/"}]}
        "#;
        let mut agreement = Agreement::default();
        for replayed in all(input) {
            agreement.add(&replayed.expect("a case"));
        }
        let counts = |count: &Count| (count.cases, count.agree, count.agree_in_scripts);
        assert_eq!(
            agreement
                .categories
                .iter()
                .map(|(name, count)| (name.as_str(), counts(count)))
                .collect::<Vec<_>>(),
            [("a", (2, 1, 2)), ("b", (1, 1, 0))]
        );
        assert_eq!((counts(&agreement.total), agreement.unrecorded), ((3, 2, 2), 1));
        let differing: Vec<_> =
            agreement.differing.iter().map(|case| (case.line, case.in_headers)).collect();
        assert_eq!(differing, [(3, true), (5, false)]);
    }

    #[test]
    fn a_case_without_a_recording_begins_now() {
        let input = br#"{"id":"e","steps":[{"url":"https://a.example/","set_cookie":["x=1; Expires=Fri, 15 Jan 2027 08:00:01 GMT"]}],
            "probes":[{"url":"https://a.example/"},{"url":"https://a.example/","wait_ms":1000}]}"#;
        let input = input.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte });
        let replayed = all(&input.collect::<Vec<_>>()).remove(0).expect("a case");
        let report = serde_json::to_string(&replayed.report()).expect("JSON");
        assert_eq!(report, r#"{"id":"e","probes":[{"cookie":"x=1"},{"cookie":null}]}"#);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_the_next_is_replayed() {
        for (bad, said) in [
            (&b"{"[..], "line 2 is not a case: EOF while parsing an object, at column 1"),
            (
                b"{\"steps\": [{\"url\": \"shop\"}]}",
                "line 2: the case names `shop`, which is not usable: the text is not an absolute URL",
            ),
            (
                b"{\"steps\":[{\"url\":\"https://a.example/\",\"set_cookie\":[\"a=\\u20ac\"]}]}",
                "line 2: the case has a character beyond U+00FF",
            ),
            (b"\"\xff\"", "line 2 is not UTF-8 from its byte 2 on"),
        ] {
            let input = [b"\n", bad, b"\n{\"steps\":[]}"].concat();
            let lines = all(&input);
            let error = lines[0].as_ref().expect_err("a bad line").to_string();
            assert!(error.starts_with(said), "{error}");
            assert!(lines[1].is_ok());
        }
    }
}
