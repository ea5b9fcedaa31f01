//! A browser, as far as its cookies go.

use std::net::SocketAddr;

use super::http::{Connection, Request, Response};

/// Keeps cookies, and takes those of each response when that response arrives:
/// later requests may be answered earlier.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    address: SocketAddr,
    cookies: Vec<Cookie>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    /// Whether it outlives the browser.
    lasting: bool,
}

/// A request under way, with the cookies that the browser had when it left.
#[derive(Debug)]
pub(crate) struct InFlight {
    request: Request,
    connection: Connection,
}

impl InFlight {
    /// Waits for the answer. It has no effect before [`Browser::take`] gets it.
    pub(crate) async fn answer(mut self) -> Response {
        self.connection.answer(&self.request).await.expect("an answer")
    }

    /// Gives the request up; ends when the server knows.
    pub(crate) async fn hang_up(self) {
        self.connection.hang_up().await;
    }
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, cookies: Vec::new() }
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn start(&self, request: Request) -> InFlight {
        let mut connection = Connection::open(self.address).await;
        let request = self.dress(request);
        connection.send(&request).await;
        InFlight { request, connection }
    }

    /// Sends a request, waits for its answer and takes its cookies.
    pub(crate) async fn ask(&mut self, request: Request) -> Response {
        let response = self.start(request).await.answer().await;
        self.take(&response);
        response
    }

    pub(crate) async fn get(&mut self, target: &str) -> Response {
        self.ask(Request::get(target)).await
    }

    /// Gets a page that must be answered 200, and answers its text.
    #[track_caller]
    pub(crate) fn text<'a>(
        &'a mut self,
        target: &'a str,
    ) -> impl Future<Output = String> + use<'a> {
        let caller = std::panic::Location::caller();
        async move {
            let response = self.get(target).await;
            assert_eq!(response.status, 200, "{target}, asked at {caller}: {response:?}");
            response.text().to_owned()
        }
    }

    /// The request with this browser's cookies.
    pub(crate) fn dress(&self, request: Request) -> Request {
        match self.cookie_header() {
            line if line.is_empty() => request,
            line => request.header("cookie", line),
        }
    }

    /// Takes the cookies of a response.
    pub(crate) fn take(&mut self, response: &Response) {
        for line in response.set_cookies() {
            let (name, rest) = line.split_once('=').expect("a name");
            let mut parts = rest.split("; ");
            let value = parts.next().unwrap_or_default();
            let max_age = parts.find_map(|part| part.strip_prefix("Max-Age="));
            self.cookies.retain(|cookie| cookie.name != name);
            if max_age != Some("0") {
                let lasting = max_age.is_some();
                self.cookies.push(Cookie {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    lasting,
                });
            }
        }
    }

    /// Closes and opens it again: what was only for this time is gone.
    pub(crate) fn restart(&mut self) {
        self.cookies.retain(|cookie| cookie.lasting);
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.as_str())
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|cookie| cookie.name != name);
        let cookie = Cookie { name: name.to_owned(), value: value.to_owned(), lasting: false };
        self.cookies.push(cookie);
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.cookies.iter().map(|cookie| cookie.name.as_str()).collect()
    }

    pub(crate) fn cookie_header(&self) -> String {
        let pairs: Vec<_> =
            self.cookies.iter().map(|c| format!("{}={}", c.name, c.value)).collect();
        pairs.join("; ")
    }
}
