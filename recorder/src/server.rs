//! A server on loopback that sends any bytes in `Set-Cookie` and keeps the exact `Cookie` header of every request.
//!
//! A request finds its planned answer by the key in its query (`__k`): queries take no part in matching cookies.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::case::{bytes, latin1};

/// What a key is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) set_cookie: Vec<String>,
    pub(crate) content: Content,
}

/// What comes besides the cookies.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// 204: the network stack stores and sends cookies all the same, and no document is built.
    Nothing,
    /// A page, with this script in it.
    Page(String),
    /// On to another address.
    Redirect(u16, String),
}

/// A running server; its threads end with the process.
pub(crate) struct Server {
    pub(crate) ports: Ports,
    shared: Arc<Shared>,
}

/// Where the server listens; the browsers are told to come here for 80, 443, 8081 and 8444.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) http: u16,
    pub(crate) https: u16,
    pub(crate) http2: u16,
    pub(crate) https2: u16,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    /// The `Cookie` header of the first request with a key.
    seen: HashMap<String, Option<String>>,
}

impl Server {
    /// Listens on free ports of 127.0.0.1, and on the same ports of ::1 where there is one.
    pub(crate) fn start() -> Result<Server> {
        let shared = Arc::new(Shared::default());
        let tls = Arc::new(tls()?);
        let port = |tls: Option<Arc<ServerConfig>>| -> Result<u16> {
            let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
            let port = four.local_addr()?.port();
            let six = TcpListener::bind((IpAddr::from(Ipv6Addr::LOCALHOST), port));
            for listener in [Some(four), six.ok()].into_iter().flatten() {
                let (shared, tls) = (shared.clone(), tls.clone());
                thread::spawn(move || accept(&listener, &shared, tls.as_ref()));
            }
            Ok(port)
        };
        let ports = Ports {
            http: port(None)?,
            https: port(Some(tls.clone()))?,
            http2: port(None)?,
            https2: port(Some(tls))?,
        };
        Ok(Server { ports, shared })
    }

    /// Plans the answer to the requests with this key.
    pub(crate) fn plan(&self, key: &str, answer: Answer) {
        self.shared.lock().answers.insert(key.to_owned(), answer);
    }

    /// The `Cookie` header of the request with this key, if it has come.
    pub(crate) fn seen(&self, key: &str) -> Option<Option<String>> {
        self.shared.lock().seen.get(key).cloned()
    }

    /// Waits for a request; false if it does not come.
    pub(crate) fn wait_for(&self, key: &str) -> bool {
        let missing = |state: &mut State| !state.seen.contains_key(key);
        let state = self.shared.lock();
        let waited = self.shared.arrived.wait_timeout_while(state, PATIENCE, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Forgets every key.
    pub(crate) fn forget(&self) {
        *self.shared.lock() = State::default();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, head: &[u8]) -> Vec<u8> {
        let head = latin1(head);
        let mut lines = head.split("\r\n");
        let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let key = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("__k="));
        let sent: Vec<&str> = lines.filter_map(|line| field(line, "cookie")).collect();
        let Some(key) = key else {
            return response("404 Not Found", &[], "");
        };
        let mut state = self.lock();
        let answer = state.answers.get(key).cloned();
        // Browsers send one line; more would be joined by what no cookie holds.
        let header = (!sent.is_empty()).then(|| sent.join("\n"));
        state.seen.entry(key.to_owned()).or_insert(header);
        drop(state);
        self.arrived.notify_all();
        match answer {
            None => response("200 OK", &[], "<!doctype html><title>page</title>"),
            Some(Answer { set_cookie, content }) => match content {
                Content::Nothing => response("204 No Content", &set_cookie, ""),
                Content::Page(script) => {
                    let page =
                        format!("<!doctype html><title>page</title><script>{script}</script>");
                    response("200 OK", &set_cookie, &page)
                }
                Content::Redirect(status, to) => {
                    response(&format!("{status} Found\r\nLocation: {to}"), &set_cookie, "")
                }
            },
        }
    }
}

/// How long a request may take that a page has been told to make.
const PATIENCE: Duration = Duration::from_secs(4);

/// A certificate of our own; the browsers are told to take any.
fn tls() -> Result<ServerConfig> {
    let names = ["example.com", "*.example.com", "localhost", "127.0.0.1"].map(String::from);
    let own = rcgen::generate_simple_self_signed(names).context("cannot make a certificate")?;
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, tls: Option<&Arc<ServerConfig>>) {
    for stream in listener.incoming().flatten() {
        let (shared, tls) = (shared.clone(), tls.cloned());
        // A browser that hangs up is no error.
        thread::spawn(move || -> Option<()> {
            stream.set_nodelay(true).ok()?;
            match tls {
                None => serve(stream, &shared),
                Some(tls) => {
                    serve(StreamOwned::new(ServerConnection::new(tls).ok()?, stream), &shared)
                }
            }
        });
    }
}

/// Answers requests until the browser hangs up.
fn serve(mut stream: impl Read + Write, shared: &Shared) -> Option<()> {
    let mut buffer = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        while let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = buffer[..end].to_vec();
            let body = latin1(&head)
                .split("\r\n")
                .find_map(|line| field(line, "content-length")?.parse().ok());
            let length = end + 4 + body.unwrap_or(0);
            if buffer.len() < length {
                break;
            }
            buffer.drain(..length);
            stream.write_all(&shared.answer(&head)).ok()?;
            stream.flush().ok()?;
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            some => buffer.extend_from_slice(&chunk[..some]),
        }
    }
}

/// The value of a header line of this name, all its bytes but one leading blank.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = line.split_once(':')?;
    found.eq_ignore_ascii_case(name).then(|| value.strip_prefix([' ', '\t']).unwrap_or(value))
}

fn response(status: &str, set_cookie: &[String], body: &str) -> Vec<u8> {
    let mut all = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
    )
    .into_bytes();
    if !status.starts_with("204") {
        all.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    for line in set_cookie {
        all.extend_from_slice(b"Set-Cookie: ");
        all.extend_from_slice(&bytes(line));
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"\r\n");
    all.extend_from_slice(body.as_bytes());
    all
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn ask(server: &Server, request: &[u8], answer: &[u8]) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.ports.http)).unwrap();
        stream.write_all(request).unwrap();
        let mut got = vec![0; answer.len()];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(latin1(&got), latin1(answer));
    }

    #[test]
    fn bytes_are_sent_and_kept_as_they_are() {
        let server = Server::start().unwrap();
        let every: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
        let (line, content) = (latin1(&every), Content::Nothing);
        server.plan("k1", Answer { set_cookie: vec![line.clone()], content });
        let request = [b"GET /?__k=k1 HTTP/1.1\r\nHost: x\r\nCOOKIE: ", &every[..], b"\r\n\r\n"];
        let answer: &[&[u8]] = &[b"HTTP/1.1 204 No Content\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nSet-Cookie: ", &every, b"\r\n\r\n"];
        ask(&server, &request.concat(), &answer.concat());
        assert!(server.wait_for("k1"));
        assert_eq!(server.seen("k1"), Some(Some(line)));
        server.forget();
        assert_eq!(server.seen("k1"), None);
    }

    #[test]
    fn a_redirect_goes_where_it_was_told_and_a_post_is_read_whole() {
        let server = Server::start().unwrap();
        let content = Content::Redirect(307, "http://a.test/?__k=b".into());
        server.plan("a", Answer { set_cookie: vec!["n=v".into()], content });
        ask(
            &server,
            b"POST /?x=1&__k=a HTTP/1.1\r\nContent-Length: 4\r\n\r\nx=yzGET /?__k=b HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 307 Found\r\nLocation: http://a.test/?__k=b\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 0\r\nSet-Cookie: n=v\r\n\r\nHTTP/1.1 200 OK\r\n",
        );
        assert_eq!(server.seen("b"), Some(None));
    }
}
