//! Single operations: cookies and seals.

use crate::Effort;
use crate::bars::{Reach, Report, Table};
use crate::rounds::{ROW_HEAD, Rounds};

pub(crate) fn measure(effort: Effort, report: &mut Report) {
    let ours = ["find", "set", "parse", "date", "date rfc850", "date asctime", "seal", "open"];
    let theirs = [
        "find memchr2",
        "find cookie-rs",
        "set one buffer",
        "set cookie-rs",
        "parse cookie-rs",
        "date",
        "date rfc850",
        "date asctime",
        "seal cookie-rs",
        "open cookie-rs",
    ];
    let cases: [(&str, &[&str]); 2] = [("hardtack", &ours), ("peers", &theirs)];
    let rounds = Rounds::run("micro", &cases, effort.short_rounds);

    let times = |case, other| rounds.ratio(case, other);
    let faster = |case, other| rounds.ratio(other, case);
    report.bar(
        "our cookie among 10: allocations",
        Reach::AtMost(0.0),
        rounds.allocations("hardtack: find"),
    );
    report.bar(
        "our cookie among 10: time, of a memchr2 scan",
        Reach::AtMost(2.0),
        times("hardtack: find", "peers: find memchr2"),
    );
    report.bar(
        "our cookie among 10: times faster than cookie-rs",
        Reach::AtLeast(12.0),
        faster("hardtack: find", "peers: find cookie-rs"),
    );
    report.bar(
        "a full Set-Cookie: time, of one buffer and httpdate",
        Reach::AtMost(2.0),
        times("hardtack: set", "peers: set one buffer"),
    );
    report.bar(
        "a full Set-Cookie: times faster than cookie-rs",
        Reach::AtLeast(4.0),
        faster("hardtack: set", "peers: set cookie-rs"),
    );
    report.bar(
        "reading a Set-Cookie with Expires: allocations",
        Reach::AtMost(0.0),
        rounds.allocations("hardtack: parse"),
    );
    report.bar(
        "reading a Set-Cookie with Expires: times faster than cookie-rs",
        Reach::AtLeast(5.0),
        faster("hardtack: parse", "peers: parse cookie-rs"),
    );
    report.bar(
        "reading a date: time, of httpdate",
        Reach::AtMost(1.0),
        times("hardtack: date", "peers: date"),
    );
    report.bar(
        "sealing 1 KiB: times faster than cookie-rs",
        Reach::AtLeast(1.8),
        faster("hardtack: seal", "peers: seal cookie-rs"),
    );
    report.bar(
        "opening 1 KiB: times faster than cookie-rs",
        Reach::AtLeast(1.8),
        faster("hardtack: open", "peers: open cookie-rs"),
    );
    for (title, cases) in [
        (
            "Our cookie among 10",
            &["peers: find memchr2", "hardtack: find", "peers: find cookie-rs"][..],
        ),
        ("A full Set-Cookie", &["peers: set one buffer", "hardtack: set", "peers: set cookie-rs"]),
        ("Reading a Set-Cookie with Expires", &["hardtack: parse", "peers: parse cookie-rs"]),
        ("Reading a date as HTTP writes it", &["peers: date", "hardtack: date"]),
        (
            "Reading a date of RFC 850, which clients take as well",
            &["peers: date rfc850", "hardtack: date rfc850"],
        ),
        (
            "Reading a date of asctime, which clients take as well",
            &["peers: date asctime", "hardtack: date asctime"],
        ),
        ("Sealing 1 KiB", &["hardtack: seal", "peers: seal cookie-rs"]),
        ("Opening 1 KiB", &["hardtack: open", "peers: open cookie-rs"]),
    ] {
        report.table(Table { title, head: ROW_HEAD, rows: rounds.rows(cases) });
    }
}
