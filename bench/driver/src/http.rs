//! Whole requests over the loopback: 64 connections of wrk on one processor, a
//! server of one thread on the other.
//!
//! Where wrk needs its processor for as long as the server needs its own, the
//! slowest of both limits the rate, and a slower server looks as good as a fast
//! one. So requests are counted by the clock and by the server's processor time,
//! and the lower ratio is held against the bar.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::Effort;
use crate::bars::{Reach, Report, Table};
use crate::process::{Process, Scratch, build, build_lab};
use crate::rounds::median;

const BARS: [(&str, &str, &str, f64); 3] = [
    ("end to end, memory store, read: requests, of bare axum's", "hardtack memory", "/read", 0.90),
    ("end to end, memory store, add: requests, of bare axum's", "hardtack memory", "/add", 0.85),
    (
        "end to end, hardtack-sqlite, read: requests, of bare axum's",
        "hardtack sqlite",
        "/read",
        0.85,
    ),
];

pub(crate) fn measure(effort: Effort, report: &mut Report) {
    if Command::new("wrk").arg("-v").output().is_err() {
        for (what, _, _, least) in BARS {
            report.unmeasured(
                what,
                Reach::AtLeast(least),
                "wrk is missing: install Debian's package",
            );
        }
        return;
    }
    let scratch = Scratch::new("http");
    let lab = build_lab();
    let store = format!("sqlite:{}", scratch.0.join("lab.db").display());
    let peers = build("peers", "serve");
    let tower_sessions = build("tower-sessions-sqlite", "tower-sessions-sqlite");
    let servers = [
        Server::start("bare axum", pinned(&peers, &["bare"])),
        Server::start("tower-sessions memory", pinned(&peers, &["sessions"])),
        Server::start(
            "tower-sessions SQLite, WAL",
            pinned(&tower_sessions, &[&scratch.0.display().to_string()]),
        ),
        Server::start("hardtack memory", pinned(&lab, &["--store", "memory:", "--threads", "1"])),
        Server::start("hardtack sqlite", pinned(&lab, &["--store", &store, "--threads", "1"])),
    ];
    let cookies: Vec<_> = servers
        .iter()
        .map(|server| {
            let file = scratch.0.join(server.name);
            std::fs::write(&file, server.cookies(64)).expect("scratch can be written to");
            file
        })
        .collect();

    let mut rows = Vec::new();
    for path in ["/read", "/add"] {
        let mut rates = vec![Vec::new(); servers.len()];
        for _ in 0..effort.long_rounds {
            for ((server, cookies), rates) in servers.iter().zip(&cookies).zip(&mut rates) {
                rates.push(server.load(path, cookies, effort.millis));
            }
        }
        for (server, of_server) in servers.iter().zip(&rates) {
            let ratio = |of: fn(&Rate) -> f64| {
                let rounds = of_server.iter().zip(&rates[0]);
                median(rounds.map(|(ours, bare)| of(ours) / of(bare)).collect())
            };
            let (by_clock, by_work) = (ratio(|r| r.by_clock), ratio(|r| r.by_work));
            let busy = median(of_server.iter().map(|r| r.by_clock / r.by_work).collect());
            rows.push(vec![
                path.to_owned(),
                server.name.to_owned(),
                format!("{by_clock:.2}"),
                format!("{by_work:.2}"),
                format!("{:.0} %", busy * 100.0),
            ]);
            for (what, name, of_path, least) in BARS {
                if (name, of_path) == (server.name, path) {
                    report.bar(what, Reach::AtLeast(least), by_clock.min(by_work));
                }
            }
        }
    }
    report.table(Table {
        title: "End to end, 64 connections, one server thread",
        head: &[
            "path",
            "server",
            "requests a second, of bare axum's",
            "the same by the server's processor time",
            "server busy",
        ],
        rows,
    });
}

pub(crate) struct Server {
    pub(crate) name: &'static str,
    address: SocketAddr,
    pub(crate) process: Process,
}

/// Requests answered a second.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) by_clock: f64,
    /// Of the server's processor time.
    pub(crate) by_work: f64,
}

impl Server {
    /// Starts one on a free port; its first line tells the address.
    pub(crate) fn start(name: &'static str, command: Command) -> Server {
        let mut process = Process::start(command);
        let line = process.line();
        let address = line.trim_start_matches("http://").trim_end_matches('/').parse();
        Server { name, address: address.expect("it prints its address"), process }
    }

    /// The cookies of so many new sessions, one `Cookie` header a line. A server
    /// without sessions gets one of the same size to read.
    pub(crate) fn cookies(&self, sessions: usize) -> String {
        (0..sessions)
            .map(|n| {
                let mut socket = TcpStream::connect(self.address).expect("the server listens");
                let request = "GET /add HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
                socket.write_all(request.as_bytes()).expect("the server reads");
                let mut answer = String::new();
                socket.read_to_string(&mut answer).expect("the server answers with text");
                assert!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", self.name);
                let set = answer.lines().filter_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
                });
                let cookies = set.collect::<Vec<_>>().join("; ");
                if cookies.is_empty() {
                    format!("__Host-Http-aid={n:096}\n")
                } else {
                    cookies + "\n"
                }
            })
            .collect()
    }

    pub(crate) fn load(&self, path: &str, cookies: &Path, millis: u64) -> Rate {
        let mut wrk = Command::new("taskset");
        wrk.args(["-c", "1", "wrk", "-t1", "-c64"]).arg(format!("-d{}s", millis.div_ceil(1000)));
        wrk.arg("-s").arg(crate::folder().join("driver/cookies.lua"));
        wrk.arg(format!("http://{}{path}", self.address)).arg("--").arg(cookies);
        let worked = self.process.seconds_worked();
        let output = wrk.output().expect("wrk and taskset are installed");
        let worked = self.process.seconds_worked() - worked;
        let text = String::from_utf8_lossy(&output.stdout);
        let clean = !text.contains("Non-2xx") && !text.contains("Socket errors");
        assert!(output.status.success() && clean, "{} on {path}: {text}", self.name);
        let by_clock = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
        let by_clock = by_clock.and_then(|rate| rate.trim().parse().ok());
        // As in "220000 requests in 2.00s, 31.00MB read".
        let requests = text.lines().find_map(|line| line.split_once(" requests in "));
        let requests = requests.and_then(|(count, _)| count.trim().parse::<f64>().ok());
        Rate {
            by_clock: by_clock.expect("wrk tells the rate"),
            by_work: requests.expect("wrk tells the number") / worked,
        }
    }
}

/// On the first processor; wrk has the second.
pub(crate) fn pinned(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program).args(arguments);
    command
}
