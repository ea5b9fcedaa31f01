//! Databases that the real browsers wrote.
#![cfg(all(feature = "browsers", target_os = "linux"))]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hardtack::cookie::SameSite;
use hardtack_sqlite::browsers::{BrowserError, Imported, Scheme, Value, chromium, firefox};

const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\
    Set-Cookie: a=1; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax\r\n\
    Set-Cookie: b=2; Max-Age=86400; SameSite=Strict\r\n\
    Set-Cookie: c=3; Max-Age=86400\r\n\
    Set-Cookie: p=4; Max-Age=86400; Secure; SameSite=None; Partitioned\r\n\r\n<p>here</p>";

/// Serves one page that sets cookies, as long as the test runs.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || stream.and_then(answer));
        }
    });
    format!("http://localhost:{port}/x/y")
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut byte = [0];
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        request.push(byte[0]);
    }
    let is_page = request.starts_with(b"GET /x/y "); // and not the icon that browsers ask for
    stream.write_all(if is_page { ANSWER } else { b"HTTP/1.0 404 Not Found\r\n\r\n" })
}

struct Browser(Child);

impl Browser {
    fn start(program: &str, arguments: &[&str], profile: &Path) -> Browser {
        let process = Command::new(program)
            .args(arguments)
            .arg(serve())
            .env("HOME", profile)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Browser(process.expect("the browser starts"))
    }

    /// Reads until the cookies are there, while the browser writes; the last state if it ended.
    fn read(&mut self, read: impl Fn() -> Result<Vec<Imported>, BrowserError>) -> Vec<Imported> {
        loop {
            let ended = self.0.try_wait().expect("its state").is_some();
            let found = read();
            match found {
                Ok(mut found) if found.len() >= 4 => {
                    found.sort_by(|one, other| one.parts.name.cmp(&other.parts.name));
                    return found;
                }
                found if ended => panic!("the browser ended and left {found:?}"),
                _ => std::thread::yield_now(),
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `partitions`: whether the browser does what `Partitioned` says.
fn check(found: &[Imported], partitions: bool) {
    let same_sites: Vec<_> = found.iter().map(|cookie| cookie.parts.same_site).collect();
    let (lax, strict) = (Some(SameSite::Lax), Some(SameSite::Strict));
    assert_eq!(same_sites, [lax, strict, None, Some(SameSite::None)]);
    for (cookie, name) in found.iter().zip(["a", "b", "c", "p"]) {
        let parts = &cookie.parts;
        assert_eq!((&*parts.name, &*parts.domain), (name.as_bytes(), "localhost"));
        assert!(parts.host_only, "{name}");
        assert_eq!(&*parts.path, if name == "a" { &b"/"[..] } else { b"/x" });
        assert_eq!((parts.http_only, parts.secure), (name == "a", name == "p"), "{name}");
        let lives = parts.expires.expect("it ends").since(parts.created).as_secs();
        assert!((86_390..=86_410).contains(&lives), "{name} lives {lives} s");
        assert!(parts.changed >= parts.created, "{name}");
        let top = parts.partition.as_ref().map(|partition| partition.top_level.to_string());
        let partitioned = partitions && name == "p";
        assert_eq!(top.as_deref(), partitioned.then_some("http://localhost"), "{name}");
    }
}

/// Firefox has partitioned cookies since version 141; before it keeps them as any others.
fn firefox_version() -> u32 {
    let said = Command::new("firefox-esr").arg("--version").output().expect("it starts").stdout;
    let said = String::from_utf8_lossy(&said);
    let version = said.trim().rsplit(' ').next().and_then(|v| v.split('.').next()?.parse().ok());
    version.unwrap_or_else(|| panic!("no version in {said}"))
}

#[test]
fn needs_chromium_its_cookies_are_read_and_its_encryption_named() {
    let profile = tempfile::tempdir().expect("a folder");
    let folder = format!("--user-data-dir={}", profile.path().display());
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--password-store=basic",
        "--dump-dom",
        &folder,
    ];
    let mut browser = Browser::start("chromium", &arguments, profile.path());
    let found = browser.read(|| chromium::read(profile.path().join("Default/Cookies")));
    check(&found, true);
    assert!(found.iter().all(|cookie| cookie.value == Value::Encrypted(Scheme::V10)));
}

#[test]
fn needs_firefox_esr_its_cookies_are_read() {
    let profile = tempfile::tempdir().expect("a folder");
    let folder = profile.path().display().to_string();
    let arguments = ["--headless", "--no-remote", "--profile", &folder];
    let mut browser = Browser::start("firefox-esr", &arguments, profile.path());
    let found = browser.read(|| firefox::read(profile.path().join("cookies.sqlite")));
    check(&found, firefox_version() >= 141);
    let values: Vec<_> = found.into_iter().map(|cookie| cookie.value).collect();
    assert_eq!(values, ["1", "2", "3", "4"].map(|value| Value::Clear(value.into())));
}
