//! One cookie or pieces.

use proptest::prelude::*;

use super::super::cookies::{Cookies, Names};
use super::*;
use crate::cookie::SameSite;
use crate::session::{ConfigError, ValueError};

fn cookies() -> Cookies {
    Cookies::build(None, SameSite::Lax, false).unwrap()
}

/// Writes into a browser and reads what that sends.
fn there_and_back(cookies: &Cookies, text: &str) -> (Browser, Vec<Vec<u8>>) {
    let now = UnixTime::from_secs(1_800_000_000);
    let headers = cookies.write(text, Names::default(), now).unwrap();
    let mut browser = Browser::default();
    browser.apply(&Outcome { error: None, headers, ..Outcome::default() });
    let presented = cookies.read(&browser.headers());
    assert_eq!(presented.malformed, 0);
    (browser, presented.texts)
}

proptest! {
    #[test]
    fn any_size_up_to_the_limit_comes_back(length in 1..=cookies().capacity(), seed: u32) {
        let cookies = cookies();
        let text: String = (0..length as u32)
            .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 27) as u8 % 26))
            .collect();
        let (mut browser, texts) = there_and_back(&cookies, &text);
        prop_assert_eq!(&texts, &[text.as_bytes()]);
        browser.0.reverse();
        prop_assert_eq!(cookies.read(&browser.headers()).texts, texts, "in any order");
    }
}

#[test]
fn each_cookie_is_filled_to_4096_bytes_and_one_more_byte_starts_another() {
    let cookies = cookies();
    let whole = 4096 - "__Host-Http-ses".len();
    let piece = 4096 - "__Host-Http-ses.0".len() - 12;
    assert_eq!(cookies.capacity(), 8 * piece);
    for (length, count) in [
        (whole, 1),
        (whole + 1, 2),
        (2 * piece, 2),
        (2 * piece + 1, 3),
        (8 * piece - 1, 8),
        (8 * piece, 8),
    ] {
        let (browser, texts) = there_and_back(&cookies, &"x".repeat(length));
        assert_eq!((browser.0.len(), texts[0].len()), (count, length));
        let longest = browser.0.iter().map(|(n, v)| n.len() + v.len()).max();
        assert!(longest <= Some(4096) && longest >= Some(4095), "{length}: {longest:?}");
    }
    let beyond = cookies.write(&"x".repeat(8 * piece + 1), Names::default(), UnixTime::MAX);
    assert!(matches!(beyond, Err(SessionError::Value(ValueError::TooLarge { .. }))));
}

#[test]
fn data_up_to_the_bound_fits_beside_the_longest_user_and_a_byte_more_is_refused_at_set() {
    let ConfigError::TooMuchData { most, .. } =
        SealedSessions::builder(ring()).most_data(usize::MAX, 1).build().unwrap_err()
    else {
        panic!("another refusal")
    };
    assert!(SealedSessions::builder(ring()).most_data(most + 1, 1).build().is_err());
    let user = "u".repeat(255);
    for bound in [most, 4096] {
        let (site, mut browser) = (Site::new(|b| b.most_data(bound, 64)), Browser::default());
        let fill = |extra: usize| "x".repeat(bound + extra - 13 - "k".len() - "\"\"".len());
        site.visit(&mut browser, |s| {
            s.login(&user).unwrap();
            s.set("k", &fill(0)).unwrap();
            let refused = ValueError::TooLarge { size: bound + 1, most: bound, unit: "bytes" };
            assert_eq!(s.set("k", &fill(1)), Err(refused));
        });
        assert_eq!(browser.0.len(), if bound == most { 8 } else { 2 });
        let s = site.open(&browser);
        assert_eq!(s.get::<String>("k").unwrap(), Some(fill(0)));
        assert_eq!(s.user().as_deref(), Some(&*user));
    }
    let (site, mut browser) = (Site::new(|b| b.most_data(1000, 2)), Browser::default());
    site.visit(&mut browser, |s| {
        s.set("a", &1).unwrap();
        s.set("b", &1).unwrap();
        let refused = ValueError::TooLarge { size: 3, most: 2, unit: "keys" };
        assert_eq!(s.set("c", &1), Err(refused));
    });
}

/// A signed-in session in three pieces, and one of a later response.
fn two_generations() -> (Site, Browser, Browser) {
    let (site, mut one) = (Site::new(|b| b.most_data(8000, 64)), Browser::default());
    site.visit(&mut one, |s| {
        s.set("k", &"1".repeat(7000)).unwrap();
        s.login("alice").unwrap();
    });
    let mut two = one.clone();
    site.clock.pass(1);
    site.visit(&mut two, |s| s.set("k", &"2".repeat(7000)).unwrap());
    for browser in [&mut one, &mut two] {
        browser.0.sort();
        assert_eq!(browser.0.len(), 3);
    }
    (site, one, two)
}

#[test]
fn pieces_of_two_generations_are_refused_as_a_whole() {
    let (site, one, two) = two_generations();
    for mix in 0..8_usize {
        let mixed = (0..3).map(|n| if mix >> n & 1 == 0 { &one } else { &two }.0[n].clone());
        let mixed = Browser(mixed.collect());
        let user = site.sees(&mixed);
        assert_eq!(user.is_some(), mix == 0 || mix == 7, "mix {mix:03b}");
        // The same with the beginnings made to agree: the seal decides.
        let beginning = mixed.0[0].1[..12].to_owned();
        let forged = mixed.0.iter().map(|(n, v)| (n.clone(), format!("{beginning}{}", &v[12..])));
        assert_eq!(site.sees(&Browser(forged.collect())), user, "mix {mix:03b}");
    }
    // A whole generation beside parts of another is not disturbed by them.
    for part in &one.0 {
        for beside in [vec![part.clone()], [vec![part.clone()], vec![one.0[0].clone()]].concat()] {
            let s = site.open(&Browser([beside, two.0.clone()].concat()));
            assert_eq!(s.get::<String>("k").unwrap().unwrap(), "2".repeat(7000));
        }
    }
}

#[test]
fn truncated_reordered_and_missing_pieces_are_anonymous() {
    let (site, pieces, _) = two_generations();
    let names: Vec<String> = pieces.0.iter().map(|(n, _)| n.clone()).collect();
    let assert_nobody = |what: &str, values: &[&str]| {
        let named = names.iter().zip(values).map(|(n, v)| (n.clone(), (*v).to_owned()));
        let browser = Browser(named.filter(|(_, v)| v != "-").collect());
        assert_eq!(site.sees(&browser), None, "{what}");
    };
    let [a, b, c] = [0, 1, 2].map(|n| &*pieces.0[n].1);
    assert_nobody("the last is missing", &[a, b, "-"]);
    assert_nobody("one in the middle is missing", &[a, "-", c]);
    assert_nobody("the first is missing", &["-", b, c]);
    assert_nobody("reordered", &[a, c, b]);
    assert_nobody("reordered", &[b, a, c]);
    assert_nobody("one twice", &[a, b, b]);
    assert_nobody("truncated", &[a, &b[..b.len() - 1], c]);
    assert_nobody("truncated", &[a, b, &c[..c.len() - 1]]);
    assert_nobody("cut to its beginning", &[a, &b[..12], c]);
    assert_nobody("cut below its beginning", &[a, &b[..11], c]);
    let two = |piece: &str| format!("2{}", &piece[1..]);
    assert_nobody("said to be two", &[&two(a), &two(b), c]);
    for count in ["0", "1", "9", ":", "/"] {
        assert_nobody("no such count", &[&format!("{count}{}", &a[1..]), b, c]);
    }
    assert_eq!(site.sees(&pieces).as_deref(), Some("alice"));
    let whole = [a, b, c].map(|piece| &piece[12..]).concat();
    let none = Browser(vec![(names[0].clone(), whole)]);
    assert_eq!(site.sees(&none), None, "a piece that is the whole");
}

#[test]
fn cookies_that_are_not_written_any_more_are_removed_by_matching_removals() {
    let (site, mut browser) = (Site::new(|b| b.most_data(20_000, 9)), Browser::default());
    for (size, names) in [
        (10, vec!["__Host-Http-ses"]),
        (8000, vec!["__Host-Http-ses.0", "__Host-Http-ses.1", "__Host-Http-ses.2"]),
        (4000, vec!["__Host-Http-ses.0", "__Host-Http-ses.1"]),
        (10, vec!["__Host-Http-ses"]),
    ] {
        site.visit(&mut browser, |s| s.set("k", &"x".repeat(size)).unwrap());
        assert_eq!(browser.names(), names);
        assert_eq!(site.open(&browser).get::<String>("k").unwrap().unwrap().len(), size);
    }
    site.visit(&mut browser, |s| s.set("k", &"x".repeat(9000)).unwrap());
    let s = site.open(&browser);
    s.logout().unwrap();
    let outcome = s.finish();
    for (_, value) in &outcome.headers {
        let (name, rest) = value.to_str().unwrap().split_once('=').unwrap();
        assert!(name.starts_with("__Host-Http-ses."));
        assert_eq!(
            rest,
            "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
    }
    browser.apply(&outcome);
    assert_eq!(browser, Browser::default());
}

/// Neither of two responses at once knows the other's cookies, so that both may
/// stay. They are one session, and the later one counts.
#[test]
fn after_a_race_of_a_short_with_a_long_response_the_one_sealed_later_counts() {
    for long_last in [false, true] {
        let (site, mut browser) = (plain(), Browser::default());
        site.visit(&mut browser, |s| s.set("k", &"x".repeat(3900)).unwrap());
        assert_eq!(browser.0.len(), 2);
        let (short, long) = (site.open(&browser), site.open(&Browser(browser.0.clone())));
        short.set("k", "short").unwrap();
        long.set("k", &"y".repeat(3900)).unwrap();
        let [first, last] = if long_last { [&short, &long] } else { [&long, &short] };
        browser.apply(&first.finish());
        site.clock.pass_millis(1);
        browser.apply(&last.finish());
        let s = site.open(&browser);
        let length = s.get::<String>("k").unwrap().unwrap().len();
        assert_eq!(length, if long_last { 3900 } else { 5 });
        s.set("k", "tidy").unwrap();
        browser.apply(&s.finish());
        assert_eq!(browser.names(), ["__Host-Http-ses"]);
    }
}
