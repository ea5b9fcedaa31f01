//! What a server's author should change about a `Set-Cookie` header.

mod attributes;
mod pair;

use core::fmt;
use std::borrow::Cow;
use std::collections::HashMap;

use super::attribute::SameSite;
use super::ignored::Ignored;
use super::parse::{Expiry, ParsedCookie, parse};
use super::prefix::NamePrefix;
use super::profile::Profile;
use crate::time::UnixTime;

/// One thing to change about a cookie. Never has a byte of the cookie's value but one that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where the rule stands: a section of 6265bis (draft-ietf-httpbis-rfc6265bis-22), another
    /// document (`ASVS` is OWASP's, version 5), or the browser that was seen to do it.
    pub section: &'static str,
    /// Where in the line it is, counted from 0 in bytes; `None` for what is missing.
    pub position: Option<usize>,
    /// What is wrong and what comes of it, as one sentence.
    pub message: String,
    /// What to change, as one sentence.
    pub fix: Cow<'static, str>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { severity, section, message, fix, .. } = self;
        write!(f, "{severity}: {message} {fix} ({section})")
    }
}

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// A client drops the cookie.
    Error,
    /// The cookie is less safe than its name promises, or does not do what its author wrote.
    Warning,
    /// It works, and could be better.
    Advice,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Advice => "advice",
        })
    }
}

/// Reads the value of one `Set-Cookie` header as every [`Profile`] does, and tells what its author
/// should change, what matters most first. It does not know the host: what depends on that, the jar
/// tells.
pub fn lint(line: &[u8], now: UnixTime) -> Vec<Finding> {
    let mut findings = Findings { line, found: Vec::new() };
    check_drops(&mut findings);
    if let Ok(cookie) = parse(line, &Profile::RFC6265BIS) {
        pair::check(&mut findings, &cookie);
        attributes::check(&mut findings, &cookie, now);
        check_flags(&mut findings, &cookie);
        check_removal(&mut findings, &cookie, now);
    }
    findings.found.sort_by_key(|finding| finding.severity);
    findings.found
}

/// Checks all `Set-Cookie` headers of one response, each and against one another; every finding
/// comes with the index of its line.
pub fn lint_all(lines: &[&[u8]], now: UnixTime) -> Vec<(usize, Finding)> {
    let mut all = Vec::new();
    // The last of each name.
    let mut earlier: HashMap<Cow<'_, [u8]>, (usize, ParsedCookie<'_>)> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        let mut findings = Findings { line, found: lint(line, now) };
        if let Ok(cookie) = parse(line, &Profile::RFC6265BIS) {
            if let Some((at, same)) = earlier.get(&cookie.name) {
                check_against(&mut findings, &cookie, *at, same, now);
            }
            earlier.insert(cookie.name.clone(), (index, cookie));
        }
        all.extend(findings.found.into_iter().map(|finding| (index, finding)));
    }
    all
}

/// What has been found in one line.
struct Findings<'a> {
    line: &'a [u8],
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        severity: Severity,
        section: &'static str,
        position: Option<usize>,
        message: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) {
        let (message, fix) = (message.into(), fix.into());
        self.found.push(Finding { severity, section, position, message, fix });
    }
}

/// Which clients drop the cookie, whatever host sets it.
fn check_drops(findings: &mut Findings<'_>) {
    let mut reasons: Vec<(Ignored, Vec<&str>)> = Vec::new();
    for profile in Profile::ALL {
        let Err(reason) = parse(findings.line, profile).and_then(|cookie| {
            // The default path is not known here; `/` is the one that breaks no rule.
            let path = cookie.path.filter(|path| path.starts_with(b"/")).unwrap_or(b"/");
            let path = profile.host_prefix_path.judged(cookie.path, path);
            cookie.check(path, cookie.domain.unwrap_or_default().is_empty())
        }) else {
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, clients)) => clients.push(profile.title),
            None => reasons.push((reason, vec![profile.title])),
        }
    }
    for (reason, clients) in reasons {
        let message = if clients.len() == Profile::ALL.len() {
            format!("Every client drops the cookie: {reason}.")
        } else {
            format!("A client drops the cookie ({}): {reason}.", clients.join(", "))
        };
        findings.add(
            Severity::Error,
            reason.section(),
            reason.position(),
            message,
            reason.advice(),
        );
    }
}

/// What is missing beside the name: the flags and the prefix.
fn check_flags(findings: &mut Findings<'_>, cookie: &ParsedCookie<'_>) {
    let credential = names_a_credential(&cookie.name);
    let prefix = NamePrefix::of(&cookie.name);
    if !cookie.secure && prefix.is_none() {
        let (severity, what) = match credential {
            true => (Severity::Warning, "The name promises a credential, but without Secure it"),
            false => (Severity::Advice, "Without Secure the cookie"),
        };
        findings.add(
            severity,
            "ASVS 3.3.1",
            None,
            format!("{what} also travels over plain http, where anybody on the way can read it."),
            "Add `Secure`.",
        );
    }
    if credential && !cookie.http_only {
        findings.add(
            Severity::Warning,
            "ASVS 3.3.4",
            None,
            "The name promises a credential, but without HttpOnly every script on the page can \
             read it.",
            "Add `HttpOnly`.",
        );
    }
    if credential && prefix.is_none() {
        findings.add(
            Severity::Advice,
            "ASVS 3.3.3",
            None,
            "The name promises a credential, but another host of the domain can set a cookie of \
             this name as well.",
            "Start the name with `__Host-`, with `Secure`, `Path=/` and no Domain.",
        );
    }
    if cookie.same_site.is_none() && !attributes::has_same_site(findings.line) {
        findings.add(
            Severity::Warning,
            "6265bis 5.6.7.1",
            None,
            "SameSite is missing, and clients differ: Chromium 156 takes Lax (and for two minutes \
             sends the cookie with forms of other sites), Firefox 153 takes None.",
            "Add `SameSite=Lax`, or `Strict` or `None`.",
        );
    }
    if cookie.partitioned && cookie.same_site != Some(SameSite::None) {
        findings.add(
            Severity::Advice,
            "CHIPS",
            None,
            "Partitioned is about pages of other sites, but only with SameSite=None is the cookie \
             sent there.",
            "Add `SameSite=None`, or leave `Partitioned` out.",
        );
    }
}

/// A cookie that is past removes the one of its name, Domain and Path, and no other.
fn check_removal(findings: &mut Findings<'_>, cookie: &ParsedCookie<'_>, now: UnixTime) {
    if cookie.expiry(now) == Expiry::Past && cookie.path.is_none() {
        findings.add(
            Severity::Warning,
            "6265bis 5.7",
            None,
            "The removal names no Path, so it removes only the cookie whose path is the directory \
             of this page.",
            "Repeat the Path and the Domain with which the cookie was set.",
        );
    }
}

/// Two cookies of one name in one response.
fn check_against(
    findings: &mut Findings<'_>,
    cookie: &ParsedCookie<'_>,
    earlier_line: usize,
    earlier: &ParsedCookie<'_>,
    now: UnixTime,
) {
    let scope = |cookie: &ParsedCookie<'_>| {
        let domain = cookie.domain.unwrap_or_default();
        let domain = domain.strip_prefix(b".").unwrap_or(domain).to_ascii_lowercase();
        (domain, cookie.path.unwrap_or_default().to_vec())
    };
    let past = |cookie: &ParsedCookie<'_>| cookie.expiry(now) == Expiry::Past;
    let name = cookie.name.escape_ascii();
    let line = earlier_line + 1;
    if scope(cookie) == scope(earlier) {
        findings.add(
            Severity::Warning,
            "6265bis 4.1.1",
            None,
            format!("{name} is set in Set-Cookie header {line} already; the last one counts."),
            "Send one Set-Cookie for each cookie.",
        );
    } else if past(cookie) != past(earlier) {
        findings.add(
            Severity::Warning,
            "6265bis 5.7",
            None,
            format!(
                "One of this and Set-Cookie header {line} sets {name} and the other removes it, \
                 but with another Domain or Path, which is another cookie."
            ),
            "Remove it with the Domain and Path with which it was set.",
        );
    } else if !past(cookie) {
        findings.add(
            Severity::Warning,
            "6265bis 4.2.2",
            None,
            format!(
                "{name} is set in Set-Cookie header {line} too, with another Domain or Path; \
                 clients keep both and send both, without telling which is which."
            ),
            "Use one Domain and Path for a name.",
        );
    }
}

/// Whether a cookie of this name most likely opens something.
fn names_a_credential(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&name, word).is_some();
    if has(b"csrf") || has(b"xsrf") {
        // Meant for scripts to read, and worth nothing on its own.
        return false;
    }
    let is_word = |word: &[u8]| name.split(|byte| !byte.is_ascii_alphanumeric()).any(|w| w == word);
    is_word(b"sid") || is_word(b"sso") || CREDENTIAL_WORDS.iter().any(|word| has(word))
}

const CREDENTIAL_WORDS: [&[u8]; 8] =
    [b"sess", b"auth", b"token", b"jwt", b"login", b"passw", b"remember", b"secret"];

#[cfg(test)]
mod tests;
