//! What browsers stored of one `Set-Cookie` line, against what the parser reads: the cases in which
//! `https://example.com/` sets one cookie and asks for it again, which need no jar.

mod common;

use std::collections::BTreeMap;

use hardtack::cookie::{Expiry, ParsedCookie, Profile, SameSite, date, parse};
use hardtack::time::UnixTime;
use serde::Deserialize;

/// A case in the recorder's format, with what one browser did. Unlike the jar's own reader, it has what
/// the browser says it stored, and needs no feature.
#[derive(Deserialize)]
struct Case {
    id: String,
    cat: String,
    browser: String,
    steps: Vec<Request>,
    probes: Vec<Request>,
    expect: Expected,
}

/// A request of the browser; in a step its response sets cookies.
#[derive(Deserialize)]
struct Request {
    url: String,
    /// `None` is a typed navigation.
    context: Option<String>,
    /// One character is one byte, see [`latin1`].
    #[serde(default)]
    set_cookie: Vec<String>,
    /// What a script of the page sets.
    #[serde(default)]
    script_cookie: Vec<String>,
}

#[derive(Deserialize)]
struct Expected {
    now_ms: u64,
    probes: Vec<Sent>,
    jar: Vec<Kept>,
}

#[derive(Deserialize)]
struct Sent {
    /// The `Cookie` header, one character a byte; `None` if there was none.
    cookie: Option<String>,
}

/// A cookie as the browser's debugger shows it. Name and value are left out: some are no Unicode.
#[derive(Debug, Deserialize)]
struct Kept {
    secure: bool,
    http_only: bool,
    same_site: Option<String>,
    /// Seconds since 1970.
    expires: Option<f64>,
}

#[test]
fn lines_are_read_as_browsers_read_them() {
    let mut agreement: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    let mut total: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in common::recorded_lines() {
        let case: Case = serde_json::from_str(&line).expect("a case is JSON");
        if !is_about_one_line(&case) {
            continue;
        }
        let browser = case.browser.clone();
        let agrees = agrees(&case);
        for (same, all) in [
            agreement.entry((browser.clone(), case.cat.clone())).or_default(),
            total.entry(browser).or_default(),
        ] {
            *same += usize::from(agrees);
            *all += 1;
        }
    }
    for ((browser, category), (same, all)) in &agreement {
        println!("{browser:24} {category:10} {same} of {all}");
    }
    for (browser, (same, all)) in &total {
        println!("{browser:24} {:10} {same} of {all}", "ALL");
        assert_eq!(same, all, "{browser}");
    }
}

fn is_about_one_line(case: &Case) -> bool {
    let is_typed =
        |request: &Request| request.url == "https://example.com/" && request.context.is_none();
    case.steps.len() == 1
        && is_typed(&case.steps[0])
        && case.steps[0].set_cookie.len() == 1
        && case.steps[0].script_cookie.is_empty()
        && is_typed(&case.probes[0])
        && !has_international_domain(&latin1(&case.steps[0].set_cookie[0]))
}

/// Which host that is takes more than the line.
fn has_international_domain(line: &[u8]) -> bool {
    let domain = parse(line, &Profile::RFC6265BIS).ok().and_then(|cookie| cookie.domain);
    domain.is_some_and(|domain| !domain.is_ascii())
}

/// Compares what was sent back and, where a cookie was stored, its flags and its end.
#[expect(clippy::print_stdout, reason = "which cases differ is what a failure has to tell")]
fn agrees(case: &Case) -> bool {
    let profile = match case.browser.as_str() {
        browser if browser.starts_with("Chrome") => &Profile::CHROMIUM,
        _ => &Profile::FIREFOX,
    };
    let now = UnixTime::from_millis(case.expect.now_ms);
    let line = latin1(&case.steps[0].set_cookie[0]);
    let received = received(&line, profile);
    let cookie = received.as_ref().and_then(|line| stored(line, profile, now));

    let sent = cookie.as_ref().filter(|(_, path, _)| path == b"/").map(|(cookie, ..)| pair(cookie));
    let sent_back = case.expect.probes[0].cookie.as_deref().map(latin1);
    // Firefox's debugger sometimes shows a cookie of the case before as well.
    let kept = cookie.as_ref().is_none_or(|(cookie, _, expiry)| {
        case.expect.jar.iter().any(|kept| is_kept_as(cookie, *expiry, kept))
    });
    if sent != sent_back || !kept {
        println!(
            "{} {}: {}\n    sent {:?}, expected {:?}; {:?}; {:?}",
            case.id,
            profile.name,
            line[..line.len().min(300)].escape_ascii(),
            sent.map(|sent| sent.escape_ascii().to_string()),
            sent_back.map(|sent| sent.escape_ascii().to_string()),
            parse(&line, profile).map(|cookie| cookie.expiry(now)),
            case.expect.jar,
        );
        return false;
    }
    true
}

fn is_kept_as(cookie: &ParsedCookie<'_>, expiry: Expiry, kept: &Kept) -> bool {
    let ends = match (expiry, kept.expires) {
        (Expiry::Session, None) => true,
        // The clock of the recording stands at the request, not at the response.
        (Expiry::At(at), Some(end)) => (at.as_millis() as f64 / 1000.0 - end).abs() < 5.0,
        _ => false,
    };
    let said = cookie.same_site.map_or("default", SameSite::as_str);
    let same_site = kept.same_site.as_deref().unwrap_or("default");
    ends && said.eq_ignore_ascii_case(same_site)
        && cookie.secure == kept.secure
        && cookie.http_only == kept.http_only
}

/// What HTTP leaves of the line: NUL refuses the response, and so does in Firefox a CR that ends no
/// line; LF, and in Chromium CR, ends the line unless white space follows.
fn received(line: &[u8], profile: &Profile) -> Option<Vec<u8>> {
    if line.contains(&0) || (*profile == Profile::FIREFOX && line.contains(&b'\r')) {
        return None;
    }
    let mut received = Vec::new();
    for (index, part) in line.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
        if index > 0 && !matches!(part.first(), Some(b' ' | b'\t')) {
            break;
        }
        received.extend_from_slice(part);
    }
    Some(received)
}

type Stored<'a> = (ParsedCookie<'a>, Vec<u8>, Expiry);

fn stored<'a>(line: &'a [u8], profile: &Profile, now: UnixTime) -> Option<Stored<'a>> {
    let cookie = parse(line, profile).ok()?;
    let domain = cookie.domain.unwrap_or_default();
    let own = [&b""[..], b"example.com", b".example.com"];
    if !own.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
        return None;
    }
    let path = match cookie.path {
        Some(path @ [b'/', ..]) => path.to_vec(),
        _ => b"/".to_vec(),
    };
    let said_path = match cookie.path {
        said if *profile != Profile::FIREFOX => said.unwrap_or_default(),
        _ => &path,
    };
    cookie.check(said_path, domain.is_empty()).ok()?;
    match cookie.expiry(now) {
        Expiry::Past => None,
        expiry => Some((cookie, path, expiry)),
    }
}

fn pair(cookie: &ParsedCookie<'_>) -> Vec<u8> {
    let mut pair = cookie.name.to_vec();
    if !pair.is_empty() {
        pair.push(b'=');
    }
    pair.extend_from_slice(&cookie.value);
    pair
}

/// The bytes that a recorded string stands for: one character is one byte.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).expect("one byte a character")).collect()
}

#[test]
fn dates_are_read_by_6265bis_section_5_1_1() {
    for case in common::reference_cases("conformance/dates.json") {
        let read = date::parse(case["input"].as_str().expect("a date").as_bytes());
        let seconds = read.map(UnixTime::as_secs);
        assert_eq!(seconds, case["expect_unix"].as_u64(), "{}", case["input"]);
    }
}
