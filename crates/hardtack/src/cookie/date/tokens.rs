//! The grammar of 6265bis section 5.1.1 and Chromium's reading of it: split at delimiters, then take
//! the first token that can be a time, a day, a month and a year.

use super::{Civil, MONTHS};
use crate::time::UnixTime;

pub(super) fn parse_rfc(text: &[u8]) -> Option<UnixTime> {
    let mut found = Found::default();
    for token in tokens(text) {
        if found.time.is_none() {
            found.time = rfc_time(token);
            if found.time.is_some() {
                continue;
            }
        }
        if found.day.is_none() {
            found.day = number(token, 1, 2);
            if found.day.is_some() {
                continue;
            }
        }
        if found.month.is_none() {
            found.month = month(token);
            if found.month.is_some() {
                continue;
            }
        }
        if found.year.is_none() {
            found.year = number(token, 2, 4);
        }
    }
    let date = found.complete()?;
    if date.year < 1601 {
        return None;
    }
    date.to_unix()
}

/// What Chromium does otherwise: a token with a colon is a time or nothing, one that starts with a
/// letter is a month or nothing, and of the others the first of at most 2 bytes is the day and the
/// first other one of at most 5 bytes the year, whatever follows their digits.
pub(super) fn parse_chromium(text: &[u8]) -> Option<UnixTime> {
    let mut found = Found::default();
    for token in tokens(text) {
        if !token[0].is_ascii_digit() {
            found.month = found.month.or_else(|| month(token));
        } else if token.contains(&b':') {
            found.time = found.time.or_else(|| chromium_time(token));
        } else if found.day.is_none() && token.len() <= 2 {
            found.day = number(token, 1, 2);
        } else if found.year.is_none() && token.len() <= 5 {
            found.year = number(token, 1, 5);
        }
    }
    found.complete()?.to_unix()
}

#[derive(Default)]
struct Found {
    time: Option<(u32, u32, u32)>,
    day: Option<u32>,
    month: Option<u32>,
    year: Option<u32>,
}

impl Found {
    fn complete(self) -> Option<Civil> {
        let (hour, minute, second) = self.time?;
        let year = match self.year? {
            year @ 0..70 => year + 2000,
            year @ 70..100 => year + 1900,
            year => year,
        };
        Some(Civil { year, month: self.month?, day: self.day?, hour, minute, second })
    }
}

fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| is_delimiter(byte)).filter(|token| !token.is_empty())
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'/' | b';'..=b'@' | b'['..=b'`' | b'{'..=b'~')
}

/// `hms-time [ non-digit *OCTET ]`.
fn rfc_time(token: &[u8]) -> Option<(u32, u32, u32)> {
    let (hour, rest) = digits(token, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 1, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 1, 2)?;
    (!rest.first().is_some_and(u8::is_ascii_digit)).then_some((hour, minute, second))
}

/// As `scanf` reads `%2u:%2u:%2u`: whatever comes after two digits of the seconds.
fn chromium_time(token: &[u8]) -> Option<(u32, u32, u32)> {
    let two = |text| leading_digits(text, 2);
    let (hour, rest) = two(token)?;
    let (minute, rest) = two(rest.strip_prefix(b":")?)?;
    let (second, _) = two(rest.strip_prefix(b":")?)?;
    Some((hour, minute, second))
}

/// `least*mostDIGIT [ non-digit *OCTET ]`.
fn number(token: &[u8], least: usize, most: usize) -> Option<u32> {
    digits(token, least, most).map(|(number, _)| number)
}

/// All the digits at the start and what follows, if they are as many as that; at most 9.
fn digits(text: &[u8], least: usize, most: usize) -> Option<(u32, &[u8])> {
    let length = text.iter().take(most + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if !(least..=most).contains(&length) {
        return None;
    }
    leading_digits(text, most)
}

/// One to `most` digits at the start and what follows.
fn leading_digits(text: &[u8], most: usize) -> Option<(u32, &[u8])> {
    let length = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    Some((digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), rest))
}

fn month(token: &[u8]) -> Option<u32> {
    let start = token.get(..3)?;
    (1..)
        .zip(MONTHS)
        .find(|(_, name)| start.eq_ignore_ascii_case(&name[..]))
        .map(|(month, _)| month)
}
