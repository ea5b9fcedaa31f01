//! The program as it is started: what it prints, and what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn hardtack(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardtack"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ends the program with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a demo and reads the two lines that it prints.
fn start(command: &mut Command) -> (Running, [String; 2]) {
    let mut running = Running(command.spawn().expect("the program starts"));
    let mut printed = BufReader::new(running.0.stdout.take().expect("piped")).lines();
    let mut line = || printed.next().expect("two lines").expect("text");
    let lines = [line(), line()];
    (running, lines)
}

#[test]
fn the_demo_prints_two_lines_and_one_is_its_address() {
    let (_running, [first, second]) = start(&mut hardtack(&["demo", "--port", "0", "--ephemeral"]));
    let (_, address) = first.split_once("http://").expect("an address");
    let host = address.trim_end_matches('/');
    let port: u16 =
        host.strip_prefix("hardtack.localhost:").expect("our host").parse().expect("a port");
    assert!(second.contains("in memory only"), "{second}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        .expect("it takes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn without_a_word_it_keeps_its_data_in_the_users_data_folder() {
    let home = tempfile::tempdir().expect("a folder");
    for (variable, folder) in
        [("XDG_DATA_HOME", "hardtack/demo"), ("HOME", ".local/share/hardtack/demo")]
    {
        let mut command = hardtack(&["demo", "--port", "0"]);
        command.env_remove("XDG_DATA_HOME").env_remove("HOME").env(variable, home.path());
        let (_running, [_, second]) = start(&mut command);
        let folder = home.path().join(folder);
        assert!(second.contains(&folder.display().to_string()), "{second}");
        for file in ["keys", "sessions.db"] {
            assert!(folder.join(file).is_file(), "{file} is in {}", folder.display());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.metadata().expect("is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else looks into {}", folder.display());
        }
    }
}

#[test]
fn it_listens_on_this_computer_only() {
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let output =
            hardtack(&["demo", "--bind", address, "--ephemeral"]).output().expect("it runs");
        assert!(!output.status.success(), "{address}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("passwords are public"), "{said}");
    }
}

#[test]
fn a_port_in_use_is_said_with_advice() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let output = hardtack(&["demo", "--port", &port, "--ephemeral"]).output().expect("it runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&port) && said.contains("--port 0"), "{said}");
}

#[test]
fn sessions_go_into_a_file_for_their_owner_and_no_password_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let in_folder = |name: &str| folder.path().join(name).display().to_string();
    let (store, file) = (format!("sqlite:{}", in_folder("a.db")), in_folder("a.jsonl"));
    let (header, end) = (
        r#"{"hardtack":"sessions","version":1,"exported":0,"global_epoch":2}"#,
        r#"{"sessions":0}"#,
    );
    std::fs::write(&file, format!("{header}\n{end}\n")).expect("a file");
    let run = |arguments: &[&str]| hardtack(arguments).output().expect("it runs");
    let imported = run(&["sessions", "import", &store, "--input", &file, "--json"]);
    assert!(imported.status.success(), "{imported:?}");
    let copy = in_folder("b.jsonl");
    assert!(run(&["sessions", "export", &store, "--output", &copy]).status.success());
    let text = std::fs::read_to_string(&copy).expect("a file");
    assert!(text.contains(r#""global_epoch":2"#) && text.ends_with("{\"sessions\":0}\n"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&copy).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // It is not written over, and what cannot be is refused without the password.
    assert_eq!(run(&["sessions", "export", &store, "--output", &copy]).status.code(), Some(2));
    for url in ["mongo://ada:secret@h", "redis:ada:secret@h", "postgres://ada:secret@h:x/d"] {
        let refused = run(&["sessions", "export", url]);
        assert!(!refused.status.success(), "{url}");
        assert!(!String::from_utf8_lossy(&refused.stderr).contains("secret"), "{refused:?}");
    }
    assert_eq!(run(&["migrate", &store, &store, "--nodes", "0"]).status.code(), Some(2));
}
