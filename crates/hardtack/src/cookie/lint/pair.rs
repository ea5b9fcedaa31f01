//! The name and the value.

use super::{Findings, Severity};
use crate::cookie::name::{MAX_PAIR_BYTES, is_cookie_octet, is_tchar};
use crate::cookie::parse::{ParsedCookie, position_in};
use crate::cookie::prefix::NamePrefix;

/// From here on a value that grows will soon be too large.
const NEARLY_TOO_LONG: usize = MAX_PAIR_BYTES / 4 * 3;

pub(super) fn check(findings: &mut Findings<'_>, cookie: &ParsedCookie<'_>) {
    if cookie.name.is_empty() {
        findings.add(
            Severity::Warning,
            "6265bis 5.6",
            None,
            "The cookie has no name, and clients differ: Chromium 156 sends the value alone, \
             Firefox 153 takes it for a name or drops it.",
            "Write a name and a value, as in `theme=dark`.",
        );
    } else {
        check_name(findings, &cookie.name);
    }
    check_value(findings, &cookie.value);
    let length = cookie.name.len() + cookie.value.len();
    if length > NEARLY_TOO_LONG {
        findings.add(
            Severity::Advice,
            "ASVS 3.3.5",
            None,
            format!(
                "Name and value have {length} of the {MAX_PAIR_BYTES} bytes that clients keep."
            ),
            "Keep the data on the server and only its id in the cookie.",
        );
    }
}

fn check_name(findings: &mut Findings<'_>, name: &[u8]) {
    if let Some(at) = name.iter().position(|&byte| !is_tchar(byte)) {
        findings.add(
            Severity::Warning,
            "6265bis 4.1.1",
            Some(position_in(findings.line, name) + at),
            format!(
                "The name has the byte 0x{:02X}, which clients keep and some servers read \
                 differently or refuse.",
                name[at]
            ),
            "Use ASCII letters, digits and !#$%&'*+-.^_`|~ in a name.",
        );
    }
    match (NamePrefix::of(name), nearly_prefix(name)) {
        (Some(prefix), _) if !name.starts_with(prefix.as_str().as_bytes()) => findings.add(
            Severity::Advice,
            "6265bis 4.1.3",
            Some(position_in(findings.line, name)),
            format!(
                "Clients enforce {} in any casing, but older ones, and servers that look for the \
                 name, in this one only.",
                prefix.as_str()
            ),
            format!("Start the name with `{}`.", prefix.as_str()),
        ),
        (None, Some(prefix)) => findings.add(
            Severity::Warning,
            "6265bis 4.1.3",
            Some(position_in(findings.line, name)),
            format!("The name only looks as if it had the prefix {}.", prefix.as_str()),
            format!("Start the name with `{}` to have clients enforce it.", prefix.as_str()),
        ),
        _ => {}
    }
}

/// The prefix that is meant by a name such as `_Host-sid`, `__Host_sid` or `Host-sid`.
fn nearly_prefix(name: &[u8]) -> Option<NamePrefix> {
    let bare = name.iter().position(|byte| !matches!(byte, b'_' | b'-'))?;
    let dashed: Vec<u8> = b"__"
        .iter()
        .copied()
        .chain(name[bare..].iter().map(|&byte| if byte == b'_' { b'-' } else { byte }))
        .collect();
    NamePrefix::of(&dashed)
}

fn check_value(findings: &mut Findings<'_>, value: &[u8]) {
    let inner = match value {
        [b'"', inner @ .., b'"'] => {
            findings.add(
                Severity::Advice,
                "6265bis 4.1.1",
                Some(position_in(findings.line, value)),
                "The quotes belong to the value: clients send them back, and servers differ in \
                 taking them off.",
                "Leave the quotes out.",
            );
            inner
        }
        value => value,
    };
    if let Some(at) = inner.iter().position(|&byte| !is_cookie_octet(byte)) {
        let byte = inner[at];
        let comes_of_it = match byte {
            b'\t' => "which Chromium 156 drops the cookie for",
            0x80.. => "which Firefox 153 replaces by U+FFFD if it is no UTF-8",
            _ => "which servers read differently",
        };
        findings.add(
            Severity::Warning,
            "6265bis 4.1.1",
            Some(position_in(findings.line, inner) + at),
            format!("The value has the byte 0x{byte:02X}, {comes_of_it}."),
            "Encode the value, for example as base64url or with percent signs.",
        );
    }
}
