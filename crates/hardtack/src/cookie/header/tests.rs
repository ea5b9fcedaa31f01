use proptest::prelude::*;

use super::*;
use crate::cookie::split::steps::of as steps_of;

fn pairs(header: &[u8]) -> Vec<(&[u8], &[u8])> {
    CookieHeader::new(header).map(|pair| (pair.name, pair.value)).collect()
}

fn values<'a>(header: &'a [u8], name: &[u8]) -> Vec<&'a [u8]> {
    find(header, name).collect()
}

/// The same rules, said once more in the plainest way.
fn plain_pairs(header: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    fn trim(text: &[u8]) -> Vec<u8> {
        let blank = |byte: &u8| [b' ', b'\t'].contains(byte);
        let kept = text.iter().copied().skip_while(blank).collect::<Vec<u8>>();
        let mut reversed = kept.into_iter().rev().skip_while(blank).collect::<Vec<u8>>();
        reversed.reverse();
        reversed
    }
    header
        .split(|&byte| byte == b';')
        .filter(|piece| !trim(piece).is_empty())
        .map(|piece| match piece.iter().position(|&byte| byte == b'=') {
            Some(at) => (trim(&piece[..at]), trim(&piece[at + 1..])),
            None => (Vec::new(), trim(piece)),
        })
        .collect()
}

#[test]
fn a_header_splits_at_semicolons_and_each_piece_at_its_first_equals_sign() {
    type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];
    let table: &[(&[u8], Pairs<'_>)] = &[
        (b"", &[]),
        (b";; ;\t;", &[]),
        (b"a=1", &[(b"a", b"1")]),
        (b"a=1; b=2", &[(b"a", b"1"), (b"b", b"2")]),
        (b"a=1;b=2;", &[(b"a", b"1"), (b"b", b"2")]),
        (b"a=b=c==", &[(b"a", b"b=c==")]),
        (b" \ta\t=\t1 ; b = 2 3 \t", &[(b"a", b"1"), (b"b", b"2 3")]),
        (b"a=", &[(b"a", b"")]),
        // Nameless cookies, as Chromium sends them.
        (b"abc", &[(b"", b"abc")]),
        (b"=abc", &[(b"", b"abc")]),
        (b"=", &[(b"", b"")]),
        (b"=a=b", &[(b"", b"a=b")]),
        // Neither comma nor line end separates.
        (b"a=1,b=2", &[(b"a", b"1,b=2")]),
        (b"a=1\r\nb=2\0", &[(b"a", b"1\r\nb=2\0")]),
        (b"d=a; d=b", &[(b"d", b"a"), (b"d", b"b")]),
    ];
    for (header, expected) in table {
        assert_eq!(pairs(header), *expected, "{:?}", header.escape_ascii().to_string());
    }
}

#[test]
fn all_cookie_headers_of_a_request_are_read_in_order() {
    let mut headers = HeaderMap::new();
    headers.append("cookie", HeaderValue::from_static("a=1; b=2"));
    headers.append("accept", HeaderValue::from_static("sid=not-a-cookie"));
    headers.append("cookie", HeaderValue::from_static(""));
    headers.append("cookie", HeaderValue::from_static(" ; "));
    headers.append("cookie", HeaderValue::from_bytes(b"a=\xff").expect("allowed by http"));
    let all = CookieHeader::from_headers(&headers).map(|pair| (pair.name, pair.value));
    assert!(all.eq([(&b"a"[..], &b"1"[..]), (b"b", b"2"), (b"a", b"\xff")]));
    assert!(CookieHeader::from_headers(&headers).values_of(b"a").eq([&b"1"[..], b"\xff"]));
    assert_eq!(CookieHeader::from_headers(&HeaderMap::new()).count(), 0);
}

/// A sibling host tossed `sid=attacker` for the whole domain with a longer path, so it comes first.
#[test]
fn every_value_of_a_name_is_told_so_that_a_tossed_cookie_is_seen() {
    assert_eq!(values(b"sid=attacker; x=1; sid=own", b"sid"), [&b"attacker"[..], b"own"]);
    assert_eq!(values(b"sid=a; SID=b; sid2=c; si=d; xsid=e", b"sid"), [b"a"]);
    assert_eq!(values(b"__host-sid=evil; __HOST-sid=evil", b"__Host-sid"), [b""; 0]);
}

/// Werkzeug CVE-2023-23934: `=__Host-sid=evil`, which sibling hosts can set, was read as `__Host-sid`.
#[test]
fn a_nameless_cookie_never_has_the_name_in_its_value() {
    assert_eq!(pairs(b"=__Host-sid=evil"), [(&b""[..], &b"__Host-sid=evil"[..])]);
    for header in
        [&b"=__Host-sid=evil"[..], b" = __Host-sid=evil", b"__Host-sid", b"==__Host-sid=x"]
    {
        assert_eq!(values(header, b"__Host-sid"), [b""; 0]);
    }
    assert_eq!(values(b"abc; =def; g=h", b""), [&b"abc"[..], b"def"]);
}

/// Jetty CVE-2023-26049: between two quotes other cookies, HttpOnly ones too, became part of a value that a
/// page then showed.
#[test]
fn quotes_and_dollar_names_mean_nothing() {
    assert_eq!(
        pairs(br#"$Version=1; a="x; __Host-sid=SECRET; b=y"; $Path="/""#),
        [
            (&b"$Version"[..], &b"1"[..]),
            (b"a", b"\"x"),
            (b"__Host-sid", b"SECRET"),
            (b"b", b"y\""),
            (b"$Path", b"\"/\""),
        ]
    );
    assert_eq!(pairs(br#"a="\073\";b=1""#), [(&b"a"[..], &br#""\073\""#[..]), (b"b", b"1\"")]);
}

/// "Cookie Chaos": servers that trimmed white space beyond ASCII took a cookie which any sibling host
/// may set for one with a prefix.
#[test]
fn unicode_white_space_is_part_of_the_name() {
    for space in
        [&b"\xe2\x80\x80"[..], b"\xc2\x85", b"\xc2\xa0", b"\x85", b"\xa0", b"\x0b", b"\x0c"]
    {
        let before = [space, b"__Host-sid=evil"].concat();
        let after = [b"__Host-sid", space, b"=evil"].concat();
        assert_eq!(pairs(&before), [(&[space, b"__Host-sid"].concat()[..], &b"evil"[..])]);
        assert_eq!(values(&before, b"__Host-sid"), [b""; 0]);
        assert_eq!(values(&after, b"__Host-sid"), [b""; 0]);
    }
}

/// PHP CVE-2020-7070 and CVE-2022-31629: decoded or mangled names turned into prefixed ones.
#[test]
fn names_are_neither_decoded_nor_mangled() {
    for name in ["__%48ost-sid", "_%5FHost-sid", "..Host-sid", "_ [Host-sid", "__Host.sid"] {
        let header = format!("{name}=ev%69l");
        assert_eq!(pairs(header.as_bytes()), [(name.as_bytes(), &b"ev%69l"[..])]);
        assert_eq!(values(header.as_bytes(), b"__Host-sid"), [b""; 0]);
    }
}

/// Tornado CVE-2024-52804 and CPython CVE-2024-7592: quadratic time on quotes and backslashes.
#[test]
fn work_is_linear_in_the_bytes_of_the_header() {
    let patterns: [&[u8]; 11] = [
        b";",
        b"=",
        b" ",
        b"\t ",
        b"a",
        b"\\\"",
        b"\"\\073",
        b"; =",
        b"a=\"",
        b"s; si; sid",
        b"sid=v; ",
    ];
    for pattern in patterns {
        let header =
            |length: usize| pattern.iter().copied().cycle().take(length).collect::<Vec<_>>();
        let (short, long) = (header(64 * 1024), header(128 * 1024));
        for work in [
            |header: &[u8]| CookieHeader::new(header).for_each(|_| ()),
            |header: &[u8]| find(header, b"sid").for_each(|_| ()),
        ] {
            let (once, twice) = (steps_of(|| work(&short)), steps_of(|| work(&long)));
            let pattern = pattern.escape_ascii();
            assert!(twice <= 2 * once + 8, "{pattern}: {once} steps, then {twice}");
            assert!(once <= 8 * short.len(), "{pattern}: {once} steps for {} bytes", short.len());
        }
    }
}

#[test]
fn huge_headers_are_read_to_their_end() {
    let many = (0..10_000).map(|i| format!("c{i}=v{i}")).collect::<Vec<_>>().join("; ");
    assert_eq!(CookieHeader::new(many.as_bytes()).count(), 10_000);
    assert_eq!(values(many.as_bytes(), b"c9999"), [b"v9999"]);
    let long = ["a=1; sid=", &"x".repeat(100_000), "; b=2"].concat();
    assert_eq!(values(long.as_bytes(), b"sid"), ["x".repeat(100_000).as_bytes()]);
    assert_eq!(values(long.as_bytes(), b"b"), [b"2"]);
}

#[test]
fn debug_shows_no_bytes_of_a_cookie() {
    let mut header = CookieHeader::new(b"sid=SECRET; SECRET");
    assert_eq!(format!("{header:?}"), "CookieHeader");
    assert_eq!(format!("{:?}", header.next()), "Some(CookiePair)");
    assert_eq!(format!("{:?}", header.values_of(b"sid")), "ValuesOf");
}

/// Mostly the bytes that rules are about, so that short inputs reach all of them.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        6 => prop::sample::select(b";;== \tab\"\\,%".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..64)
}

proptest! {
    #[test]
    fn any_bytes_read_as_the_plain_rules_say(header in header_bytes()) {
        let got = pairs(&header).into_iter();
        let got = got.map(|(name, value)| (name.to_vec(), value.to_vec())).collect::<Vec<_>>();
        prop_assert_eq!(got, plain_pairs(&header));
    }

    #[test]
    fn find_tells_what_a_filter_over_all_pairs_tells(
        header in header_bytes(),
        name in prop::collection::vec(prop::sample::select(b"ab= ;\t".to_vec()), 0..3),
    ) {
        let filtered = plain_pairs(&header).into_iter().filter(|pair| pair.0 == name);
        let filtered = filtered.map(|pair| pair.1).collect::<Vec<_>>();
        prop_assert_eq!(values(&header, &name), filtered);
    }

    #[test]
    fn pairs_borrow_disjoint_stretches_of_the_header_in_order(header in header_bytes()) {
        let mut free_from = header.as_ptr() as usize;
        for (name, value) in pairs(&header) {
            if !name.is_empty() {
                prop_assert!(free_from <= name.as_ptr() as usize);
                free_from = name.as_ptr() as usize + name.len();
            }
            if !value.is_empty() {
                prop_assert!(free_from <= value.as_ptr() as usize);
                free_from = value.as_ptr() as usize + value.len();
            }
        }
        prop_assert!(free_from <= header.as_ptr() as usize + header.len());
    }
}
