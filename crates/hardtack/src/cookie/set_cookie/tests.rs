use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cookie::{
    BuildError, CookiePart, CookieSpec, MAX_LIFETIME, MAX_PAIR_BYTES, NamePrefix, SameSite, date,
};
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn text(cookie: &SetCookie<'_>) -> String {
    cookie.to_header_value().to_str().expect("ASCII").to_owned()
}

fn spec_text(header: &HeaderValue) -> &str {
    header.to_str().expect("ASCII")
}

#[test]
fn safe_attributes_are_the_default() {
    let cookie = SetCookie::builder("sid", "v").build().expect("valid");
    assert_eq!(text(&cookie), "sid=v; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!((cookie.name(), cookie.value()), ("sid", "v"));
}

#[test]
fn every_attribute_is_written() {
    let cookie = SetCookie::builder("sid", "v")
        .expires(UnixTime::from_secs(1_800_086_400), NOW)
        .max_age(DAY)
        .domain("example.com")
        .path("/app")
        .same_site(SameSite::None)
        .partitioned()
        .build()
        .expect("valid");
    assert_eq!(
        text(&cookie),
        "sid=v; Expires=Sat, 16 Jan 2027 08:00:00 GMT; Max-Age=86400; Domain=example.com; \
         Path=/app; Secure; HttpOnly; SameSite=None; Partitioned"
    );
    let plain = SetCookie::builder("theme", "")
        .same_site(SameSite::Strict)
        .readable_by_scripts()
        .danger_sent_over_plain_http();
    assert_eq!(text(&plain.build().expect("valid")), "theme=; Path=/; SameSite=Strict");
}

/// cookie-rs writes whatever it is given: `Cookie::new("a", "b; Domain=evil.com\r\nX: y")` becomes an attribute and a
/// header, or the http layer drops the whole header without a word. jshttp/cookie CVE-2024-47764 is the same.
#[test]
fn nothing_can_be_injected() {
    let forbidden = |part, byte, position| BuildError::ForbiddenByte { part, byte, position };
    for (builder, error) in [
        (
            SetCookie::builder("a", "b; Domain=evil.com\r\nX: y"),
            forbidden(CookiePart::Value, b';', 1),
        ),
        (SetCookie::builder("a=x; HttpOnly", "b"), forbidden(CookiePart::Name, b'=', 1)),
        (SetCookie::builder("a", "b\r\nSet-Cookie: c"), forbidden(CookiePart::Value, b'\r', 1)),
        (
            SetCookie::builder("a", "b").path("/; Domain=evil.com"),
            forbidden(CookiePart::Path, b';', 1),
        ),
        (
            SetCookie::builder("a", "b").domain("e.com; Path=/"),
            forbidden(CookiePart::Domain, b';', 5),
        ),
    ] {
        assert_eq!(builder.build().err(), Some(error));
    }
}

#[test]
fn every_byte_that_is_read_differently_somewhere_is_refused_in_every_part() {
    // 6265bis section 4.1.1 (token, cookie-octet), RFC 1034 section 3.5 (subdomain).
    let ascii = (0x00..=0x1f).chain([0x7f]).chain(*b";, \"\\").map(char::from);
    for bad in ascii.chain(['\u{80}', '\u{a0}', 'é', '\u{2000}', '\u{1f36a}']) {
        let byte = bad.to_string().as_bytes()[0];
        for (text, position) in
            [(format!("{bad}xy"), 0), (format!("x{bad}y"), 1), (format!("xy{bad}"), 2)]
        {
            let path = format!("/{text}");
            let cookie = || SetCookie::builder("n", "v");
            for (result, part, position) in [
                (SetCookie::builder(&text, "v").build(), CookiePart::Name, position),
                (SetCookie::builder("n", &text).build(), CookiePart::Value, position),
                (cookie().path(&path).build(), CookiePart::Path, position + 1),
                (cookie().domain(&text).build(), CookiePart::Domain, position),
            ] {
                let expected = BuildError::ForbiddenByte { part, byte, position };
                assert_eq!(result.err(), Some(expected), "{text:?}");
            }
            let spec = CookieSpec::builder("n").build().expect("valid");
            assert_eq!(
                spec.set(&text, None, NOW).err(),
                Some(BuildError::ForbiddenByte { part: CookiePart::Value, byte, position })
            );
        }
    }
}

#[test]
fn names_are_tokens_of_rfc_9110_section_5_6_2() {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for byte in 0..0x80_u8 {
        let name = char::from(byte).to_string();
        assert_eq!(SetCookie::builder(name, "v").build().is_ok(), allowed(byte), "0x{byte:02X}");
    }
    assert_eq!(SetCookie::builder("", "v").build().err(), Some(BuildError::EmptyName));
    assert_eq!(CookieSpec::builder("").build().err(), Some(BuildError::EmptyName));
}

#[test]
fn values_are_cookie_octets_of_6265bis_section_4_1_1() {
    let allowed =
        |byte| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    for byte in 0..0x80_u8 {
        let value = char::from(byte).to_string();
        assert_eq!(SetCookie::builder("n", value).build().is_ok(), allowed(byte), "0x{byte:02X}");
    }
}

#[test]
fn paths_and_domains_that_browsers_would_replace_or_refuse_are_refused() {
    let label = "x".repeat(63);
    let long_domain = [&*label; 4].join(".");
    let path = |path: &str| SetCookie::builder("n", "v").path(path.to_owned()).build().err();
    let domain = |name: &str| SetCookie::builder("n", "v").domain(name.to_owned()).build().err();
    let too_long = |part, length, limit| Some(BuildError::TooLong { part, length, limit });
    let empty_label = |position| Some(BuildError::EmptyDomainLabel { position });

    // 6265bis section 5.6.4: anything else becomes the default path.
    for relative in ["", "app", "app/"] {
        assert_eq!(path(relative), Some(BuildError::RelativePath));
    }
    // 6265bis section 5.6: an attribute over 1024 bytes is ignored.
    assert_eq!(path(&format!("/{}", "p".repeat(1023))), None);
    assert_eq!(path(&format!("/{}", "p".repeat(1024))), too_long(CookiePart::Path, 1025, 1024));

    for good in
        ["example.com", "localhost", "a.b-c.d_e.example", "127.0.0.1", "xn--bcher-kva.example"]
    {
        assert_eq!(domain(good), None);
    }
    for (bad, position) in
        [("", 0), (".", 0), (".example.com", 0), ("example.com.", 12), ("example..com", 8)]
    {
        assert_eq!(domain(bad), empty_label(position), "{bad:?}");
    }
    // RFC 1035 section 2.3.4.
    assert_eq!(domain(&long_domain[..253]), None);
    assert_eq!(domain(&long_domain[..254]), too_long(CookiePart::Domain, 254, 253));
    assert_eq!(domain(&label), None);
    assert_eq!(domain(&format!("{label}x.com")), too_long(CookiePart::DomainLabel, 64, 63));
}

#[test]
fn name_and_value_have_4096_bytes_together_and_not_one_more() {
    // ASVS 3.3.5; Chromium drops 4097 and does not count the equals sign.
    let fits = "v".repeat(MAX_PAIR_BYTES - 4);
    let over = format!("{fits}v");
    let error = BuildError::TooLong { part: CookiePart::Pair, length: 4097, limit: 4096 };
    assert!(SetCookie::builder("name", &fits).build().is_ok());
    assert_eq!(SetCookie::builder("name", &over).build().err(), Some(error.clone()));

    let spec = CookieSpec::builder("name").build().expect("valid");
    assert!(spec.set(&fits, None, NOW).is_ok());
    assert_eq!(spec.set(&over, None, NOW).err(), Some(error.clone()));
    assert!(CookieSpec::builder("n".repeat(4096)).build().is_ok());
    assert_eq!(CookieSpec::builder("n".repeat(4097)).build().err(), Some(error));
}

/// 6265bis section 5.7 and Chromium: any casing counts, so that a server which ignores case is safe too.
#[test]
fn a_prefix_in_any_casing_gets_what_it_promises_or_nothing() {
    use NamePrefix::{Host, HostHttp, Http, Secure};
    for (prefix, names) in [
        (Secure, ["__Secure-x", "__secure-x", "__SECURE-", "__sEcUrE-__Host-"]),
        (Host, ["__Host-x", "__host-x", "__HOST-", "__Host-Htt-p"]),
        (Http, ["__Http-x", "__http-x", "__HTTP-", "__Http-Host-"]),
        (HostHttp, ["__Host-Http-x", "__host-http-x", "__HOST-HTTP-", "__hOST-hTTP-y"]),
    ] {
        for name in names {
            let cookie = || SetCookie::builder(name, "v");
            let needs = |needs| Some(BuildError::PrefixRule { prefix, needs });
            let only_if = |rule: bool, error| if rule { error } else { None };
            assert_eq!(NamePrefix::of(name.as_bytes()), Some(prefix));
            for (builder, error) in [
                (cookie(), None),
                (cookie().danger_sent_over_plain_http(), needs("Secure")),
                (cookie().readable_by_scripts(), only_if(prefix.is_http_only(), needs("HttpOnly"))),
                (cookie().path("/app"), only_if(prefix.is_host_only(), needs("Path=/"))),
                (cookie().domain("a.example"), only_if(prefix.is_host_only(), needs("no Domain"))),
            ] {
                assert_eq!(builder.build().err(), error, "{name}");
            }
            let spec = CookieSpec::builder(name).danger_sent_over_plain_http().build();
            assert_eq!(spec.err(), needs("Secure"));
        }
    }
    for name in ["", "x", "__Host", "_Host-x", "x__Host-", "__Hosts-x", "__%48ost-x", "..Host-x"] {
        assert_eq!(NamePrefix::of(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn same_site_none_and_partitioned_need_secure() {
    let open = || SetCookie::builder("n", "v").danger_sent_over_plain_http();
    let none = open().same_site(SameSite::None).build();
    assert_eq!(none.err(), Some(BuildError::SameSiteNoneNeedsSecure));
    assert_eq!(open().partitioned().build().err(), Some(BuildError::PartitionedNeedsSecure));
    assert!(open().build().is_ok());
}

#[test]
fn a_lifetime_is_whole_seconds_rounded_up_and_at_most_400_days() {
    // 6265bis section 5.5.
    for (lifetime, seconds) in [
        (Duration::ZERO, 0),
        (Duration::from_nanos(1), 1),
        (Duration::from_millis(1001), 2),
        (DAY, 86_400),
        (MAX_LIFETIME - Duration::from_nanos(1), 34_560_000),
        (MAX_LIFETIME, 34_560_000),
        (MAX_LIFETIME + Duration::from_nanos(1), 34_560_000),
        (Duration::MAX, 34_560_000),
    ] {
        let cookie = SetCookie::builder("n", "v").max_age(lifetime).build().expect("valid");
        assert!(
            text(&cookie).starts_with(&format!("n=v; Max-Age={seconds}; Path")),
            "{lifetime:?}"
        );

        let spec = CookieSpec::builder("n").build().expect("valid");
        let until = date::imf_fixdate(UnixTime::from_secs(NOW.as_secs() + seconds));
        let until = std::str::from_utf8(&until).expect("ASCII");
        assert_eq!(
            spec_text(&spec.set("v", Some(lifetime), NOW).expect("valid")),
            format!(
                "n=v; Expires={until}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Lax"
            )
        );
    }
}

#[test]
fn expires_is_at_most_400_days_from_now() {
    let limit = NOW.as_secs() + 34_560_000;
    for (at, written) in [(0, 0), (limit - 1, limit - 1), (limit, limit), (u64::MAX, limit)] {
        let cookie = SetCookie::builder("n", "v").expires(UnixTime::from_secs(at), NOW);
        let date = date::imf_fixdate(UnixTime::from_secs(written));
        let date = std::str::from_utf8(&date).expect("ASCII");
        let cookie = text(&cookie.build().expect("valid"));
        assert_eq!(cookie, format!("n=v; Expires={date}; Path=/; Secure; HttpOnly; SameSite=Lax"));
    }
    let latest = UnixTime::from_millis(u64::MAX);
    let cookie = SetCookie::builder("n", "v").expires(latest, latest).build().expect("valid");
    assert!(text(&cookie).contains("Expires=Fri, 31 Dec 9999 23:59:59 GMT;"));
}

/// Several session crates logged nobody out, as their removal cookie left out the Path, Domain or Secure of
/// the cookie it was to remove.
#[test]
fn a_removal_has_every_attribute_of_what_it_removes() {
    const GONE: &str = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
    let cookie = SetCookie::builder("sid", "SECRET")
        .max_age(DAY)
        .domain("example.com")
        .path("/app")
        .same_site(SameSite::None)
        .partitioned();
    let removal = cookie.build().expect("valid").removal();
    let attributes = "Domain=example.com; Path=/app; Secure; HttpOnly; SameSite=None; Partitioned";
    assert_eq!(text(&removal), format!("sid=; {GONE}; {attributes}"));

    let spec = CookieSpec::builder("sid")
        .domain("example.com")
        .path("/app")
        .same_site(SameSite::None)
        .partitioned();
    assert_eq!(spec_text(&spec.build().expect("valid").removal()), text(&removal));

    let plain = CookieSpec::builder("theme").readable_by_scripts().danger_sent_over_plain_http();
    assert_eq!(
        spec_text(&plain.build().expect("valid").removal()),
        format!("theme=; {GONE}; Path=/; SameSite=Lax")
    );
    let host = CookieSpec::builder("__Host-Http-sid").build().expect("valid");
    assert_eq!(
        spec_text(&host.removal()),
        format!("__Host-Http-sid=; {GONE}; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
}

#[test]
fn a_value_shows_neither_in_debug_nor_in_an_error() {
    let builder = SetCookie::builder("sid", "SECRET");
    assert_eq!(format!("{builder:?}"), "CookieBuilder");
    let cookie = builder.build().expect("valid");
    assert_eq!(format!("{cookie:?}"), r#"SetCookie { name: "sid", .. }"#);
    assert!(cookie.to_header_value().is_sensitive());
    let spec = CookieSpec::builder("sid").build().expect("valid");
    assert!(spec.set("SECRET", None, NOW).expect("valid").is_sensitive());
    assert!(spec.removal().is_sensitive());

    for bad in ["SECRET;".to_owned(), "SECRET".repeat(1000)] {
        let error = SetCookie::builder("sid", bad).build().expect_err("invalid");
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }
}

#[test]
fn errors_tell_the_byte_the_place_and_the_limit() {
    for (result, message) in [
        (
            SetCookie::builder("a", "x;").build(),
            "the value of the cookie has the byte 0x3B at position 1; a value takes visible ASCII \
             without quotes, commas, semicolons and backslashes, so encode anything else, for \
             example as base64url",
        ),
        (
            SetCookie::builder("a", "x".repeat(5000)).build(),
            "the name and value of a cookie can have at most 4096 bytes, so shorten it from 5001",
        ),
        (
            SetCookie::builder("__Host-a", "x").path("/app").build(),
            "browsers drop a cookie whose name starts with __Host- unless it has Path=/; change \
             the attribute or the name",
        ),
        (
            SetCookie::builder("a", "x").domain(".example.com").build(),
            "the domain of the cookie has an empty label at position 0; write it without a dot at \
             either end, as in example.com",
        ),
    ] {
        assert_eq!(result.expect_err("invalid").to_string(), message);
    }
}

/// What a browser stores of a `Set-Cookie` header, 6265bis section 5.6: split and trim, no more.
#[derive(Debug, Default, PartialEq)]
struct Stored {
    name: String,
    value: String,
    attributes: Vec<(String, String)>,
}

impl Stored {
    fn read(header: &str) -> Stored {
        let split = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.trim_matches([' ', '\t']).to_owned(), value.trim_matches([' ', '\t']).to_owned())
        };
        let mut pieces = header.split(';');
        let (name, value) = split(pieces.next().unwrap_or_default());
        Stored { name, value, attributes: pieces.map(split).collect() }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter().filter(|attribute| attribute.0 == name);
        let value = found.next().map(|attribute| attribute.1.as_str());
        assert_eq!(found.next(), None, "{name} is written at most once");
        value
    }
}

/// Text of which some is valid and some is not.
fn mixed(valid: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![8 => valid, 1 => ".{0,8}", 1 => "[ -~]{0,8}"]
}

fn names() -> impl Strategy<Value = String> {
    let prefix = prop::sample::select(vec![
        "",
        "",
        "",
        "__Host-",
        "__host-",
        "__Secure-",
        "__Http-",
        "__HTTP-",
        "__Host-Http-",
    ]);
    (prefix, mixed("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}"))
        .prop_map(|(prefix, rest)| prefix.to_owned() + &rest)
}

proptest! {
    #[test]
    fn what_build_accepts_a_browser_reads_back_exactly(
        name in names(),
        value in mixed("[!#-+\\--:<-\\[\\]-~]{0,40}"),
        domain in prop::option::of(mixed("[a-zA-Z0-9]{1,5}(\\.[a-z0-9-]{1,5}){0,3}")),
        path in prop::option::of(mixed("/[!#-+\\--:<-\\[\\]-~]{0,20}")),
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
        let Ok(cookie) = builder.build() else { return Ok(()) };

        let header = text(&cookie);
        let stored = Stored::read(&header);
        prop_assert_eq!((&stored.name, &stored.value), (&name, &value));
        prop_assert_eq!(stored.attribute("Domain"), domain.as_deref());
        prop_assert_eq!(stored.attribute("Path"), Some(path.as_deref().unwrap_or("/")));
        prop_assert_eq!(stored.attribute("Secure"), (!plain).then_some(""));
        prop_assert_eq!(stored.attribute("HttpOnly"), (!script).then_some(""));
        prop_assert_eq!(stored.attribute("Partitioned"), partitioned.then_some(""));
        prop_assert_eq!(stored.attribute("SameSite"), Some(&*format!("{same_site:?}")));
        let max_age = max_age.map(|seconds| seconds.min(34_560_000).to_string());
        prop_assert_eq!(stored.attribute("Max-Age"), max_age.as_deref());
        let expires = expires.map(|millis| {
            let at = UnixTime::from_millis(millis.min(NOW.as_millis() + 34_560_000_000));
            String::from_utf8(date::imf_fixdate(at).to_vec()).expect("ASCII")
        });
        prop_assert_eq!(stored.attribute("Expires"), expires.as_deref());
        let known = ["Expires", "Max-Age", "Domain", "Path", "Secure", "HttpOnly", "SameSite", "Partitioned"];
        prop_assert!(stored.attributes.iter().all(|attribute| known.contains(&&*attribute.0)));

        // The prefix promises, read off the header alone.
        let lower = name.to_ascii_lowercase();
        let promised = |prefix: &str| lower.starts_with(prefix);
        prop_assert!(!lower.starts_with("__secure-") || !plain);
        prop_assert!(!promised("__http-") && !promised("__host-http-") || !plain && !script);
        prop_assert!(!promised("__host-") || !plain && domain.is_none() && header.contains("; Path=/;"));

        // One buffer, reserved to the byte, and the same bytes by every way.
        prop_assert_eq!(cookie.encoded_len(), header.len());
        let mut buffer = b"Set-Cookie: ".to_vec();
        cookie.write_to(&mut buffer);
        prop_assert_eq!(&buffer[12..], header.as_bytes());
        prop_assert_eq!(cookie.removal().encoded_len(), text(&cookie.removal()).len());

        // And the way back: the browser sends the pair, the server finds it.
        let sent = format!("a=1; {name}={value}; z=2");
        prop_assert!(crate::cookie::find(sent.as_bytes(), name.as_bytes()).any(|found| found == value.as_bytes()));
    }
}
