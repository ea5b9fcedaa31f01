//! Paths of cookies against paths of requests.

use std::collections::BTreeSet;

use super::Draft;
use super::dice::Dice;

pub(super) fn path(dice: &mut Dice) -> Draft {
    let from = dice.pick(&REQUESTS);
    let (lines, mut asked) = if dice.percent(20) {
        let lines = dice.several(2, 6, |dice, at| {
            let path = dice.pick(&["/", "/foo", "/foo/", "/foo/bar", "/a/b", "/foo/bar/", ""]);
            let name = if dice.percent(50) { "n".to_owned() } else { format!("n{at}") };
            format!("{name}={at}; Path={path}")
        });
        (lines, BTreeSet::from(["/foo/bar/x", "/foo/"]))
    } else if dice.percent(15) {
        (vec!["n=v".to_owned()], BTreeSet::from([from]))
    } else {
        let mut line = format!("n=v; {}={}", dice.casing("Path"), dice.pick(&PATHS));
        if dice.percent(10) {
            line = format!("{line}; Path={}", dice.pick(&PATHS));
        }
        (vec![line], BTreeSet::from([from]))
    };
    asked.extend(dice.several(1, 3, |dice, _| dice.pick(&REQUESTS)));
    let probes: Vec<String> =
        asked.iter().map(|path| format!("https://example.com{path}")).collect();
    let probes: Vec<&str> = probes.iter().map(String::as_str).collect();
    Draft::of(&format!("https://example.com{from}"), lines, &probes)
}

const REQUESTS: [&str; 22] = [
    "/",
    "/foo",
    "/foo/",
    "/foo/bar",
    "/foo/bar/",
    "/foo//bar",
    "/FOO/bar",
    "/foo%2Fbar",
    "/foo%20x/y",
    "/foo;a=b/c",
    "/foo.html",
    "/foobar",
    "//",
    "//foo",
    "/a/b/c/d",
    "/%66oo/bar",
    "/foo/../bar",
    "/foo'x",
    "/f%C3%A9/x",
    "/foo/./x",
    "/foo?x=/y/z",
    "/%7Efoo/x",
];

const PATHS: [&str; 43] = [
    "/",
    "",
    "/foo",
    "/foo/",
    "/foo/bar",
    "foo",
    "\"/foo\"",
    "/FOO",
    "/fo",
    "//",
    "/foo//",
    "/foo/../",
    "/.",
    "/foo%2F",
    "/%66oo",
    "/foo;x",
    "/foo ",
    " /foo",
    "/foo?x",
    "/foo#x",
    "/f\u{c3}\u{a9}",
    "/f%C3%A9",
    "/f%c3%a9",
    "/foo\\bar",
    "\\foo",
    "*",
    "/*",
    "/foo/*",
    "https://example.com/foo",
    "/foo/./",
    "/foo%20x",
    "/foo x",
    "/ foo",
    "//foo",
    "/foo/bar/",
    "/~foo",
    "/%7Efoo",
    "/foo'x",
    "/f\u{e9}",
    "=/foo",
    "/foo=bar",
    "/foo,/bar",
    "../",
];
