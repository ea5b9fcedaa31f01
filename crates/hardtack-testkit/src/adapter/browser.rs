//! A browser, as far as its cookies go.

use std::net::SocketAddr;

use hardtack::cookie::Profile;
use hardtack::jar::{Cookie, CookieParts, Jar, Outcome, RequestContext, Target};
use hardtack::time::Clock as _;

use super::http::{Connection, Request, Response};
use crate::FakeClock;

/// Keeps cookies as Chromium does, and takes those of each response when that response
/// arrives: later requests may be answered earlier.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    address: SocketAddr,
    clock: FakeClock,
    site: Target,
    jar: Jar,
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
    /// A browser without cookies, whose user always types the address of the server.
    pub(crate) fn new(address: SocketAddr, clock: FakeClock) -> Self {
        let site = Target::parse(&format!("http://{address}/")).expect("a URL");
        Self { address, clock, site, jar: Jar::new(&Profile::CHROMIUM) }
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

    /// Takes the cookies of a response. All of them must be such as a browser keeps.
    pub(crate) fn take(&mut self, response: &Response) {
        let context = RequestContext::navigation(&self.site);
        for line in response.set_cookies() {
            let outcome = self.jar.set(line.as_bytes(), &context, self.clock.now());
            assert!(!matches!(outcome, Outcome::Ignored(_)), "{line:?} is dropped: {outcome:?}");
        }
    }

    /// Closes and opens it again: what was only for this time is gone.
    pub(crate) fn restart(&mut self) {
        self.jar.end_session();
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.held();
        cookies.find(|cookie| cookie.name() == name.as_bytes()).map(|cookie| text(cookie.value()))
    }

    /// Puts in a cookie of the server, as somebody may who has the browser in his hands.
    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        let host = self.site.host().as_str();
        let mut parts = CookieParts::new(name, value, host, self.clock.now());
        (parts.secure, parts.http_only) = (true, true);
        self.jar.restore(Cookie::from_parts(parts).expect("a cookie that a jar can hold"));
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.held().map(|cookie| text(cookie.name())).collect()
    }

    pub(crate) fn cookie_header(&self) -> String {
        let header = self.jar.header(&RequestContext::navigation(&self.site), self.clock.now());
        header.map_or_else(String::new, |header| text(header.as_bytes()).to_owned())
    }

    /// The cookies that have not expired, the oldest first.
    fn held(&self) -> impl Iterator<Item = &Cookie> {
        let now = self.clock.now();
        self.jar.iter().filter(move |cookie| !cookie.is_expired(now))
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the site sets ASCII")
}
