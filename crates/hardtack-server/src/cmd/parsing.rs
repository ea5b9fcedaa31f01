//! Values of arguments that several commands take.

use hardtack::cookie::Profile;
use hardtack::time::UnixTime;

/// A profile by its name.
pub(crate) fn profile(name: &str) -> Result<&'static Profile, String> {
    Profile::named(name).ok_or_else(|| {
        let known: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name).collect();
        format!("there is no such profile; use one of {}", known.join(", "))
    })
}

/// Seconds since 1970, with or without decimals.
pub(crate) fn seconds(text: &str) -> Result<UnixTime, String> {
    let wrong = || "write seconds since 1970, like the output of `date +%s`".to_owned();
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let millis: u64 = format!("{rest:0<3}")[..3].parse().map_err(|_| wrong())?;
    Ok(UnixTime::from_millis(UnixTime::from_secs(whole).as_millis().saturating_add(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_decimals() {
        for (text, millis) in [
            ("0", Some(0)),
            ("1.5", Some(1500)),
            ("1.2345", Some(1234)),
            ("18446744073709551615", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("1.", None),
            ("1e3", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(seconds(text).ok().map(UnixTime::as_millis), millis, "{text}");
        }
    }
}
