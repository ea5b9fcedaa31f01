//! Redis servers for tests: each on a free port of this machine, in a folder of its
//! own, and never outliving the test. They need the program `redis-server`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::process::{Process, free_port};

/// A server. Ends with its last clone, and with the process that started it,
/// however that ends.
#[derive(Clone, Debug)]
pub struct RedisServer(Arc<Running>);

#[derive(Debug)]
struct Running {
    // Ends before its folder goes.
    process: Mutex<Process>,
    folder: TempDir,
    port: u16,
    args: Vec<String>,
}

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
        self.process().signal(signal);
    }

    /// Starts it again, on its port and with its folder.
    pub fn restart(&self) {
        // One that was killed may still have the port.
        self.process().end();
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
                    return self.info("process_id") == u64::from(self.process().id());
                }
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
            if !self.process().is_running() {
                return false;
            }
        }
        false
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
    Process::start(Command::new("redis-server").args(args), folder)
}
