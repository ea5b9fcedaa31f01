//! The client's jar: 3000 cookies over 300 hosts, ten of them for each.

use crate::Effort;
use crate::bars::{Reach, Report, Table};
use crate::rounds::{ROW_HEAD, Rounds};

pub(crate) fn measure(effort: Effort, report: &mut Report) {
    let ours = ["header", "target", "store", "header of a million", "load 3000"];
    let theirs = [
        "header two look-ups",
        "header cookie_store",
        "store cookie_store",
        "load 3000 cookie_store",
    ];
    let cases: [(&str, &[&str]); 2] = [("hardtack", &ours), ("peers", &theirs)];
    let rounds = Rounds::run("jar", &cases, effort.short_rounds);
    report.bar(
        "Cookie header, 10 of 3000: time, of two hash look-ups and the join",
        Reach::AtMost(4.0),
        rounds.ratio("hardtack: header", "peers: header two look-ups"),
    );
    report.bar(
        "the same of a jar of 1,000,000: time, of that of 3000",
        Reach::AtMost(2.0),
        rounds.ratio("hardtack: header of a million", "hardtack: header"),
    );
    report.bar(
        "Cookie header, 10 of 3000: times faster than cookie_store",
        Reach::AtLeast(100.0),
        rounds.ratio("peers: header cookie_store", "hardtack: header"),
    );
    report.bar(
        "storing a cookie: times faster than cookie_store",
        Reach::AtLeast(3.0),
        rounds.ratio("peers: store cookie_store", "hardtack: store"),
    );
    for (title, cases) in [
        (
            "Cookie header for a URL",
            &[
                "peers: header two look-ups",
                "hardtack: header",
                "hardtack: header of a million",
                "hardtack: target",
                "peers: header cookie_store",
            ][..],
        ),
        ("Storing a cookie in place of one", &["hardtack: store", "peers: store cookie_store"]),
        ("Loading 3000 cookies", &["hardtack: load 3000", "peers: load 3000 cookie_store"]),
    ] {
        report.table(Table { title, head: ROW_HEAD, rows: rounds.rows(cases) });
    }
}
