//! One file, several real processes, and the real curl.
#![cfg(feature = "jar")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use hardtack::cookie::Limits;
use hardtack::jar::{Cookie, Jar, JarFile, RequestContext, Target};
use hardtack::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn jar() -> Jar {
    Jar::builder().limits(Limits::NONE).build()
}

fn set(jar: &mut Jar, line: &str) {
    set_at(jar, "shop.example", line);
}

fn set_at(jar: &mut Jar, host: &str, line: &str) {
    let target = Target::parse(&format!("https://{host}/")).expect("a target");
    jar.set(line.as_bytes(), &RequestContext::client(&target), NOW);
}

fn names(path: &Path) -> Vec<String> {
    let mut jar = jar();
    JarFile::new(path).load(&mut jar, NOW).expect("whole at any time");
    jar.iter().map(|cookie| String::from_utf8_lossy(cookie.name()).into_owned()).collect()
}

/// The other process: it sets cookies, removes one it had set before, and saves now and then.
#[test]
#[ignore = "the other tests start it as a process of its own"]
fn writer() {
    let [path, name, sets] =
        ["JAR", "NAME", "SETS"].map(|key| std::env::var(key).expect("set by the parent"));
    let (mut file, mut jar) = (JarFile::new(path), jar());
    for n in 0..sets.parse::<usize>().expect("a number") {
        let host = format!("h{}.example", n / 12);
        set_at(&mut jar, &host, &format!("{name}{n}=1"));
        if n % 3 == 2 {
            set_at(&mut jar, &host, &format!("{name}{}=; Max-Age=0", n - 1));
        }
        if n % 197 == 196 {
            file.save(&mut jar, NOW).expect("saved");
        }
    }
    file.save(&mut jar, NOW).expect("saved");
}

fn start(path: &Path, name: &str, sets: usize) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args(["--exact", "writer", "--ignored", "--quiet"])
        .env("JAR", path)
        .env("NAME", name)
        .env("SETS", sets.to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("started")
}

#[test]
fn two_processes_lose_nothing_of_one_another() {
    const SETS: usize = 3000;
    for file in ["jar.json", "cookies.txt"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(file);
        for mut child in ["a", "b"].map(|name| start(&path, name, SETS)) {
            assert!(child.wait().expect("waited").success());
        }
        let mut found = names(&path);
        let kept = |name| (0..SETS).filter(|n| n % 3 != 1).map(move |n| format!("{name}{n}"));
        let mut expected: Vec<String> = kept("a").chain(kept("b")).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn a_process_that_is_killed_leaves_a_whole_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jar.json");
    let (mut file, mut ours) = (JarFile::new(&path), jar());
    set(&mut ours, "ours=1");
    file.save(&mut ours, NOW).expect("saved");
    for round in 0..5 {
        let mut child = start(&path, &format!("r{round}x"), usize::MAX);
        // Some hundred microseconds apart each round, in the middle of its saves.
        let before = names(&path).len();
        while names(&path).len() <= before {
            assert!(child.try_wait().expect("asked").is_none(), "the writer ended by itself");
        }
        for _ in 0..round {
            assert!(names(&path).contains(&"ours".to_owned()));
        }
        child.kill().expect("killed");
        child.wait().expect("waited");
        assert!(names(&path).len() > before);
        file.save(&mut ours, NOW).expect("a lock of the dead is no lock");
    }
}

mod needs_curl {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers every request with these headers and hands back what came.
    fn serve(headers: &'static [u8]) -> (u16, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut buffer).expect("a request");
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(b"HTTP/1.0 200 OK\r\n").expect("answered");
            stream.write_all(headers).expect("answered");
            stream.write_all(b"\r\n").expect("answered");
            request
        });
        (port, served)
    }

    fn curl(arguments: &[&str], path: &Path, host: &str, headers: &'static [u8]) -> Vec<u8> {
        let (port, served) = serve(headers);
        let status = Command::new("curl")
            .args(["-s", "-S", "--noproxy", "*", "--resolve", &format!("{host}:{port}:127.0.0.1")])
            .args(arguments.iter().flat_map(|flag| [flag.as_ref(), path.as_os_str()]))
            .arg(format!("http://{host}:{port}/x/y"))
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("curl runs").success());
        served.join().expect("served")
    }

    fn trimmed(path: &[u8]) -> &[u8] {
        // Old versions of curl keep the slash at the end of a default path.
        path.strip_suffix(b"/").unwrap_or(path)
    }

    #[test]
    fn what_curl_writes_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cookies.txt");
        let headers = b"Set-Cookie: a=1; Path=/; Max-Age=86400; HttpOnly\r\n\
            Set-Cookie: s=2\r\n\
            Set-Cookie: b=x\xe9y; Max-Age=86400\r\n\
            Set-Cookie: d=; Domain=shop.example; Path=/x\r\n";
        curl(&["-c"], &path, "www.shop.example", headers);

        let mut jar = jar();
        JarFile::new(&path).load(&mut jar, NOW).expect("curl's file");
        let mut found: Vec<_> = jar.iter().map(Cookie::to_parts).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        let seen: Vec<_> = found
            .iter()
            .map(|c| (&*c.name, &*c.value, &*c.domain, trimmed(&c.path), c.host_only, c.http_only))
            .collect();
        let www = "www.shop.example";
        assert_eq!(
            seen,
            [
                (&b"a"[..], &b"1"[..], www, &b""[..], true, true),
                (b"b", b"x\xe9y", www, b"/x", true, false),
                (b"d", b"", "shop.example", b"/x", false, false),
                (b"s", b"2", www, b"/x", true, false),
            ]
        );
        assert!(found[0].expires.is_some() && found[3].expires.is_none());
    }

    #[test]
    fn curl_sends_what_we_write_and_gives_it_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cookies.txt");
        let mut ours = jar();
        set(&mut ours, "a=1; Domain=shop.example; Path=/; HttpOnly; Max-Age=34000000");
        set(&mut ours, "b=x\u{e9}; Path=/x");
        set(&mut ours, "tls=1; Secure; Max-Age=34000000");
        set(&mut ours, "e=; Path=/");
        JarFile::new(&path).save(&mut ours, NOW).expect("saved");

        let request = curl(&["-b", "-c"], &path, "shop.example", b"");
        let request = String::from_utf8_lossy(&request).into_owned();
        let sent = request.lines().find_map(|line| line.strip_prefix("Cookie: "));
        let mut sent: Vec<&str> = sent.expect("a Cookie header").split("; ").collect();
        sent.sort_unstable();
        assert_eq!(sent, ["a=1", "b=x\u{e9}", "e="], "{request}");

        let mut back = jar();
        JarFile::new(&path).load(&mut back, NOW).expect("curl's file");
        let [mut before, mut after] = [&ours, &back].map(|jar| {
            let held = |c: &Cookie| (c.identity(), c.value().to_vec(), c.secure(), c.http_only());
            jar.iter().map(held).collect::<Vec<_>>()
        });
        before.sort();
        after.sort();
        assert_eq!(before, after);
    }
}
