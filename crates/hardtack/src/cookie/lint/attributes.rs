//! The attributes, one by one and against one another.

use super::{Findings, Severity};
use crate::cookie::MAX_LIFETIME;
use crate::cookie::attribute::{AttributeName, MAX_ATTRIBUTE_BYTES, SameSite};
use crate::cookie::date;
use crate::cookie::parse::{ParsedCookie, Pieces, max_age, position_in, same_site};
use crate::cookie::profile::Profile;
use crate::time::UnixTime;

pub(super) fn has_same_site(line: &[u8]) -> bool {
    let mut names = Pieces::of(line).skip(1).filter_map(|piece| piece.attribute());
    names.any(|name| name == AttributeName::SameSite)
}

pub(super) fn check(findings: &mut Findings<'_>, cookie: &ParsedCookie<'_>, now: UnixTime) {
    let line = findings.line;
    let mut seen: Vec<AttributeName> = Vec::new();
    for piece in Pieces::of(line).skip(1) {
        let (written, value) = (piece.name, piece.value.unwrap_or_default());
        let position = Some(position_in(line, written));
        let Some(name) = piece.attribute() else {
            check_unknown(findings, written, value);
            continue;
        };
        if seen.contains(&name) {
            findings.add(
                Severity::Warning,
                "6265bis 4.1.1",
                position,
                format!("{} is there more than once; the last one counts.", name.as_str()),
                "Write each attribute once.",
            );
        } else {
            seen.push(name);
        }
        if value.len() > MAX_ATTRIBUTE_BYTES {
            findings.add(
                Severity::Warning,
                "6265bis 5.6",
                position,
                format!(
                    "{} has {} bytes; clients ignore an attribute of more than \
                     {MAX_ATTRIBUTE_BYTES} and keep the cookie without it.",
                    name.as_str(),
                    value.len()
                ),
                "Shorten it.",
            );
            continue;
        }
        match name {
            AttributeName::Domain => check_domain(findings, position, value),
            AttributeName::Path => check_path(findings, position, value),
            AttributeName::MaxAge => check_max_age(findings, position, value),
            AttributeName::Expires => check_expires(findings, position, value, now),
            AttributeName::SameSite => check_same_site(findings, position, value),
            AttributeName::Secure | AttributeName::HttpOnly | AttributeName::Partitioned => {
                check_flag(findings, position, name, value);
            }
            AttributeName::Priority => {}
        }
    }
    if seen.contains(&AttributeName::MaxAge) && seen.contains(&AttributeName::Expires) {
        check_both_ends(findings, cookie, now);
    }
}

fn check_domain(findings: &mut Findings<'_>, position: Option<usize>, value: &[u8]) {
    let strange = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    let host = value.strip_prefix(b".").unwrap_or(value);
    if value.is_empty() {
        findings.add(
            Severity::Warning,
            "6265bis 5.7",
            position,
            "Clients take an empty Domain for none, and the standard forbids to send it.",
            "Leave Domain out.",
        );
    } else if let Some(byte) = host.iter().copied().find(strange) {
        findings.add(
            Severity::Error,
            "6265bis 5.7",
            position,
            format!(
                "Domain is a host name alone, but this one has the byte 0x{byte:02X}, so clients \
                 drop the cookie (of non-ASCII names, Firefox 153 does)."
            ),
            "Write a host name without scheme, port or path, an international one in its xn-- form.",
        );
    } else if host.is_empty() || host.starts_with(b".") {
        findings.add(
            Severity::Error,
            "6265bis 5.7",
            position,
            "No host matches a Domain with nothing or a dot after its first dot, so clients drop \
             the cookie.",
            "Leave Domain out.",
        );
    } else {
        check_host(findings, position, value, host);
    }
}

/// `host` is `value` without the dot in front.
fn check_host(findings: &mut Findings<'_>, position: Option<usize>, value: &[u8], host: &[u8]) {
    if host.ends_with(b".") {
        findings.add(
            Severity::Warning,
            "6265bis 5.7",
            position,
            "A Domain with a dot at its end matches only hosts that are written with one.",
            "Leave the dot at the end out.",
        );
    }
    if !host.contains(&b'.') {
        findings.add(
            Severity::Warning,
            "6265bis 5.7",
            position,
            "A Domain of a single label is a public suffix or a host's own name: clients drop the \
             cookie or keep it to that host.",
            "Leave Domain out.",
        );
    } else if value != host {
        findings.add(
            Severity::Advice,
            "6265bis 5.6.3",
            position,
            "The dot in front of the Domain means nothing.",
            "Leave the dot out.",
        );
    }
    findings.add(
        Severity::Advice,
        "ASVS 3.3.3",
        position,
        "With a Domain the cookie goes to all subdomains, and each of them can overwrite it.",
        "Leave Domain out unless several hosts need the cookie.",
    );
}

fn check_path(findings: &mut Findings<'_>, position: Option<usize>, value: &[u8]) {
    if !value.starts_with(b"/") {
        findings.add(
            Severity::Warning,
            "6265bis 5.6.4",
            position,
            "The Path does not start with a slash, so clients take the directory of the page \
             instead.",
            "Write `Path=/`, or another path with a slash in front and without quotes.",
        );
    } else if !value.is_ascii() {
        findings.add(
            Severity::Warning,
            "6265bis 5.8.3",
            position,
            "The Path is not ASCII, but clients compare it with the percent-encoded path of the \
             address, so it never matches.",
            "Percent-encode the Path as it stands in the address.",
        );
    }
}

fn check_max_age(findings: &mut Findings<'_>, position: Option<usize>, value: &[u8]) {
    let readings = Profile::ALL.map(|profile| (profile, max_age(value, profile.max_age)));
    if readings.iter().all(|(_, seconds)| seconds.is_none()) {
        findings.add(
            Severity::Warning,
            "6265bis 5.6.2",
            position,
            "Clients ignore this Max-Age, as it is no whole number of seconds.",
            "Write digits alone, without quotes, units or a fraction, as in `Max-Age=3600`.",
        );
        return;
    }
    if readings.iter().any(|(_, seconds)| *seconds != readings[0].1) {
        let takes = |(profile, seconds): &(&Profile, Option<_>)| match seconds {
            Some(_) => format!("{} takes it", profile.title),
            None => format!("{} ignores it", profile.title),
        };
        findings.add(
            Severity::Warning,
            "6265bis 5.6.2",
            position,
            format!(
                "Clients differ about this Max-Age: {}.",
                readings.each_ref().map(takes).join(", ")
            ),
            "Write digits alone, as in `Max-Age=3600`, or `Max-Age=0` to remove the cookie.",
        );
    }
    let digits = value.strip_prefix(b"+").unwrap_or(value);
    let days_400 = MAX_LIFETIME.as_secs();
    if str::from_utf8(digits).is_ok_and(|text| match text.parse::<u64>() {
        Ok(seconds) => seconds > days_400,
        Err(error) => *error.kind() == core::num::IntErrorKind::PosOverflow,
    }) {
        findings.add(
            Severity::Advice,
            "6265bis 5.5",
            position,
            format!("Clients keep a cookie for 400 days ({days_400} seconds) at most."),
            format!("Write `Max-Age={days_400}` at most, and set the cookie anew when it is used."),
        );
    }
}

fn check_expires(
    findings: &mut Findings<'_>,
    position: Option<usize>,
    value: &[u8],
    now: UnixTime,
) {
    let readings = Profile::ALL.map(|profile| (profile, date::parse_as(value, profile.dates)));
    let written = |at: UnixTime| String::from_utf8_lossy(&date::imf_fixdate(at)).into_owned();
    let form = "as in `Expires=Sun, 06 Nov 1994 08:49:37 GMT`";
    let Some(at) = readings.iter().find_map(|(_, at)| *at) else {
        findings.add(
            Severity::Warning,
            "6265bis 5.6.1",
            position,
            "No client can read this Expires, so the cookie ends with the browser session.",
            format!("Write day, month name, year with four digits, time and GMT, {form}."),
        );
        return;
    };
    if readings.iter().any(|(_, other)| *other != readings[0].1) {
        let reads = |(profile, at): &(&Profile, Option<UnixTime>)| match at {
            Some(at) => format!("{} reads {}", profile.title, written(*at)),
            None => format!("{} ignores it", profile.title),
        };
        findings.add(
            Severity::Warning,
            "6265bis 5.1.1",
            position,
            format!(
                "Clients differ about this Expires: {}.",
                readings.each_ref().map(reads).join(", ")
            ),
            format!("Write the time in GMT, {form}."),
        );
    } else if value != date::imf_fixdate(at) {
        findings.add(
            Severity::Advice,
            "6265bis 4.1.1",
            position,
            "Clients read this Expires, but it is not written as the standard asks of servers.",
            format!("Write `Expires={}`.", written(at)),
        );
    }
    if at > now.saturating_add(MAX_LIFETIME) {
        findings.add(
            Severity::Advice,
            "6265bis 5.5",
            position,
            "Clients keep a cookie for 400 days at most.",
            "Write an earlier date, and set the cookie anew when it is used.",
        );
    }
}

fn check_same_site(findings: &mut Findings<'_>, position: Option<usize>, value: &[u8]) {
    if same_site(value).is_some() {
        return;
    }
    let meant = value.split(|byte| !byte.is_ascii_alphanumeric()).find_map(same_site);
    let meant = meant.unwrap_or(SameSite::Lax).as_str();
    findings.add(
        Severity::Warning,
        "6265bis 5.6.7",
        position,
        "SameSite is none of Strict, Lax and None, so clients take it for missing: Chromium 156 \
         for Lax, Firefox 153 for None.",
        format!("Write `SameSite={meant}`."),
    );
}

/// Clients do not look at what comes after the `=` of a flag.
fn check_flag(
    findings: &mut Findings<'_>,
    position: Option<usize>,
    name: AttributeName,
    value: &[u8],
) {
    let name = name.as_str();
    if [&b"false"[..], b"0", b"no", b"off"].iter().any(|off| value.eq_ignore_ascii_case(off)) {
        findings.add(
            Severity::Warning,
            "6265bis 5.6",
            position,
            format!("{name} counts whatever its value says."),
            format!("Leave `{name}` out to switch it off."),
        );
    } else if !value.is_empty() {
        findings.add(
            Severity::Advice,
            "6265bis 4.1.1",
            position,
            format!("{name} has no value."),
            format!("Write `{name}`."),
        );
    }
}

fn check_unknown(findings: &mut Findings<'_>, written: &[u8], value: &[u8]) {
    if written.is_empty() && value.is_empty() {
        return;
    }
    let position = Some(position_in(findings.line, written));
    let shown = written[..written.len().min(40)].escape_ascii();
    let known = AttributeName::ALL;
    if let Some(first) = known.into_iter().find(|known| is_run_on(written, *known)) {
        findings.add(
            Severity::Warning,
            "6265bis 5.6",
            position,
            format!(
                "Only semicolons separate attributes and only `=` their values, so clients ignore \
                 `{shown}` as a whole."
            ),
            format!("Write a semicolon or a `=` after `{}`.", first.as_str()),
        );
    } else if let Some(meant) = known.into_iter().find(|known| is_nearly(written, *known)) {
        findings.add(
            Severity::Warning,
            "6265bis 5.6",
            position,
            format!("Clients know no attribute `{shown}` and ignore it."),
            format!("Write `{}`.", meant.as_str()),
        );
    } else {
        findings.add(
            Severity::Advice,
            "6265bis 5.6",
            position,
            format!("Clients know no attribute `{shown}` and ignore it."),
            "Leave it out.",
        );
    }
}

/// `Http-Only`, `Max_Age`, `Same-Site` and what is one letter off, such as `Secured`.
fn is_nearly(written: &[u8], known: AttributeName) -> bool {
    let letters = |name: &[u8]| -> Vec<u8> {
        name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect()
    };
    if written.len() > 20 {
        return false;
    }
    let (written, known) = (letters(written), letters(known.as_str().as_bytes()));
    let (short, long) =
        if written.len() < known.len() { (written, known) } else { (known, written) };
    let same_start = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        // The same, or another letter in one place.
        0 => same_start == short.len() || short[same_start + 1..] == long[same_start + 1..],
        // One letter more.
        1 => short[same_start..] == long[same_start + 1..],
        _ => false,
    }
}

/// `Secure HttpOnly`, `Secure,HttpOnly`, `Path:/`.
fn is_run_on(written: &[u8], known: AttributeName) -> bool {
    let known = known.as_str().as_bytes();
    written.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known))
        && matches!(written.get(known.len()), Some(b' ' | b',' | b':' | b'\t'))
}

/// Both are for clients that know only Expires, so they should say the same.
fn check_both_ends(findings: &mut Findings<'_>, cookie: &ParsedCookie<'_>, now: UnixTime) {
    let (Some(seconds), Some(at)) = (cookie.max_age, cookie.expires) else { return };
    let by_max_age = now.saturating_add(seconds);
    let both_past = by_max_age <= now && at <= now;
    let apart = at.since(by_max_age).max(by_max_age.since(at));
    if !both_past && apart > APART && at.min(now.saturating_add(MAX_LIFETIME)) != by_max_age {
        findings.add(
            Severity::Advice,
            "6265bis 5.7",
            None,
            "Max-Age and Expires name different times; clients take Max-Age.",
            "Leave Expires out, or write the same time.",
        );
    }
}

/// Clocks differ, and a response takes its time.
const APART: core::time::Duration = core::time::Duration::from_secs(300);
