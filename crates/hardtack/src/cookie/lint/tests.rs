use proptest::prelude::*;

use super::Severity::{Advice, Error, Warning};
use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CLEAN: &str = "theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax";

/// What is said about a cookie that is right but for `more`.
fn about(more: &str) -> Vec<(Severity, String, String)> {
    said(&format!("{CLEAN}; {more}"))
}

fn said(line: &str) -> Vec<(Severity, String, String)> {
    let findings = lint(line.as_bytes(), NOW);
    findings.into_iter().map(|found| (found.severity, found.message, found.fix.into())).collect()
}

#[test]
fn nothing_is_said_about_what_our_writers_write() {
    for line in [
        CLEAN,
        "__Host-Http-sid=0123456789abcdef; Path=/; Secure; HttpOnly; SameSite=Lax",
        "__Host-sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; Secure; HttpOnly; \
         SameSite=Lax",
        "a=1; Expires=Fri, 15 Jan 2027 09:00:00 GMT; Max-Age=3600; Path=/; Secure; SameSite=None; \
         Partitioned",
    ] {
        assert_eq!(lint(line.as_bytes(), NOW), [], "{line}");
    }
}

/// Each line, and how its findings and their fixes start, in order.
#[test]
fn every_mistake_has_a_finding_with_its_fix() {
    type Expected<'a> = &'a [(Severity, &'a str, &'a str)];
    let missing_same_site = (Warning, "SameSite is missing, and clients differ", "Add `SameSite=L");
    let plain = (Advice, "Without Secure the cookie also travels", "Add `Secure`.");
    let table: &[(&str, Expected<'_>)] = &[
        // What every client, or one, drops.
        (
            "a=\x01",
            &[(
                Error,
                "Every client drops the cookie: the line has the control character 0x01 at position 2",
                "Take the byte out",
            )],
        ),
        (
            "",
            &[(Error, "Every client drops the cookie: the cookie has neither", "Write a name and")],
        ),
        (
            "a=b\tc; Secure; SameSite=Lax",
            &[
                (
                    Error,
                    "A client drops the cookie (Chromium 156): the line has a TAB at position 3",
                    "Take the byte out",
                ),
                (
                    Warning,
                    "The value has the byte 0x09, which Chromium 156 drops",
                    "Encode the value",
                ),
            ],
        ),
        (
            "=a; Secure; SameSite=Lax",
            &[
                (
                    Error,
                    "A client drops the cookie (Firefox 153): the cookie has a value but no name",
                    "Write a name before",
                ),
                (Warning, "The cookie has no name, and clients differ", "Write a name and a value"),
            ],
        ),
        (
            "a=b; SameSite=None",
            &[
                (
                    Error,
                    "Every client drops the cookie: the cookie has SameSite=None but is not Secure",
                    "Add `Secure`.",
                ),
                plain,
            ],
        ),
        (
            "__Host-a=b; Secure; SameSite=Lax",
            &[(
                Error,
                "A client drops the cookie (Chromium 156, the standard): the name starts with __Host-, which needs Path=/",
                "Add what",
            )],
        ),
        (
            "__Host-a=b; Secure; Path=/; Domain=a.example; SameSite=Lax",
            &[
                (
                    Error,
                    "Every client drops the cookie: the name starts with __Host-, which needs no Domain",
                    "Add what",
                ),
                (Advice, "With a Domain the cookie goes to all subdomains", "Leave Domain out"),
            ],
        ),
        // Flags.
        (
            "sid=1; Path=/",
            &[
                (Warning, "The name promises a credential, but without Secure it", "Add `Secure`."),
                (
                    Warning,
                    "The name promises a credential, but without HttpOnly",
                    "Add `HttpOnly`.",
                ),
                missing_same_site,
                (
                    Advice,
                    "The name promises a credential, but another host",
                    "Start the name with `__Host-`",
                ),
            ],
        ),
        ("XSRF-TOKEN=1; Path=/; Secure; SameSite=Lax", &[]),
        ("theme=dark; Path=/", &[missing_same_site, plain]),
        ("inside=1; Secure; SameSite=Lax", &[]),
        (
            "a=b; Secure; SameSite=Lax; Partitioned",
            &[(Advice, "Partitioned is about pages of other", "Add `SameSite=None`")],
        ),
        // Name and value.
        (
            "_Host-a=1; Secure; SameSite=Lax",
            &[(
                Warning,
                "The name only looks as if it had the prefix __Host-.",
                "Start the name with `__Host-`",
            )],
        ),
        (
            "__Secure_a=1; Secure; SameSite=Lax",
            &[(
                Warning,
                "The name only looks as if it had the prefix __Secure-.",
                "Start the name with `__Secure-`",
            )],
        ),
        (
            "__HOST-a=1; Secure; SameSite=Lax; Path=/",
            &[(Advice, "Clients enforce __Host- in any casing", "Start the name with `__Host-`")],
        ),
        (
            "a b=1; Secure; SameSite=Lax",
            &[(Warning, "The name has the byte 0x20", "Use ASCII letters")],
        ),
        (
            "a=\"b\"; Secure; SameSite=Lax",
            &[(Advice, "The quotes belong to the value", "Leave the quotes out.")],
        ),
        (
            "a=b,c; Secure; SameSite=Lax",
            &[(Warning, "The value has the byte 0x2C, which servers", "Encode the value")],
        ),
        (
            "a=\u{e9}; Secure; SameSite=Lax",
            &[(Warning, "The value has the byte 0xC3, which Firefox", "Encode the value")],
        ),
    ];
    for (line, expected) in table {
        let said = said(line);
        assert_eq!(said.len(), expected.len(), "{line:?}: {said:#?}");
        for ((severity, message, fix), (expected, start, fix_start)) in said.iter().zip(*expected) {
            assert_eq!(severity, expected, "{line:?}: {message}");
            assert!(message.starts_with(start), "{line:?}: {message}");
            assert!(fix.starts_with(fix_start), "{line:?}: {fix}");
        }
    }
}

#[test]
fn every_mistake_in_an_attribute_has_a_finding_with_its_fix() {
    for (more, severity, start, fix_start) in [
        ("Http-Only", Warning, "Clients know no attribute `Http-Only`", "Write `HttpOnly`."),
        ("MaxAge=5", Warning, "Clients know no attribute `MaxAge`", "Write `Max-Age`."),
        ("Max Age=5", Warning, "Clients know no attribute", "Write `Max-Age`."),
        ("max_age=5", Warning, "Clients know no attribute `max_age`", "Write `Max-Age`."),
        ("Same-Site=Lax", Warning, "Clients know no attribute", "Write `SameSite`."),
        ("Expire=x", Warning, "Clients know no attribute", "Write `Expires`."),
        ("Secured", Warning, "Clients know no attribute", "Write `Secure`."),
        (
            "Secure HttpOnly",
            Warning,
            "Only semicolons separate",
            "Write a semicolon or a `=` after `Sec",
        ),
        ("Path:/", Warning, "Only semicolons separate", "Write a semicolon or a `=` after `Path`"),
        ("Version=1", Advice, "Clients know no attribute `Version`", "Leave it out."),
        ("=x", Advice, "Clients know no attribute ``", "Leave it out."),
        ("Secure", Warning, "Secure is there more than once", "Write each attribute once."),
        ("Max-Age=x", Warning, "Clients ignore this Max-Age", "Write digits alone"),
        ("Max-Age=\"5\"", Warning, "Clients ignore this Max-Age", "Write digits alone"),
        (
            "Max-Age=+5",
            Warning,
            "Clients differ about this Max-Age: Chromium 156 takes it, Firefox 153 ignores it, the \
             standard ignores it.",
            "Write digits alone",
        ),
        (
            "Max-Age=34560001",
            Advice,
            "Clients keep a cookie for 400 days",
            "Write `Max-Age=34560000`",
        ),
        (
            "Max-Age=99999999999999999999",
            Advice,
            "Clients keep a cookie for 400",
            "Write `Max-Age=3",
        ),
        ("Expires=tomorrow", Warning, "No client can read this Expires", "Write day, month name"),
        (
            "Expires=Wed, 13 Jan 2027 09:00:00 PST",
            Warning,
            "Clients differ about this Expires: Chromium 156 reads Wed, 13 Jan 2027 09:00:00 GMT, \
             Firefox 153 reads Wed, 13 Jan 2027 17:00:00 GMT, the standard reads Wed, 13 Jan 2027 \
             09:00:00 GMT.",
            "Write the time in GMT",
        ),
        (
            "Expires=Wednesday, 20-Jan-27 09:00:00 GMT",
            Advice,
            "Clients read this Expires, but",
            "Write `Expires=Wed, 20 Jan 2027 09:00:00 GMT`.",
        ),
        (
            "Expires=Fri, 31 Dec 2032 00:00:00 GMT",
            Advice,
            "Clients keep a cookie for 400",
            "Write an",
        ),
        (
            "Max-Age=60; Expires=Wed, 20 Jan 2027 09:00:00 GMT",
            Advice,
            "Max-Age and Expires name different times",
            "Leave Expires out",
        ),
        ("Domain=", Warning, "Clients take an empty Domain for none", "Leave Domain out."),
        ("Domain=https://a.example", Error, "Domain is a host name alone", "Write a host name"),
        ("Domain=..a.example", Error, "No host matches a Domain", "Leave Domain out."),
        ("Domain=a.example", Advice, "With a Domain the cookie goes", "Leave Domain out unless"),
    ] {
        let said = about(more);
        assert_eq!(said.len(), 1, "{more}: {said:#?}");
        let (found, message, fix) = &said[0];
        assert_eq!(*found, severity, "{more}: {message}");
        assert!(message.starts_with(start), "{more}: {message}");
        assert!(fix.starts_with(fix_start), "{more}: {fix}");
    }
    for (more, start) in [
        ("Domain=.a.example", "The dot in front"),
        ("Domain=localhost", "A Domain of a single label"),
        ("Domain=a.example.", "A Domain with a dot at its end"),
    ] {
        assert!(about(more).iter().any(|(_, message, _)| message.starts_with(start)), "{more}");
    }
    // Where the attribute is there already, the second one has its own finding beside that.
    for (more, start) in [
        ("Path=x", "The Path does not start with a slash"),
        ("Path=\"/\"", "The Path does not start with a slash"),
        ("Path=/\u{e9}", "The Path is not ASCII"),
        ("SameSite=\"Strict\"", "SameSite is none of"),
        ("SameSite", "SameSite is none of"),
        ("HttpOnly=false", "HttpOnly counts whatever"),
        ("HttpOnly=true", "HttpOnly has no value"),
    ] {
        assert!(about(more).iter().any(|(_, message, _)| message.starts_with(start)), "{more}");
    }
    let long = format!("Path=/{}", "x".repeat(1024));
    assert!(about(&long).iter().any(|(_, message, _)| message.starts_with("Path has 1025 bytes")));
}

#[test]
fn a_value_that_is_nearly_too_long_is_told_before_it_is() {
    let line = |length: usize| format!("a={}; Secure; SameSite=Lax", "v".repeat(length - 1));
    assert_eq!(said(&line(3072)), []);
    assert!(said(&line(3073))[0].1.starts_with("Name and value have 3073 of the 4096 bytes"));
    assert!(said(&line(4097))[0].1.starts_with("Every client drops the cookie: name and value"));
}

#[test]
fn a_removal_names_the_path_of_what_it_removes() {
    let removal = said("a=; Max-Age=0; Secure; SameSite=Lax");
    assert!(removal[0].1.starts_with("The removal names no Path"), "{removal:?}");
    assert_eq!(said("a=; Max-Age=0; Path=/app; Secure; SameSite=Lax"), []);
}

#[test]
fn cookies_of_one_name_in_one_response_are_compared() {
    let rest = "; Secure; SameSite=Lax";
    for (first, second, start) in [
        ("a=1; Path=/", "a=2; Path=/", "a is set in Set-Cookie header 1 already"),
        (
            "a=1; Domain=A.example; Path=/",
            "a=2; Path=/; Domain=.a.example",
            "a is set in Set-Cookie",
        ),
        ("a=1; Path=/x", "a=; Max-Age=0; Path=/", "One of this and Set-Cookie header 1"),
        ("a=1; Path=/x", "a=2; Path=/", "a is set in Set-Cookie header 1 too, with another"),
    ] {
        let lines = [format!("{first}{rest}"), format!("{second}{rest}")];
        let all = lint_all(&[lines[0].as_bytes(), lines[1].as_bytes()], NOW);
        let among: Vec<_> =
            all.iter().filter(|(_, found)| found.message.contains("header")).collect();
        assert_eq!(among.len(), 1, "{first} {second}: {all:#?}");
        assert_eq!(among[0].0, 1);
        assert!(among[0].1.message.starts_with(start), "{}", among[0].1.message);
    }
    // Removing a cookie wherever it may be is not a mistake.
    for other in ["b=1; Path=/", "A=1; Path=/", "a=; Max-Age=0; Path=/x"] {
        let lines = [format!("{other}{rest}"), format!("a=; Max-Age=0; Path=/{rest}")];
        assert_eq!(lint_all(&[lines[0].as_bytes(), lines[1].as_bytes()], NOW), [], "{other}");
    }
}

#[test]
fn a_position_is_that_of_the_byte_or_the_attribute() {
    let line = "a=b c; Secure; SameSite=Lax; Http-Only";
    let positions: Vec<_> = lint(line.as_bytes(), NOW).iter().map(|found| found.position).collect();
    assert_eq!(positions, [Some(3), Some(29)]);
}

proptest! {
    #[test]
    fn any_bytes_are_linted_and_no_value_is_told(
        line in prop::collection::vec(any::<u8>(), 0..200),
        attributes in prop::collection::vec(prop::sample::select(vec![
            "Path", "Path=/", "Domain=.", "Max-Age=-", "Expires=1 Jan 27", "SameSite", "=", "Secure=0", "", "x",
        ]), 0..8),
    ) {
        let _ = lint(&line, NOW);
        let line = format!("sid=QWERTZUIOP; {}", attributes.join(";"));
        for (_, found) in lint_all(&[line.as_bytes(), line.as_bytes()], NOW) {
            let told = format!("{found} {found:?}");
            prop_assert!(!told.contains("QWERTZ"));
        }
    }
}
