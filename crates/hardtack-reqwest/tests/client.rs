//! A client of reqwest with the jar, against a server that says exactly what the test says.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hardtack::jar::{CookieParts, Jar, RequestContext, Target};
use hardtack::time::{Clock, UnixTime};
use hardtack_reqwest::CookieJar;

/// Answers every request by its path: `/set?a=1;+Secure` sets that cookie, `/to?URL` redirects there
/// with a cookie `hop`, anything else says the `Cookie` header back.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let mut line = || lines.next().expect("a line").expect("text");
            let first = line();
            let path = first.split(' ').nth(1).expect("a path").to_owned();
            let mut cookie = "(none)".to_owned();
            loop {
                let header = line();
                match header.split_once(": ") {
                    Some((name, value)) if name.eq_ignore_ascii_case("cookie") => {
                        value.clone_into(&mut cookie);
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            let (status, extra) = match path.split_once('?') {
                Some(("/set", line)) => {
                    ("200 OK", format!("Set-Cookie: {}\r\n", line.replace('+', " ")))
                }
                Some(("/to", url)) => {
                    ("302 Found", format!("Set-Cookie: hop=1; Path=/\r\nLocation: {url}\r\n"))
                }
                _ => ("200 OK", String::new()),
            };
            write!(
                stream,
                "HTTP/1.1 {status}\r\n{extra}Content-Length: {}\r\nConnection: close\r\n\r\n{cookie}",
                cookie.len()
            )
            .expect("the client reads");
        }
    });
    address
}

/// A client whose names all lead to the server.
fn client(cookies: &Arc<CookieJar>, server: SocketAddr) -> reqwest::Client {
    let names = ["shop.example", "www.shop.example", "other.example", "app.localhost"];
    let builder = reqwest::Client::builder().no_proxy().cookie_provider(cookies.clone());
    names
        .iter()
        .fold(builder, |builder, name| builder.resolve(name, server))
        .build()
        .expect("a client")
}

async fn body(client: &reqwest::Client, url: String) -> String {
    client.get(url).send().await.expect("an answer").text().await.expect("text")
}

#[tokio::test]
async fn cookies_come_back_where_they_belong_and_nowhere_else() {
    let server = serve();
    let port = server.port();
    for (host, line, asked, sent) in [
        ("shop.example", "a=1", "shop.example", "a=1"),
        ("shop.example", "a=1", "www.shop.example", "(none)"),
        ("shop.example", "a=1;+Domain=shop.example", "www.shop.example", "a=1"),
        ("shop.example", "a=1;+Domain=example", "shop.example", "(none)"),
        ("shop.example", "a=1;+Domain=other.example", "other.example", "(none)"),
        // Plain http: a Secure cookie is not taken, except on this very machine.
        ("shop.example", "a=1;+Secure", "shop.example", "(none)"),
        ("app.localhost", "a=1;+Secure", "app.localhost", "a=1"),
        ("127.0.0.1", "a=1;+Secure", "127.0.0.1", "a=1"),
        ("shop.example", "a=1;+SameSite=Strict", "shop.example", "a=1"),
        ("shop.example", "a=1;+Path=/x", "shop.example", "(none)"),
        ("shop.example", "__Host-a=1", "shop.example", "(none)"),
        ("shop.example", "a=1;+Max-Age=0", "shop.example", "(none)"),
    ] {
        let cookies = Arc::new(CookieJar::default());
        let client = client(&cookies, server);
        body(&client, format!("http://{host}:{port}/set?{line}")).await;
        let found = body(&client, format!("http://{asked}:{port}/")).await;
        assert_eq!(found, sent, "{line} set on {host}");
    }
}

#[tokio::test]
async fn every_hop_of_a_redirect_has_its_own_cookies() {
    let server = serve();
    let port = server.port();
    let cookies = Arc::new(CookieJar::default());
    let client = client(&cookies, server);
    body(&client, format!("http://other.example:{port}/set?there=1")).await;
    let there = format!("http://other.example:{port}/");
    let found = body(&client, format!("http://shop.example:{port}/to?{there}")).await;
    assert_eq!(found, "there=1", "the hop's cookie stays with its host");
    assert_eq!(body(&client, format!("http://shop.example:{port}/")).await, "hop=1");
}

#[tokio::test]
async fn secure_cookies_are_withheld_over_http() {
    let server = serve();
    let cookies = Arc::new(CookieJar::default());
    let client = client(&cookies, server);
    let secure = Target::parse("https://shop.example/").expect("a URL");
    cookies.write(|jar| {
        jar.set(b"a=1; Secure", &RequestContext::client(&secure), UnixTime::from_secs(1));
        jar.set(b"b=2", &RequestContext::client(&secure), UnixTime::from_secs(1));
    });
    assert_eq!(body(&client, format!("http://shop.example:{}/", server.port())).await, "b=2");
}

/// A clock that stands where the test puts it.
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn the_clock_decides_when_a_cookie_has_expired() {
    let server = serve();
    let seconds = Arc::new(AtomicU64::new(1_800_000_000));
    let cookies = Arc::new(CookieJar::with_clock(Jar::default(), Hand(seconds.clone())));
    let client = client(&cookies, server);
    let here = format!("http://shop.example:{}", server.port());
    body(&client, format!("{here}/set?a=1;+Max-Age=60")).await;
    assert_eq!(body(&client, format!("{here}/")).await, "a=1");
    seconds.fetch_add(60, Ordering::SeqCst);
    assert_eq!(body(&client, format!("{here}/")).await, "(none)");
}

#[tokio::test]
async fn the_jar_is_within_reach_while_the_client_lives() {
    let server = serve();
    let cookies = Arc::new(CookieJar::default());
    let client = client(&cookies, server);
    let here = format!("http://shop.example:{}", server.port());
    body(&client, format!("{here}/set?a=1")).await;
    let names = cookies.read(|jar| jar.iter().map(|c| c.name().to_vec()).collect::<Vec<_>>());
    assert_eq!(names, [b"a"]);
    cookies.write(|jar| {
        jar.clear();
        let parts = CookieParts::new("b", "2", "shop.example", UnixTime::from_secs(1));
        jar.restore(hardtack::jar::Cookie::from_parts(parts).expect("a cookie"));
    });
    assert_eq!(body(&client, format!("{here}/")).await, "b=2");
}

#[test]
fn a_panic_of_the_caller_does_not_end_the_jar() {
    let cookies = CookieJar::default();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cookies.write(|_| panic!("of the caller"));
    }));
    assert!(panicked.is_err());
    assert!(cookies.read(Jar::is_empty));
    assert_eq!(format!("{cookies:?}"), "CookieJar(..)");
}
