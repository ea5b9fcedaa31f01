use proptest::prelude::*;

use super::DateGrammar::{Chromium, Firefox, Rfc};
use super::*;

fn date(secs: u64) -> String {
    String::from_utf8(imf_fixdate(UnixTime::from_secs(secs)).to_vec()).expect("ASCII")
}

#[test]
fn known_dates_are_written_by_rfc_9110_section_5_6_7() {
    for (secs, expected) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        assert_eq!(date(secs), expected);
    }
}

#[test]
fn times_beyond_four_digits_of_year_become_the_last_one_there_is() {
    for secs in [253_402_300_800, u64::MAX / 1000, u64::MAX] {
        assert_eq!(date(secs), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
    assert_eq!(imf_fixdate(UnixTime::from_millis(1999))[17..25], *b"00:00:01");
}

/// Counts every day of the calendar by hand, month lengths and leap years spelled out.
#[test]
fn every_day_until_9999_follows_the_one_before() {
    let mut day_number = 0;
    for year in 1970..=9999 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(months) {
            for day in 1..=length {
                assert_eq!(civil_from_days(day_number), (year, month, day));
                assert_eq!(days_from_civil(year, month, day), day_number);
                day_number += 1;
            }
        }
    }
    assert_eq!(u64::from(day_number) * 86_400, LAST_SECOND + 1);
}

/// Each text, and what Chromium, Firefox and the standard read.
#[test]
fn dates_are_read_as_each_client_reads_them() {
    let at = |time: &str| Some(format!("10 Feb 2027 {time}"));
    let same = |time: &str| [at(time), at(time), at(time)];
    for (text, expected) in [
        ("Wed, 10 Feb 2027 10:11:12 GMT", same("10:11:12")),
        ("Wed, 10-Feb-2027 10:11:12 GMT", same("10:11:12")),
        ("Wednesday, 10-Feb-27 10:11:12 GMT", same("10:11:12")),
        ("Wed Feb 10 10:11:12 2027", same("10:11:12")),
        ("2027 feb 10 9:9:9", same("09:09:09")),
        ("10 Febx 2027 10:11:12.5", same("10:11:12")),
        ("Wed, 10 Feb 2027 10:11:12 PST", [at("10:11:12"), at("18:11:12"), at("10:11:12")]),
        ("Wed, 10 Feb 2027 10:11:12 GMT+2", [at("10:11:12"), at("08:11:12"), at("10:11:12")]),
        ("Wed, 10 Feb 2027 01:11:12 PM", [at("01:11:12"), at("13:11:12"), at("01:11:12")]),
        ("10 Feb 2027", [None, at("00:00:00"), None]),
        ("2/10/2027 10:11:12", [None, at("10:11:12"), None]),
        // The space for the digit of the seconds.
        ("10 Feb 2027 10:11 GMT", [None, at("10:10:44"), None]),
        ("10 Feb 2027 001:02:03", [at("01:02:03"), at("00:00:00"), None]),
        ("10 Feb 2027 10:11:12x", [None, at("10:11:12"), at("10:11:12")]),
        ("10th Feb 2027 10:11:12", [None, None, at("10:11:12")]),
        ("10 Feb 027 10:11:12", [at("10:11:12"), None, at("10:11:12")]),
        ("10.Feb.2027 10:11:12", [at("10:11:12"), None, at("10:11:12")]),
        ("2027-02-10T10:11:12Z", [None, None, None]),
        ("", [None, None, None]),
    ] {
        for (grammar, expected) in [Chromium, Firefox, Rfc].into_iter().zip(expected) {
            let read = parse_as(text.as_bytes(), grammar).map(|at| {
                let date = imf_fixdate(at);
                str::from_utf8(&date[5..25]).expect("ASCII").to_owned()
            });
            assert_eq!(read, expected, "{text} {grammar:?}");
        }
    }
}

#[test]
fn a_day_or_time_that_does_not_exist_is_no_date_but_runs_over_in_firefox() {
    for (text, firefox) in [
        ("30 Feb 2027 00:00:00", "Tue, 02 Mar 2027 00:00:00 GMT"),
        ("29 Feb 2027 00:00:00", "Mon, 01 Mar 2027 00:00:00 GMT"),
        ("0 Apr 2027 00:00:00", "Wed, 31 Mar 2027 00:00:00 GMT"),
        ("28 Feb 2027 24:00:00", "Mon, 01 Mar 2027 00:00:00 GMT"),
        ("28 Feb 2027 23:59:60", "Mon, 01 Mar 2027 00:00:00 GMT"),
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
        assert_eq!(parse_as(text.as_bytes(), Chromium), None, "{text}");
        let read = parse_as(text.as_bytes(), Firefox).expect("a date");
        assert_eq!(imf_fixdate(read), firefox.as_bytes(), "{text}");
    }
    assert!(parse(b"29 Feb 2028 00:00:00").is_some());
}

#[test]
fn two_digits_of_a_year_are_from_1970_to_2069_and_what_is_before_1970_is_1970() {
    for (year, expected) in [
        ("69", Some("2069")),
        ("70", Some("1970")),
        ("99", Some("1999")),
        ("00", Some("2000")),
        ("1969", Some("1970")),
        ("1601", Some("1970")),
        ("1600", None),
        ("9999", Some("9999")),
        ("10000", None),
    ] {
        let read = parse(format!("01 Jan {year} 00:00:00").as_bytes());
        let date = read.map(imf_fixdate);
        let read = date.as_ref().map(|date| str::from_utf8(&date[12..16]).expect("ASCII"));
        assert_eq!(read, expected, "{year}");
    }
}

/// What looks like a fixdate, with something wrong about it now and then.
fn nearly_fixdates() -> impl Strategy<Value = String> {
    let names = |names: &[&'static str]| prop::sample::select(names.to_vec());
    let weekdays = names(&["Sun", "Mon", "Tue", "Sat", "Jan", "sun", "Mar", "x12", "1:2"]);
    let months = names(&["Jan", "Feb", "Jun", "Sep", "Dec", "dec", "Sun", "F:b"]);
    let rest = (0..25u32, 0..62u32, 0..62u32, names(&["GMT", "PST", "AM ", "gmt"]));
    let year = prop_oneof![4 => 1590..2200u32, 1 => 0..9999u32];
    (weekdays, 0..33u32, months, year, rest, any::<[bool; 2]>(), 0..29usize, 0..12u8).prop_map(
        |(weekday, day, month, year, (hour, minute, second, zone), hyphens, at, change)| {
            let [one, two] = hyphens.map(|hyphen| if hyphen { '-' } else { ' ' });
            let date = format!(
                "{weekday}, {day:02}{one}{month}{two}{year:04} {hour:02}:{minute:02}:{second:02} {zone}"
            );
            // One byte in two of three is another.
            let mut bytes = date.into_bytes();
            if change < 8 {
                bytes[at] = b" -:,0915"[usize::from(change)];
            }
            String::from_utf8(bytes).expect("ASCII")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_short_way_reads_what_every_grammar_reads(text in nearly_fixdates()) {
        if let Some(quick) = parse_fixdate(text.as_bytes()) {
            for grammar in [Rfc, Chromium, Firefox] {
                prop_assert_eq!(parse_slowly(text.as_bytes(), grammar), Some(quick), "{} {:?}", text, grammar);
            }
        }
    }

    #[test]
    fn every_date_that_is_written_is_read_back_by_every_client(secs in 0..=LAST_SECOND) {
        let date = imf_fixdate(UnixTime::from_secs(secs));
        prop_assert_eq!(parse_fixdate(&date), Some(UnixTime::from_secs(secs)));
        for grammar in [Rfc, Chromium, Firefox] {
            prop_assert_eq!(parse_slowly(&date, grammar), Some(UnixTime::from_secs(secs)));
        }
    }

    #[test]
    fn any_bytes_are_a_date_or_none(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        text in "[0-9:/, +A-Fa-z-]{0,40}",
    ) {
        for grammar in [Rfc, Chromium, Firefox] {
            let _ = (parse_as(&bytes, grammar), parse_as(text.as_bytes(), grammar));
        }
    }
}
