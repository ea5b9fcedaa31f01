//! The jar beside the reference jar.

use super::input::Input;
use super::reference::{self, Request};
use hardtack::cookie::Profile;
use hardtack::jar::{Jar, RequestContext, Suffixes, Target};
use hardtack::time::UnixTime;

const SUFFIXES: [&str; 3] = ["com", "co.uk", "github.io"];
/// Each with the site that it belongs to.
const HOSTS: [(&str, &str); 10] = [
    ("example.com", "example.com"),
    ("a.example.com", "example.com"),
    ("b.a.example.com", "example.com"),
    ("shop.co.uk", "shop.co.uk"),
    ("me.github.io", "me.github.io"),
    ("github.io", "github.io"),
    ("co.uk", "co.uk"),
    ("intranet", "intranet"),
    ("10.0.0.1", "10.0.0.1"),
    ("xample.com", "xample.com"),
];
const PATHS: [&str; 9] =
    ["/", "/foo", "/foo/", "/foo/bar", "/foobar", "//", "/foo//bar", "/FOO", "/foo%2Fbar"];
const NAMES: [&[u8]; 12] = [
    b"a",
    b"b",
    b"",
    b"__Secure-a",
    b"__HOST-a",
    b"__http-a",
    b"__Host-Http-a",
    b"__Secure-",
    b" a\t",
    b"\xE9",
    b"a b",
    b"\"a\"",
];
const VALUES: [&[u8]; 10] =
    [b"1", b"2", b"", b" x ", b"a=b", b"\"q\"", b"\xFF\xC3\xA9", b"__Host-x", b"\tt\tt", b"\x01"];
const ATTRIBUTES: [&[u8]; 57] = [
    b"Path=/",
    b"Path=/foo",
    b"Path=/foo/",
    b"Path=",
    b"path = /foo/bar ",
    b"Path=x",
    b"PATH=//",
    b"Path=/FOO",
    b"Path=/foobar",
    b"Secure",
    b"secure=0",
    b" Secure\t",
    b"HttpOnly",
    b"httponly=x",
    b"Domain=example.com",
    b"Domain=.example.com",
    b"Domain=a.example.com",
    b"domain=EXAMPLE.COM",
    b"Domain=com",
    b"Domain=.com",
    b"Domain=co.uk",
    b"Domain=github.io",
    b"Domain=me.github.io",
    b"Domain=",
    b"Domain=.",
    b"Domain=..example.com",
    b"Domain=xample.com",
    b"Domain=10.0.0.1",
    b"Domain=0.0.1",
    b"Domain=intranet",
    b"Domain=shop.co.uk",
    b"Domain=example.com.",
    b"Domain=e\xE9.com",
    b"Domain= b.a.example.com",
    b"Max-Age=0",
    b"Max-Age=60",
    b"Max-Age=-1",
    b"Max-Age=x",
    b"Max-Age=+5",
    b"Max-Age=99999999999999999999",
    b"Max-Age=",
    b"Max-Age=1.5",
    b"Expires=Fri, 15 Jan 2027 08:00:30 GMT",
    b"Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    b"Expires=Fri, 31 Dec 9999 23:59:59 GMT",
    b"Expires=x",
    b"Expires=",
    b"SameSite=Strict",
    b"SameSite=Lax",
    b"SameSite=None",
    b"SAMESITE=lax",
    b"SameSite=x",
    b"SameSite",
    b"Version=1",
    b"",
    b"=",
    b"Secure=\x7F",
];

/// Every header that the jar sends is the reference's, over any sequence of responses, scripts and
/// requests.
pub(crate) fn agrees_with_the_reference(bytes: &[u8]) {
    let mut input = Input(bytes);
    let suffixes = Suffixes::parse(&SUFFIXES.join("\n")).expect("a list of names");
    let mut jar = Jar::builder().profile(&Profile::RFC6265BIS).suffixes(suffixes).build();
    let mut reference = reference::Jar::default();
    let mut now = 1_800_000_000;
    // More than these could reach the jar's limits, which the reference does not have.
    for _ in 0..40 {
        if input.is_empty() {
            break;
        }
        let sets = !input.one_in(3);
        now += input.pick(&[0, 1, 59, 121]);
        let time = UnixTime::from_secs(now);
        let (to, from) = (Address::choose(&mut input), Address::choose(&mut input));
        let (target, page) = (to.target(), from.target());
        let (context, request) = match input.byte() % 5 {
            0 => (RequestContext::client(&target), to.request(true)),
            1 => (RequestContext::link(&target, &page), to.request(to.same_site(&from))),
            2 => {
                let post = Request { safe_method: false, ..to.request(to.same_site(&from)) };
                (RequestContext::form_post(&target, &page), post)
            }
            3 => {
                let fetch = Request { top_level: false, ..to.request(to.same_site(&from)) };
                (RequestContext::subresource(&target, &page), fetch)
            }
            _ => {
                let script = Request { top_level: false, script: true, ..to.request(true) };
                (RequestContext::script(&target), script)
            }
        };
        let line = if sets { line(&mut input) } else { Vec::new() };
        if sets {
            reference.set(&line, request, &SUFFIXES, now as i64);
            jar.set(&line, &context, time);
        }
        let sent = jar.header(&context, time);
        let sent = sent.as_ref().map_or(&b""[..], |header| header.as_bytes());
        let expected = reference.header(request, now as i64);
        assert_eq!(
            sent.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{request:?} after {:?}",
            line.escape_ascii().to_string()
        );
    }
}

#[derive(Clone, Copy)]
struct Address {
    secure: bool,
    host: &'static str,
    site: &'static str,
    path: &'static str,
}

impl Address {
    fn choose(input: &mut Input<'_>) -> Address {
        let (host, site) = input.pick(&HOSTS);
        Address { secure: !input.one_in(4), host, site, path: input.pick(&PATHS) }
    }

    fn target(&self) -> Target {
        let scheme = if self.secure { "https" } else { "http" };
        Target::parse(&format!("{scheme}://{}{}", self.host, self.path)).expect("a URL")
    }

    fn same_site(&self, from: &Address) -> bool {
        self.secure == from.secure && self.site == from.site
    }

    /// A navigation by GET.
    fn request(&self, same_site: bool) -> Request<'static> {
        Request {
            secure: self.secure,
            host: self.host,
            path: self.path,
            same_site,
            top_level: true,
            safe_method: true,
            script: false,
        }
    }
}

/// Mostly of words that mean something, sometimes of bytes as they are.
fn line(input: &mut Input<'_>) -> Vec<u8> {
    if input.one_in(8) {
        return input.run().to_vec();
    }
    let mut line = input.pick(&NAMES).to_vec();
    if !input.one_in(4) {
        line.push(b'=');
        line.extend_from_slice(input.pick(&VALUES));
    }
    for _ in 0..input.byte() % 6 {
        line.push(b';');
        line.extend_from_slice(input.pick(&ATTRIBUTES));
    }
    line
}
