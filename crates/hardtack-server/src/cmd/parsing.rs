//! Values of arguments that several commands take.

use std::ffi::OsStr;
use std::path::Path;

use hardtack::cookie::Profile;
use hardtack::jar::Target;
use hardtack::time::{Clock, SystemClock, UnixTime};
use hardtack_server::explain::How;
use hardtack_server::har;

use super::Failure;

/// A profile by its name.
pub(crate) fn profile(name: &str) -> Result<&'static Profile, String> {
    Profile::named(name).ok_or_else(|| {
        let known: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name).collect();
        format!("there is no such profile; use one of {}", known.join(", "))
    })
}

/// An address of http or https.
pub(crate) fn url(text: &str) -> Result<Target, String> {
    Target::parse(text).map_err(|error| error.to_string())
}

/// A context by its word.
pub(crate) fn context(word: &str) -> Result<How, String> {
    How::named(word).ok_or_else(|| {
        let known = How::ALL.map(How::word);
        format!("there is no such context; use one of {}", known.join(", "))
    })
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
