//! Cookie dates as 6265bis section 5.1.1 reads: tokens, then productions, then a calendar counted
//! by hand.

/// Seconds since 1970.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|&byte| is_delimiter(byte)).filter(|token| !token.is_empty()) {
        if time.is_none() && hms(token).is_some() {
            time = hms(token);
        } else if day.is_none() && number(token, 1, 2).is_some() {
            day = number(token, 1, 2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() && number(token, 2, 4).is_some() {
            year = number(token, 2, 4);
        }
    }
    let ((hour, minute, second), day, month, mut year) = (time?, day?, month?, year?);
    if (70..=99).contains(&year) {
        year += 1900;
    } else if year <= 69 {
        year += 2000;
    }
    if year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if day < 1 || day > days_in(month, year) {
        return None;
    }
    let mut days: i64 = 0;
    for earlier in 1601..year {
        days += if is_leap(earlier) { 366 } else { 365 };
    }
    for earlier in 0..month {
        days += days_in(earlier, year);
    }
    days += day - 1;
    // 1970-01-01 is day 134,774 of 1601-01-01.
    Some((days - 134_774) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2F | 0x3B..=0x40 | 0x5B..=0x60 | 0x7B..=0x7E)
}

/// Between `least` and `most` digits, and no digit after them.
fn number(token: &[u8], least: usize, most: usize) -> Option<i64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits < least || digits > most {
        return None;
    }
    std::str::from_utf8(&token[..digits]).ok()?.parse().ok()
}

fn hms(token: &[u8]) -> Option<(i64, i64, i64)> {
    let mut fields = token.splitn(3, |&byte| byte == b':');
    let (hour, minute, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let whole = |field: &[u8]| {
        if field.iter().all(u8::is_ascii_digit) { number(field, 1, 2) } else { None }
    };
    Some((whole(hour)?, whole(minute)?, number(rest, 1, 2)?))
}

fn month_of(token: &[u8]) -> Option<i64> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let names = b"janfebmaraprmayjunjulaugsepoctnovdec";
    names.chunks(3).zip(0..).find(|(name, _)| *name == start).map(|(_, month)| month)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
