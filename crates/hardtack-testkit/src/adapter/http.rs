//! As much of an HTTP/1.1 client as the scenarios need: bytes go out exactly as
//! they are given, responses come back whole or not at all.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new() }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target).header("content-length", "0")
    }

    /// Adds a header; the value may be any bytes, also ones that no server takes.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.extend_from_slice(name.as_bytes());
        self.headers.extend_from_slice(b": ");
        self.headers.extend_from_slice(value.as_ref());
        self.headers.extend_from_slice(b"\r\n");
        self
    }

    fn bytes(&self, host: SocketAddr) -> Vec<u8> {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.target).into_bytes();
        bytes.extend_from_slice(&self.headers);
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// A response: its head, and its body as far as it has been read.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The values of a header, in their order.
    pub(crate) fn all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header that there may be one of.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next();
        assert_eq!(values.next(), None, "{name} twice in {self:?}");
        first
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.all("set-cookie").collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the site answers in UTF-8")
    }

    /// The same, having checked the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The same, having checked that no cookie is set.
    #[track_caller]
    pub(crate) fn without_cookie(self) -> Self {
        assert_eq!(self.set_cookies(), Vec::<&str>::new(), "status {}", self.status);
        self
    }

    /// Sets no cookie that could take another's place: none but the one that tells of
    /// a sign-out, which makes browsers drop the pages they keep in memory.
    #[track_caller]
    pub(crate) fn with_the_sign_out_alone(self) -> Self {
        let names: Vec<_> = self.set_cookies().iter().map(|line| line.split('=').next()).collect();
        assert_eq!(names, [Some("__Host-Http-out")], "status {}", self.status);
        self
    }
}

/// A connection that is kept alive.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream: BufReader::new(stream), address }
    }

    /// Sends a request and reads its response; `None` if the server closes the
    /// connection instead.
    pub(crate) async fn ask(&mut self, request: &Request) -> Option<Response> {
        self.send(request).await;
        self.answer(request).await
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        // A server that refuses early may have closed the connection already.
        let _ = self.stream.get_mut().write_all(&request.bytes(self.address)).await;
    }

    /// Reads the whole response.
    pub(crate) async fn answer(&mut self, request: &Request) -> Option<Response> {
        let mut response = self.head().await?;
        if request.method != "HEAD" {
            self.body(&mut response).await?;
        }
        Some(response)
    }

    /// Reads a response's head.
    pub(crate) async fn head(&mut self) -> Option<Response> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut response = Response {
            status: status.expect("a status line"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Some(response);
            }
            let (name, value) = line.split_once(':').expect("a header");
            response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads the body that belongs to a head.
    pub(crate) async fn body(&mut self, response: &mut Response) -> Option<()> {
        if matches!(response.status, 100..=199 | 204 | 304) {
            return Some(());
        }
        if response.one("transfer-encoding") != Some("chunked") {
            let length = response.one("content-length").map_or(Ok(0), str::parse);
            response.body = self.exactly(length.expect("a length")).await?;
            return Some(());
        }
        loop {
            let line = self.line().await?;
            let length = usize::from_str_radix(&line, 16).expect("the length of a chunk");
            let chunk = self.exactly(length).await?;
            response.body.extend_from_slice(&chunk);
            self.line().await?;
            if length == 0 {
                return Some(());
            }
        }
    }

    /// Goes away in the middle of a request, and waits until the server has
    /// noticed. What it answers all the same goes nowhere.
    pub(crate) async fn hang_up(mut self) {
        let _ = self.stream.get_mut().shutdown().await;
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.ok()?;
        Some(bytes)
    }
}
