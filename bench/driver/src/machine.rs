//! What the figures were measured on and with.

use std::fs::read_to_string;
use std::process::Command;

use crate::Effort;

/// The packages whose versions matter, and the workspaces whose Cargo.lock has them.
const VERSIONS: [(&str, &[&str]); 7] = [
    ("..", &["hardtack", "axum", "rusqlite", "libsqlite3-sys", "aws-lc-rs", "blake3", "tokio"]),
    (
        "hardtack",
        &[
            "axum",
            "rusqlite",
            "libsqlite3-sys",
            "redis",
            "tokio-postgres",
            "aws-lc-rs",
            "blake3",
            "tokio",
        ],
    ),
    (
        "peers",
        &[
            "axum",
            "cookie",
            "httpdate",
            "memchr",
            "moka",
            "tower-sessions",
            "tower-cookies",
            "tokio",
        ],
    ),
    ("sqlx", &["sqlx", "libsqlite3-sys", "tokio"]),
    (
        "tower-sessions-sqlite",
        &["axum", "tower-sessions", "tower-sessions-sqlx-store", "sqlx", "libsqlite3-sys", "tokio"],
    ),
    (
        "tower-sessions-redis",
        &["axum", "tower-sessions", "tower-sessions-redis-store", "fred", "tokio"],
    ),
    (
        "tower-sessions-postgres",
        &["axum", "tower-sessions", "tower-sessions-sqlx-store", "sqlx", "tokio"],
    ),
];

/// The head of the results.
pub(crate) fn description(effort: Effort) -> String {
    let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    let system = read_to_string("/etc/os-release").unwrap_or_default();
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    let gib =
        after(&memory, "MemTotal:").trim_end_matches(" kB").parse().unwrap_or(0.0) / 1048576.0;
    let mut text = String::from("# Bench results\n\n");
    let mut line = |name: &str, value: &str| text += &format!("- {name}: {value}\n");
    line("command", "`scripts/bench`");
    line("when", &said("date", &["-u", "+%F %H:%M UTC"]));
    line("commit", &said("git", &["describe", "--always", "--dirty"]));
    line(
        "processor",
        &format!("{} x {}", cpu.matches("processor\t").count(), after(&cpu, "model name\t:")),
    );
    line("memory", &format!("{gib:.0} GiB"));
    line(
        "system",
        &format!("{}, Linux {}", after(&system, "PRETTY_NAME=").trim_matches('"'), kernel.trim()),
    );
    line("load before", load.split(' ').next().unwrap_or("unknown"));
    line("compiler", &said("rustc", &["-V"]));
    for (workspace, packages) in VERSIONS {
        let lock = crate::folder().join(workspace).join("Cargo.lock");
        let lock = read_to_string(lock).expect("each workspace has a lock file");
        let versions = packages.iter().filter_map(|package| {
            let entry = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
            Some(format!("{package} {}", entry.split('"').next()?))
        });
        let name = if workspace == ".." { "the lab" } else { workspace };
        line(&format!("versions, {name}"), &versions.collect::<Vec<_>>().join(", "));
    }
    let rounds = effort.short_rounds;
    text += &format!(
        "\nOne interleaved run. Single operations and the tower layer are measured by the thread's own\n\
        processor time, in {rounds} rounds; a figure is the median over the rounds, a ratio the median\n\
        of the rounds' ratios. Absolute times change with the machine and are left out.\n",
    );
    text
}

/// The rest of the first line that begins so.
fn after<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or("unknown").trim()
}

/// What a program prints.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(crate::folder()).output();
    output.map_or_else(
        |_| String::from("unknown"),
        |o| String::from_utf8_lossy(&o.stdout).trim().to_owned(),
    )
}
