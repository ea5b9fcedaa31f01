//! Dates and ages. Dates are long past or far ahead, so that a case means the same for decades.

use super::dice::Dice;
use super::{Draft, HOME};

pub(super) fn expires(dice: &mut Dice) -> Draft {
    let date = date(dice);
    match dice.number(0, 9) {
        0 => {
            let (other, age) =
                (dice.percent(50), dice.pick(&["0", "-5", "100", "", "x", "1e3", "50"]));
            let (first, second) = (format!("Expires={date}"), format!("Max-Age={age}"));
            let attributes =
                if other { format!("{first}; {second}") } else { format!("{second}; {first}") };
            let lines =
                ["n=old; Path=/; Max-Age=1000".to_owned(), format!("n=new; Path=/; {attributes}")];
            Draft::of(HOME, lines, &[HOME])
        }
        1 => Draft::line(format!("n=v; Expires={date}; Expires={}", self::date(dice))),
        _ => Draft::line(format!("n=v; Expires={date}")),
    }
}

pub(super) fn max_age(dice: &mut Dice) -> Draft {
    let name = dice.casing("Max-Age");
    let age = dice.pick(&[
        "0",
        "1000",
        "-1",
        "+100",
        "+0",
        "00100",
        "-0",
        "",
        " ",
        "1.5",
        "0.5",
        "1e5",
        "0x10",
        "100x",
        "0x",
        "x100",
        "100 200",
        "0 1",
        "\"100\"",
        "\"0\"",
        "34560000",
        "34560001",
        "34559999",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
        "99999999999999999999999999999999999999999",
        "-99999999999999999999999999999999999999999",
        "--1",
        "-",
        "+",
        "-+1",
        "+-1",
        "1,000",
        "0,1",
        "10\t",
        "1\t0",
        "0\t",
        "100\u{a0}",
        "0\u{a0}",
        "1_0",
        "NaN",
        "-x",
        "-1x",
        "- 1",
        "5;Max-Age=0",
        "0;Max-Age=500",
        ";Max-Age=7",
        "x;Max-Age=0",
        "0;Max-Age=x",
        "500;Max-Age=x",
        "0;Max-Age=",
        "500;Max-Age=",
        "0;Max-Age",
    ]);
    let blanks: [&str; 3] = std::array::from_fn(|_| dice.blank());
    Draft::line(format!("n=v; {name}{}={}{age}{}", blanks[0], blanks[1], blanks[2]))
}

/// A date in one of many forms, most of them wrong somewhere.
fn date(dice: &mut Dice) -> String {
    let year = match dice.number(0, 9) {
        0..=4 => dice.number(2036, 2068),
        5..=8 => dice.number(1971, 2020),
        _ => {
            dice.one(&[1600, 1601, 1602, 1899, 1969, 1970, 2070, 2100, 3000, 9999, 10_000, 99_999])
        }
    };
    let (day, hour, minute, second) =
        (dice.number(1, 28), dice.number(0, 23), dice.number(0, 59), dice.number(0, 59));
    let number = dice.number(1, 12);
    let long = MONTHS[number as usize - 1];
    let (month, week) = (&long[..3], dice.pick(&["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]));
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let usual = format!("{week}, {day:02} {month} {year} {time} GMT");
    let short = year % 100;
    match dice.number(0, 39) {
        0..=2 => usual,
        3 => format!("{week}, {day:02}-{month}-{year} {time} GMT"),
        4 => format!("{week}day, {day:02}-{month}-{short:02} {time} GMT"),
        5 => format!("{week} {month} {day} {time} {year}"),
        6 => format!("{year}-{number:02}-{day:02}T{time}.000Z"),
        7 => format!("{year}-{number:02}-{day:02}"),
        8 => format!("{year}/{number:02}/{day:02} {time}"),
        9 => format!("{number:02}/{day:02}/{year} {time}"),
        10 => format!("{day} {number} {year} {time}"),
        11 => format!("{day} {long} {year} {time}"),
        12 => format!("{long} {day}, {year} {time}"),
        13 => format!("{time} {day} {month} {year}"),
        14 => format!("{year} {month} {day} {time}"),
        15 => format!("{day} {} {year} {time}", dice.casing(month)),
        16 => format!(
            "{day} {} {year} {time}",
            dice.pick(&["Januar", "janx", "Ja", "Marchember", "mayo", "Sept", "13"])
        ),
        17 => format!("{week}, {day} {month} {year} {hour}:{minute}:{second} GMT"),
        18 => {
            let zone = dice.pick(&[
                "PST", "EST", "+0300", "GMT+2", "UTC", "Z", "CET", "-0800", "GMT-5", "(UTC)",
                "foo", "AM", "PM",
            ]);
            format!("{week}, {day:02} {month} {year} {time} {zone}")
        }
        19 => format!("{week}, {day:02} {month} {year} {hour:02}:{minute:02} GMT"),
        20 => format!("{week}, {day:02} {month} {short:02} {time} GMT"),
        21 => format!(
            "{week}, {day:02} {month} {} {time} GMT",
            dice.pick(&[
                "69", "70", "68", "99", "00", "1", "0", "007", "20470", "-2047", "2047x", "02047",
                "199", "999"
            ])
        ),
        22 => format!("{week}, 0{day:02} {month} {year} {time} GMT"),
        23 => format!("{day:02} {month} {year}"),
        24 => time,
        25 | 26 => {
            let time = dice.pick(&[
                "24:00:00",
                "23:60:00",
                "23:59:60",
                "25:00:00",
                "00:00:00",
                "1:2:3",
                "001:02:03",
                "12:34:56.789",
                "12:34:56x",
                "12:34:5",
                "12-34-56",
                "12:34:567",
                "12:34:",
                ":34:56",
                "12::56",
            ]);
            format!("{week}, {day:02} {month} {year} {time} GMT")
        }
        27 | 28 => {
            let day =
                dice.pick(&["0", "31", "32", "30", "29", "1st", "2nd", "-1", "5x", "005", ""]);
            let month = dice.pick(&["Feb", month, "Apr", "Dec"]);
            format!("{week}, {day} {month} {year} {time} GMT")
        }
        29 => format!(
            "{}, {day:02} {month} {year} {time} GMT",
            dice.pick(&["xyz", "", "Monday", "Son", "1"])
        ),
        30 | 31 => {
            let [a, b, c] = std::array::from_fn(|_| {
                dice.pick(&["-", "/", ".", ",", "_", "+", " ", "T", ":", "  ", "\t", "!", "~"])
            });
            format!("{week},{day:02}{a}{month}{b}{year}{c}{time}")
        }
        32 => dice.pick(&["\"@\"", "'@'", "@ @", "(@)"]).replace('@', &usual),
        33 => usual.replace(' ', dice.pick(&["  ", "\t", "-", "+", "%20", "", "_"])),
        34 | 35 => {
            usual
                + dice.pick(&[
                    " ",
                    "\t",
                    ",",
                    "; ",
                    ".",
                    " GMT",
                    "\u{c3}\u{a9}",
                    "\u{ff}",
                    " 2001",
                    " 5",
                    " Jan",
                    " 11:22:33",
                ])
        }
        36 => {
            dice.pick(&["5 ", "2001 ", "Jan ", "11:22:33 ", "1:1:1 ", ", ", "\u{a0}", "a", "-"])
                .to_owned()
                + &usual
        }
        37 => format!("{long}{day} {year} {time}"),
        38 => format!("{day}{month}{year} {time}"),
        _ => dice
            .pick(&[
                "",
                " ",
                "0",
                "-1",
                "never",
                "tomorrow",
                "Session",
                "now",
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "Thu, 01-Jan-1970 00:00:01 GMT",
                "Mon, 01 Jan 0001 00:00:00 GMT",
                "1",
                "Tue",
                "2047",
                "Jan 2047",
                "9999-12-31T23:59:59Z",
                "2440588000",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ])
            .to_owned(),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
