//! Cookies that scripts set through `document.cookie`.

use super::dice::Dice;
use super::{Draft, HOME, joined, utf8};
use crate::case::{Kind, Request};

pub(super) fn document_cookie(dice: &mut Dice) -> Draft {
    let url = dice.pick(&[
        HOME,
        HOME,
        HOME,
        "http://example.com/",
        "https://example.com/foo/bar",
        "http://localhost/",
    ]);
    let before = dice.several(0, 2, |dice, at| {
        let attributes = dice.pick(&[
            "",
            "; HttpOnly",
            "; Secure",
            "; Path=/",
            "; HttpOnly; Path=/",
            "; SameSite=Strict",
        ]);
        format!("{}=http{at}{attributes}", dice.pick(&["a", "b", "__Host-a"]))
    });
    let by_script = dice.several(1, 3, |dice, at| {
        let value = dice.pick(&[
            "js", "js", "js", "", "x y", "a=b", "\"q\"", "é", "a\u{0}b", "a\nb", "a\tb", "a\u{7f}",
            "日本",
        ]);
        if dice.percent(15) {
            return utf8(dice.pick(&[
                "alone",
                "=v",
                "",
                "=",
                " ; Path=/",
                "a",
                "=__Host-x=1",
                "é",
            ]));
        }
        let name = dice.pick(&[
            "a",
            "a",
            "b",
            "c",
            "__Host-a",
            "__Secure-a",
            "__Http-a",
            "__Host-Http-a",
            "é",
        ]);
        let mut attributes = [
            dice.pick(&["", "Path=/", "Path=/", "Path=/foo", "Path=/other"]),
            dice.pick(&["", "", "Secure"]),
            dice.pick(&["", "", "", "HttpOnly"]),
            dice.pick(&["", "", "Domain=example.com", "Domain=com", "Domain=x.example.com"]),
            dice.pick(&[
                "",
                "",
                "Max-Age=0",
                "Max-Age=100",
                "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            ]),
            dice.pick(&["", "", "SameSite=None", "SameSite=Strict", "Partitioned"]),
        ]
        .map(str::to_owned);
        dice.shuffle(&mut attributes);
        utf8(&format!("{name}={value}{at}{}", joined(&attributes)))
    });
    let mut step = Request::to(url).setting(before);
    step.script_cookie = by_script;
    if dice.percent(25) {
        // A page of https has no frame of http.
        let other = url.replacen("example.com", "other.test", 1);
        step = step.from(Kind::Iframe, dice.pick(&[other.as_str(), url]));
    }
    let mut probes = vec![Request::to(url).reading(), Request::to("https://example.com/foo/x")];
    if dice.percent(50) {
        probes.push(Request::to(HOME).from(Kind::Iframe, "https://other.test/"));
    }
    Draft { steps: vec![step], probes }
}
