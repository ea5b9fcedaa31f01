//! Several cookies: overwriting, deleting, order, and what goes when there are too many.

use super::Draft;
use super::dice::Dice;
use crate::case::Request;

pub(super) fn overwriting(dice: &mut Dice) -> Draft {
    let mut value = 0;
    let steps = dice.several(1, 3, |dice, _| {
        let host = dice.pick(&["a.example.com", "a.example.com", "example.com"]);
        let path = dice.pick(&["/", "/foo", "/foo/bar", "/foo/bar/"]);
        let set = dice.several(1, 4, |dice, _| {
            // Now and then the same value again.
            value += u32::from(dice.percent(80));
            let name = dice.pick(&["a", "b", "c", "A", "", "d"]);
            let path = dice.pick(&["", "; Path=/", "; Path=/foo", "; Path=/foo/bar"]);
            let domain = dice.pick(&["", "", "", "; Domain=example.com", "; Domain=a.example.com"]);
            let more = dice.pick(&[
                "",
                "",
                "",
                "; Max-Age=0",
                "; Max-Age=500",
                "; HttpOnly",
                "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "; Secure",
            ]);
            format!("{name}={value}{path}{domain}{more}")
        });
        Request::to(format!("https://{host}{path}")).setting(set)
    });
    let second = dice.pick(&[
        "https://example.com/foo/bar/baz",
        "https://b.a.example.com/foo",
        "https://a.example.com/",
    ]);
    let probes = vec![Request::to("https://a.example.com/foo/bar").reading(), Request::to(second)];
    Draft { steps, probes }
}

pub(super) fn eviction(dice: &mut Dice) -> Draft {
    // Short names keep a case of 200 cookies small.
    let many = |from: u32, count: u32, attributes: &str| -> Vec<String> {
        (from..from + count).map(|at| format!("{at}={attributes}")).collect()
    };
    let secure = dice.pick(&["", ";Secure"]);
    let host = dice.pick(&["https://example.com/", "https://a.example.com/"]);
    let (first, then) = (dice.one(&[100, 150, 170]), dice.one(&[10, 20, 31, 60]));
    let mut steps = vec![Request::to(host).setting(many(0, first, secure))];
    match dice.number(0, 4) {
        // Some are used in between: the others go first.
        0 => steps.push(Request::to("https://example.com/")),
        // Some are set again.
        1 => steps.push(Request::to(host).setting(many(0, 20, ";HttpOnly"))),
        // Cookies that a request for this path does not use.
        2 => steps.push(Request::to(host).setting(many(500, 20, ";Path=/x"))),
        _ => {}
    }
    let other = dice.pick(&["", ";Secure", ";Domain=example.com", ";Path=/x", ";Max-Age=500"]);
    let host =
        dice.pick(&["https://example.com/", "https://a.example.com/", "https://b.example.com/"]);
    steps.push(Request::to(host).setting(many(1000, then, other)));
    let probes = ["https://a.example.com/x", "https://b.example.com/", "http://example.com/"];
    Draft { steps, probes: probes.map(Request::to).to_vec() }
}
