//! Recorded cases: what a browser was given, and what it sent.
//!
//! A case is one line of JSON. Its steps set cookies, its probes are requests whose `Cookie` header
//! was seen; `expect` says what the browser did, and when. Strings are Latin-1: one character is
//! one byte. [`Case::replay`] does the same with a jar.
//!
//! ```
//! use hardtack::cookie::Profile;
//! use hardtack::jar::replay::Case;
//!
//! # fn main() -> Result<(), hardtack::jar::replay::CaseError> {
//! let case = Case::parse(
//!     r#"{"id": "order-1", "cat": "order", "steps": [
//!             {"url": "https://shop.example/", "set_cookie": ["a=1", "b=2; Path=/cart"]}],
//!         "probes": [{"url": "https://shop.example/cart"}],
//!         "expect": {"now_ms": 1800000000000, "probes": [{"cookie": "b=2; a=1"}]}}"#,
//! )?;
//! let answers = case.replay(&Profile::CHROMIUM)?;
//! assert_eq!(answers[0].cookie.as_deref(), Some(&b"b=2; a=1"[..]));
//! assert_eq!(case.agrees(&answers), Some(true));
//! # Ok(())
//! # }
//! ```
//!
//! # What this does not protect
//!
//! It takes a recording's word for what a browser did, and its clock. It is for comparing, not for
//! keeping anybody's cookies.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::read_error::without_place;
use super::{Jar, RequestContext, Target, TargetError};
use crate::cookie::Profile;
use crate::time::UnixTime;

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Case {
    /// Its name.
    #[serde(default)]
    pub id: String,
    /// Its category, under which agreement is counted.
    #[serde(default)]
    pub cat: String,
    /// What happens first, in order, in one fresh jar.
    pub steps: Vec<Action>,
    /// The requests whose cookies are compared, in order, after that.
    #[serde(default)]
    pub probes: Vec<Action>,
    /// A single probe, as cases written by hand have it; it becomes one of `probes`.
    #[serde(default)]
    probe: Option<Action>,
    /// The browser and its version.
    #[serde(default)]
    pub browser: Option<String>,
    /// What the browser did.
    #[serde(default)]
    pub expect: Option<Expect>,
}

/// A request of a case.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Action {
    /// Where it goes in the end.
    pub url: String,
    /// How it comes about; a typed navigation if nothing is said.
    #[serde(default)]
    pub context: Kind,
    /// The page that makes the request; of the same URL if nothing is said.
    #[serde(default)]
    pub initiator: Option<String>,
    /// The `Set-Cookie` lines of the answer.
    #[serde(default)]
    pub set_cookie: Vec<String>,
    /// What the page then assigns to `document.cookie`.
    #[serde(default, deserialize_with = "one_or_many")]
    pub script_cookie: Vec<String>,
    /// Redirects that lead to `url`: the request goes to the first of these.
    #[serde(default)]
    pub via: Vec<Hop>,
    /// Milliseconds to wait before it.
    #[serde(default)]
    pub wait_ms: u64,
    /// Whether the page's `document.cookie` is compared too.
    #[serde(default)]
    pub document_cookie: bool,
}

/// An answer that redirects to the next hop, or at last to the request's URL.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Hop {
    /// Where the request goes.
    pub url: String,
    /// The status, 302 if nothing is said. 307 and 308 keep the method.
    #[serde(default)]
    pub status: Option<u16>,
    /// The `Set-Cookie` lines of the answer.
    #[serde(default)]
    pub set_cookie: Vec<String>,
}

/// How a request comes about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// The user types the address.
    #[default]
    Nav,
    /// The initiator follows a link.
    Link,
    /// The initiator submits a form by POST.
    FormPost,
    /// The initiator fetches.
    Subresource,
    /// The initiator fills a frame in itself.
    Iframe,
}

/// What a browser did.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Expect {
    /// The clock when the case began, in milliseconds since 1970.
    pub now_ms: u64,
    /// One for each probe.
    pub probes: Vec<Seen>,
    /// Why the recording failed; then there is nothing to compare.
    #[serde(default)]
    pub harness_error: Option<String>,
}

/// What a browser sent.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Seen {
    /// The `Cookie` header in Latin-1; `None` if there was none.
    #[serde(default)]
    pub cookie: Option<String>,
    /// The same of each redirect on the way.
    #[serde(default)]
    pub via: Vec<Option<String>>,
    /// `document.cookie` as a script sees it, so in Unicode.
    #[serde(default)]
    pub document_cookie: Option<String>,
    /// Whether the browser made no request at all, so that there is nothing to compare.
    #[serde(default)]
    pub no_request: bool,
}

/// What the jar sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The `Cookie` header.
    pub cookie: Option<Vec<u8>>,
    /// The same of each redirect on the way.
    pub via: Vec<Option<Vec<u8>>>,
    /// `document.cookie` as a script sees it, where the probe asks for it.
    pub document_cookie: Option<String>,
}

impl Case {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// Text that is not JSON of this form, with the place.
    pub fn parse(line: &str) -> Result<Case, CaseError> {
        let mut case: Case = serde_json::from_str(line).map_err(|error| CaseError::of(&error))?;
        case.probes.extend(case.probe.take());
        Ok(case)
    }

    /// Does what the case says with a fresh jar of this profile, by the clock of the recording.
    ///
    /// # Errors
    ///
    /// A URL that is none, or a character that is not a byte.
    pub fn replay(&self, profile: &'static Profile) -> Result<Vec<Answer>, CaseError> {
        self.replay_at(profile, UnixTime::from_millis(DEFAULT_NOW_MS))
    }

    /// The same; a case that nothing was recorded for begins at `now`.
    ///
    /// # Errors
    ///
    /// As [`Case::replay`].
    pub fn replay_at(
        &self,
        profile: &'static Profile,
        now: UnixTime,
    ) -> Result<Vec<Answer>, CaseError> {
        let recorded = self.expect.as_ref().map(|expect| UnixTime::from_millis(expect.now_ms));
        let mut player = Player { jar: Jar::new(profile), now: recorded.unwrap_or(now) };
        for step in &self.steps {
            player.perform(step)?;
        }
        self.probes.iter().map(|probe| player.perform(probe)).collect()
    }

    /// Whether the answers are byte for byte what the browser sent; `None` if the case does not say
    /// what that was, or the recording failed.
    pub fn agrees(&self, answers: &[Answer]) -> Option<bool> {
        let seen = &self.recorded()?.probes;
        let is = |seen: &Option<String>, answer: &Option<Vec<u8>>| {
            let seen = seen.as_ref().map(|cookie| latin1(cookie)).transpose();
            matches!(seen, Ok(cookie) if cookie == *answer)
        };
        let agree = |(seen, answer): (&Seen, &Answer)| {
            let mut hops = seen.via.iter().zip(&answer.via);
            seen.no_request
                || (is(&seen.cookie, &answer.cookie) && hops.all(|(seen, answer)| is(seen, answer)))
        };
        Some(seen.len() == answers.len() && seen.iter().zip(answers).all(agree))
    }

    fn recorded(&self) -> Option<&Expect> {
        self.expect.as_ref().filter(|expect| expect.harness_error.is_none())
    }

    /// The same for `document.cookie`, where it was recorded: a look from the page itself.
    pub fn agrees_in_scripts(&self, answers: &[Answer]) -> Option<bool> {
        let seen = &self.recorded()?.probes;
        let recorded = seen.iter().zip(answers).filter_map(|(seen, answer)| {
            Some((seen.document_cookie.as_ref()?, answer.document_cookie.as_ref()?))
        });
        Some(recorded.into_iter().all(|(seen, answer)| seen == answer))
    }
}

/// A jar and its clock.
struct Player {
    jar: Jar,
    now: UnixTime,
}

impl Player {
    fn perform(&mut self, action: &Action) -> Result<Answer, CaseError> {
        self.now = self.now.saturating_add(Duration::from_millis(action.wait_ms));
        let target = target(&action.url)?;
        let page = match &action.initiator {
            Some(initiator) => self::target(initiator)?,
            None => target.clone(),
        };
        let hops: Vec<Target> =
            action.via.iter().map(|hop| self::target(&hop.url)).collect::<Result<_, _>>()?;
        let first = hops.first().unwrap_or(&target);
        let mut context = match action.context {
            Kind::Nav => RequestContext::navigation(first),
            Kind::Link => RequestContext::link(first, &page),
            Kind::FormPost => RequestContext::form_post(first, &page),
            Kind::Subresource => RequestContext::subresource(first, &page),
            Kind::Iframe => RequestContext::iframe(first, &page),
        };
        let mut via = Vec::new();
        for (hop, next) in action.via.iter().zip(hops.iter().skip(1).chain([&target])) {
            via.push(self.exchange(&hop.set_cookie, &context)?);
            context = context.redirected(next);
            if !matches!(hop.status, Some(307 | 308)) {
                context = context.method(&http::Method::GET);
            }
        }
        let cookie = self.exchange(&action.set_cookie, &context)?;
        let mut document = RequestContext::script(&target);
        if action.context == Kind::Iframe {
            document = document.in_frames_of(&[&page]);
        }
        for line in &action.script_cookie {
            self.jar.set(&latin1(line)?, &document, self.now);
        }
        let document_cookie = action.document_cookie.then(|| {
            let mut bytes = Vec::new();
            self.jar.write_header(&document, self.now, &mut bytes);
            match std::str::from_utf8(&bytes) {
                Err(_) if self.jar.profile().hides_invalid_utf8 => String::new(),
                _ => String::from_utf8_lossy(&bytes).into_owned(),
            }
        });
        Ok(Answer { cookie, via, document_cookie })
    }

    /// Asks the jar for a request's header, and gives it the answer's lines.
    fn exchange(
        &mut self,
        lines: &[String],
        context: &RequestContext<'_>,
    ) -> Result<Option<Vec<u8>>, CaseError> {
        let header = self.jar.header(context, self.now);
        let lines = lines.iter().map(|line| latin1(line)).collect::<Result<Vec<_>, _>>()?;
        for line in received(lines, self.jar.profile()) {
            self.jar.set(&line, context, self.now);
        }
        Ok(header.map(|header| header.as_bytes().to_vec()))
    }
}

/// What of the lines gets through the browser's HTTP reader: a line feed ends a header, and so does
/// a lone carriage return for Chromium, unless white space follows, which goes on with it. Firefox
/// refuses the response for a lone carriage return, and both do for a NUL.
fn received(mut lines: Vec<Vec<u8>>, profile: &Profile) -> Vec<Vec<u8>> {
    let refused = |line: &Vec<u8>| {
        let lone = |at: usize| line[at] == b'\r' && line.get(at + 1) != Some(&b'\n');
        line.contains(&0) || (profile.refuses_lone_cr && (0..line.len()).any(lone))
    };
    if lines.iter().any(refused) {
        lines.clear();
    }
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    for line in &mut lines {
        let mut pieces = line.split(is_break).filter(|piece| !piece.is_empty());
        let first = pieces.next().unwrap_or_default();
        let folded = pieces.take_while(|piece| matches!(piece[0], b' ' | b'\t'));
        // A line that begins with a break has nothing before it to go on with.
        if line.first().is_some_and(is_break) {
            line.clear();
        } else {
            *line = std::iter::once(first).chain(folded).flatten().copied().collect();
        }
    }
    lines
}

fn target(url: &str) -> Result<Target, CaseError> {
    Target::parse(url).map_err(|source| CaseError::Url { url: url.to_owned(), source })
}

fn latin1(text: &str) -> Result<Vec<u8>, CaseError> {
    let bytes = text.chars().map(|character| u8::try_from(u32::from(character)));
    bytes.collect::<Result<_, _>>().map_err(|_| CaseError::NotLatin1)
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

/// Why a case cannot be replayed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CaseError {
    /// It is not JSON of the form of a case.
    #[non_exhaustive]
    Json {
        /// The line within the text, from 1.
        line: usize,
        /// The byte within the line, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// One of its URLs is none.
    #[non_exhaustive]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        source: TargetError,
    },
    /// A string of bytes has a character beyond U+00FF.
    NotLatin1,
}

impl CaseError {
    fn of(error: &serde_json::Error) -> CaseError {
        let (line, column) = (error.line(), error.column());
        CaseError::Json { line, column, message: without_place(error) }
    }
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaseError::Json { line, column, message } => write!(
                f,
                "the text is not a case: line {line}, byte {column}: {message}; \
                 write one JSON object with `steps` and `probes`"
            ),
            CaseError::Url { url, .. } => write!(f, "the case names `{url}`, which is not usable"),
            CaseError::NotLatin1 => f.write_str(
                "the case has a character beyond U+00FF where one character stands for one byte",
            ),
        }
    }
}

impl std::error::Error for CaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CaseError::Url { source, .. } => Some(source),
            CaseError::Json { .. } | CaseError::NotLatin1 => None,
        }
    }
}

/// The clock of cases that nothing was recorded for: 2027-01-15.
const DEFAULT_NOW_MS: u64 = 1_800_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_case_is_refused_with_its_place() {
        let error = Case::parse("{\"steps\": [],\n \"probes\": 1}").err();
        let Some(CaseError::Json { line, column, message }) = error else { panic!("{error:?}") };
        assert_eq!((line, column), (2, 12));
        assert!(message.contains("a sequence") && !message.contains("line"), "{message}");
    }
}
