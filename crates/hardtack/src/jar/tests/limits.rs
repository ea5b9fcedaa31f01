use std::time::Duration;

use super::*;
use crate::cookie::Limits;

#[test]
fn a_domain_with_too_many_cookies_loses_the_least_recently_used() {
    let target = at("https://example.com/");
    let context = RequestContext::client(&target);
    let mut jar = Jar::default();
    for n in 0..180 {
        let now = NOW.saturating_add(Duration::from_secs(n));
        jar.set(format!("k{n}=; Path=/{}", n % 10).as_bytes(), &context, now);
    }
    // Those below /0 are used once more, late.
    let used = at("https://example.com/0");
    let late = NOW.saturating_add(Duration::from_secs(3600));
    sent_at(&jar, &RequestContext::client(&used), late);
    let outcome = jar.set(b"last=1", &context, late);
    assert_eq!(outcome, Outcome::Stored { evicted: 31 });
    assert_eq!(jar.len(), 150);
    let kept = |name: &str| jar.iter().any(|cookie| cookie.name() == name.as_bytes());
    assert!(kept("k0") && kept("k10") && kept("last") && kept("k35"));
    assert!(!kept("k1") && !kept("k9") && !kept("k33"));
}

#[test]
fn low_priority_and_plain_cookies_go_first() {
    let target = at("https://example.com/");
    let context = RequestContext::client(&target);
    let fill = |profile, lines: [(&str, usize); 3]| {
        let mut jar = Jar::new(profile);
        let mut n = 0;
        for (attributes, count) in lines {
            for _ in 0..count {
                n += 1;
                jar.set(format!("k{n}=v{attributes}").as_bytes(), &context, NOW);
            }
        }
        jar.iter().filter(|cookie| cookie.secure()).count()
    };
    // 181: 31 go, of the plain ones as far as 50 of medium priority stay.
    assert_eq!(fill(&Profile::CHROMIUM, [("; Secure", 100), ("", 81), ("", 0)]), 100);
    assert_eq!(fill(&Profile::CHROMIUM, [("; Priority=Low; Secure", 70), ("", 111), ("", 0)]), 39);
    // 30 of low priority stay, whoever else has to go.
    assert_eq!(fill(&Profile::CHROMIUM, [("; Priority=Low", 40), ("; Secure", 141), ("", 0)]), 120);
    // Firefox takes plain ones only, however few, and refuses a plain one if there are none.
    assert_eq!(fill(&Profile::FIREFOX, [("; Secure", 170), ("", 10), ("; Secure", 1)]), 171);
    assert_eq!(fill(&Profile::FIREFOX, [("; Secure", 180), ("", 1), ("; Secure", 0)]), 180);
    let mut jar = Jar::new(&Profile::FIREFOX);
    for n in 0..180 {
        jar.set(format!("k{n}=v; Secure").as_bytes(), &context, NOW);
    }
    assert_eq!(jar.set(b"plain=1", &context, NOW), Outcome::Ignored(Ignored::NoRoom));
    assert_eq!(jar.set(b"sure=1; Secure", &context, NOW), Outcome::Stored { evicted: 31 });
    assert_eq!(jar.len(), 150);
}

#[test]
fn a_jar_and_a_partition_are_bounded() {
    let mut jar = Jar::default();
    for n in 0..3_301 {
        let target = at(&format!("https://site{n}.example/"));
        jar.set(b"a=1", &RequestContext::client(&target), NOW);
    }
    assert_eq!(jar.len(), 3_000);
    assert!(jar.iter().next().is_some_and(|oldest| oldest.domain() == "site301.example"));
    let (chat, shop) = (at("https://chat.example/"), at("https://shop.test/"));
    let context = RequestContext::iframe(&chat, &shop);
    let mut jar = Jar::default();
    for n in 0..6 {
        let line = format!("n{n}={}; SameSite=None; Secure; Partitioned", "v".repeat(2_000));
        jar.set(line.as_bytes(), &context, NOW);
    }
    assert_eq!(jar.len(), 5);
    let mut jar = Jar::builder().limits(Limits::NONE).build();
    for n in 0..400 {
        let context = at("https://example.com/");
        jar.set(format!("k{n}=1").as_bytes(), &RequestContext::client(&context), NOW);
    }
    assert_eq!(jar.len(), 400);
}

#[test]
fn limits_hold_however_low_they_are() {
    let target = at("https://example.com/");
    let context = RequestContext::client(&target);
    for profile in Profile::ALL {
        for per_domain in [1, 2, 7, 50, 149] {
            let after = per_domain.min(5);
            let limits = Limits { per_domain, per_domain_after: after, ..Limits::CHROMIUM };
            let mut jar = Jar::builder().profile(profile).limits(limits).build();
            for n in 0..200 {
                let priority = ["Low", "Medium", "High"][n % 3];
                let secure = ["", "; Secure"][n / 3 % 2];
                let line = format!("k{n}=1; Priority={priority}{secure}");
                jar.set(line.as_bytes(), &context, NOW);
                assert!(jar.len() <= per_domain, "{} {per_domain}: {}", profile.name, jar.len());
            }
        }
    }
}

#[test]
fn a_partition_keeps_what_the_browser_keeps() {
    let (chat, shop) = (at("https://chat.example/"), at("https://shop.test/"));
    let kept = |profile, context: RequestContext<'_>, cookies: usize, value: usize| {
        let mut jar = Jar::new(profile);
        for n in 0..cookies {
            let value = "v".repeat(value);
            let line = format!("n{n}={value}; SameSite=None; Secure; Partitioned");
            jar.set(line.as_bytes(), &context, NOW);
        }
        jar.len()
    };
    for (profile, top_bytes, frame_bytes, count) in
        [(&Profile::CHROMIUM, 3, 3, 180), (&Profile::FIREFOX, 6, 4, 159)]
    {
        let (top, frame) =
            (RequestContext::navigation(&chat), RequestContext::iframe(&chat, &shop));
        assert_eq!(kept(profile, top.clone(), 6, 3_000), top_bytes, "{}", profile.name);
        assert_eq!(kept(profile, frame.clone(), 6, 3_000), frame_bytes, "{}", profile.name);
        assert_eq!(kept(profile, top, 190, 1), count, "{}", profile.name);
        assert_eq!(kept(profile, frame, 190, 1), count, "{}", profile.name);
    }
}

#[test]
fn a_path_that_was_not_written_is_bounded_as_well() {
    for (profile, longest) in Profile::ALL.into_iter().zip([32_768, 1_024, 32_768]) {
        for (length, kept) in [(longest, true), (longest + 1, false)] {
            let target = at(&format!("https://example.com/{}/", "p".repeat(length - 1)));
            let outcome = Jar::new(profile).set(b"a=1", &RequestContext::client(&target), NOW);
            assert_eq!(outcome.is_kept(), kept, "{} {length}", profile.name);
            let Outcome::Ignored(reason) = outcome else { continue };
            let by_browser = *profile == Profile::FIREFOX;
            assert_eq!(reason.section(), if by_browser { "Firefox 153" } else { "hardtack" });
            let told = format!("{length} bytes, and the client keeps at most {longest}");
            assert!(reason.to_string().ends_with(&told), "{reason}");
        }
    }
}
