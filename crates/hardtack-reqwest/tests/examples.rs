//! The examples of the jar beside other clients, run against a server of this test.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

/// Answers every request with a cookie, and says the `Cookie` header back. Gives its port.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let mut cookies = "none yet".to_owned();
            while let Some(Ok(line)) = lines.next() {
                if let Some((name, value)) = line.split_once(": ") {
                    if name.eq_ignore_ascii_case("cookie") {
                        value.clone_into(&mut cookies);
                    }
                } else if line.is_empty() {
                    let length = cookies.len();
                    let head = "HTTP/1.1 200 OK\r\nSet-Cookie: seen=1; Secure\r\nContent-Length";
                    if write!(stream, "{head}: {length}\r\n\r\n{cookies}").is_err() {
                        break;
                    }
                    "none yet".clone_into(&mut cookies);
                }
            }
        }
    });
    port
}

/// What the example prints, which cargo has built beside this test.
fn example(name: &str) -> String {
    let mut path: PathBuf = std::env::current_exe().expect("a path");
    path.pop();
    path.set_file_name("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let url = format!("http://127.0.0.1:{}/", serve());
    let output = Command::new(&path).arg(url).output().expect("the example runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn ureq_keeps_and_hyper_sends_back_what_the_server_set() {
    assert_eq!(example("jar_ureq"), "none yet\n127.0.0.1 has seen\n");
    assert_eq!(example("jar_hyper"), "none yet\nseen=1\n");
}
