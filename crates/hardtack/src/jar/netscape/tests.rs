use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn read_one(line: &[u8]) -> CookieParts {
    let cookies = read(line, NOW).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cookies.len(), 1, "{}", String::from_utf8_lossy(line));
    cookies[0].to_parts()
}

fn written(cookies: &[Cookie]) -> Vec<u8> {
    let mut text = Vec::new();
    write(cookies, &mut text).expect("memory takes it");
    text
}

#[test]
fn every_dialect_is_read() {
    for (line, domain, host_only, expires, name, value) in [
        (
            "a.example\tFALSE\t/\tTRUE\t1900000000\tn\tv\n",
            "a.example",
            true,
            1_900_000_000,
            "n",
            "v",
        ),
        (".a.example\tTRUE\t/\tFALSE\t0\tn\tv", "a.example", false, 0, "n", "v"),
        ("a.example\tTRUE\t/\tFALSE\t0\tn\tv\r\n", "a.example", false, 0, "n", "v"),
        (".a.example\tFALSE\t/\tFALSE\t0\tn\tv\n", "a.example", true, 0, "n", "v"),
        ("#HttpOnly_.A.Example\ttrue\t/\tfalse\t0\tn\tv\n", "a.example", false, 0, "n", "v"),
        ("# HTTP Cookie File\n\nhost:8080\tFALSE\t/\tFALSE\t5\tn\tv\n", "host", true, 5, "n", "v"),
        ("::1\tFALSE\t/\tFALSE\t0\tn\tv\n", "[::1]", true, 0, "n", "v"),
        ("[::1]:81\tFALSE\t/\tFALSE\t0\tn\tv\n", "[::1]", true, 0, "n", "v"),
        ("127.0.0.1\tTRUE\t/\tFALSE\t0\tn\tv\n", "127.0.0.1", true, 0, "n", "v"),
        ("a.example\tFALSE\t/\tFALSE\t\tn\tv\n", "a.example", true, 0, "n", "v"),
        ("a.example\tFALSE\t/\tFALSE\t7.25\tn\tv\n", "a.example", true, 7, "n", "v"),
        ("a.example\tFALSE\t/\tFALSE\t0\tn\n", "a.example", true, 0, "n", ""),
        ("a.example\tFALSE\t/\tFALSE\t0\t\tv\n", "a.example", true, 0, "", "v"),
        ("a.example\tFALSE\t/\tFALSE\t0\tn\ta=\"b\" #c\n", "a.example", true, 0, "n", "a=\"b\" #c"),
    ] {
        let parts = read_one(line.as_bytes());
        assert_eq!((&*parts.domain, parts.host_only), (domain, host_only), "{line}");
        assert_eq!((&*parts.name, &*parts.value), (name.as_bytes(), value.as_bytes()), "{line}");
        assert_eq!(parts.expires.map_or(0, UnixTime::as_secs), expires, "{line}");
        assert_eq!(parts.http_only, line.contains("HttpOnly"), "{line}");
        assert_eq!(parts.secure, line.contains("TRUE\t1900000000"), "{line}");
    }
    let endless = b"a.example\tFALSE\t/\tFALSE\t99999999999999999999999\tn\tv";
    assert_eq!(read_one(endless).expires, Some(LATEST));
}

#[test]
fn what_is_written_is_read_back_byte_for_byte() {
    let text = b"# Netscape HTTP Cookie File\n\n\
        #HttpOnly_.a.example\tTRUE\t/x\tTRUE\t1900000000\tn\tcaf\xe9\n\
        ::1\tFALSE\t/\tFALSE\t0\tn\tv\n\
        a.example\tFALSE\t/\tFALSE\t1\t\tv\n";
    let cookies = read(&text[..], NOW).expect("three cookies");
    assert_eq!(written(&cookies), text);
}

#[test]
fn what_the_format_cannot_hold_is_not_written() {
    let mut parts = CookieParts::new("n", "v", "a.example", NOW);
    parts.partition = super::super::Site::parse("https://b.example")
        .map(|site| super::super::Partition::new(site, false));
    let partitioned = Cookie::from_parts(parts.clone()).expect("a cookie");
    parts.partition = None;
    parts.value = b"a\tb".to_vec();
    let tab = Cookie::from_parts(parts.clone()).expect("a cookie");
    assert!(!holds(&partitioned) && !holds(&tab));
    assert_eq!(written(&[partitioned, tab]), HEADER);

    // One that has ended does not become one of the session.
    parts.value = b"v".to_vec();
    parts.expires = Some(UnixTime::from_millis(3));
    let ended = Cookie::from_parts(parts).expect("a cookie");
    assert!(read(&written(&[ended])[..], NOW).expect("one")[0].is_expired(NOW));
}

#[test]
fn errors_name_the_line_and_not_the_value() {
    let header = "# Netscape HTTP Cookie File\n\n";
    for (line, what) in [
        ("s3cret", "this line has 1"),
        ("a.example\tTRUE\t/\tFALSE\t0", "this line has 5"),
        ("a.example\tTRUE\t/\tFALSE\t0\tn\tv\tx", "this line has 8"),
        ("a b\tTRUE\t/\tFALSE\t0\tn\ts3cret", "the first field"),
        ("a.example\tYES\t/\tFALSE\t0\tn\ts3cret", "the second field"),
        ("a.example\tTRUE\tx\tFALSE\t0\tn\ts3cret", "path does not begin with `/`"),
        ("a.example\tTRUE\t/\tno\t0\tn\ts3cret", "the fourth field"),
        ("a.example\tTRUE\t/\tTRUE\t-1\tn\ts3cret", "the fifth field"),
        ("a.example\tTRUE\t/\tTRUE\t.5\tn\ts3cret", "the fifth field"),
        ("a.example\tTRUE\t/\tTRUE\t0\tn\ts3cret;x", "the cookie's value"),
        ("\0\0\0", "this line has 1"),
        ("Set-Cookie: s3cret=1", "this line has 1"),
    ] {
        let error = read(format!("{header}{line}\n").as_bytes(), NOW).expect_err(line);
        let message = error.to_string();
        assert!(message.starts_with("line 3: ") && message.contains(what), "{line}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
    let zeros = io::BufReader::new(io::repeat(0));
    let message = read(zeros, NOW).expect_err("endless zeros").to_string();
    assert!(message.starts_with("line 1: the line has 4194304 bytes or more"), "{message}");
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        if let Ok(cookies) = read(&bytes[..], NOW) {
            let again = read(&written(&cookies)[..], NOW).expect("what was written");
            proptest::prop_assert_eq!(again.len(), cookies.len());
        }
    }
}
