//! What a line is made of: blanks, control characters, quotes, no `=`, bytes beyond ASCII, and any mix.

use super::dice::Dice;
use super::{Draft, HOME, utf8};

pub(super) fn blanks(dice: &mut Dice) -> Draft {
    if dice.percent(25) {
        let name = dice.pick(&["a", "a b", "a\tb", "\ta", " a b "]);
        let unicode = [utf8("\u{a0}v"), utf8("\u{3000}v"), utf8("v\u{2003}")];
        let [nbsp, wide, em] = unicode.each_ref().map(String::as_str);
        let value = dice.pick(&[
            "b c",
            "b\tc",
            "\tb",
            "b\t",
            " ",
            "\t",
            " \x0b",
            "\x0c",
            "\u{a0}b\u{a0}",
            nbsp,
            wide,
            em,
        ]);
        return Draft::line(format!("{name}={value}{}", dice.blank()));
    }
    let mut words = [name(dice), "=", value(dice)].map(str::to_owned).to_vec();
    if dice.percent(60) {
        let path = dice.pick(&["/", "/foo", ""]);
        words.extend([";".into(), dice.casing("Path"), "=".into(), path.into()]);
    }
    if dice.percent(40) {
        words.extend([";".into(), dice.casing("HttpOnly")]);
    }
    if dice.percent(30) {
        words.push(";".into());
    }
    Draft::line(
        words
            .iter()
            .map(|word| format!("{}{word}{}", dice.blank(), dice.blank()))
            .collect::<String>(),
    )
}

pub(super) fn controls(dice: &mut Dice) -> Draft {
    let control = |dice: &mut Dice| match dice.number(0, 32) as u8 {
        32 => '\x7f',
        other => char::from(other),
    };
    let template = dice.pick(&[
        "na@me=val",
        "name=va@lue",
        "name=val;Pa@th=/",
        "name=val;Path=/@",
        "@name=val",
        "name=val@",
        "name=val; Secure@",
        "name=val;@ HttpOnly",
        "@na@me=val",
        "name=@val@",
        "name=val; x=@; HttpOnly",
        "name=val; x@=y",
        "name@=val;@Path@=@/",
        "@",
    ]);
    let line = template.chars().map(|c| if c == '@' { control(dice) } else { c });
    Draft::line(line.collect::<String>())
}

pub(super) fn quotes(dice: &mut Dice) -> Draft {
    let name = dice.pick(&["a", "\"a\"", "\"a", "a\""]);
    let value = dice.pick(&[
        r#""b""#,
        r#""b"#,
        r#"b""#,
        r#""b c""#,
        r#""b;c""#,
        r#"""#,
        r#""""#,
        r#""b\"c""#,
        r#""b" "#,
        r#" "b""#,
        r#""b" x"#,
        "'b'",
        r#""a,b""#,
        r#""b"; Path="/""#,
        r#""b"; Path="/"#,
        r#"b; Max-Age="100""#,
        r#"b; Domain="example.com""#,
        r#"b; SameSite="Strict""#,
        r#"b; Expires="Wed, 01 Sep 2047 10:00:00 GMT""#,
        r#"b; Expires="Wed, 01 Sep 1999 10:00:00 GMT""#,
        r#""b; Secure""#,
        r#"" ""#,
        "\"\t\"",
        "b'c",
        "`b`",
        r#"\"b\""#,
        "%22b%22",
    ]);
    Draft::line(format!("{name}={value}{}", dice.pick(&["", "", "; HttpOnly", ";", "; Path=/"])))
}

pub(super) fn no_equals_sign(dice: &mut Dice) -> Draft {
    if dice.percent(30) {
        let mut lines = ["a", "=b", "", "=", "c=", "=c", "Z", "=Z", "q=1", "a=", "=a"]
            .map(str::to_owned)
            .to_vec();
        dice.shuffle(&mut lines);
        lines.truncate(dice.number(2, 4) as usize);
        return Draft::of(HOME, lines, &[HOME]);
    }
    let template = dice.pick(&[
        "@",
        "",
        "=",
        "==",
        "=@",
        "==@",
        "@=",
        "@==",
        " = ",
        "; @=1",
        "=;",
        ";",
        ";;;",
        "; Path=/",
        " ;Path=/",
        "@ @",
        "=@=@",
        "a=b=c=d",
        "=__Host-x=1",
        "__Host-x",
        "=__Secure-x",
        "__secure-",
        "=__Http-x",
        "@;=b",
        "@; Max-Age=0",
        "= @",
        "\t=\t",
        " @ ",
        "\"=\"",
        "=,a=b",
        "a=b,c=d",
        "a,b=c",
        "?=1",
        "a;b;c",
    ]);
    let line = filled(template, || name(dice));
    let tail =
        ["", "", "; Path=/", "; Secure", "; HttpOnly; x", " ; foo=bar", "; =", ";=x; Path=/z"];
    Draft::line(line + dice.pick(&tail))
}

pub(super) fn not_ascii(dice: &mut Dice) -> Draft {
    let valid = ["é", "日本", "😀", "\u{200b}", "\u{feff}", "\u{85}", "\u{2028}"].map(utf8);
    let some = |dice: &mut Dice| match dice.percent(50) {
        true => valid[dice.number(0, 6) as usize].clone(),
        false => {
            let broken = [
                "\u{e9}",
                "\u{ff}",
                "\u{80}",
                "\u{a0}",
                "\u{c3}",
                "\u{ed}\u{a0}\u{80}",
                "\u{f8}\u{88}\u{80}\u{80}\u{80}",
                "\u{c0}\u{af}",
                "\u{c3}\u{a9}\u{ff}",
                "\u{85}",
                "\u{f0}\u{9f}\u{98}",
            ];
            dice.pick(&broken).to_owned()
        }
    };
    let template = dice.pick(&[
        "@=v",
        "n=@",
        "@n=@v",
        "n@=v; Path=/",
        "n=v; Path=/@",
        "n=v; @=x; HttpOnly",
        "n=v; foo=@; Path=/",
        "@",
        "=@",
        "n=\"@\"",
        "n=@; SameSite=@",
        "n=v@; Max-Age=@",
        "n=v; Sec@ure",
        "n=v; Domain=@.example.com",
        "n=@ ; Path=/",
        "n= @",
        "n=@@",
        "@=@; Path=/@",
    ]);
    Draft::line(filled(template, || some(dice)))
}

/// The template with a new piece for each `@`.
fn filled<T: AsRef<str>>(template: &str, mut piece: impl FnMut() -> T) -> String {
    let mut line = String::new();
    for c in template.chars() {
        if c == '@' { line.push_str(piece().as_ref()) } else { line.push(c) }
    }
    line
}

pub(super) fn soup(dice: &mut Dice) -> Draft {
    let begin = if dice.percent(50) { "n=v" } else { "" };
    let line = begin.to_owned() + &dice.several(1, 14, |dice, _| dice.pick(&SOUP)).concat();
    let probes: &[&str] = if dice.percent(50) { &[HOME] } else { &[HOME, "http://example.com/"] };
    Draft::of(HOME, [line], probes)
}

fn name(dice: &mut Dice) -> &'static str {
    dice.pick(&["a", "sid", "foo", "SESSION", "x-y", "a.b", "A", "_", "$Version", "1"])
}

fn value(dice: &mut Dice) -> &'static str {
    dice.pick(&["1", "bar", "v", "abc123", "A=B", "", "x y", "a,b", "%20", "0"])
}

const SOUP: [&str; 45] = [
    "=",
    ";",
    " ",
    "\t",
    ",",
    "\"",
    "a",
    "b",
    "Path",
    "path=/",
    "Domain=",
    "example.com",
    ".",
    "/",
    "Secure",
    "HttpOnly",
    "Max-Age=",
    "100",
    "0",
    "Expires=",
    "Wed, 01 Sep 2047 10:00:00 GMT",
    "SameSite=",
    "Lax",
    "Strict",
    "None",
    "__Host-",
    "__Secure-",
    "\u{e9}",
    "\u{c3}\u{a9}",
    "\x7f",
    "\x01",
    "%3D",
    "\\",
    "$",
    "{}",
    "[]",
    "()",
    "<>",
    "@",
    ":",
    "?",
    "!",
    "; ",
    "=;",
    "n=v",
];
