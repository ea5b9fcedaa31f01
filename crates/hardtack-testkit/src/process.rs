//! The processes of servers for tests: none outlives the test that started it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// A shell that waits for the end of its input, which comes with our end, and
/// then ends the server.
#[derive(Debug)]
pub struct Process {
    shell: Child,
    id: u32,
    log: PathBuf,
}

// Ctrl-C is for us; the shell stays until it has ended the server.
const WATCH: &str =
    r#"trap '' INT; "$@" </dev/null >>log 2>&1 & echo $!; read -r _; kill -9 $! 2>/dev/null; wait"#;

impl Process {
    /// Starts a server in a folder, where what it says goes to the file `log`.
    ///
    /// # Panics
    /// If there is no shell.
    pub fn start(server: &Command, folder: &Path) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut id = String::new();
        let out = shell.stdout.take().expect("its output is a pipe");
        BufReader::new(out).read_line(&mut id).expect("a line");
        let id = id.trim().parse().expect("the number of a process");
        Self { shell, id, log: folder.join("log") }
    }

    /// The number of the server's process.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Sends the server and its children a signal: `STOP`, `CONT`, `KILL`; one that stops or
    /// ends them has done so when this returns.
    ///
    /// # Panics
    /// If the server has ended.
    pub fn signal(&self, signal: &str) {
        let (id, signal) = (self.id.to_string(), format!("-{signal}"));
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let sent = Command::new("kill").args([&signal, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {id}");
        let children = children.unwrap_or_default();
        for child in children.split_whitespace() {
            // It may have ended meanwhile.
            let _ = Command::new("kill").args([&signal, child]).stderr(Stdio::null()).status();
        }
        // A thread that runs on another processor takes notice a moment later.
        for process in [&*id].into_iter().chain(children.split_whitespace()) {
            while !has_taken_effect(&signal, process) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Ends the server, and waits until its port is free.
    pub fn end(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }

    /// Whether it runs: nobody has waited for it yet, so it may be there as a zombie.
    pub fn is_running(&self) -> bool {
        state(Path::new(&format!("/proc/{}", self.id))).is_some_and(|state| state != 'Z')
    }
}

/// Whether every thread of a process has been stopped, or has ended.
fn has_taken_effect(signal: &str, process: &str) -> bool {
    let states: &[char] = match signal {
        "-STOP" => &['T', 'Z', 'X'],
        "-KILL" => &['Z', 'X'],
        _ => return true,
    };
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return true };
    let mut found = threads.flatten().filter_map(|thread| state(&thread.path()));
    found.all(|state| states.contains(&state))
}

/// The state of a process or thread by its folder, while it is there.
fn state(folder: &Path) -> Option<char> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // Its name, in brackets, may hold any character.
    stat.rsplit(") ").next()?.chars().next()
}

/// A test that fails shows what the server has said last.
impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(log) = fs::read(&self.log)
        {
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            eprintln!("the log of process {}:\n{}", self.id, last.join("\n"));
        }
        self.end();
    }
}

/// A port below the range that connections get theirs from, so that a server that
/// was killed finds its port free again.
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let tried = TRIED.fetch_add(1, SeqCst);
        let port = 11_000 + (std::process::id() % 10_007 * 7919 + tried * 31) % 20_000;
        if TcpListener::bind(("127.0.0.1", port as u16)).is_ok() {
            return port as u16;
        }
    }
}
