use super::*;

fn target(url: &str) -> Target {
    Target::parse(url).expect("a URL")
}

fn ask(lines: &[&str], set: Request, send: Vec<Request>) -> Vec<Answer> {
    let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    let question =
        Question { send, ..Question::new(lines, set, UnixTime::from_secs(1_800_000_000)) };
    explain(&question, &Profile::ALL)
}

fn typed(url: &str) -> Request {
    Request::new(target(url), How::Navigation)
}

#[test]
fn every_reason_is_told_and_the_line_that_would_do() {
    let shop = || typed("https://shop.example.co.uk/");
    let no_script = Request::new(target("https://shop.example.co.uk/"), How::Script);
    for (line, request, reasons, repaired) in [
        (
            "sid=1; Domain=.co.uk; SameSite=None",
            shop(),
            vec![Ignored::DomainPublicSuffix, Ignored::SameSiteNoneNeedsSecure],
            Some("sid=1; SameSite=None; Secure"),
        ),
        (
            "a=1; Secure",
            typed("http://shop.example.co.uk/"),
            vec![Ignored::SecureFromPlainHttp],
            Some("a=1; Secure"),
        ),
        ("a=1; HttpOnly", no_script, vec![Ignored::HttpOnlyFromScript], Some("a=1; HttpOnly")),
        ("=", shop(), vec![Ignored::Empty], None),
        ("a\u{1}=1\u{2}", shop(), vec![Ignored::ControlByte { byte: 1, position: 1 }], Some("a=1")),
    ] {
        for answer in ask(&[line], request.clone(), vec![request.clone()]) {
            let repaired = repaired.map(|line| line.as_bytes().to_vec());
            let expected = Stored::No { reasons: reasons.clone(), repaired };
            assert_eq!(answer.fates[0].stored, expected, "{line} in {}", answer.profile.title);
            assert_eq!(answer.fates[0].sent, [Sent::NotStored]);
            assert_eq!(answer.headers, [None]);
            assert!(!answer.is_all_sent());
        }
    }
}

#[test]
fn a_prefix_asks_for_all_it_needs_one_after_the_other() {
    let line = "__Host-Http-a=1; Domain=example.com";
    let request = typed("https://example.com/a/b");
    let answers = ask(&[line], request.clone(), vec![request]);
    let Stored::No { reasons, repaired } = &answers[0].fates[0].stored else { panic!("dropped") };
    assert!(reasons.iter().all(|reason| matches!(reason, Ignored::PrefixRule { .. })));
    assert_eq!(reasons.len(), 4);
    let line = String::from_utf8(repaired.clone().expect("a line that works")).unwrap();
    for part in ["__Host-Http-a=1", "Secure", "HttpOnly", "Path=/"] {
        assert!(line.split("; ").any(|piece| piece == part), "{line}");
    }
}

#[test]
fn a_stored_cookie_tells_why_it_stays_in_the_jar() {
    let lines = ["a=1; Path=/x; Secure", "b=2", "c=3; Max-Age=0", "b=4", "d=5; SameSite=Strict"];
    let send = vec![
        typed("http://shop.example/x"),
        Request { from: Some(target("https://evil.example/")), ..typed("https://shop.example/") },
        Request {
            from: Some(target("https://evil.example/")),
            ..Request::new(target("https://shop.example/"), How::Link)
        },
    ];
    let answers = ask(&lines, typed("https://shop.example/"), send);
    let chromium = &answers[0];
    let sent: Vec<&[Sent]> = chromium.fates.iter().map(|fate| &fate.sent[..]).collect();
    let strict = Withheld::SameSite { rule: hardtack::cookie::SameSite::Strict, by_default: false };
    assert_eq!(sent[0][..2], [Sent::Withheld(Withheld::Secure), Sent::Withheld(Withheld::Path)]);
    assert_eq!(sent[1], [Sent::Superseded; 3]);
    assert_eq!(chromium.fates[2].stored, Stored::Removes);
    assert_eq!(sent[3], [Sent::Yes; 3]);
    assert_eq!(sent[4], [Sent::Yes, Sent::Yes, Sent::Withheld(strict)]);
    assert_eq!(chromium.headers[0].as_deref(), Some(&b"b=4; d=5"[..]));
    assert!(!chromium.is_all_sent());
}
