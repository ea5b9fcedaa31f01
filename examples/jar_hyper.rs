//! The cookie jar beside hyper, over one connection: `jar_hyper URL` asks twice, so that the second
//! request carries what the first answer set.

#![expect(clippy::print_stdout, reason = "to show what came back")]

use std::error::Error;

use hardtack::jar::{Jar, RequestContext, Target};
use hardtack::time::{Clock, SystemClock};
use http::header::{COOKIE, HOST};
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Gets a URL with the jar's cookies, and keeps those of the answer.
async fn get(
    sender: &mut SendRequest<Empty<Bytes>>,
    jar: &mut Jar,
    clock: &impl Clock,
    url: &Uri,
) -> Result<String, Box<dyn Error>> {
    let target = Target::from_uri(url)?;
    let context = RequestContext::client(&target);
    let host = url.authority().ok_or("the URL has no host")?.as_str();
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::get(path).header(HOST, host).body(Empty::new())?;
    if let Some(cookies) = jar.header(&context, clock.now()) {
        request.headers_mut().insert(COOKIE, cookies);
    }
    let response = sender.send_request(request).await?;
    jar.set_all(response.headers(), &context, clock.now());
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url: Uri =
        std::env::args().nth(1).ok_or("usage: jar_hyper http://HOST[:PORT]/")?.parse()?;
    let target = Target::from_uri(&url)?;
    let stream = TcpStream::connect((target.host().as_str(), target.port())).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut jar, clock) = (Jar::default(), SystemClock::default());
    for _ in 0..2 {
        println!("{}", get(&mut sender, &mut jar, &clock, &url).await?);
    }
    Ok(())
}
