use proptest::prelude::*;

use super::*;

fn text_of(cookies: &[Cookie]) -> Vec<u8> {
    let mut text = Vec::new();
    write(cookies, &mut text).expect("memory takes it");
    text
}

/// Bytes that a cookie may have, most of them not UTF-8.
fn bytes(first: &'static str) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..12).prop_map(move |mut bytes| {
        bytes.retain(|&b| b == b'\t' || !(b.is_ascii_control() || b == b';' || b == b'='));
        [first.as_bytes(), bytes.trim_ascii()].concat()
    })
}

fn parts() -> impl Strategy<Value = CookieParts> {
    let text = (bytes(""), bytes("v"), bytes("/"));
    let flags = any::<[bool; 6]>();
    let times = any::<[u64; 3]>();
    let more = (0..4u8, 0..3u8, proptest::option::of(0..u64::MAX), 0..3usize);
    (text, flags, times, more).prop_map(|((name, value, path), flags, times, more)| {
        let domain = ["a.example", "xn--bcher-kva.example", "com"][more.3];
        let mut parts = CookieParts::new(name, value, domain, UnixTime::from_millis(times[0]));
        parts.path = path;
        [parts.host_only, parts.secure, parts.http_only, parts.source_secure] =
            [flags[0], flags[1], flags[2], flags[3]];
        parts.changed = UnixTime::from_millis(times[1]);
        parts.last_access = UnixTime::from_millis(times[2]);
        parts.same_site = [None, Some(SameSite::Strict), Some(SameSite::Lax), Some(SameSite::None)]
            [usize::from(more.0)];
        parts.priority = [Priority::Low, Priority::Medium, Priority::High][usize::from(more.1)];
        parts.expires = more.2.map(UnixTime::from_millis);
        parts.partition = flags[4]
            .then(|| Partition::new(Site::parse("https://top.example").expect("a site"), flags[5]));
        parts
    })
}

proptest! {
    #[test]
    fn nothing_is_lost(parts in proptest::collection::vec(parts(), 0..4)) {
        let cookies: Vec<Cookie> =
            parts.iter().cloned().map(|parts| Cookie::from_parts(parts).expect("valid")).collect();
        let text = text_of(&cookies);
        prop_assert!(std::str::from_utf8(&text).is_ok());
        let back = read(&text[..]).expect("what was written");
        prop_assert!(back.iter().map(Cookie::to_parts).eq(parts));
    }

    #[test]
    fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
        prop_assert!(read(&bytes[..]).is_err());
    }
}

fn sample() -> Vec<u8> {
    let mut parts = CookieParts::new("sid", "caf\u{e9}", "shop.example", UnixTime::from_secs(7));
    parts.same_site = Some(SameSite::Lax);
    parts.expires = Some(UnixTime::from_secs(9));
    let utf8 = Cookie::from_parts(parts.clone()).expect("a cookie");
    parts.value = b"caf\xe9".to_vec();
    parts.expires = None;
    let top = Site::parse("https://news.example").expect("a site");
    parts.partition = Some(Partition::new(top, true));
    let latin1 = Cookie::from_parts(parts).expect("a cookie");
    text_of(&[utf8, latin1])
}

#[test]
fn version_1_is_read_and_written_for_ever() {
    assert_eq!(String::from_utf8(sample()).expect("UTF-8"), VERSION_1);
    assert_eq!(read(VERSION_1.as_bytes()).expect("version 1").len(), 2);
}

#[test]
fn every_truncation_is_an_error_with_a_place() {
    let text = sample();
    for end in 0..text.trim_ascii_end().len() {
        let error = read(&text[..end]).expect_err("not whole");
        let message = error.to_string();
        assert!(message.starts_with("line ") && message.contains(", byte "), "{end}: {message}");
    }
}

#[test]
fn what_is_wrong_is_told_without_the_value() {
    for (from, to, what) in [
        ("\"version\":1", "\"version\":2", "the jar has version 2, and this"),
        ("\"hardtack-jar\"", "\"other\"", "line 1, byte 17: the format is not"),
        ("{\"format\"", "{\"cookies\"", "this is not a jar"),
        ("{\"format\"", "[{\"format\"", "line 1, byte 1: expected an object that begins with"),
        ("\"secure\":false", "\"secure\":\"s3cret\"", "expected a boolean"),
        ("\"value\":\"caf\u{e9}\"", "\"value\":5318008", "expected a string, or an object"),
        ("\"Lax\"", "\"s3cret\"", "expected one of `Strict`, `Lax`, `None`"),
        ("\"created\"", "\"s3cret\"", "expected one of `name`, `value`"),
        ("\"path\":\"/\"", "\"path\":\"s3cret\"", "the cookie's path does not begin with `/`"),
        ("\"name\":\"sid\"", "\"name\":\"s;d\"", "the cookie's name has a `=`, a `;`"),
        ("\"https://news.example\"", "\"news.example\"", "top_level is not a site"),
        ("\"host_only\":true,", "", "missing field `host_only`"),
        ("\n]}", "\n],\"more\":1}", "nothing may follow the cookies"),
        ("\n]}", "\n]}x", "trailing characters"),
    ] {
        let text = VERSION_1.replace(from, to);
        assert_ne!(text, VERSION_1, "{from}");
        let message = read(text.as_bytes()).expect_err(to).to_string();
        assert!(message.contains(what), "{to}: {message}");
        assert!(message.starts_with("line ") && message.contains(", byte "), "{message}");
        assert!(!message.contains("s3cret") && !message.contains("5318008"), "{message}");
    }
}

#[test]
fn zeros_are_refused_at_the_first() {
    let message = read(io::repeat(0)).expect_err("endless zeros").to_string();
    assert!(message.starts_with("line 1, byte 1: "), "{message}");
}

const VERSION_1: &str = concat!(
    "{\"format\":\"hardtack-jar\",\"version\":1,\"cookies\":[\n",
    "{\"name\":\"sid\",\"value\":\"caf\u{e9}\",\"domain\":\"shop.example\",\"host_only\":true,",
    "\"path\":\"/\",\"secure\":false,\"http_only\":false,\"same_site\":\"Lax\",",
    "\"priority\":\"Medium\",\"created\":7000,\"changed\":7000,\"last_access\":7000,",
    "\"expires\":9000,\"source_secure\":false},\n",
    "{\"name\":\"sid\",\"value\":{\"latin1\":\"caf\u{e9}\"},\"domain\":\"shop.example\",",
    "\"host_only\":true,\"path\":\"/\",\"secure\":false,\"http_only\":false,\"same_site\":\"Lax\",",
    "\"priority\":\"Medium\",\"partition\":{\"top_level\":\"https://news.example\",",
    "\"cross_site_ancestor\":true},\"created\":7000,\"changed\":7000,\"last_access\":7000,",
    "\"source_secure\":false}\n]}\n",
);
