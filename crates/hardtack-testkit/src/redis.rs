//! Redis servers for tests: each on a free port of this machine, in a folder of its
//! own, and never outliving the test. They need the program `redis-server`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

/// A server. Ends with its last clone, and with the process that started it,
/// however that ends.
#[derive(Clone, Debug)]
pub struct RedisServer(Arc<Running>);

#[derive(Debug)]
struct Running {
    folder: TempDir,
    port: u16,
    args: Vec<String>,
    process: Mutex<Process>,
}

/// A shell that waits for the end of its input, which comes with our end, and
/// then ends the server.
#[derive(Debug)]
struct Process {
    shell: Child,
    pid: u32,
}

const WATCH: &str = r#""$@" </dev/null >>log 2>&1 & echo $!; read -r _; kill -9 $! 2>/dev/null"#;

impl RedisServer {
    /// Starts one with further arguments; without any it keeps nothing on the disk.
    pub fn start(args: &[&str]) -> Self {
        Self::with_file("redis.conf", "save \"\"\n", args)
    }

    /// A sentinel that watches a master under the name `main`, and decides alone.
    pub fn sentinel(master: &Self) -> Self {
        let settings = format!(
            "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 300\n\
             sentinel failover-timeout main 2000\n",
            master.port()
        );
        Self::with_file("sentinel.conf", &settings, &["--sentinel"])
    }

    fn with_file(file: &str, settings: &str, args: &[&str]) -> Self {
        for _ in 0..20 {
            let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
            let settings = format!("port {port}\nbind 127.0.0.1\ndir .\n{settings}");
            std::fs::write(folder.path().join(file), settings).expect("a file in it");
            let args: Vec<String> =
                [file].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
            let process = Mutex::new(spawn(folder.path(), &args));
            let server = Self(Arc::new(Running { folder, port, args, process }));
            if server.answers() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    /// The port that it listens on, of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Its address: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.0.port)
    }

    /// A command on a connection of its own; the answer as it comes over the line.
    pub fn tell(&self, command: &[&str]) -> String {
        self.try_tell(command).expect("the server answers")
    }

    fn try_tell(&self, command: &[&str]) -> Option<String> {
        let mut conn = TcpStream::connect(("127.0.0.1", self.0.port)).ok()?;
        conn.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let mut line = format!("*{}\r\n", command.len());
        for word in command {
            line += &format!("${}\r\n{word}\r\n", word.len());
        }
        conn.write_all(line.as_bytes()).ok()?;
        // Now the server hangs up after its answer.
        conn.shutdown(Shutdown::Write).ok()?;
        let mut answer = String::new();
        conn.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// A number out of INFO.
    pub fn info(&self, field: &str) -> u64 {
        let info = self.tell(&["INFO", "everything"]);
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok())
            .unwrap_or_else(|| panic!("no number {field} in {info}"))
    }

    /// Sends its process a signal: `STOP`, `CONT`, `KILL`.
    pub fn signal(&self, signal: &str) {
        let pid = self.process().pid.to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{signal} {pid}");
    }

    /// Starts it again, on its port and with its folder.
    pub fn restart(&self) {
        let process = spawn(self.0.folder.path(), &self.0.args);
        *self.process() = process;
        assert!(self.answers(), "the server does not start again");
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.0.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            match self.try_tell(&["PING"]) {
                // Unless somebody else took the port first.
                Some(answer) if answer.starts_with("+PONG") => {
                    return self.info("process_id") == u64::from(self.process().pid);
                }
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
            if !Path::new("/proc").join(self.process().pid.to_string()).exists() {
                return false;
            }
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Three masters that share the slots.
#[derive(Debug)]
pub struct RedisCluster(Vec<RedisServer>);

impl RedisCluster {
    /// Starts one, which takes a second or two.
    pub fn start() -> Self {
        let servers: Vec<_> = (0..3)
            .map(|_| {
                let bus = free_port().to_string();
                let timeout = "--cluster-node-timeout";
                let args = ["--cluster-enabled", "yes", "--cluster-port", &bus, timeout, "1000"];
                (RedisServer::start(&args), bus)
            })
            .collect();
        for (n, (server, _)) in servers.iter().enumerate() {
            let (first, after) = (n * 16384 / 3, (n + 1) * 16384 / 3);
            let slots = [first, after - 1].map(|slot| slot.to_string());
            server.tell(&["CLUSTER", "ADDSLOTSRANGE", &slots[0], &slots[1]]);
            server.tell(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
        }
        for (server, bus) in &servers[1..] {
            let port = server.port().to_string();
            servers[0].0.tell(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
        }
        let ready = |server: &RedisServer| {
            let info = server.tell(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        for (server, _) in &servers {
            while !ready(server) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Self(servers.into_iter().map(|(server, _)| server).collect())
    }

    /// The masters, in the order of their slots: a third each.
    pub fn masters(&self) -> &[RedisServer] {
        &self.0
    }

    /// The address of all of them.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.0.iter().map(|s| format!("127.0.0.1:{}", s.port())).collect();
        format!("redis://{}", hosts.join(","))
    }
}

fn spawn(folder: &Path, args: &[String]) -> Process {
    let mut shell = Command::new("sh")
        .args(["-c", WATCH, "sh", "redis-server"])
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut pid = String::new();
    let out = shell.stdout.take().expect("its output is a pipe");
    BufReader::new(out).read_line(&mut pid).expect("a line");
    Process { shell, pid: pid.trim().parse().expect("the number of a process") }
}

/// Below the range that connections get theirs from, so that a server that was
/// killed finds its port free again.
fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let tried = TRIED.fetch_add(1, SeqCst);
        let port = 11_000 + (std::process::id() % 10_007 * 7919 + tried * 31) % 20_000;
        if TcpListener::bind(("127.0.0.1", port as u16)).is_ok() {
            return port as u16;
        }
    }
}
