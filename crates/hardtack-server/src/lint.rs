//! Looking at the cookies of a page: what their author should change ([`lint_all`] tells), and what
//! browsers do ([`explain`]).
//!
//! # What this does not protect
//!
//! It fetches whatever address it is given, over redirects wherever they lead. It is a tool for one's
//! own site, not a service for strangers.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use hardtack::cookie::{Finding, Profile, Severity, lint_all};
use hardtack::jar::{Target, TargetError};
use hardtack::time::UnixTime;
use hardtack_reqwest::CookieJar;
use http::header::{LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::{Serialize, Serializer};

use crate::explain::{How, Question, Request, Stored, explain, say};
use crate::terminal::{paragraph, without_values};

/// The cookies that one answer sets.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Page {
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    cookies: Vec<Cookie>,
}

#[derive(Debug, Serialize)]
struct Cookie {
    /// The line without the value.
    set_cookie: String,
    findings: Vec<Told>,
    /// Where an address is known: the browsers that do not store it, and why.
    dropped: Vec<Dropped>,
}

#[derive(Debug, Serialize)]
struct Told {
    #[serde(serialize_with = "as_text")]
    severity: Severity,
    section: &'static str,
    position: Option<usize>,
    message: String,
    fix: String,
}

#[derive(Debug, Serialize)]
struct Dropped {
    profile: &'static str,
    title: &'static str,
    reasons: Vec<String>,
    advice: Vec<String>,
}

fn as_text<S: Serializer>(value: impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&value)
}

impl Page {
    /// Looks at the lines that one answer sets; what browsers do depends on the request, if there is
    /// one.
    pub fn new(lines: Vec<Vec<u8>>, request: Option<Request>, now: UnixTime) -> Page {
        let url = request.as_ref().map(|request| request.url.to_string());
        let slices: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let mut cookies: Vec<Cookie> = lines
            .iter()
            .map(|line| Cookie {
                set_cookie: without_values(line),
                findings: Vec::new(),
                dropped: Vec::new(),
            })
            .collect();
        for (at, finding) in lint_all(&slices, now) {
            if let Some(cookie) = cookies.get_mut(at) {
                cookie.findings.push(Told::of(finding));
            }
        }
        if let Some(request) = request {
            for answer in explain(&Question::new(lines, request, now), &Profile::ALL) {
                for (cookie, fate) in cookies.iter_mut().zip(&answer.fates) {
                    if let Stored::No { reasons, .. } = &fate.stored {
                        cookie.dropped.push(Dropped {
                            profile: answer.profile.name,
                            title: answer.profile.title,
                            reasons: reasons.iter().map(ToString::to_string).collect(),
                            advice: reasons
                                .iter()
                                .map(|reason| reason.advice().to_owned())
                                .collect(),
                        });
                    }
                }
            }
        }
        Page { url, status: None, cookies }
    }

    /// Whether there is nothing to change but advice, and no browser drops a cookie.
    pub fn is_clean(&self) -> bool {
        self.cookies.iter().all(|cookie| {
            cookie.dropped.is_empty()
                && cookie.findings.iter().all(|finding| finding.severity == Severity::Advice)
        })
    }
}

impl Told {
    fn of(finding: Finding) -> Told {
        let Finding { severity, section, position, message, fix, .. } = finding;
        Told { severity, section, position, message, fix: fix.into_owned() }
    }
}

/// Fetches an address as a browser would on a visit, with a fresh jar, and looks at the cookies of
/// each answer on the way.
///
/// # Errors
///
/// [`FetchError`] for an address that is none, and where nothing answers.
pub async fn fetch(url: &str, now: UnixTime, timeout: Duration) -> Result<Vec<Page>, FetchError> {
    let cannot = |url: &str, source| FetchError::Fetch { url: url.to_owned(), source };
    let client = Client::builder()
        .cookie_provider(Arc::new(CookieJar::default()))
        // Followed here, to see the answer of each hop.
        .redirect(Policy::none())
        .timeout(timeout)
        .user_agent(concat!("hardtack/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|source| cannot(url, source))?;
    let not_usable = |url: &str, source| FetchError::Url { url: url.to_owned(), source };
    let mut next = Url::parse(url).map_err(|_| not_usable(url, TargetError::NotAUrl))?;
    let mut pages = Vec::new();
    while pages.len() <= MOST_REDIRECTS {
        let target =
            Target::parse(next.as_str()).map_err(|source| not_usable(next.as_str(), source))?;
        let answer = client
            .get(next.clone())
            .send()
            .await
            .map_err(|source| cannot(next.as_str(), source))?;
        let lines =
            answer.headers().get_all(SET_COOKIE).iter().map(|line| line.as_bytes().to_vec());
        let mut page = Page::new(lines.collect(), Some(Request::new(target, How::Navigation)), now);
        page.status = Some(answer.status().as_u16());
        pages.push(page);
        let location = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection());
        let Some(location) = location else { return Ok(pages) };
        let location = String::from_utf8_lossy(location.as_bytes());
        next = next.join(&location).map_err(|_| not_usable(&location, TargetError::NotAUrl))?;
    }
    Err(FetchError::TooManyRedirects { url: url.to_owned() })
}

/// As many as browsers follow.
const MOST_REDIRECTS: usize = 20;

/// Prints what was found.
///
/// # Errors
///
/// What the writer says.
pub fn write(pages: &[Page], width: usize, to: &mut impl Write) -> io::Result<()> {
    if pages.is_empty() {
        return writeln!(to, "No answer sets a cookie.");
    }
    let bold = Style::new().bold();
    for (at, page) in pages.iter().enumerate() {
        if at > 0 {
            writeln!(to)?;
        }
        if let Some(url) = &page.url {
            let status = page.status.map_or(String::new(), |status| format!(" ({status})"));
            writeln!(to, "{url}{status}")?;
        }
        if page.cookies.is_empty() {
            writeln!(to, "sets no cookies")?;
        }
        for cookie in &page.cookies {
            if page.url.is_some() {
                writeln!(to)?;
            }
            writeln!(to, "{bold}{}{bold:#}", cookie.set_cookie)?;
            for Told { severity, section, message, fix, .. } in &cookie.findings {
                let colour = match severity {
                    Severity::Error => AnsiColor::Red.on_default(),
                    Severity::Warning => AnsiColor::Yellow.on_default(),
                    _ => Style::new(),
                };
                let text = format!("{colour}{severity}{colour:#}: {message} {fix} ({section})");
                paragraph(to, width, "- ", "  ", &text)?;
            }
            let mut told = Vec::new();
            for Dropped { title, reasons, advice, .. } in &cookie.dropped {
                let why = format!("{}. {}", reasons.join("; also "), advice.join(" "));
                say(&mut told, why, title);
            }
            for (why, browsers) in told {
                let text = format!("dropped by {}: {why}", browsers.join(" and "));
                paragraph(to, width, "- ", "  ", &text)?;
            }
            if cookie.findings.is_empty() && cookie.dropped.is_empty() {
                writeln!(to, "- nothing to change")?;
            }
        }
    }
    Ok(())
}

/// Why a page was not looked at.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// The address, or one that it redirects to, is none of http.
    #[non_exhaustive]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        source: TargetError,
    },
    /// It cannot be fetched.
    #[non_exhaustive]
    Fetch {
        /// The address.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Redirects do not end.
    #[non_exhaustive]
    TooManyRedirects {
        /// The first address.
        url: String,
    },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Url { url, source } => write!(f, "`{url}` cannot be fetched: {source}"),
            FetchError::Fetch { url, source } => {
                // The outermost says only that the request failed.
                let mut cause: &dyn Error = source;
                while let Some(inner) = cause.source() {
                    cause = inner;
                }
                write!(f, "{url} cannot be fetched: {cause}")?;
                if source.is_connect() {
                    f.write_str("; see whether the server runs, and the address is right")?;
                }
                Ok(())
            }
            FetchError::TooManyRedirects { url } => write!(
                f,
                "{url} redirects more than {MOST_REDIRECTS} times; browsers give up there too"
            ),
        }
    }
}

impl Error for FetchError {}
