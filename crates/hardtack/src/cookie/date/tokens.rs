//! The grammar of 6265bis section 5.1.1 and Chromium's reading of it: split at delimiters, then take
//! the first token that can be a time, a day, a month and a year.

use super::{Civil, FIRST_YEAR, MONTHS, full_year};
use crate::cookie::split::value_of;
use crate::time::UnixTime;

pub(super) fn parse_rfc(text: &[u8]) -> Option<UnixTime> {
    let mut found = Found::default();
    for token in tokens(text) {
        if found.time.is_none()
            && let Some(time) = rfc_time(token)
        {
            found.time = Some(time);
        } else if found.day.is_none()
            && let Some(day) = number(token, 1, 2)
        {
            found.day = Some(day);
        } else if found.month.is_none()
            && let Some(month) = month(token)
        {
            found.month = Some(month);
        } else if found.year.is_none() {
            found.year = number(token, 2, 4);
        }
    }
    let date = found.complete()?;
    if date.year < FIRST_YEAR {
        return None;
    }
    date.to_unix()
}

/// What Chromium 156 does otherwise: a token that starts with a letter is a month or nothing, and the
/// others are nothing but digits and colons. One with two colons is the time, however many zeros it
/// has; the first of at most 2 digits is the day, the first other one of at most 5 the year, any year.
pub(super) fn parse_chromium(text: &[u8]) -> Option<UnixTime> {
    let mut found = Found::default();
    for token in tokens(text) {
        if !token[0].is_ascii_digit() {
            found.month = found.month.or_else(|| month(token));
        } else if token.contains(&b':') {
            found.time = found.time.or_else(|| chromium_time(token));
        } else if found.day.is_none() && token.len() <= 2 {
            found.day = only_digits(token);
        } else if found.year.is_none() && token.len() <= 5 {
            found.year = only_digits(token);
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
        let year = full_year(self.year?);
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

fn chromium_time(token: &[u8]) -> Option<(u32, u32, u32)> {
    let mut parts = token.split(|&byte| byte == b':').map(only_digits);
    let time = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(time)
}

/// `least*mostDIGIT [ non-digit *OCTET ]`.
fn number(token: &[u8], least: usize, most: usize) -> Option<u32> {
    digits(token, least, most).map(|(number, _)| number)
}

/// All the digits at the start and what follows, if they are as many as that.
fn digits(text: &[u8], least: usize, most: usize) -> Option<(u32, &[u8])> {
    let length = text.iter().take(most + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if !(least..=most).contains(&length) {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    Some((value_of(digits), rest))
}

/// The number if there is nothing but digits, zeros before it or not.
fn only_digits(text: &[u8]) -> Option<u32> {
    (!text.is_empty() && text.iter().all(u8::is_ascii_digit)).then(|| value_of(text))
}

/// From 1, by the first three letters in any casing.
pub(super) fn month(token: &[u8]) -> Option<u32> {
    let start = token.get(..3)?;
    (1..)
        .zip(MONTHS)
        .find(|(_, name)| start.eq_ignore_ascii_case(&name[..]))
        .map(|(month, _)| month)
}
