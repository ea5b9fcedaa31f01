//! Laws of one `Set-Cookie` line.

use std::time::Duration;

use hardtack::cookie::{Expiry, Profile, SameSite, SetCookie, date, parse};
use hardtack::time::UnixTime;

use super::reference_date;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// No profile panics, and a cookie that the builder takes is read by every profile as it was meant.
pub(crate) fn what_is_parsed_can_be_written_and_parsed_again(bytes: &[u8]) {
    for profile in Profile::ALL {
        let Ok(cookie) = parse(bytes, profile) else { continue };
        assert!(!cookie.name.is_empty() || !cookie.value.is_empty());
        // U+FFFD is longer than the byte in whose place it stands.
        assert!(profile.replaces_invalid_utf8 || cookie.name.len() + cookie.value.len() <= 4096);
        if let Expiry::At(end) = cookie.expiry(NOW) {
            assert!(end > NOW && end.since(NOW) <= Duration::from_secs(400 * 86_400));
        }
        let (Ok(name), Ok(value)) = (str::from_utf8(&cookie.name), str::from_utf8(&cookie.value))
        else {
            continue;
        };
        let mut builder = SetCookie::builder(name, value);
        builder = builder.same_site(cookie.same_site.unwrap_or(SameSite::Lax));
        if let Some(domain) = cookie.domain.and_then(|text| str::from_utf8(text).ok()) {
            builder = builder.domain(domain);
        }
        if let Some(path) = cookie.path.and_then(|text| str::from_utf8(text).ok()) {
            builder = builder.path(path);
        }
        if let Some(max_age) = cookie.max_age {
            builder = builder.max_age(max_age);
        }
        let Ok(written) = builder.build() else { continue };
        let line = written.to_header_value();
        for reader in Profile::ALL {
            let again = parse(line.as_bytes(), reader).expect("what the builder takes is kept");
            assert_eq!((&again.name, &again.value), (&cookie.name, &cookie.value));
            assert!(again.secure && again.http_only && again.same_site.is_some());
            assert_eq!(again.max_age, cookie.max_age);
            assert!(again.check(again.path.unwrap_or(b"/"), again.domain.is_none()).is_ok());
        }
    }
}

/// The date is what the grammar of 6265bis section 5.1.1 makes of the text, fast path or not.
pub(crate) fn dates_are_read_as_the_grammar_reads(bytes: &[u8]) {
    let expected = reference_date::parse(bytes).map(|secs| u64::try_from(secs).unwrap_or(0));
    assert_eq!(date::parse(bytes).map(UnixTime::as_secs), expected, "{}", bytes.escape_ascii());
}
