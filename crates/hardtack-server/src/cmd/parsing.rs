//! Values of arguments that several commands take.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hardtack::cookie::Profile;
use hardtack::jar::Target;
use hardtack::time::{Clock, SystemClock, UnixTime};
use hardtack_server::explain::How;
use hardtack_server::har;
use hardtack_server::stores::{Engine, StoreUrl};

use super::Failure;

/// A profile by its name.
pub(crate) fn profile() -> impl TypedValueParser<Value = &'static Profile> {
    PossibleValuesParser::new(Profile::ALL.map(|profile| profile.name))
        .try_map(|name| Profile::named(&name).ok_or("there is no such profile"))
}

/// An address that cookies exist for.
pub(crate) fn url(text: &str) -> Result<Target, String> {
    Target::parse(text).map_err(|error| error.to_string())
}

/// A context by its word.
pub(crate) fn context() -> impl TypedValueParser<Value = How> {
    PossibleValuesParser::new(How::ALL.map(How::word))
        .try_map(|word| How::named(&word).ok_or("there is no such context"))
}

/// How long to wait.
pub(crate) fn wait(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err("write whole seconds, at least 1"),
    }
}

/// A part of a hundred.
pub(crate) fn percent(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(percent @ 0.0..=100.0) => Ok(percent),
        _ => Err("write a number from 0 to 100"),
    }
}

/// The address of a store that outlives this process.
pub(crate) fn store(text: &str) -> Result<StoreUrl, Failure> {
    let url = StoreUrl::parse(text).map_err(Failure::input)?;
    match url.engine() {
        Engine::Memory => Err(Failure::input(
            "`memory:` is the memory of this process alone, with no sessions in it; name the store \
             of your application, such as sqlite:sessions.db",
        )),
        _ => Ok(url),
    }
}

/// The time that the arguments say, or now.
pub(crate) fn or_now(time: Option<UnixTime>) -> UnixTime {
    time.unwrap_or_else(|| SystemClock::default().now())
}

/// The answers in a browser's recording that set cookies.
pub(crate) fn recording(path: &Path) -> Result<Vec<har::Entry>, Failure> {
    let path_shown = path.display();
    let text = std::fs::read(path)
        .map_err(|error| Failure::input(format!("{path_shown} cannot be read: {error}")))?;
    har::read(&text).map_err(|error| Failure::input(format!("{path_shown}: {error}")))
}

/// A `Set-Cookie` value, with or without the name of the header before it.
pub(crate) fn line(argument: &OsStr) -> Vec<u8> {
    let line = argument.as_encoded_bytes();
    header_value(line).unwrap_or(line).to_vec()
}

/// The `Set-Cookie` lines of a text: all of it a line each, or, if there are lines that begin with
/// `Set-Cookie:`, only these, as in the head of an HTTP response.
pub(crate) fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let all =
        || text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let named: Vec<_> = all().filter_map(header_value).map(<[u8]>::to_vec).collect();
    if !named.is_empty() {
        return named;
    }
    all().filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect()
}

/// What follows `Set-Cookie:`.
fn header_value(line: &[u8]) -> Option<&[u8]> {
    let (name, value) = line.split_at_checked(b"set-cookie:".len())?;
    name.eq_ignore_ascii_case(b"set-cookie:").then(|| value.trim_ascii())
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
    fn lines_are_found_in_the_head_of_a_response() {
        let head = b"HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nX: y\r\nSet-Cookie:b=2\r\n\r\n";
        assert_eq!(lines(head), [&b"a=1; Path=/"[..], b"b=2"]);
        assert_eq!(lines(b"a=1\n\n b\xff\r\n"), [&b"a=1"[..], b" b\xff"]);
    }

    #[test]
    fn a_store_is_one_that_outlives_the_command() {
        for (text, is_one) in [("memory:", false), ("sqlite:a.db", true), ("a.db", false)] {
            assert_eq!(store(text).is_ok(), is_one, "{text}");
        }
    }

    #[test]
    fn a_wait_is_whole_seconds_and_a_percentage_ends_at_a_hundred() {
        for (text, is_wait, is_percent) in [
            ("1", true, true),
            ("0", false, true),
            ("1.5", false, true),
            ("100", true, true),
            ("101", true, false),
            ("-1", false, false),
            ("nan", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (wait(text).is_ok(), percent(text).is_ok()),
                (is_wait, is_percent),
                "{text}"
            );
        }
    }

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
