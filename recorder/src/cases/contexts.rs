//! Who asks: pages of this site and of others, frames, forms, redirects, http against https.

use super::dice::Dice;
use super::{Draft, HOME, joined};
use crate::case::{Hop, Kind, Request};

pub(super) fn same_site(dice: &mut Dice) -> Draft {
    if dice.percent(25) {
        let kind = dice.one(&[Kind::Subresource, Kind::Iframe, Kind::Link, Kind::FormPost]);
        let from = dice.pick(&[
            "https://other.test/",
            "https://other.test/",
            "https://sub.example.com/",
            HOME,
        ]);
        let set = Request::to(HOME).from(kind, from).setting(lines(dice, 1, 4));
        let third = dice.pick(&["https://other.test/", "https://third.example.org/"]);
        let probe = Request::to(HOME).from(Kind::Subresource, third);
        return Draft { steps: vec![set], probes: vec![Request::to(HOME).reading(), probe] };
    }
    let scheme = dice.pick(&["https", "https", "https", "http"]);
    let url = format!("{scheme}://example.com/");
    let set = Request::to(&url).setting(lines(dice, 1, 3));
    let mut probes = dice.several(2, 2, |dice, _| asked(dice, &url));
    probes.push(Request::to(&url).reading());
    Draft { steps: vec![set], probes }
}

pub(super) fn redirect(dice: &mut Dice) -> Draft {
    let mut steps = vec![Request::to(HOME).setting(lines(dice, 2, 4))];
    if dice.percent(40) {
        let last =
            dice.pick(&["https://example.com/x", "https://other.test/", "http://example.com/"]);
        let mut step = redirected(dice, last).setting(["b=end; Path=/".to_owned()]);
        for hop in &mut step.via {
            hop.set_cookie = vec!["a=hop; Path=/; Secure".to_owned()];
        }
        steps.push(step);
    }
    let mut probes = dice.several(2, 2, |dice, _| {
        let end = dice.pick(&[
            HOME,
            HOME,
            "https://example.com/x",
            "https://sub.example.com/",
            "http://example.com/",
        ]);
        redirected(dice, end)
    });
    probes.push(Request::to(HOME));
    Draft { steps, probes }
}

/// A request that comes to this URL by way of one or two others.
fn redirected(dice: &mut Dice, end: &str) -> Request {
    let request = asked(dice, end);
    let hosts = ["other.test", "other.test", "sub.example.com", "example.com"];
    let via = dice.several(1, 2, |dice, _| {
        // A page of https gets no part of itself over http, and posts no form to it unasked.
        let part = !matches!(request.context, Kind::Nav | Kind::Link);
        let scheme = if part {
            end.split(':').next().unwrap_or("https")
        } else {
            dice.pick(&["https", "https", "http"])
        };
        let status = dice.one(&[None, None, Some(307), Some(303)]);
        Hop { url: format!("{scheme}://{}/r", dice.pick(&hosts)), status, set_cookie: Vec::new() }
    });
    request.via(via)
}

pub(super) fn partitioned(dice: &mut Dice) -> Draft {
    let tops = [
        "https://other.test/",
        "https://third.example.org/",
        HOME,
        "https://sub.example.com/",
        "https://www.other.test/",
    ];
    let kinds = [Kind::Iframe, Kind::Iframe, Kind::Subresource, Kind::Link];
    let url = "https://example.com/";
    let steps = dice.several(1, 2, |dice, step| {
        let set = dice.several(1, 2, |dice, at| {
            let name = dice.pick(&["p", "p", "q", "__Host-p"]);
            let mut attributes = [
                dice.pick(&["Partitioned", "Partitioned", "partitioned", "Partitioned=no", ""]),
                dice.pick(&["Secure", "Secure", "Secure", "Secure", ""]),
                dice.pick(&["SameSite=None", "SameSite=None", "SameSite=Lax", ""]),
                "Path=/",
                dice.pick(&["", "", "HttpOnly", "Max-Age=0"]),
            ]
            .map(str::to_owned);
            dice.shuffle(&mut attributes);
            format!("{name}={step}{at}{}", joined(&attributes))
        });
        let request = Request::to(url).setting(set);
        if dice.percent(25) { request } else { request.from(dice.one(&kinds), dice.pick(&tops)) }
    });
    let mut probes = dice
        .several(2, 3, |dice, _| Request::to(url).from(dice.one(&kinds[1..]), dice.pick(&tops)));
    probes.push(Request::to(url));
    Draft { steps, probes }
}

pub(super) fn secure(dice: &mut Dice) -> Draft {
    if dice.percent(40) {
        let host =
            dice.pick(&["example.com", "localhost", "127.0.0.1", "app.localhost", "a.example.com"]);
        let [https, http] = ["https", "http"].map(|scheme| format!("{scheme}://{host}/"));
        let set =
            Request::to(if dice.percent(50) { &https } else { &http }).setting(lines(dice, 1, 2));
        let probes = vec![Request::to(https).reading(), Request::to(http).reading()];
        return Draft { steps: vec![set], probes };
    }
    // Leave secure cookies alone.
    let mut step = |scheme: &str, mark: &str, secure: &str| {
        let path = dice.pick(&["/", "/foo", "/foo/bar"]);
        let set = dice.several(1, 2, |dice, at| {
            let attributes = dice.pick(&[
                "",
                "; Path=/",
                "; Path=/foo",
                "; Path=/foo/bar",
                "; Domain=example.com",
                "; Domain=a.example.com",
                "; Domain=example.com; Path=/foo",
                "; Max-Age=0",
                "; Max-Age=0; Path=/foo",
            ]);
            format!("{}={mark}{at}{secure}{attributes}", dice.pick(&["s", "s", "s", "t"]))
        });
        Request::to(format!("{scheme}://a.example.com{path}")).setting(set)
    };
    let steps = vec![step("https", "sec", "; Secure"), step("http", "ins", "")];
    let probes = [
        "https://a.example.com/foo/bar",
        "http://a.example.com/foo/bar",
        "https://example.com/foo",
    ];
    Draft { steps, probes: probes.map(Request::to).to_vec() }
}

/// A request for this URL by somebody.
fn asked(dice: &mut Dice, url: &str) -> Request {
    let request = Request::to(url);
    let (scheme, host) = url.split_once("://").unwrap_or(("https", url));
    let host = host.split('/').next().unwrap_or_default();
    let from = dice
        .pick(&["other.test", "other.test", "sub.@", "@", "cross.example.net"])
        .replace('@', host);
    match dice.number(0, 5) {
        0 => request,
        1 => request.from(Kind::Link, format!("{scheme}://{from}/")),
        2 | 3 => request.from(Kind::FormPost, format!("{scheme}://{from}/")),
        4 => request.from(Kind::Subresource, format!("{scheme}://{from}/")),
        _ => request.from(Kind::Iframe, format!("{scheme}://{from}/")),
    }
}

fn lines(dice: &mut Dice, from: u32, to: u32) -> Vec<String> {
    dice.several(from, to, |dice, at| {
        let mut attributes = [
            dice.pick(&["Secure", "Secure", ""]),
            dice.pick(&["HttpOnly", ""]),
            dice.pick(&[
                "",
                "",
                "",
                "SameSite=Lax",
                "SameSite=Lax",
                "SameSite=Strict",
                "SameSite=Strict",
                "SameSite=None",
                "SameSite=None",
                "SAMESITE=none",
                "SameSite",
                "SameSite=",
                "SameSite=foo",
                "SameSite=Strict; SameSite=None",
                "SameSite=None; SameSite=Lax",
                "SameSite=Strict; SameSite=bogus",
                "SameSite = Strict",
                "SameSite=\"Lax\"",
                "SameSite=Lax,Strict",
            ]),
            dice.pick(&["", "", "", "", "Partitioned", "partitioned=1"]),
        ]
        .map(str::to_owned);
        dice.shuffle(&mut attributes);
        format!("c{at}={at}{}", joined(&attributes))
    })
}
