//! Stores on disk: 16 tasks, 200,000 sessions of 500 bytes, every commit durable.

use std::process::Command;
use std::time::Duration;

use crate::Effort;
use crate::bars::{Reach, Report, Table};
use crate::process::{Process, Scratch, build};
use crate::rounds::median;

const PHASES: [&str; 5] = ["loads", "mix", "creates", "cas", "ends"];
const SQLX: usize = 0;
const OURS: usize = 1;
const MOKA: usize = 2;

pub(crate) fn measure(effort: Effort, report: &mut Report) {
    let scratch = Scratch::new("embedded");
    let start = |workspace, program| {
        let mut command = Command::new(build(workspace, program));
        command.arg(&scratch.0);
        Process::start(command)
    };
    let mut stores =
        [start("sqlx", "sqlx-store"), start("hardtack", "store"), start("peers", "moka")];
    for store in &mut stores {
        store.tell("preload");
        store.tell("warm");
    }
    let phases = PHASES.map(|phase| Phase::run(phase, &mut stores, effort));
    let [loads, mix, creates, cas, ends] = &phases;

    for (what, phase, times) in [
        ("store on disk, 90 load / 8 touch / 2 replace: operations, of sqlx's", mix, 18.0),
        ("store on disk, creates: operations, of sqlx's", creates, 3.0),
        ("store on disk, compare-and-set: operations, of sqlx's", cas, 8.0),
        ("store on disk, ends: operations, of sqlx's", ends, 4.0),
    ] {
        report.bar(what, Reach::AtLeast(times), phase.ratio(OURS, SQLX));
    }
    report.bar(
        "store on disk, warm loads: operations, of a plain moka map's",
        Reach::AtLeast(0.9),
        loads.ratio(OURS, MOKA),
    );
    report.bar(
        "store on disk, a create: milliseconds at the 99.9th percentile",
        Reach::AtMost(50.0),
        creates.p999[OURS],
    );
    syncs(effort, report);

    let row = |phase: &Phase| {
        let ratio = |store| format!("{:.2}", phase.ratio(store, SQLX));
        vec![phase.name.to_owned(), ratio(SQLX), ratio(OURS), ratio(MOKA)]
    };
    let mut rows: Vec<_> = phases.iter().map(row).collect();
    let millis = creates.p999.map(|millis| format!("{millis:.1} ms"));
    rows.push([vec![String::from("a create at p99.9")], millis.to_vec()].concat());
    report.table(Table {
        title: "Stores: operations, of sqlx's",
        head: &["", "sqlx", "hardtack-sqlite", "a moka map, not on disk"],
        rows,
    });
}

struct Phase {
    name: &'static str,
    /// Operations a second of each store, round by round.
    rates: [Vec<f64>; 3],
    /// Of all creates, in milliseconds.
    p999: [f64; 3],
}

impl Phase {
    fn run(name: &'static str, stores: &mut [Process; 3], effort: Effort) -> Phase {
        let mut phase = Phase { name, rates: Default::default(), p999: [0.0; 3] };
        for _ in 0..effort.long_rounds {
            for (n, store) in stores.iter_mut().enumerate() {
                let answer = store.ask(&format!("{name} {}", effort.millis));
                phase.rates[n].push(answer[0]);
                phase.p999[n] = answer[1];
                // What a store puts off until later is not to be the next one's burden.
                std::thread::sleep(Duration::from_millis(effort.millis / 2));
            }
        }
        phase
    }

    fn ratio(&self, store: usize, other: usize) -> f64 {
        let rounds = self.rates[store].iter().zip(&self.rates[other]);
        median(rounds.map(|(rate, other)| rate / other).collect())
    }
}

/// Counts what the kernel was asked to sync while a new store took creates.
fn syncs(effort: Effort, report: &mut Report) {
    const WHAT: &str = "store on disk, creates: syncs a batch";
    const REACH: Reach = Reach::AtMost(1.1);
    if Command::new("strace").arg("-V").output().is_err() {
        return report.unmeasured(WHAT, REACH, "strace is missing: install Debian's package");
    }
    let scratch = Scratch::new("syncs");
    let counts = scratch.0.join("strace");
    let mut command = Command::new("strace");
    command.args(["-f", "--seccomp-bpf", "-qq", "-c", "-e", "trace=fsync,fdatasync", "-o"]);
    command.arg(&counts).arg(build("hardtack", "store")).arg(&scratch.0);
    let mut store = Process::start(command);
    let batches = store.ask(&format!("creates {}", effort.millis * 2))[3];
    store.finish();
    let counts = std::fs::read_to_string(counts).expect("strace writes its counts");
    let calls = counts.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (name, calls) = (words.last()?, words.get(3)?);
        name.ends_with("sync").then(|| calls.parse::<f64>().ok())?
    });
    report.bar(WHAT, REACH, calls.sum::<f64>() / batches);
}
