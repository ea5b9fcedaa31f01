//! What a session layer adds to axum with a layer that does nothing, in process.

use crate::Effort;
use crate::bars::{Reach, Report, Table};
use crate::rounds::{ROW_HEAD, Rounds};

pub(crate) fn measure(effort: Effort, report: &mut Report) {
    let floors = ["floor", "read floor", "count floor"];
    let ours = ["ignore", "read", "read by many", "count", "add", "read readable", "read sealed"];
    let cases: [(&str, &[&str]); 2] = [
        ("hardtack", &[&floors[..], &ours].concat()),
        ("peers", &[&floors[..], &["ignore", "read", "read by many", "count"]].concat()),
    ];
    let rounds = Rounds::run("tower", &cases, effort.short_rounds);

    // Each process has its own floor, since the same code is not laid out alike in both.
    let added = |case: &str, floor: &str| {
        rounds.median(
            [
                &format!("hardtack: {case}"),
                &format!("hardtack: {floor}"),
                &format!("peers: {case}"),
                &format!("peers: {floor}"),
            ],
            |[ours, our_floor, theirs, their_floor]| {
                (ours.nanos - our_floor.nanos) / (theirs.nanos - their_floor.nanos)
            },
        )
    };
    report.bar(
        "tower layer, session untouched: added time, of tower-sessions'",
        Reach::AtMost(0.1),
        added("ignore", "floor"),
    );
    report.bar(
        "tower layer, session untouched: added allocations",
        Reach::AtMost(2.0),
        rounds.allocations("hardtack: ignore") - rounds.allocations("hardtack: floor"),
    );
    report.bar(
        "tower layer, one value read: added time, of tower-sessions'",
        Reach::AtMost(0.25),
        added("read", "read floor"),
    );
    report.bar(
        "tower layer, a counter (get, then set): added time, of tower-sessions'",
        Reach::AtMost(0.333),
        added("count", "count floor"),
    );
    report.bar(
        "a sealed record of 500 B: microseconds it adds to open",
        Reach::AtMost(1.2),
        rounds.median(["hardtack: read sealed", "hardtack: read readable"], |[sealed, plain]| {
            (sealed.nanos - plain.nanos) / 1000.0
        }),
    );
    report.table(Table {
        title: "axum with tower-sessions in memory",
        head: ROW_HEAD,
        rows: rounds.rows(&[
            "peers: floor",
            "peers: ignore",
            "peers: read floor",
            "peers: read",
            "peers: read by many",
            "peers: count floor",
            "peers: count",
        ]),
    });
    report.table(Table {
        title: "axum with hardtack-tower in memory",
        head: ROW_HEAD,
        rows: rounds.rows(&[
            "hardtack: floor",
            "hardtack: ignore",
            "hardtack: read floor",
            "hardtack: read",
            "hardtack: read by many",
            "hardtack: count floor",
            "hardtack: count",
            "hardtack: add",
            "hardtack: read readable",
            "hardtack: read sealed",
        ]),
    });
}
