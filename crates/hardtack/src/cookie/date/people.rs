//! How Firefox reads dates: as people write them in mails and logs, word by word. It knows time
//! zones, fills in a time that is missing, and lets days and times run over, so that 30 February is
//! in March.
//!
//! Firefox 153 was seen to do what the recorded cases show (`tests/browsers`). Not every rule has a
//! case there: zones by name other than GMT, AM and PM, and dates such as 2/10/2027 have none.

use super::tokens::month;
use super::{SECONDS_PER_DAY, days_from_civil, full_year};
use crate::cookie::split::value_of;
use crate::time::UnixTime;

pub(super) fn parse(text: &[u8]) -> Option<UnixTime> {
    let mut reader = Reader { text, ..Reader::default() };
    for _ in 0..MAX_TOKENS {
        if reader.at == text.len() {
            return reader.finish();
        }
        reader.read_token();
        reader.skip_to_next_token();
    }
    None
}

/// What has been found so far. The first of each kind counts.
#[derive(Default)]
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    year: Option<u32>,
    /// From 1; 0 is December of the year before.
    month: Option<u32>,
    day: Option<u32>,
    time: Option<Time>,
    /// Minutes that a zone's name is ahead of UTC.
    zone: Option<i64>,
    /// Minutes of an offset such as `+0200`, which counts before a name.
    offset: Option<i64>,
}

#[derive(Clone, Copy, Default)]
struct Time {
    hour: i64,
    minute: i64,
    second: i64,
}

impl Reader<'_> {
    /// The byte that far ahead, 0 beyond the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn read_token(&mut self) {
        match self.peek(0) {
            b'+' | b'-' => self.read_offset(),
            b'0'..=b'9' => self.read_number(),
            _ => self.read_word(),
        }
    }

    /// Months and zones are known by their first three letters. `UT` alone, or followed by what is
    /// no letter, is a zone too.
    fn read_word(&mut self) {
        let word = [self.peek(0), self.peek(1), self.peek(2)].map(|byte| byte.to_ascii_lowercase());
        if let Some(month) = month(&word) {
            self.month = self.month.or(Some(month));
        } else if let Some(&(_, minutes)) = ZONES.iter().find(|(zone, _)| **zone == word) {
            self.zone = self.zone.or(Some(minutes));
        } else if word.starts_with(b"ut") && !word[2].is_ascii_alphabetic() {
            self.zone = self.zone.or(Some(0));
        }
    }

    /// `+2`, `+02` or `+0200`, on its own or after `GMT`.
    fn read_offset(&mut self) {
        let sign = if self.peek(0) == b'+' { 1 } else { -1 };
        self.at += 1;
        if self.offset.is_some() || self.zone.is_some_and(|minutes| minutes != 0) {
            return;
        }
        let digits = self.digits();
        let number = i64::from(value_of(digits));
        let minutes = match digits.len() {
            1 | 2 => number * 60,
            4 => number / 100 * 60 + number % 100,
            _ => return,
        };
        self.zone = Some(0);
        // One minute behind UTC is what Firefox writes for "nothing found".
        self.offset = Some(sign * minutes).filter(|&minutes| minutes != -1);
    }

    fn read_number(&mut self) {
        let digits = self.digits();
        let length = digits.len();
        match (self.peek(length), self.peek(length + 1)) {
            (b':', _) => self.read_time(),
            (b'/' | b'-', b'0'..=b'9') => self.read_numeric_date(),
            (after, _) if after.is_ascii_alphabetic() => {}
            _ => {
                let number = value_of(digits);
                match length {
                    1 => self.day = self.day.or(Some(number)),
                    2 if self.day.is_none() && number < 32 => self.day = Some(number),
                    2 => self.year = self.year.or(Some(full_year(number))),
                    4 | 5 => self.year = self.year.or(Some(number)),
                    _ => {}
                }
            }
        }
    }

    /// `h:m:s` or `h:m`, of one or two digits each, `AM` or `PM` after it.
    fn read_time(&mut self) {
        if self.time.is_some() {
            return;
        }
        let Some(mut hour) = self.take_one_or_two_digits() else { return };
        // The colon that brought us here.
        self.at += 1;
        let Some(minute) = self.take_one_or_two_digits() else { return };
        if self.peek(0) == b':' {
            self.at += 1;
        }
        let second = match self.digits().len() {
            // Firefox takes whatever byte stands there for a digit: a space counts as -16 seconds.
            0 => i64::from(self.peek(0)) - i64::from(b'0'),
            _ => match self.take_one_or_two_digits() {
                Some(second) => second,
                None => return,
            },
        };
        let mut next = self.text[self.at..].iter().skip_while(|byte| matches!(byte, b' ' | b'\t'));
        let half = [next.next(), next.next()].map(|byte| byte.map(u8::to_ascii_lowercase));
        match half {
            [Some(b'p'), Some(b'm')] if hour < 12 => hour += 12,
            [Some(b'a'), Some(b'm')] if hour == 12 => hour = 0,
            _ => {}
        }
        self.time = Some(Time { hour, minute, second });
    }

    /// `m/d/y`, or `d/m/y` where the first is over 12, or `y/m/d` where it is over 31 or 0; the same
    /// with hyphens.
    fn read_numeric_date(&mut self) {
        if self.month.is_some() {
            return;
        }
        let start = self.at;
        let Some([first, second, third]) = self.take_three_numbers() else {
            self.at = start;
            return;
        };
        let (year, month, day) = match (first, second) {
            (0 | 32.., _) if second > 12 || third > 31 => {
                self.at = start;
                return;
            }
            (0 | 32.., _) => (first, second, third),
            (13.., 13..) => return,
            (13.., _) => (third, second, first),
            _ => (third, first, second),
        };
        self.year = Some(full_year(year));
        self.month = Some(month);
        self.day = Some(day);
    }

    /// One or two digits, twice, then one, two, four or five, with a slash or hyphen between them
    /// and no letter or digit after.
    fn take_three_numbers(&mut self) -> Option<[u32; 3]> {
        let mut numbers = [0; 3];
        for (index, number) in numbers.iter_mut().enumerate() {
            if index > 0 {
                if !matches!(self.peek(0), b'/' | b'-') {
                    return None;
                }
                self.at += 1;
            }
            let digits = self.digits();
            let allowed = match digits.len() {
                1 | 2 => true,
                4 | 5 => index == 2,
                _ => false,
            };
            if !allowed {
                return None;
            }
            *number = value_of(digits);
            self.at += digits.len();
        }
        (!self.peek(0).is_ascii_alphabetic()).then_some(numbers)
    }

    /// The digits that stand here, all of them.
    fn digits(&self) -> &[u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        &rest[..length]
    }

    fn take_one_or_two_digits(&mut self) -> Option<i64> {
        let digits = self.digits();
        let (length, number) = (digits.len(), value_of(digits));
        if !(1..=2).contains(&length) {
            return None;
        }
        self.at += length;
        Some(i64::from(number))
    }

    /// A token ends at white space, a comma, a bracket, a slash or a sign. A sign starts the next
    /// token if it can be that of an offset.
    fn skip_to_next_token(&mut self) {
        let ends_token = |byte| is_blank(byte) || matches!(byte, b'-' | b'+');
        while self.at < self.text.len() && !ends_token(self.text[self.at]) {
            self.at += 1;
        }
        while self.at < self.text.len() {
            let after_letter = self.at > 0 && self.text[self.at - 1].is_ascii_alphabetic();
            let is_hyphen = self.text[self.at] == b'-'
                && ((after_letter && self.year.is_none()) || !self.peek(1).is_ascii_digit());
            if !is_hyphen && !is_blank(self.text[self.at]) {
                break;
            }
            self.at += 1;
        }
    }

    fn finish(self) -> Option<UnixTime> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        if year > LAST_YEAR {
            return None;
        }
        if year < 1970 || (year == 1970 && month == 0) {
            // Past, whatever runs over into 1970.
            return Some(UnixTime::from_secs(0));
        }
        let first_of_month = match month {
            0 => days_from_civil(year - 1, 12, 1),
            _ => days_from_civil(year, month, 1),
        };
        let days = i64::from(first_of_month) + i64::from(day) - 1;
        let Time { hour, minute, second } = self.time.unwrap_or_default();
        let minutes = hour * 60 + minute - self.offset.or(self.zone).unwrap_or(0);
        let seconds = days * SECONDS_PER_DAY as i64 + minutes * 60 + second;
        Some(UnixTime::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',' | b';' | b'/' | b'(' | b')' | b'[' | b']')
}

/// A text of as many tokens is no date.
const MAX_TOKENS: usize = 1002;
/// The last year that Firefox has a number for.
const LAST_YEAR: u32 = 32_767;
/// Minutes ahead of UTC.
const ZONES: [(&[u8; 3], i64); 15] = [
    (b"gmt", 0),
    (b"bst", 60),
    (b"met", 60),
    (b"eet", 120),
    (b"jst", 540),
    (b"nst", -210),
    (b"ast", -240),
    (b"edt", -240),
    (b"est", -300),
    (b"cdt", -300),
    (b"cst", -360),
    (b"mdt", -360),
    (b"mst", -420),
    (b"pdt", -420),
    (b"pst", -480),
];
