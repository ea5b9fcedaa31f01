//! Attributes in any number, order, casing and length, and the prefixes of names.

use super::dice::Dice;
use super::{Draft, HOME, joined, utf8};

pub(super) fn attributes(dice: &mut Dice) -> Draft {
    let (least, most) = if dice.percent(7) { (20, 120) } else { (1, 7) };
    let attributes = dice.several(least, most, |dice, _| {
        format!(";{}{}{}", dice.blank(), attribute(dice), dice.blank())
    });
    let second = dice.pick(&[
        "https://example.com/foo",
        "http://example.com/",
        "https://sub.example.com/foo/bar",
    ]);
    let probes: &[&str] = if dice.percent(25) { &[HOME] } else { &[HOME, second] };
    Draft::of(HOME, [format!("n=v{}", attributes.concat())], probes)
}

fn attribute(dice: &mut Dice) -> String {
    let (name, values): (&str, &[&str]) = match dice.number(0, 9) {
        0 | 1 => ("Path", &["=/", "=/foo", "=/bar/", "=", "=x", "=\"/\"", ""]),
        2 => (
            "Domain",
            &[
                "=example.com",
                "=.example.com",
                "=",
                "=EXAMPLE.com",
                "=com",
                "=other.test",
                "=sub.a.example.com",
                "",
            ],
        ),
        3 => ("Max-Age", &["=100", "=0", "=-1", "=", "=x", "=9999999999", ""]),
        4 => (
            "Expires",
            &["=Wed, 01 Sep 2047 10:00:00 GMT", "=Thu, 01 Jan 1970 00:00:00 GMT", "=", "=x", ""],
        ),
        5 => ("Secure", &["", "", "=", "=false", "=0", " ", "=x"]),
        6 => ("HttpOnly", &["", "", "=false", "=1"]),
        7 => ("SameSite", &["=Strict", "=Lax", "=None", "=STRICT", "=lax", "=x", "=", ""]),
        _ => {
            return dice
                .pick(&[
                    "foo=bar",
                    "Version=1",
                    "Comment=x",
                    "Priority=High",
                    "SameParty",
                    "=x",
                    "",
                    " ",
                    "Secure Path=/",
                    "Path:/",
                    "Secure,HttpOnly",
                    "Max_Age=5",
                    "MaxAge=0",
                    "Http-Only",
                    "Partitioned",
                ])
                .to_owned();
        }
    };
    dice.casing(name) + dice.pick(values)
}

pub(super) fn prefixes(dice: &mut Dice) -> Draft {
    let prefix =
        dice.pick(&["__Host-", "__Secure-", "__Http-", "__Host-Http-", "__Host-", "__Secure-"]);
    let prefix = dice.casing(prefix);
    let name = match dice.number(0, 11) {
        0 => prefix.clone(),
        1 => format!(" {prefix}x"),
        2 => format!("={prefix}x"),
        3 => prefix.replace('-', "_") + "x",
        4 => prefix[1..].to_owned() + "x",
        5 => format!("_{prefix}x"),
        6 => format!("{prefix}="),
        7 => format!("\t{prefix}x"),
        _ => format!("{prefix}x"),
    };
    let mut attributes = [
        dice.pick(&["Secure", "Secure", "Secure", ""]),
        dice.pick(&[
            "Path=/",
            "Path=/",
            "Path=/",
            "Path=/foo",
            "Path=",
            "",
            "Path=\"/\"",
            "Path=/; Path=/foo",
            "Path=/foo; Path=/",
        ]),
        dice.pick(&[
            "",
            "",
            "",
            "Domain=example.com",
            "Domain=",
            "Domain=a.example.com",
            "Domain=.",
            "Domain=example.com; Domain=",
            "Domain",
        ]),
        dice.pick(&["HttpOnly", "HttpOnly", ""]),
        dice.pick(&["", "SameSite=Strict", "SameSite=None", "Partitioned"]),
    ]
    .map(str::to_owned);
    dice.shuffle(&mut attributes);
    let origin = dice.pick(&[
        "https://example.com",
        "https://example.com",
        "https://a.example.com",
        "http://example.com",
        "http://localhost",
        "https://localhost",
        "http://127.0.0.1",
    ]);
    let path = dice.pick(&["/", "/", "/foo/bar"]);
    let line = format!("{name}=v{}", joined(&attributes));
    let probes = [format!("{origin}/"), format!("{origin}/foo")];
    Draft::of(&format!("{origin}{path}"), [line], &probes)
}

pub(super) fn sizes(dice: &mut Dice) -> Draft {
    let pair = dice.one(&[4094, 4095, 4096, 4097, 4098]);
    let attribute = dice.one(&[1022, 1023, 1024, 1025, 1026]);
    let two = utf8("é");
    Draft::line(match dice.number(0, 17) {
        0 | 1 => {
            let name = dice.one(&[1, 2, 10, 2048, 4000]);
            format!("{}={}", x(name), x(pair - name))
        }
        2 => format!("{}=", x(pair)),
        3 => format!("={}", x(pair)),
        4 => x(pair),
        5 => format!("n=\"{}\"", x(pair - 3)),
        6 => format!("n={}", two.repeat(dice.one(&[2047, 2048]))),
        7 => format!("n=v; Path=/{}", x(attribute - 1)),
        8 => format!("n=v; Path=/{}; Path=/", x(attribute - 1)),
        9 => format!("n=v; Path=/; Path=/{}", x(attribute - 1)),
        10 => format!("n=v; Domain={}", x(attribute)),
        11 => format!("n=v; Max-Age={}100", "0".repeat(attribute - 3)),
        12 => format!("n=v; Max-Age=0; Max-Age={}100", "0".repeat(attribute - 3)),
        13 => format!("n=v; SameSite=Strict; SameSite={}", x(attribute)),
        14 => format!("n=v; Secure={}", x(attribute)),
        15 => format!("n=v; {}=1; HttpOnly", x(attribute)),
        16 => format!("n=v; Path=/{}", two.repeat(dice.one(&[511, 512]))),
        _ => {
            let blanks = " ".repeat(dice.one(&[1020, 4090, 5000]));
            let line = dice.pick(&["@n=v", "n=@v", "n=v@", "n=v;@Path=/foo", "n=v; Path=@/foo"]);
            line.replace('@', &blanks)
        }
    })
}

fn x(count: usize) -> String {
    "x".repeat(count)
}
