//! The cookie jar beside ureq, which is asked for one request at a time: `jar_ureq URL` prints what
//! came back and which cookies were kept.

#![expect(clippy::print_stdout, reason = "to show what came back")]

use std::error::Error;

use hardtack::jar::{Jar, RequestContext, Target};
use hardtack::time::{Clock, SystemClock};
use http::header::{COOKIE, LOCATION};
use http::{Response, StatusCode};

/// Gets a URL with the jar's cookies, and follows redirects so that each hop has its own.
fn get(
    agent: &ureq::Agent,
    jar: &mut Jar,
    clock: &impl Clock,
    url: &str,
) -> Result<Response<ureq::Body>, Box<dyn Error>> {
    let mut url = url::Url::parse(url)?;
    for _ in 0..10 {
        let target = Target::parse(url.as_str())?;
        let context = RequestContext::client(&target);
        let mut request = agent.get(url.as_str());
        if let Some(cookies) = jar.header(&context, clock.now()) {
            request = request.header(COOKIE, cookies);
        }
        let response = request.call()?;
        jar.set_all(response.headers(), &context, clock.now());
        match response.headers().get(LOCATION) {
            Some(next) if response.status().is_redirection() => url = url.join(next.to_str()?)?,
            _ => return Ok(response),
        }
    }
    Err("more than 10 redirects".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: jar_ureq URL")?;
    // Redirects are followed above, and an answer of any status may set cookies.
    let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build();
    let mut jar = Jar::default();
    let mut response = get(&config.into(), &mut jar, &SystemClock::default(), &url)?;
    if response.status() == StatusCode::OK {
        println!("{}", response.body_mut().read_to_string()?);
    }
    for cookie in jar.iter() {
        println!("{} has {}", cookie.domain(), String::from_utf8_lossy(cookie.name()));
    }
    Ok(())
}
