//! The date of `Expires`: written as the HTTP grammar has it, `Sun, 06 Nov 1994 08:49:37 GMT`
//! (IMF-fixdate, RFC 9110 section 5.6.7), and read as clients read whatever servers write.

mod people;
mod tokens;

use super::profile::DateGrammar;
use crate::time::UnixTime;

/// Reads a cookie date, 6265bis section 5.1.1: a time, a day, a month and a year somewhere in the
/// text, in nearly any order; a time zone counts for nothing. What is before 1970 becomes 1970.
///
/// `None` if a part is missing or out of its range, or the day does not exist.
pub fn parse(text: &[u8]) -> Option<UnixTime> {
    parse_as(text, DateGrammar::Rfc)
}

/// Reads a cookie date as one client does.
#[inline]
pub(super) fn parse_as(text: &[u8], grammar: DateGrammar) -> Option<UnixTime> {
    // Nearly all dates on the wire, and no two clients differ about them.
    parse_fixdate(text).or_else(|| parse_slowly(text, grammar))
}

#[cold]
fn parse_slowly(text: &[u8], grammar: DateGrammar) -> Option<UnixTime> {
    match grammar {
        DateGrammar::Rfc => tokens::parse_rfc(text),
        DateGrammar::Chromium => tokens::parse_chromium(text),
        DateGrammar::Firefox => people::parse(text),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, also with hyphens in the date, if there is such a day and time.
/// Takes nothing that one of the grammars reads differently: no weekday that is a month, and no year
/// that is too early for one of them.
fn parse_fixdate(text: &[u8]) -> Option<UnixTime> {
    let text: &[u8; 29] = text.try_into().ok()?;
    let &[w0, w1, w2, b',', b' ', d0, d1, b' ' | b'-', m0, m1, m2, b' ' | b'-', ref rest @ ..] =
        text
    else {
        return None;
    };
    let &[y0, y1, y2, y3, b' ', ref time @ .., b' ', b'G', b'M', b'T'] = rest else {
        return None;
    };
    if !matches!(&[w0, w1, w2], b"Sun" | b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat") {
        return None;
    }
    let month = month_number([m0, m1, m2])?;
    let date = pairs([y0, y1, y2, y3, d0, d1, b'0', b'0'], b"00000000")?;
    let time = pairs(*time, b"00:00:00")?;
    let year = date[0] * 100 + date[2];
    if year < FIRST_YEAR {
        return None;
    }
    let (day, hour, minute, second) = (date[4], time[0], time[3], time[6]);
    Civil { year, month, day, hour, minute, second }.to_unix()
}

/// The numbers that two digits write, by where they start, of all digits at once. Where `form` has no
/// zero there must be what it has.
#[inline(always)]
fn pairs(text: [u8; 8], form: &[u8; 8]) -> Option<[u32; 8]> {
    let most = form.map(|byte| if byte == b'0' { 0x7F - 9 } else { 0x7F });
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(*form);
    let beyond = digits.wrapping_add(u64::from_le_bytes(most)) | digits;
    if beyond & u64::from_le_bytes([0x80; 8]) != 0 {
        return None;
    }
    let numbers = digits * 10 + (digits >> 8);
    Some(numbers.to_le_bytes().map(u32::from))
}

/// From 1, of its first three letters in their usual casing.
#[inline(always)]
fn month_number(name: [u8; 3]) -> Option<u32> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// A date and a time of day in the Gregorian calendar, UTC, of which not all need exist.
#[derive(Clone, Copy, Debug)]
struct Civil {
    year: u32,
    /// From 1.
    month: u32,
    /// From 1.
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl Civil {
    /// `None` if there is no such day or time. What is before 1970 becomes 1970.
    #[inline]
    fn to_unix(self) -> Option<UnixTime> {
        let Civil { year, month, day, hour, minute, second } = self;
        let exists = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !exists {
            return None;
        }
        if year < 1970 {
            return Some(UnixTime::from_secs(0));
        }
        let days = u64::from(days_from_civil(year, month, day));
        let second_of_day = u64::from(hour * 3600 + minute * 60 + second);
        Some(UnixTime::from_secs(days * SECONDS_PER_DAY + second_of_day))
    }
}

/// Writes a date, rounded down to the second. A time after the year 9999, which the format has no
/// digits for, becomes the last second of that year.
pub fn imf_fixdate(at: UnixTime) -> [u8; 29] {
    let secs = at.as_secs().min(LAST_SECOND);
    // Below 2^32: LAST_SECOND is less than 3 million days.
    let days = (secs / SECONDS_PER_DAY) as u32;
    let second_of_day = (secs % SECONDS_PER_DAY) as u32;
    let (year, month, day) = civil_from_days(days);

    let mut date = *b"___, __ ___ ____ __:__:__ GMT";
    // 1970-01-01 was a Thursday.
    date[..3].copy_from_slice(WEEKDAYS[((days + 4) % 7) as usize]);
    date[5..7].copy_from_slice(&two_digits(day));
    date[8..11].copy_from_slice(MONTHS[month as usize - 1]);
    date[12..14].copy_from_slice(&two_digits(year / 100));
    date[14..16].copy_from_slice(&two_digits(year % 100));
    date[17..19].copy_from_slice(&two_digits(second_of_day / 3600));
    date[20..22].copy_from_slice(&two_digits(second_of_day / 60 % 60));
    date[23..25].copy_from_slice(&two_digits(second_of_day % 60));
    date
}

/// Year, month (from 1) and day (from 1) of a day counted from 1970-01-01, in the Gregorian
/// calendar.
///
/// Counts years from 1 March, so that the leap day is a year's last and `(153 * month + 2) / 5` days
/// come before a month (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_from_days(days: u32) -> (u32, u32, u32) {
    let days = days + FROM_MARCH_OF_YEAR_0;
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    (year, month, day)
}

/// The inverse of [`civil_from_days`]: the day counted from 1970-01-01, which no year before 1970
/// has.
fn days_from_civil(year: u32, month: u32, day: u32) -> u32 {
    const DAYS_BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LEAP_DAYS_BEFORE_1970: u32 = 477;

    let last = year - 1;
    let leap_days = last / 4 - last / 100 + last / 400 - LEAP_DAYS_BEFORE_1970;
    let leap_day = u32::from(month > 2 && is_leap(year));
    (year - 1970) * 365 + leap_days + DAYS_BEFORE[month as usize - 1] + leap_day + day - 1
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The year that two digits mean, 6265bis section 5.1.1.
fn full_year(year: u32) -> u32 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    }
}

fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

const SECONDS_PER_DAY: u64 = 86_400;
const DAYS_PER_ERA: u32 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const FROM_MARCH_OF_YEAR_0: u32 = 719_468;
/// The first year that the standard takes.
const FIRST_YEAR: u32 = 1601;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;
const WEEKDAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

#[cfg(test)]
mod tests;
