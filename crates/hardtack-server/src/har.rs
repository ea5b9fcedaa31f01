//! The cookies in a HAR file, the recording of visits that every browser's developer tools save.
//!
//! # What this does not protect
//!
//! Such a file has the session cookies of whoever recorded it. This shows what it is asked for; the
//! command hides the values.

use std::collections::HashMap;
use std::fmt;

use hardtack::cookie::date;
use hardtack::jar::{Target, TargetError};
use hardtack::time::UnixTime;
use serde::Deserialize;

use crate::explain::{How, Request};

/// An answer of the recording that sets cookies.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The request, as far as the recording tells: each page's first request is a navigation, also
    /// over redirects, and what follows is the page's own.
    pub request: Request,
    /// Its `Set-Cookie` lines.
    pub lines: Vec<Vec<u8>>,
    /// When it was recorded, if the file says so.
    pub started: Option<UnixTime>,
}

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry {
    #[serde(default)]
    pageref: String,
    #[serde(default)]
    started_date_time: String,
    request: RawRequest,
    response: Response,
}

#[derive(Deserialize)]
struct RawRequest {
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(default)]
    redirect_u_r_l: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// Reads the answers that set cookies, in their order. Those of addresses that have no cookies
/// (`data:`, `blob:`) are left out.
///
/// # Errors
///
/// [`HarError`] for what is not a HAR file.
pub fn read(text: &[u8]) -> Result<Vec<Entry>, HarError> {
    let File { log } = serde_json::from_slice(text).map_err(HarError::Json)?;
    let mut pages: HashMap<String, Target> = HashMap::new();
    let mut entries = Vec::new();
    for raw in log.entries {
        let url = match Target::parse(&raw.request.url) {
            Ok(url) => url,
            Err(TargetError::OtherScheme) => continue,
            Err(source) => return Err(HarError::Url { url: raw.request.url, source }),
        };
        let mut request = Request::new(url.clone(), How::Navigation);
        if let Some(page) = pages.get(&raw.pageref) {
            request.how = How::Subresource;
            request.from = Some(page.clone());
        } else if raw.response.redirect_u_r_l.is_empty() && !raw.pageref.is_empty() {
            pages.insert(raw.pageref, url);
        }
        let headers = raw.response.headers.iter();
        let lines: Vec<Vec<u8>> = headers
            .filter(|header| header.name.eq_ignore_ascii_case("set-cookie"))
            // Some browsers write all of them as one, a line each.
            .flat_map(|header| header.value.split('\n'))
            .map(|line| line.as_bytes().to_vec())
            .collect();
        if !lines.is_empty() {
            entries.push(Entry { request, lines, started: started(&raw.started_date_time) });
        }
    }
    Ok(entries)
}

/// Reads `2026-11-22T10:11:12.345+01:00`, to the second.
fn started(text: &str) -> Option<UnixTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (day, time) = text.split_once('T')?;
    let mut day = day.splitn(3, '-');
    let (year, month, day) = (day.next()?, day.next()?.parse::<usize>().ok()?, day.next()?);
    let (clock, rest) = time.split_at_checked(8)?;
    let month = MONTHS.get(month.checked_sub(1)?)?;
    let local = date::parse(format!("{day} {month} {year} {clock}").as_bytes())?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let seconds = |zone: &str| {
        let (hours, minutes) = zone.split_once(':')?;
        let minutes: u64 = minutes.parse().ok()?;
        Some(std::time::Duration::from_secs(
            hours.parse::<u32>().ok()? as u64 * 3600 + minutes.min(59) * 60,
        ))
    };
    match zone.split_at_checked(1)? {
        ("Z", "") => Some(local),
        ("+", zone) => Some(local.saturating_sub(seconds(zone)?)),
        ("-", zone) => Some(local.saturating_add(seconds(zone)?)),
        _ => None,
    }
}

/// Why a text is not the recording of a browser.
#[derive(Debug)]
#[non_exhaustive]
pub enum HarError {
    /// It is not JSON, or not of that form.
    Json(serde_json::Error),
    /// One of its addresses is none.
    #[non_exhaustive]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        source: TargetError,
    },
}

impl fmt::Display for HarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HarError::Json(error) => write!(
                f,
                "the file is not a HAR file: {error}; save one in the browser's developer tools, \
                 from the network page"
            ),
            HarError::Url { url, source } => {
                write!(f, "the file names the address `{url}`: {source}")
            }
        }
    }
}

impl std::error::Error for HarError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_first_requests_are_navigations_and_the_rest_are_its_own() {
        let text = br#"{"log":{"entries":[
            {"pageref":"p","startedDateTime":"2027-01-15T09:00:00.500+01:00","request":{"url":"https://a.example/"},
             "response":{"redirectURL":"https://b.example/","headers":[{"name":"set-cookie","value":"a=1\nb=2"}]}},
            {"pageref":"p","request":{"url":"https://b.example/"},"response":{"redirectURL":"","headers":[]}},
            {"pageref":"p","request":{"url":"data:,x"},"response":{"headers":[]}},
            {"pageref":"p","request":{"url":"https://c.example/"},"response":{"headers":[{"name":"Set-Cookie","value":"c=3"}]}}
        ]}}"#;
        let entries = read(text).expect("a recording");
        let found: Vec<_> =
            entries.iter().map(|entry| (entry.request.how, entry.lines.len())).collect();
        assert_eq!(found, [(How::Navigation, 2), (How::Subresource, 1)]);
        let page = entries[1].request.from.as_ref().map(ToString::to_string);
        assert_eq!(page.as_deref(), Some("https://b.example/"));
        assert_eq!(entries[0].started, Some(UnixTime::from_secs(1_800_000_000)));
    }

    #[test]
    fn times_are_read_with_their_zone_or_not_at_all() {
        for (text, seconds) in [
            ("2027-01-15T08:00:00Z", Some(1_800_000_000)),
            ("2027-01-15T08:00:00.123Z", Some(1_800_000_000)),
            ("2027-01-15T03:30:00.1-04:30", Some(1_800_000_000)),
            ("2027-01-15T08:00:00", None),
            ("2027-13-15T08:00:00Z", None),
            ("2027-01-15T08:00:00+x", None),
            ("", None),
        ] {
            assert_eq!(started(text), seconds.map(UnixTime::from_secs), "{text}");
        }
    }

    #[test]
    fn what_is_no_recording_is_refused_with_advice() {
        for (text, said) in [
            ("{\"log\":", "line 1 column 7"),
            ("[]", "developer tools"),
            (r#"{"log":{"entries":[{"request":{"url":"x"},"response":{}}]}}"#, "the address `x`"),
        ] {
            let error = read(text.as_bytes()).expect_err("no recording").to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
