//! The commands about cookies, as they are started: what they print, and their exit codes.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hardtack"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    // It need not read what it was given.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// What it printed, after an end with this code.
fn printed(code: i32, arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

fn json(code: i32, arguments: &[&str], input: &str) -> Value {
    serde_json::from_str(&printed(code, arguments, input)).expect("JSON")
}

/// What it said on standard error as it refused.
fn refused(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

const CASES: &str = r#"
{"id":"a","cat":"x","steps":[{"url":"https://shop.example/","set_cookie":["a=\u00e9"]}],"probes":[{"url":"https://shop.example/"}],"expect":{"now_ms":1800000000000,"probes":[{"cookie":"a=\u00e9"}]}}
{"id":"b","cat":"x","steps":[],"probes":[{"url":"https://shop.example/"}],"expect":{"now_ms":1800000000000,"probes":[{"cookie":"b=2"}]}}
"#;

#[test]
fn replay_prints_the_header_of_every_probe() {
    let found = printed(0, &["jar", "replay", "--profile", "chromium"], CASES);
    let expected = "{\"id\":\"a\",\"probes\":[{\"cookie\":\"a=é\"}]}\n{\"id\":\"b\",\"probes\":[{\"cookie\":null}]}\n";
    assert_eq!(found, expected);
    // Without a recording it goes by --now.
    let case = r#"{"steps":[{"url":"https://a.example/","set_cookie":["a=1; Expires=Fri, 15 Jan 2027 08:00:00 GMT"]}],"probe":{"url":"https://a.example/"}}"#;
    for (now, sent) in [("1799999999", r#""a=1""#), ("1800000000", "null")] {
        let found = printed(0, &["jar", "replay", "--profile", "firefox", "--now", now], case);
        assert_eq!(found, format!("{{\"id\":\"\",\"probes\":[{{\"cookie\":{sent}}}]}}\n"));
    }
}

#[test]
fn replay_counts_the_agreement_and_fails_below_the_least() {
    let check = ["jar", "replay", "--profile", "chromium", "--check"];
    let table = printed(1, &check, CASES);
    assert!(table.contains("50.00 %") && table.contains("line 3, b: Cookie differs"), "{table}");
    let found = json(0, &[&check[..], &["--min", "50", "--json"]].concat(), CASES);
    assert_eq!(found["total"]["agree"], 1);
    assert_eq!(found["categories"]["x"]["cases"], 2);
    assert_eq!(found["differing"][0]["id"], "b");
}

#[test]
fn replay_names_the_line_that_is_no_case() {
    let said = refused(&["jar", "replay", "--profile", "chromium"], &format!("{CASES}{{\n"));
    assert!(said.contains("line 4 is not a case"), "{said}");
    assert!(refused(&["jar", "replay", "--profile", "netscape"], "").contains("rfc6265bis"));
}

#[test]
fn explain_tells_every_reason_and_the_line_that_would_do() {
    let asked =
        ["explain", "sid=1; Domain=.co.uk; SameSite=None", "--url", "https://shop.example.co.uk/"];
    let text = printed(1, &asked, "");
    for part in
        ["Chromium 156  no", "Firefox 153   no", "public suffix", "`sid=1; SameSite=None; Secure`"]
    {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\x1b'), "no colours where nobody sees them");
    let found = json(1, &[&asked[..], &["--json"]].concat(), "");
    let profiles = &found["questions"][0]["cookies"][0]["profiles"];
    for (profile, name) in ["chromium", "firefox", "rfc6265bis"].iter().enumerate() {
        assert_eq!(profiles[profile]["profile"], *name);
        assert_eq!(profiles[profile]["outcome"], "dropped");
        assert_eq!(profiles[profile]["reasons"].as_array().map(Vec::len), Some(2));
        assert_eq!(profiles[profile]["repaired"], "sid=1; SameSite=None; Secure");
    }
}

#[test]
fn explain_reads_lines_and_heads_of_responses() {
    let at = ["explain", "--url", "https://shop.example/", "--json"];
    let head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX: y\r\nset-cookie: b=2\r\n\r\n";
    let found = json(0, &at, head);
    assert_eq!(found["all_sent"], true);
    assert_eq!(found["questions"][0]["headers"][0]["cookie"], "a=1; b=2");
    let found = json(0, &[&at[..], &["c=3", "-"]].concat(), head);
    assert_eq!(found["questions"][0]["headers"][0]["cookie"], "c=3; a=1; b=2");
    let sent = ["--send-url", "http://shop.example/"];
    let found = json(1, &[&at[..], &sent, &["a=1; Secure"]].concat(), "");
    let request = &found["questions"][0]["cookies"][0]["profiles"][1]["requests"][0];
    assert_eq!((&request["sent"], &request["section"]), (&false.into(), &"6265bis 5.8.3".into()));
    let other =
        ["--context", "subresource", "--from", "https://other.example/", "a=1; SameSite=Lax"];
    json(1, &[&at[..], &other].concat(), "");
}

#[test]
fn explain_reads_recordings_and_hides_their_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("visit.har");
    std::fs::write(
        &path,
        r#"{"log":{"entries":[{"request":{"url":"https://shop.example/"},
        "response":{"headers":[{"name":"Set-Cookie","value":"sid=verysecret; Secure"}]}}]}}"#,
    )
    .expect("written");
    let text = printed(0, &["explain", "--har", shown(&path)], "");
    assert!(text.contains("sid=...; Secure") && !text.contains("verysecret"), "{text}");
    let text = printed(1, &["lint", "--har", shown(&path)], "");
    assert!(text.contains("HttpOnly") && !text.contains("verysecret"), "{text}");
    let other = ["explain", "--har", shown(&path), "--url", "https://other.example/"];
    assert!(refused(&other, "").contains("no answer from https://other.example/"));

    // Ended a year after the recording, and past by a --now that comes later.
    std::fs::write(
        &path,
        r#"{"log":{"entries":[{"startedDateTime":"2027-01-15T08:00:00Z","request":{"url":"https://shop.example/"},
        "response":{"headers":[{"name":"Set-Cookie","value":"a=1; Secure; SameSite=Lax; Expires=Sat, 15 Jan 2028 08:00:00 GMT"}]}}]}}"#,
    )
    .expect("written");
    for (now, lint, explain) in [(&[][..], 0, 0), (&["--now", "2000000000"], 1, 1)] {
        printed(lint, &[&["lint", "--har", shown(&path)], now].concat(), "");
        printed(explain, &[&["explain", "--har", shown(&path)], now].concat(), "");
    }
    std::fs::write(&path, "{").expect("written");
    assert!(refused(&["explain", "--har", shown(&path)], "").contains("visit.har"));
}

#[test]
fn explain_refuses_what_it_cannot_answer() {
    for (arguments, said) in [
        (&["explain", "a=1"][..], "--url"),
        (&["explain", "a=1", "--url", "shop"], "not an absolute URL"),
        (&["explain", "--url", "https://a.example/"], "no Set-Cookie"),
        (&["explain", "a=1", "--url", "https://a.example/", "--context", "x"], "form-post"),
        (&["explain", "--har", "/nowhere/at.har"], "/nowhere/at.har"),
        (&["lint"], "required"),
    ] {
        let found = refused(arguments, "");
        assert!(found.contains(said), "{found}");
    }
}

#[test]
fn lint_looks_at_every_hop() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let server = std::thread::spawn(move || {
        let mut cookies = Vec::new();
        for answer in [
            "302 Found\r\nLocation: /home\r\nSet-Cookie: hop=1; Path=/",
            "200 OK\r\nSet-Cookie: sid=verysecret; SameSite=None",
        ] {
            let (mut stream, _) = listener.accept().expect("a client");
            let lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let head: Vec<String> =
                lines.map(|line| line.expect("text")).take_while(|line| !line.is_empty()).collect();
            cookies
                .extend(head.into_iter().filter(|line| line.to_lowercase().starts_with("cookie:")));
            write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .expect("the client reads");
        }
        cookies
    });
    let url = format!("http://127.0.0.1:{port}/");
    let found = json(1, &["lint", &url, "--json"], "");
    assert_eq!(server.join().expect("served"), ["cookie: hop=1"]);
    assert_eq!((&found[0]["status"], &found[1]["status"]), (&302.into(), &200.into()));
    let cookie = &found[1]["cookies"][0];
    assert_eq!(cookie["set_cookie"], "sid=...; SameSite=None");
    assert_eq!(cookie["findings"][0]["severity"], "error");
    assert_eq!(cookie["dropped"].as_array().map(Vec::len), Some(3));
    assert!(refused(&["lint", "http://127.0.0.1:1/"], "").contains("cannot be fetched"));
    printed(
        0,
        &["lint", "--line", "__Host-theme=dark; Secure; HttpOnly; Path=/; SameSite=Lax"],
        "",
    );
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_jar_is_set_shown_converted_merged_and_emptied() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["jar.json", "cookies.txt", "sealed.json", "keys", "all.json"]
        .map(|name| folder.path().join(name));
    let [jar, text, sealed, keys, all] = paths.each_ref().map(|path| shown(path));
    let url = "https://shop.example/";
    printed(0, &["jar", "set", jar, url, "sid=verysecret; Secure; Max-Age=3600", "b=2"], "");
    let said = printed(1, &["jar", "set", jar, url, "c=3; Domain=example"], "");
    assert!(said.contains("public suffix"), "{said}");
    let table = printed(0, &["jar", "show", jar], "");
    assert!(table.contains("sid") && !table.contains("verysecret"), "{table}");
    assert!(printed(0, &["jar", "show", jar, "--values"], "").contains("verysecret"));
    let found = json(0, &["jar", "show", jar, "--json"], "");
    assert_eq!((&found[0]["name"], &found[0]["value"]), (&"sid".into(), &Value::Null));
    assert_eq!(printed(0, &["jar", "get", jar, url], ""), "sid=verysecret; b=2\n");
    assert_eq!(printed(0, &["jar", "get", jar, "http://shop.example/"], ""), "b=2\n");
    assert_eq!(printed(0, &["jar", "get", jar, url, "--name", "b"], ""), "2\n");
    assert_eq!(printed(1, &["jar", "get", jar, "https://other.example/"], ""), "");

    printed(0, &["jar", "convert", jar, text], "");
    let lines = std::fs::read_to_string(text).expect("a file");
    assert!(lines.starts_with("# Netscape HTTP Cookie File\n"), "{lines}");
    assert!(refused(&["jar", "convert", jar, text], "").contains("is there already"));
    printed(0, &["jar", "convert", text, sealed, "--to-key-file", keys], "");
    assert!(!std::fs::read_to_string(sealed).expect("a file").contains("verysecret"));
    assert!(refused(&["jar", "show", sealed], "").contains("sealed"));
    let opened = printed(0, &["jar", "get", sealed, url, "--key-file", keys], "");
    assert_eq!(opened, "sid=verysecret; b=2\n");

    printed(0, &["jar", "set", all, url, "b=older", "--now", "1000"], "");
    printed(0, &["jar", "merge", all, jar, text], "");
    assert_eq!(printed(0, &["jar", "get", all, url, "--name", "b"], ""), "2\n");
    // cookies.txt does not say when a cookie was set.
    std::fs::write(text, lines.replace("\tb\t2", "\tb\tof-the-text")).expect("written");
    printed(0, &["jar", "merge", all, text], "");
    assert_eq!(printed(0, &["jar", "get", all, url, "--name", "b"], ""), "2\n");
    printed(0, &["jar", "rm", all, "b", "--domain", "shop.example"], "");
    printed(1, &["jar", "rm", all, "b"], "");
    printed(0, &["jar", "rm", all, "--all"], "");
    assert!(refused(&["jar", "rm", all], "").contains("required"));
}

#[test]
fn a_file_that_is_no_jar_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jar.json");
    let path = shown(&path);
    std::fs::write(path, "not a jar").expect("written");
    for arguments in [
        &["jar", "show", path][..],
        &["jar", "set", path, "https://shop.example/", "a=1"],
        &["jar", "import", "firefox", path, path],
    ] {
        assert!(refused(arguments, "").contains("jar.json"));
    }
    assert_eq!(std::fs::read_to_string(path).expect("a file"), "not a jar");
    assert!(refused(&["jar", "show", "/nowhere/jar.json"], "").contains("there is no file"));
}

#[test]
fn nobody_who_reads_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hardtack"))
        .args(["jar", "replay", "--profile", "chromium"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("piped");
    for _ in 0..1000 {
        if stdin.write_all(CASES.as_bytes()).is_err() {
            break;
        }
    }
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
