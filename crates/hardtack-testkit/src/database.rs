//! Database servers on free ports of this machine, in temporary folders.
//!
//! Making a database takes seconds, so all tests of a run share one server, also
//! where each test is a process of its own: whoever comes first starts it, and it
//! ends soon after nobody uses it any more, however those ended. Tests that hurt
//! a server have one of their own.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process::{Process, free_port};
use tempfile::TempDir;

/// What a server is of.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    name: &'static str,
    /// The user that it runs as where we are root, which it refuses.
    user: &'static str,
    /// Makes a database in the folder `$1`.
    install: &'static str,
    /// Runs on the port `$2` with the folder `$1`; `$3`: more settings.
    run: &'static str,
    /// Succeeds if the server on the port `$2` answers.
    ping: &'static str,
    /// Makes a database named `$3` on the port `$2`, in place of any that an earlier
    /// process with our number has left.
    create: &'static str,
    /// Of that database: the port comes between the two, and then its name.
    url: [&'static str; 2],
    quick: &'static str,
}

/// PostgreSQL: the user `postgres` without a password, over TCP.
pub const POSTGRES: Engine = Engine {
    name: "postgres",
    user: "postgres",
    install: "initdb -D $1/data -U postgres -A trust -E UTF8 --locale C --no-sync",
    run: "exec postgres -D $1/data -k $1 -h 127.0.0.1 -p $2 -c max_connections=300 \
          -c shared_buffers=32MB -c deadlock_timeout=20ms $3",
    ping: "pg_isready -q -h 127.0.0.1 -p $2 -U postgres",
    create: "psql -q -h 127.0.0.1 -p $2 -U postgres \
             -c \"DROP SCHEMA IF EXISTS $3 CASCADE; CREATE SCHEMA $3\"",
    url: ["postgres://postgres@127.0.0.1:", "/postgres?options=-csearch_path%3D"],
    quick: "-c fsync=off -c full_page_writes=off",
};

/// MariaDB: the user `root` without a password, over TCP.
pub const MARIADB: Engine = Engine {
    name: "mariadbd",
    user: "mysql",
    install: "mariadb-install-db --no-defaults --auth-root-authentication-method=normal \
              --datadir=$1/data --tmpdir=$1 --skip-test-db",
    // A server that starts clears its folder for temporary tables: it shares none.
    run: "exec mariadbd --no-defaults --datadir=$1/data --tmpdir=$1 --socket=$1/socket \
          --port=$2 --bind-address=127.0.0.1 --pid-file=$1/pid --max-connections=300 \
          --innodb-buffer-pool-size=64M $3",
    ping: "mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P $2 -u root ping",
    create: "mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P $2 -u root \
             -e \"CREATE OR REPLACE DATABASE $3\"",
    url: ["mysql://root@127.0.0.1:", "/"],
    quick: "--innodb-flush-log-at-trx-commit=0",
};

// Debian keeps the server's programs out of the way.
const PATH: &str =
    "PATH=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1):$PATH:/usr/sbin; ";

impl Engine {
    fn command(self, script: &str, folder: &Path, port: u16, more: &str) -> Command {
        let is_root = rustix::process::getuid().is_root();
        let mut command = Command::new(if is_root { "setpriv" } else { "sh" });
        if is_root {
            let (user, group) =
                (format!("--reuid={}", self.user), format!("--regid={}", self.user));
            command.args([&user, &group, "--clear-groups", "sh"]);
        }
        command.args(["-c", &format!("{PATH}{script}"), "sh"]);
        command.arg(folder).arg(port.to_string()).arg(more);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Makes a database (on PostgreSQL a schema, which is as good) on the server at
    /// this port, and answers its URL.
    ///
    /// # Panics
    /// If the server does not make it.
    pub fn database(self, port: u16) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("d{}_{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let made = self.command(self.create, Path::new("/"), port, &name).status();
        assert!(made.expect("a shell").success(), "{} makes no database", self.name);
        let [before, after] = self.url;
        format!("{before}{port}{after}{name}")
    }

    fn answers(self, folder: &Path, port: u16) -> bool {
        self.command(self.ping, folder, port, "").status().is_ok_and(|status| status.success())
    }

    /// Whether a server that was started answers, and does not give up first.
    fn comes_up(self, process: &Process, folder: &Path, port: u16) -> bool {
        comes_up(|| process.is_running(), || self.answers(folder, port))
    }

    /// A folder with a database in it that the server's user may write, made by `script`
    /// out of nothing or of a server on this port.
    fn install(self, script: &str, port: u16) -> TempDir {
        let folder = tempfile::Builder::new().prefix("hardtack-").tempdir().expect("a folder");
        if rustix::process::getuid().is_root() {
            let owner = format!("{0}:{0}", self.user);
            let status = Command::new("chown").arg(owner).arg(folder.path()).status();
            assert!(status.expect("chown").success(), "there is no user {}", self.user);
        }
        let made = self.command(script, folder.path(), port, "").stderr(Stdio::inherit()).status();
        assert!(made.expect("a shell").success(), "{} cannot make a database", self.name);
        folder
    }
}

/// A server that one test has for itself; ends with it, and with its process.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    // Ends before its folder goes.
    process: Process,
    folder: TempDir,
    port: u16,
    more: &'static str,
}

impl Server {
    /// Starts one with more settings, as arguments of its program.
    ///
    /// # Panics
    /// If its programs are missing, or it does not start.
    pub fn start(engine: Engine, more: &'static str) -> Self {
        Self::start_in(engine, engine.install(engine.install, 0), more)
    }

    /// A standby of this PostgreSQL, which follows it, and goes on by itself once it is
    /// promoted.
    ///
    /// # Panics
    /// If its programs are missing, or it does not start.
    pub fn standby(&self) -> Self {
        const FROM_IT: &str = "pg_basebackup -h 127.0.0.1 -p $2 -U postgres -D $1/data -R \
                               -X stream -c fast --no-sync";
        Self::start_in(self.engine, self.engine.install(FROM_IT, self.port), self.more)
    }

    fn start_in(engine: Engine, folder: TempDir, more: &'static str) -> Self {
        for _ in 0..10 {
            let port = free_port();
            let process = Process::start(
                &engine.command(engine.run, folder.path(), port, more),
                folder.path(),
            );
            if engine.comes_up(&process, folder.path(), port) {
                return Self { engine, folder, port, process, more };
            }
        }
        panic!("{} does not start", engine.name);
    }

    /// The port that it listens on, of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends its processes a signal: STOP, CONT, KILL.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Starts it again after it was killed, on its port and with its folder.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        for _ in 0..20 {
            self.process.end();
            let (engine, folder) = (self.engine, self.folder.path());
            let server = engine.command(engine.run, folder, self.port, self.more);
            self.process = Process::start(&server, folder);
            if engine.comes_up(&self.process, folder, self.port) {
                return;
            }
        }
        panic!("{} does not start again", self.engine.name);
    }
}

/// The port of the server that all tests share which keep its files in one folder.
/// It does not sync: it is fast, and forgets when the machine fails. A process has
/// one such server of each engine.
///
/// # Panics
/// If its programs are missing, or it does not start.
pub fn shared(engine: Engine, folder: &Path) -> u16 {
    static RUNNING: Mutex<Vec<(&str, u16, File)>> = Mutex::new(Vec::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, port, _)) = running.iter().find(|(name, ..)| *name == engine.name) {
        return *port;
    }
    let home = folder.join(engine.name);
    fs::create_dir_all(&home).expect("a folder");
    let open = |name| File::create(home.join(name)).expect("a file in it");
    let (start, users) = (open("start"), open("users"));
    start.lock().expect("a lock");
    // Held to the end of the process; the server ends when nobody holds it.
    users.lock_shared().expect("a lock");
    let file = home.join("port");
    let known = fs::read_to_string(&file).ok().and_then(|port| port.parse().ok());
    let known = known.filter(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok());
    let port = known.unwrap_or_else(|| {
        let port = start_shared(engine, &home);
        fs::write(&file, port.to_string()).expect("a file in it");
        port
    });
    running.push((engine.name, port, users));
    port
}

#[expect(clippy::zombie_processes, reason = "it outlives this process")]
fn start_shared(engine: Engine, home: &Path) -> u16 {
    const WATCH: &str = r#"cd "$1"; folder=$2; shift 2; "$@" & sleep 5
        while sleep 3; do
            kill -0 $! 2>/dev/null || break
            flock start flock -n users rm -f port && break
        done
        kill -9 $! 2>/dev/null; wait; rm -rf "$folder""#;
    let folder = engine.install(engine.install, 0).keep();
    for _ in 0..10 {
        let port = free_port();
        let server = engine.command(engine.run, &folder, port, engine.quick);
        // In a session of its own: whoever ends the tests does not end it.
        let mut watch = Command::new("setsid")
            .args(["sh", "-c", WATCH, "sh"])
            .args([home, &folder])
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setsid");
        if comes_up(|| true, || engine.answers(&folder, port)) {
            return port;
        }
        let _ = (watch.kill(), watch.wait());
    }
    panic!("{} does not start", engine.name);
}

/// Whether a server that is starting answers, within some 30 seconds.
fn comes_up(is_running: impl Fn() -> bool, answers: impl Fn() -> bool) -> bool {
    (0..1500).take_while(|_| is_running()).any(|_| {
        let up = answers();
        if !up {
            std::thread::sleep(Duration::from_millis(20));
        }
        up
    })
}
