//! What a test needs: a demo of its own with a clock that can be set forward, and a browser.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::browser::{Browser, Page, chromium};
use hardtack_server::demo::{Demo, Keep};
use hardtack_tower::time::{Clock, SystemClock, UnixTime};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The system's clock, set forward as a test wants.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn forward(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).expect("short");
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        let ahead = Duration::from_millis(self.0.load(Ordering::SeqCst));
        SystemClock::default().now().saturating_add(ahead)
    }
}

/// A demo of its own for a test, closed at its end.
pub(crate) struct Shop {
    pub(crate) port: u16,
    pub(crate) clock: TestClock,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shop {
    pub(crate) fn open() -> Shop {
        Shop::open_keeping(Keep::InMemory, 0)
    }

    pub(crate) fn open_keeping(keep: Keep, port: u16) -> Shop {
        let clock = TestClock::default();
        let for_demo = clock.clone();
        let (close, closed) = oneshot::channel::<()>();
        let (opened, port_of) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener =
                    tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
                let port = listener.local_addr().expect("bound").port();
                let demo = Demo::open(listener, &keep, for_demo).expect("the demo opens");
                opened.send(port).expect("the test waits");
                // Browsers keep connections open, so closing does not wait for them.
                tokio::select! {
                    served = demo.serve(std::future::pending()) => served.expect("the demo serves"),
                    _ = closed => {}
                }
            });
        });
        let port = port_of.recv().expect("the demo has opened");
        Shop { port, clock, close: Some(close), thread: Some(thread) }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        self.on("hardtack", path)
    }

    pub(crate) fn on(&self, host: &str, path: &str) -> String {
        format!("http://{host}.localhost:{}{path}", self.port)
    }

    /// A request without a browser; the whole answer as text.
    pub(crate) fn ask(&self, host: &str, request: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the demo is there");
        let length = headers.find("\r\n\r\n").map_or(0, |at| headers.len() - at - 4);
        let end = if headers.contains("\r\n\r\n") { "" } else { "\r\n" };
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}{end}"
        )
        .expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    pub(crate) fn name(&self) -> String {
        format!("hardtack.localhost:{}", self.port)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A browser with a fresh profile, or `None` with a loud word.
pub(crate) struct Setting {
    program: PathBuf,
    pub(crate) profile: TempDir,
}

pub(crate) fn setting(test: &str) -> Option<Setting> {
    let Some(program) = chromium() else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "the end-to-end test {test} needs Chromium; install it or set CHROMIUM to its path"
        );
        eprintln!("SKIPPED e2e: {test} needs Chromium; install it or set CHROMIUM to its path");
        return None;
    };
    Some(Setting { program, profile: tempfile::tempdir().expect("a folder for the profile") })
}

impl Setting {
    pub(crate) fn browser(&self) -> Browser {
        Browser::start(&self.program, self.profile.path())
    }
}

pub(crate) fn sign_in(page: &Page, shop: &Shop, name: &str, password: &str, remember: bool) {
    page.goto(&shop.at("/account"));
    page.fill("[name=name]", name);
    page.fill("[name=password]", password);
    if remember {
        page.eval("document.querySelector('[name=remember]').checked = true");
    }
    page.click("form[action='/sign-in'] button");
}

pub(crate) fn user(page: &Page) -> String {
    page.text(".user")
}

pub(crate) fn cookie_names(page: &Page, url: &str) -> Vec<String> {
    let cookies = page.cookies(url);
    let mut names: Vec<String> =
        cookies.iter().map(|c| c["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

/// All pages that the navigation leads to.
pub(crate) const PAGES: [&str; 10] = [
    "/",
    "/account",
    "/cookies",
    "/countdown",
    "/scope",
    "/sent",
    "/url",
    "/race",
    "/steal",
    "/computer",
];
