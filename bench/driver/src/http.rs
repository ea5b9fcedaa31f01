//! Whole requests over the loopback: 64 connections of wrk on one processor, a
//! server of one thread on the other.

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
                rates.push(server.requests_per_second(path, cookies, effort.millis));
            }
        }
        for (server, of_server) in servers.iter().zip(&rates) {
            let ratio =
                median(of_server.iter().zip(&rates[0]).map(|(ours, bare)| ours / bare).collect());
            rows.push(vec![path.to_owned(), server.name.to_owned(), format!("{ratio:.2}")]);
            for (what, name, of_path, least) in BARS {
                if (name, of_path) == (server.name, path) {
                    report.bar(what, Reach::AtLeast(least), ratio);
                }
            }
        }
    }
    report.table(Table {
        title: "End to end, 64 connections, one server thread",
        head: &["path", "server", "requests, of bare axum's"],
        rows,
    });
}

struct Server {
    name: &'static str,
    address: SocketAddr,
    _process: Process,
}

impl Server {
    /// Starts one on a free port; its first line tells the address.
    fn start(name: &'static str, command: Command) -> Server {
        let mut process = Process::start(command);
        let line = process.line();
        let address = line.trim_start_matches("http://").trim_end_matches('/').parse();
        Server { name, address: address.expect("it prints its address"), _process: process }
    }

    /// The cookies of so many new sessions, one `Cookie` header a line. A server
    /// without sessions gets one of the same size to read.
    fn cookies(&self, sessions: usize) -> String {
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

    fn requests_per_second(&self, path: &str, cookies: &Path, millis: u64) -> f64 {
        let mut wrk = Command::new("taskset");
        wrk.args(["-c", "1", "wrk", "-t1", "-c64"]).arg(format!("-d{}s", millis.div_ceil(1000)));
        wrk.arg("-s").arg(crate::folder().join("driver/cookies.lua"));
        wrk.arg(format!("http://{}{path}", self.address)).arg("--").arg(cookies);
        let output = wrk.output().expect("wrk and taskset are installed");
        let text = String::from_utf8_lossy(&output.stdout);
        let clean = !text.contains("Non-2xx") && !text.contains("Socket errors");
        assert!(output.status.success() && clean, "{} on {path}: {text}", self.name);
        let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
        rate.and_then(|rate| rate.trim().parse().ok()).expect("wrk tells the rate")
    }
}

/// On the first processor; wrk has the second.
fn pinned(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program).args(arguments);
    command
}
