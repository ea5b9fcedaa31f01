use proptest::prelude::*;

use super::*;
use crate::cookie::SetCookie;
use crate::cookie::split::steps;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CHROMIUM: &Profile = &Profile::CHROMIUM;
const FIREFOX: &Profile = &Profile::FIREFOX;
const RFC: &Profile = &Profile::RFC6265BIS;

fn cookie<'a>(line: &'a [u8], profile: &Profile) -> ParsedCookie<'a> {
    parse(line, profile).unwrap_or_else(|ignored| panic!("{}: {ignored}", line.escape_ascii()))
}

/// Name and value for Chromium, Firefox and the standard; what is dropped for whom, and why.
#[test]
fn a_pair_is_split_as_each_client_splits_it() {
    use Ignored::{Empty, NamelessEquals, NamelessValue, Tab};
    type Pair<'a> = Result<(&'a [u8], &'a [u8]), Ignored>;
    let same = |name: &'static [u8], value: &'static [u8]| [Ok((name, value)); 3];
    let table: &[(&[u8], [Pair<'_>; 3])] = &[
        (b"a=b", same(b"a", b"b")),
        (b" \ta \t=\t b \t; Path=/", same(b"a", b"b")),
        (b"a=b=c==", same(b"a", b"b=c==")),
        (b"a=", same(b"a", b"")),
        (b"a=\"b; c\"", same(b"a", b"\"b")),
        (b"a b=c d", same(b"a b", b"c d")),
        (b"\xFF\xA0=v", same(b"\xFF\xA0", b"v")),
        (b"a=\xC3\xA9", same(b"a", b"\xC3\xA9")),
        (b"a", [Ok((b"", b"a")), Ok((b"a", b"")), Ok((b"", b"a"))]),
        (b"=a", [Ok((b"", b"a")), Err(NamelessValue), Ok((b"", b"a"))]),
        (b"=a=b", [Err(NamelessEquals), Err(NamelessValue), Ok((b"", b"a=b"))]),
        (b"", [Err(Empty); 3]),
        (b"=; Path=/", [Err(Empty); 3]),
        (b"; a=b", [Err(Empty); 3]),
        (b"a\tb=c", [Err(Tab { position: 1 }), Ok((b"a\tb", b"c")), Ok((b"a\tb", b"c"))]),
        (b"a=b\tc", [Err(Tab { position: 3 }), Ok((b"a", b"b\tc")), Ok((b"a", b"b\tc"))]),
        (b"a=b; x=\t1\t2", [Err(Tab { position: 9 }), Ok((b"a", b"b")), Ok((b"a", b"b"))]),
        // As the WHATWG Encoding standard replaces it: once for each part that could not go on.
        (
            b"a=\xFF\xFE",
            [
                Ok((b"a", b"\xFF\xFE")),
                Ok((b"a", b"\xEF\xBF\xBD\xEF\xBF\xBD")),
                Ok((b"a", b"\xFF\xFE")),
            ],
        ),
        (
            b"a=\xF0\x9F\x98x",
            [
                Ok((b"a", b"\xF0\x9F\x98x")),
                Ok((b"a", b"\xEF\xBF\xBDx")),
                Ok((b"a", b"\xF0\x9F\x98x")),
            ],
        ),
    ];
    for (line, expected) in table {
        for (profile, expected) in [CHROMIUM, FIREFOX, RFC].into_iter().zip(expected) {
            let parsed = parse(line, profile);
            let pair = parsed.as_ref().map(|cookie| (&*cookie.name, &*cookie.value));
            assert_eq!(pair.map_err(|ignored| *ignored), *expected, "{}", line.escape_ascii());
        }
    }
}

#[test]
fn a_control_character_anywhere_drops_the_cookie() {
    for byte in (0..b' ').chain([0x7F]).filter(|byte| *byte != b'\t') {
        for line in ["?a=b", "a?=b", "a=b?", "a=b; x?", "a=b; x=1?", "a=b; Path=/;?"] {
            // Far behind other bytes too, as the line is looked at in blocks.
            for pad in [0, 25, 100] {
                let line = format!("{}{line}", "p".repeat(pad)).into_bytes();
                let position = line.iter().position(|&at| at == b'?').expect("it is there");
                let line: Vec<u8> =
                    line.iter().map(|&at| if at == b'?' { byte } else { at }).collect();
                for profile in Profile::ALL {
                    let ignored = parse(&line, profile).err();
                    assert_eq!(ignored, Some(Ignored::ControlByte { byte, position }));
                }
            }
        }
    }
}

#[test]
fn the_last_attribute_of_a_name_counts_even_if_it_cannot_be_read() {
    let all = |line: &'static str| Profile::ALL.map(|profile| cookie(line.as_bytes(), profile));
    for read in all("a=b; PATH=/x; path=; DOMAIN=x; domain=.Y.example; secure=false; HTTPONLY") {
        assert_eq!(read.path, Some(&b""[..]));
        assert_eq!(read.domain, Some(&b".Y.example"[..]));
        assert!(read.secure && read.http_only && !read.partitioned);
    }
    for read in
        all("a=b; SameSite=Strict; SameSite=x; Max-Age=5; Max-Age=x; Expires=x; Partitioned=0")
    {
        assert_eq!((read.same_site, read.max_age, read.expires), (None, None, None));
        assert!(read.partitioned && !read.secure && !read.http_only);
        assert_eq!((read.path, read.domain), (None, None));
    }
    for (line, same_site) in [
        ("a=b; SameSite=strict", Some(SameSite::Strict)),
        ("a=b; samesite = LAX ", Some(SameSite::Lax)),
        ("a=b; SameSite=None", Some(SameSite::None)),
        ("a=b; SameSite=\"Lax\"", None),
        ("a=b; SameSite", None),
    ] {
        assert!(all(line).iter().all(|read| read.same_site == same_site), "{line}");
    }
    assert_eq!(
        cookie(b"a=b; Priority=High; priority=x", CHROMIUM).priority,
        Some(Priority::Medium)
    );
    assert_eq!(cookie(b"a=b; Priority=low", CHROMIUM).priority, Some(Priority::Low));
}

#[test]
fn max_age_is_read_as_each_client_reads_it() {
    let [some, none] = [Some(5), None];
    let past = Some(0);
    for (text, [chromium, firefox, rfc]) in [
        ("5", [some; 3]),
        ("0005", [some; 3]),
        ("0", [past; 3]),
        ("-0", [past; 3]),
        ("-5", [past; 3]),
        ("+5", [some, none, none]),
        ("-", [none, past, none]),
        ("--1", [none, past, none]),
        ("- 1", [none, past, none]),
        ("", [none; 3]),
        ("+", [none; 3]),
        ("5x", [none; 3]),
        ("1.5", [none; 3]),
        ("\"5\"", [none; 3]),
        ("34560000", [Some(34_560_000); 3]),
        ("34560001", [Some(34_560_000); 3]),
        ("99999999999999999999999999999999999", [Some(34_560_000); 3]),
    ] {
        for (profile, expected) in [(CHROMIUM, chromium), (FIREFOX, firefox), (RFC, rfc)] {
            let line = format!("a=b; Max-Age={text}");
            let seconds = cookie(line.as_bytes(), profile).max_age.map(|age| age.as_secs());
            assert_eq!(seconds, expected, "{text} {}", profile.name);
        }
    }
}

#[test]
fn an_end_is_by_max_age_before_expires_and_in_at_most_400_days() {
    let later = |seconds| Expiry::At(UnixTime::from_secs(NOW.as_secs() + seconds));
    for (attributes, expected) in [
        ("", Expiry::Session),
        ("Max-Age=x; Expires=x", Expiry::Session),
        ("Max-Age=5", later(5)),
        ("Max-Age=0; Expires=Fri, 15 Jan 2027 09:00:00 GMT", Expiry::Past),
        ("Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", later(5)),
        ("Max-Age=x; Expires=Fri, 15 Jan 2027 09:00:00 GMT", later(3600)),
        ("Expires=Fri, 15 Jan 2027 08:00:00 GMT", Expiry::Past),
        ("Expires=Fri, 15 Jan 2027 08:00:01 GMT", later(1)),
        ("Expires=Fri, 15 Jan 2030 08:00:00 GMT", later(34_560_000)),
        ("Expires=Mon, 01 Jan 1601 00:00:00 GMT", Expiry::Past),
    ] {
        for profile in Profile::ALL {
            let line = format!("a=b; {attributes}");
            assert_eq!(cookie(line.as_bytes(), profile).expiry(NOW), expected, "{attributes}");
        }
    }
}

#[test]
fn a_pair_has_4096_bytes_and_an_attribute_1024() {
    let line = |name: usize, value: usize| format!("{}={}", "n".repeat(name), "v".repeat(value));
    for profile in Profile::ALL {
        for (name, value) in [(1, 4095), (4096, 0), (2048, 2048)] {
            assert!(parse(line(name, value).as_bytes(), profile).is_ok());
            let ignored = parse(line(name, value + 1).as_bytes(), profile).err();
            assert_eq!(ignored, Some(Ignored::PairTooLong { length: 4097 }));
        }
        for (length, kept) in [(1024, true), (1025, false)] {
            let path = format!("/{}", "x".repeat(length - 1));
            let line = format!("a=b; Path=/old; Path={path}; Secure={path}");
            let read = cookie(line.as_bytes(), profile);
            let expected = if kept { path.as_bytes() } else { b"/old" };
            assert_eq!(read.path, Some(expected));
            assert_eq!(read.secure, kept || profile.keeps_long_flags);
        }
    }
}

#[test]
fn rules_about_the_cookie_alone_are_those_of_6265bis_section_5_7() {
    use Ignored::{NamelessPrefix, PartitionedNeedsSecure, PrefixRule, SameSiteNoneNeedsSecure};
    let rule = |prefix, needs| Err(PrefixRule { prefix, needs });
    for (line, path, host_only, expected) in [
        ("a=b", "/x", false, Ok(())),
        ("a=b; SameSite=None", "/", true, Err(SameSiteNoneNeedsSecure)),
        ("a=b; SameSite=None; Secure", "/", true, Ok(())),
        ("a=b; Partitioned", "/", true, Err(PartitionedNeedsSecure)),
        ("__secure-a=b", "/", true, rule(NamePrefix::Secure, "Secure")),
        ("__Secure-a=b; Secure", "/x", false, Ok(())),
        ("__HOST-a=b; Secure", "/x", true, rule(NamePrefix::Host, "Path=/")),
        ("__Host-a=b; Secure", "/", false, rule(NamePrefix::Host, "no Domain")),
        ("__Host-a=b; Secure", "/", true, Ok(())),
        ("__Http-a=b; Secure", "/", true, rule(NamePrefix::Http, "HttpOnly")),
        ("__Host-Http-a=b; Secure", "/", true, rule(NamePrefix::HostHttp, "HttpOnly")),
        ("__host-http-a=b; Secure; HttpOnly", "/", true, Ok(())),
        ("=__HOST-a", "/", true, Err(NamelessPrefix { prefix: NamePrefix::Host })),
        ("__Secure-a", "/", true, Err(NamelessPrefix { prefix: NamePrefix::Secure })),
    ] {
        let checked = cookie(line.as_bytes(), RFC).check(path.as_bytes(), host_only);
        assert_eq!(checked, expected, "{line}");
    }
}

#[test]
fn a_value_shows_neither_in_debug_nor_in_a_reason() {
    assert_eq!(
        format!("{:?}", cookie(b"sid=SECRET; Path=/", CHROMIUM)),
        r#"ParsedCookie { name: "sid", .. }"#
    );
    for line in ["sid=SECRET\x01", "=SECRET=SECRET", "sid=SEC\tRET", "sid=SECRET\x7F"] {
        let ignored = parse(line.as_bytes(), CHROMIUM).expect_err("dropped");
        let told = format!("{ignored} {ignored:?} {} {}", ignored.section(), ignored.advice());
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[test]
fn nothing_is_allocated_for_what_needs_no_replacement() {
    let line =
        b"a=b\xC3\xA9; Path=/; Expires=Fri, 15 Jan 2027 09:00:00 GMT; Domain=a.example; Secure";
    for profile in Profile::ALL {
        let read = cookie(line, profile);
        assert!(matches!((read.name, read.value), (Cow::Borrowed(_), Cow::Borrowed(_))));
    }
    let replaced = matches!(cookie(b"a=\xFF", FIREFOX).value, Cow::Owned(_));
    assert!(replaced);
}

/// Tornado CVE-2024-52804 and CPython CVE-2024-7592 are about the other header, but the same kind.
#[test]
fn work_is_linear_in_the_bytes_of_the_line() {
    for pattern in
        ["; ", ";=", "=", " ", "\t ", "a", "; Path=/", ";a=b", "; Expires=1 Jan 27", "\"\\"]
    {
        let line = |length: usize| {
            b"a=b;".iter().copied().chain(pattern.bytes().cycle().take(length)).collect::<Vec<u8>>()
        };
        let (short, long) = (line(64 * 1024), line(128 * 1024));
        for profile in Profile::ALL {
            let work = |line: &[u8]| steps::of(|| drop(parse(line, profile)));
            let (once, twice) = (work(&short), work(&long));
            assert!(twice <= 2 * once + 64, "{pattern}: {once} steps, then {twice}");
            assert!(once <= 8 * short.len(), "{pattern}: {once} steps");
        }
    }
}

#[test]
fn ten_megabytes_are_read_to_their_end() {
    let huge = "x".repeat(10 << 20);
    for profile in Profile::ALL {
        let length = huge.len() + 1;
        let ignored = parse(format!("a={huge}").as_bytes(), profile).err();
        assert_eq!(ignored, Some(Ignored::PairTooLong { length }));
        let line = format!("a=b; {huge}; x={huge}; Path={huge}; Secure");
        let read = cookie(line.as_bytes(), profile);
        assert_eq!((read.path, read.secure), (None, true));
        let many = format!("a=b{}; HttpOnly", "; Path=/x".repeat(1 << 20));
        let read = cookie(many.as_bytes(), profile);
        assert_eq!((read.path, read.http_only), (Some(&b"/x"[..]), true));
    }
}

/// The parser once more, in the plainest way; for what it reads alike in every profile.
fn plain_attributes(line: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let trim = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        text.trim_matches([' ', '\t']).as_bytes().to_vec()
    };
    let pieces = line.split(|&byte| byte == b';').skip(1);
    pieces
        .map(|piece| match piece.iter().position(|&byte| byte == b'=') {
            Some(at) => (trim(&piece[..at]).to_ascii_lowercase(), trim(&piece[at + 1..])),
            None => (trim(piece).to_ascii_lowercase(), Vec::new()),
        })
        .collect()
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_dropped(line in prop::collection::vec(any::<u8>(), 0..300)) {
        for profile in Profile::ALL {
            let _ = parse(&line, profile);
        }
    }

    #[test]
    fn attributes_are_found_wherever_they_stand(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "Path", "=", ";", "/", "/a", " ", "Domain", "x", "example.com", "Secure", "HttpOnly", ";Path=/", "; secure",
            "SameSite=Lax;", "0123456789012345678901234567890123456789", "=;", " = ",
        ]),
        0..24,
    )) {
        let line = format!("a=b;{}", pieces.concat());
        let plain = plain_attributes(line.as_bytes());
        let last = |name: &str| plain.iter().rev().find(|found| found.0 == name.as_bytes());
        let value = |name| last(name).map(|found| found.1.as_slice());
        for profile in Profile::ALL {
            let read = cookie(line.as_bytes(), profile);
            prop_assert_eq!(read.path, value("path"), "{}", line);
            prop_assert_eq!(read.domain, value("domain"));
            prop_assert_eq!(read.secure, last("secure").is_some());
            prop_assert_eq!(read.http_only, last("httponly").is_some());
            prop_assert_eq!(read.same_site.is_some(), value("samesite").is_some_and(|word| word == b"Lax"));
        }
    }

    #[test]
    fn what_we_write_every_client_reads_back(
        name in "(__Host-|__Secure-|__Http-)?[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}",
        value in "[!#-+\\--:<-\\[\\]-~]{0,40}",
        domain in prop::option::of("[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,3}"),
        path in prop::option::of("/[!#-+\\--:<-\\[\\]-~]{0,20}"),
        max_age in prop::option::of(0..u64::MAX),
        expires in prop::option::of(any::<u64>()),
        same_site in prop::sample::select(vec![SameSite::Strict, SameSite::Lax, SameSite::None]),
        weak in any::<[bool; 3]>(),
    ) {
        let [partitioned, script, plain] = weak;
        let mut builder = SetCookie::builder(&name, &value).same_site(same_site);
        if let Some(domain) = &domain { builder = builder.domain(domain); }
        if let Some(path) = &path { builder = builder.path(path); }
        if let Some(seconds) = max_age { builder = builder.max_age(Duration::from_secs(seconds)); }
        if let Some(millis) = expires { builder = builder.expires(UnixTime::from_millis(millis), NOW); }
        if partitioned { builder = builder.partitioned(); }
        if script { builder = builder.readable_by_scripts(); }
        if plain { builder = builder.danger_sent_over_plain_http(); }
        let Ok(written) = builder.build() else { return Ok(()) };
        let header = written.to_header_value();

        for profile in Profile::ALL {
            let read = cookie(header.as_bytes(), profile);
            prop_assert_eq!((&*read.name, &*read.value), (name.as_bytes(), value.as_bytes()));
            prop_assert_eq!(read.domain, domain.as_deref().map(str::as_bytes));
            prop_assert_eq!(read.path, Some(path.as_deref().unwrap_or("/").as_bytes()));
            prop_assert_eq!(read.max_age.map(|age| age.as_secs()), max_age.map(|age| age.min(34_560_000)));
            let at = |millis: u64| UnixTime::from_secs(millis.min(NOW.as_millis() + 34_560_000_000) / 1000);
            prop_assert_eq!(read.expires, expires.map(at));
            prop_assert_eq!((read.secure, read.http_only), (!plain, !script));
            prop_assert_eq!((read.same_site, read.partitioned), (Some(same_site), partitioned));
            prop_assert_eq!(read.check(path.as_deref().unwrap_or("/").as_bytes(), domain.is_none()), Ok(()));
        }
    }
}

/// A second space, another casing or a missing one sends a name the long way.
#[test]
fn names_in_their_usual_spelling_are_read_as_in_any_other() {
    for name in AttributeName::ALL {
        for rest in
            ["=/x", "=Lax", "=0", "=High", "=Sun, 06 Nov 1994 08:49:37 GMT", "=", ";", " =/x", ""]
        {
            for more in ["", "; Secure; Path=/last", ";Secure"] {
                let written = |space: &str, name: &str| format!("a=b;{space}{name}{rest}{more}");
                let usual = written(" ", name.as_str());
                let read = parse(usual.as_bytes(), &Profile::CHROMIUM);
                for other in [
                    written("  ", name.as_str()),
                    written("", name.as_str()),
                    written(" ", &name.as_str().to_uppercase()),
                ] {
                    assert_eq!(
                        parse(other.as_bytes(), &Profile::CHROMIUM),
                        read,
                        "{usual} {other}"
                    );
                }
            }
        }
    }
    assert_eq!(named("a=b; Secured; Pathx=/; HttpOnlyy; Expiress=0"), None);
}

/// Which attribute of a line is known first.
fn named(line: &str) -> Option<AttributeName> {
    Pieces::of(line.as_bytes()).skip(1).find_map(|piece| piece.attribute())
}
