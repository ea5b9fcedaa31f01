//! Domains: of usual hosts, international ones, public suffixes, and this machine's.

use super::dice::Dice;
use super::{Draft, utf8};
use crate::case::Request;

pub(super) fn domain(dice: &mut Dice) -> Draft {
    let host = dice.pick(&HOSTS);
    if dice.percent(15) && host.split('.').count() > 2 && !is_address(host) {
        return several_domains(dice, host);
    }
    let mut line = format!("n=v; {}={}", dice.casing("Domain"), near(dice, host));
    if dice.percent(10) {
        line = format!("{line}; Domain={}", near(dice, host));
    }
    Draft::of(&format!("https://{host}/"), [line], &around(host))
}

/// One name at several domains that all match.
fn several_domains(dice: &mut Dice, host: &str) -> Draft {
    let parent = parent(host);
    let mut domains = [
        String::new(),
        format!("; Domain={host}"),
        format!("; Domain={parent}"),
        format!("; Domain=.{parent}"),
        format!("; Domain=.{host}"),
    ];
    dice.shuffle(&mut domains);
    let lines = dice.several(2, 5, |_, at| format!("n={at}{}", domains[at as usize]));
    Draft::of(&format!("https://{host}/"), lines, &around(host))
}

pub(super) fn international(dice: &mut Dice) -> Draft {
    let (ascii, unicode) = dice.one(&[
        ("xn--bcher-kva.example", "bücher.example"),
        ("xn--bcher-kva.de", "BÜCHER.de"),
        ("a.xn--bcher-kva.de", "a.bücher.de"),
        ("xn--strae-oqa.de", "straße.de"),
        ("xn--fsqu00a.xn--0zwm56d", "例子.测试"),
        ("example.com", "ｅｘａｍｐｌｅ.com"),
        ("example.com", "example。com"),
        ("xn--maana-pta.com", "man\u{303}ana.com"),
    ]);
    let domain = match dice.number(0, 5) {
        0 => ascii.to_ascii_uppercase(),
        1 => format!(".{}", utf8(unicode)),
        2 => utf8(&unicode.to_lowercase()),
        3 => ascii.to_owned(),
        _ => utf8(unicode),
    };
    let probes = [format!("https://{ascii}/"), format!("https://x.{ascii}/")];
    let from = dice.pick(&["", "x."]);
    Draft::of(&format!("https://{from}{ascii}/"), [format!("n=v; Domain={domain}")], &probes)
}

pub(super) fn public_suffix(dice: &mut Dice) -> Draft {
    let suffix = dice.pick(&[
        "com",
        "co.uk",
        "github.io",
        "kawasaki.jp",
        "ck",
        "www.ck",
        "city.kawasaki.jp",
        "s3.amazonaws.com",
        "blogspot.com",
        "pages.dev",
        "test",
        "unknown-zz",
        "appspot.com",
        "com.au",
        "k12.ca.us",
        "xn--p1ai",
        "in-addr.arpa",
        "internal",
        "herokuapp.com",
    ]);
    let (host, domain) =
        (dice.pick(&["", "a.", "b.a."]), dice.pick(&["", "a.", ".", ".a.", "b.a."]));
    let lines = if dice.percent(30) {
        vec![format!("h=1"), format!("n=v; Domain={domain}{suffix}")]
    } else {
        vec![format!("n=v; Domain={domain}{suffix}")]
    };
    let probes = ["", "a.", "b.a.", "other."].map(|label| format!("https://{label}{suffix}/"));
    Draft::of(&format!("https://{host}{suffix}/"), lines, &probes)
}

pub(super) fn loopback(dice: &mut Dice) -> Draft {
    let own = [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "app.localhost",
        "localhost",
        "127.0.0.2",
        "localhost:8081",
    ];
    let set = dice.several(1, 2, |dice, step| {
        let host = dice.pick(&own);
        let domain =
            dice.pick(&["localhost", ".localhost", "127.0.0.1", "[::1]", "::1", "app.localhost"]);
        let attributes = [
            dice.pick(&["", "", "; Secure"]).to_owned(),
            dice.pick(&["", "", "; SameSite=None", "; SameSite=Strict", "; HttpOnly"]).to_owned(),
            if dice.percent(35) { format!("; Domain={domain}") } else { String::new() },
        ];
        let name = dice.pick(&["a", "a", "__Host-a", "__Secure-a", "__Host-Http-a"]);
        let path = if name.contains("Host") { "; Path=/; HttpOnly" } else { "" };
        let scheme = if host.contains(':') && !host.contains('[') {
            "http"
        } else {
            dice.pick(&["http", "http", "https"])
        };
        Request::to(format!("{scheme}://{host}/"))
            .setting([format!("{name}={step}{path}{}", attributes.concat())])
    });
    let probes = [
        "http://localhost/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://app.localhost/",
        "https://localhost/",
        "https://[::1]/",
    ];
    Draft { steps: set, probes: probes.map(Request::to).to_vec() }
}

/// A value for `Domain` that is, or nearly is, one of this host.
fn near(dice: &mut Dice, host: &str) -> String {
    let (parent, first) = (parent(host), host.split('.').next().unwrap_or_default());
    let template = dice.pick(&[
        "@",
        ".@",
        "..@",
        "@.",
        ".@.",
        "^",
        "^",
        ".^",
        ".^",
        "x.@",
        "x@",
        "!",
        ".!",
        "",
        ".",
        "..",
        " @ ",
        "@:443",
        "@/",
        "https://@",
        "*.@",
        "\"@\"",
        "@ x",
        "@,^",
        "other.test",
        "127.0.0.1",
        "0.0.1",
        "[::1]",
        "::1",
        "@%2e",
        "xn--bcher-kva.example",
        "@\t",
        "2130706433",
        "0x7f.1",
        "@\u{e9}",
        "~",
        "#",
        "%65xample.com",
    ]);
    match template {
        "~" => dice.casing(host),
        "#" => host.replacen('.', "..", 1),
        _ => template.replace('@', host).replace('^', &parent).replace(
            '!',
            if dice.percent(50) { first } else { host.rsplit('.').next().unwrap_or_default() },
        ),
    }
}

fn parent(host: &str) -> String {
    host.split_once('.').map_or_else(|| host.to_owned(), |(_, parent)| parent.to_owned())
}

/// The host, its parent, and a child.
fn around(host: &str) -> Vec<String> {
    let mut all = vec![format!("https://{host}/")];
    if !is_address(host) {
        let parent = parent(host);
        if parent != host && !parent.is_empty() {
            all.push(format!("https://{parent}/"));
        }
        all.push(format!("https://x.{host}/"));
    }
    all
}

fn is_address(host: &str) -> bool {
    host.ends_with(|last: char| last.is_ascii_digit())
}

const HOSTS: [&str; 25] = [
    "example.com",
    "a.example.com",
    "sub.a.example.com",
    "www.example.co.uk",
    "example.co.uk",
    "co.uk",
    "com",
    "localhost",
    "app.localhost",
    "127.0.0.1",
    "foo.github.io",
    "github.io",
    "intranet",
    "a.intranet",
    "xn--bcher-kva.example",
    "a.xn--bcher-kva.de",
    "foo.kawasaki.jp",
    "www.city.kawasaki.jp",
    "a.b.c.kawasaki.jp",
    "my_host.example.com",
    "a--b.example.com",
    "unknown-zz",
    "host.unknown-zz",
    "1.example.com",
    "example.com.",
];
