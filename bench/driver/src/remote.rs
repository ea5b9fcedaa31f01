//! Stores on a server of their own: Redis with `appendonly yes`, and PostgreSQL as it
//! comes but for 256 MB of shared buffers. Both peers of a server have the same one.
//!
//! Each web server has one thread, on the first processor. What asks it has the second
//! together with the store's server: wrk over the loopback, and then the web server
//! itself, which calls its own router with 64 clients, so that what is measured is the
//! session layer and its store, and not HTTP.

use std::path::Path;
use std::process::Command;

use crate::Effort;
use crate::bars::{Reach, Report, Table};
use crate::http::{Server, pinned};
use crate::process::{Process, Scratch, build};
use crate::rounds::median;

const PATHS: [&str; 2] = ["/read", "/add"];
/// Of each of 64 clients of one session.
const ADDS: u64 = 1000;
/// Connections to PostgreSQL: as many as hardtack-sql opens at most unless told otherwise.
const CONNECTIONS: &str = "16";
const SESSIONS: u64 = 100_000;
const PAYLOAD: f64 = 500.0;

pub(crate) fn measure(effort: Effort, report: &mut Report) {
    const REACH: Reach = Reach::AtLeast(1.5);
    if is_there("redis-server --version") {
        redis(effort, report);
        memory(report);
    } else {
        report.unmeasured(
            "stores on Redis",
            REACH,
            "redis-server is missing: install Debian's package",
        );
    }
    if is_there("ls /usr/lib/postgresql/*/bin/postgres || postgres --version") {
        postgres(effort, report);
    } else {
        report.unmeasured("stores on PostgreSQL", REACH, "postgres is missing: install postgresql");
    }
}

fn is_there(ask: &str) -> bool {
    let output = Command::new("sh").args(["-c", ask]).output();
    output.is_ok_and(|output| output.status.success())
}

fn redis(effort: Effort, report: &mut Report) {
    let mut engine = Engine::start(&["redis", "--appendonly", "yes"]);
    let theirs = build("tower-sessions-redis", "serve");
    let ours = build("hardtack", "serve");
    let mut servers = [
        Server::start("tower-sessions on Redis", pinned(&theirs, &[&engine.url])),
        Server::start("hardtack on Redis", pinned(&ours, &[&engine.url])),
        Server::start("hardtack in memory", pinned(&ours, &["memory:"])),
    ];
    let [reads, adds] = PATHS.map(|path| in_process(&mut servers, path, effort));
    report.bar(
        "tower layer on Redis, read: requests, of tower-sessions'",
        Reach::AtLeast(1.5),
        reads.ratio(1, 0),
    );
    report.bar(
        "tower layer on Redis, increment: requests, of tower-sessions'",
        Reach::AtLeast(1.5),
        adds.ratio(1, 0),
    );
    // What a script calls is not counted here: GET, SET and the like are theirs alone.
    let ours = "calls mget evalsha eval";
    let mut trips = |server: &mut Server, calls: &str, path: &str| {
        let before = engine.process.ask(calls)[0];
        let asked = server.process.ask(&format!("ask {path} {}", effort.millis))[0];
        (engine.process.ask(calls)[0] - before) / asked
    };
    let mut trips = |n: usize, calls| PATHS.map(|path| trips(&mut servers[n], calls, path));
    let (theirs, ours) = (trips(0, "calls get set"), trips(1, ours));
    report.bar(
        "tower layer on Redis, read: round trips, touches and sweeps included",
        Reach::AtMost(1.05),
        ours[0],
    );
    report.bar(
        "tower layer on Redis, increment: round trips beside the read's",
        Reach::AtMost(1.05),
        ours[1] - ours[0],
    );

    let sent = 64.0 * ADDS as f64;
    let mut lost = |n: usize| sent - servers[n].process.ask(&format!("share /add {ADDS}"))[0];
    let lost = [lost(0), lost(1)];
    report.bar("tower layer on Redis: adds lost of 64000", Reach::AtMost(0.0), lost[1]);

    let mut rows = Vec::new();
    for (path, phase) in PATHS.iter().zip([&reads, &adds]) {
        for (n, server) in servers.iter().enumerate() {
            rows.push(phase.row(path, "in process", n, server.name));
        }
    }
    rows.extend(over_http(&servers, effort));
    report.table(rates("Requests on Redis, 64 clients, one server thread", rows));
    drop(servers);
    let bar = "tower layer on Redis with a near-cache, read: requests, of those in memory";
    near_cached(bar, "Requests on Redis with a near-cache", &engine.url, effort, report);
    report.table(Table {
        title: "On Redis",
        head: &["", "tower-sessions", "hardtack"],
        rows: vec![
            vec!["round trips of a read".into(), two(theirs[0]), two(ours[0])],
            vec!["round trips of an increment".into(), two(theirs[1]), two(ours[1])],
            vec![
                "increments lost of 64000, by 64 clients of one session".into(),
                format!("{:.0}", lost[0]),
                format!("{:.0}", lost[1]),
            ],
        ],
    });
}

/// By itself: a near-cache is told of every write of all others, and costs them that.
fn near_cached(
    bar: &'static str,
    title: &'static str,
    url: &str,
    effort: Effort,
    report: &mut Report,
) {
    let ours = build("hardtack", "serve");
    let mut servers = [
        Server::start("hardtack in memory", pinned(&ours, &["memory:"])),
        Server::start("hardtack with a near-cache", pinned(&ours, &[&format!("near:{url}")])),
    ];
    let phases = PATHS.map(|path| in_process(&mut servers, path, effort));
    report.bar(bar, Reach::AtLeast(0.85), phases[0].ratio(1, 0));
    let mut rows = Vec::new();
    for (path, phase) in PATHS.iter().zip(&phases) {
        for (n, server) in servers.iter().enumerate() {
            rows.push(phase.row(path, "in process", n, server.name));
        }
    }
    report.table(rates(title, rows));
}

/// What sessions take in Redis, as it comes.
fn memory(report: &mut Report) {
    for (what, kind) in [
        ("memory on Redis, an anonymous session of 500 B: of its data", "anonymous"),
        ("memory on Redis, a signed-in session of 500 B: of its data", "user"),
    ] {
        let mut engine = Engine::start(&["redis"]);
        let bytes = engine.process.ask(&format!("fill {kind} {SESSIONS}"))[0];
        report.bar(what, Reach::AtMost(1.6), bytes / PAYLOAD);
    }
}

fn postgres(effort: Effort, report: &mut Report) {
    const BAR: &str = "PostgreSQL, 90 load / 8 touch / 2 replace: operations, of tower-sessions'";
    let engine = Engine::start(&["postgres"]);
    let theirs = "tower-sessions-postgres";
    let mut command = Command::new(build(theirs, "store"));
    command.args([&engine.url, CONNECTIONS]);
    let mut stores = [Process::start(command), {
        let mut command = Command::new(build("hardtack", "store"));
        command.arg(&engine.url);
        Process::start(command)
    }];
    for store in &mut stores {
        store.tell("preload");
        store.tell("warm");
    }
    let phases = ["loads", "mix", "creates", "cas", "ends"];
    let mut rows = Vec::new();
    for name in phases {
        let mut phase = Phase { rates: vec![Vec::new(); 2] };
        for _ in 0..effort.long_rounds {
            for (store, rates) in stores.iter_mut().zip(&mut phase.rates) {
                rates.push(store.ask(&format!("{name} {}", effort.millis))[0]);
            }
        }
        if name == "mix" {
            report.bar(BAR, Reach::AtLeast(1.5), phase.ratio(1, 0));
        }
        rows.push(vec![name.to_owned(), "1.00".into(), two(phase.ratio(1, 0))]);
    }
    drop(stores);
    report.table(Table {
        title: "Stores on PostgreSQL, 16 tasks: operations, of tower-sessions'",
        head: &["", "tower-sessions-sqlx-store", "hardtack-sql"],
        rows,
    });

    let mut servers = [
        Server::start(
            "tower-sessions on PostgreSQL",
            pinned(&build(theirs, "serve"), &[&engine.url, CONNECTIONS]),
        ),
        Server::start(
            "hardtack on PostgreSQL",
            pinned(&build("hardtack", "serve"), &[&engine.url]),
        ),
    ];
    let mut rows = Vec::new();
    for path in PATHS {
        let phase = in_process(&mut servers, path, effort);
        for (n, server) in servers.iter().enumerate() {
            rows.push(phase.row(path, "in process", n, server.name));
        }
    }
    rows.extend(over_http(&servers, effort));
    report.table(rates("Requests on PostgreSQL, 64 clients, one server thread", rows));
    drop(servers);
    let bar = "tower layer on PostgreSQL with a near-cache, read: requests, of those in memory";
    near_cached(bar, "Requests on PostgreSQL with a near-cache", &engine.url, effort, report);
}

/// Requests a second of each server, round by round.
struct Phase {
    rates: Vec<Vec<f64>>,
}

impl Phase {
    fn ratio(&self, server: usize, other: usize) -> f64 {
        let rounds = self.rates[server].iter().zip(&self.rates[other]);
        median(rounds.map(|(rate, other)| rate / other).collect())
    }

    fn row(&self, path: &str, how: &str, server: usize, name: &str) -> Vec<String> {
        vec![path.to_owned(), how.to_owned(), name.to_owned(), two(self.ratio(server, 0))]
    }
}

fn in_process(servers: &mut [Server], path: &str, effort: Effort) -> Phase {
    let mut phase = Phase { rates: vec![Vec::new(); servers.len()] };
    for _ in 0..effort.long_rounds {
        for (server, rates) in servers.iter_mut().zip(&mut phase.rates) {
            let asked = server.process.ask(&format!("ask {path} {}", effort.millis));
            rates.push(asked[0] / asked[1]);
        }
    }
    phase
}

/// The rows of the same requests over the loopback, where there is wrk.
fn over_http(servers: &[Server], effort: Effort) -> Vec<Vec<String>> {
    if Command::new("wrk").arg("-v").output().is_err() {
        return Vec::new();
    }
    let scratch = Scratch::new("remote");
    let mut rows = Vec::new();
    for path in PATHS {
        let mut phase = Phase { rates: vec![Vec::new(); servers.len()] };
        for _ in 0..effort.long_rounds {
            for (server, rates) in servers.iter().zip(&mut phase.rates) {
                // Of its own time: sessions of an earlier round may be over.
                let file = scratch.0.join(server.name);
                std::fs::write(&file, server.cookies(64)).expect("scratch can be written to");
                rates.push(server.load(path, Path::new(&file), effort.millis).by_clock);
            }
        }
        for (n, server) in servers.iter().enumerate() {
            rows.push(phase.row(path, "HTTP", n, server.name));
        }
    }
    rows
}

fn rates(title: &'static str, rows: Vec<Vec<String>>) -> Table {
    Table { title, head: &["path", "asked", "server", "requests a second, of the first"], rows }
}

fn two(figure: f64) -> String {
    format!("{figure:.2}")
}

/// The server that a store keeps its sessions on, on the second processor.
struct Engine {
    process: Process,
    url: String,
}

impl Engine {
    fn start(arguments: &[&str]) -> Engine {
        let mut command = Command::new("taskset");
        command.args(["-c", "1"]).arg(build("hardtack", "engine")).args(arguments);
        let mut process = Process::start(command);
        Engine { url: process.line(), process }
    }
}
