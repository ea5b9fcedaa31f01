//! The processes that are measured: how they are built, started and asked.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Builds a program of one of the workspaces in bench/ and answers where it is.
pub(crate) fn build(workspace: &str, program: &str) -> PathBuf {
    let folder = crate::folder().join(workspace);
    let mut cargo = cargo(&folder.join("Cargo.toml"));
    // A folder of its own for each, whatever the environment says: the names of programs repeat.
    cargo.arg("--target-dir").arg(folder.join("target")).args(["--bin", program]);
    built(cargo, program)
}

/// Builds the example server.
pub(crate) fn build_lab() -> PathBuf {
    let mut cargo = cargo(&crate::folder().join("../Cargo.toml"));
    cargo.args(["--example", "lab"]);
    built(cargo, "lab")
}

fn cargo(manifest: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--message-format=json-render-diagnostics"]);
    cargo.arg("--manifest-path").arg(manifest);
    cargo
}

fn built(mut cargo: Command, program: &str) -> PathBuf {
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo can be started");
    assert!(output.status.success(), "{program} does not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables =
        messages.split("\"executable\":\"").skip(1).filter_map(|m| m.split('"').next());
    let named = executables.find(|path| Path::new(path).file_name().is_some_and(|n| n == program));
    named.expect("cargo names what it has built").into()
}

/// A process that answers each line with a line. Ends when it is dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    command: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Process { input: child.stdin.take(), child, output, command: format!("{command:?}") }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it prints UTF-8");
        assert!(line.ends_with('\n'), "{} ended before it answered", self.command);
        line.trim_end().to_owned()
    }

    /// Numbers that it answers.
    pub(crate) fn ask(&mut self, question: &str) -> Vec<f64> {
        self.tell(question).split(' ').map(|n| n.parse().expect("numbers are asked for")).collect()
    }

    /// What it answers.
    pub(crate) fn tell(&mut self, question: &str) -> String {
        let input = self.input.as_mut().expect("it is open until it is dropped");
        writeln!(input, "{question}").unwrap_or_else(|e| panic!("{} has ended: {e}", self.command));
        self.line()
    }

    /// How many seconds its threads have worked so far.
    pub(crate) fn seconds_worked(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("it runs");
        // proc(5): utime and stime are 12th and 13th after the name, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(") ").expect("the name is in brackets");
        let ticks =
            fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / 100.0
    }

    /// Lets it end by itself.
    pub(crate) fn finish(mut self) {
        drop(self.input.take());
        self.child.wait().expect("it is ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended, and then there is nothing to be done.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder on the disk of the workspace, gone when it is dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let folder = crate::folder().join("driver/target/scratch").join(name);
        // What an interrupted run has left.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the target folder can be written to");
        Scratch(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind it only takes space until the next run.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
