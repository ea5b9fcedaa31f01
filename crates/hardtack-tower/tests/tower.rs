//! The layer on services that know nothing of axum.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use hardtack_testkit::FakeClock;
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::{MemoryStore, Sessions, SessionsBuilder};
use hardtack_tower::{SessionError, SessionLayer, SessionOf};
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};

type Body = Bytes;

fn sessions(clock: &FakeClock) -> SessionsBuilder {
    let keys = Keyring::new(Key::generate().expect("random bytes"));
    Sessions::builder(MemoryStore::new(), keys).clock(clock.clone())
}

/// Counts visits.
async fn count(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let counted = async {
        let session = request.session().await?;
        session.add("n", 1)?;
        let n: Option<i64> = session.get("n")?;
        Ok::<_, SessionError>(n.unwrap_or(0).to_string())
    };
    Ok(match counted.await {
        Ok(n) => Response::new(Bytes::from(n)),
        Err(error) => error.response(),
    })
}

fn request(path: &str, cookie: &str) -> Request<Body> {
    let request = Request::builder().uri(path).header("cookie", cookie);
    request.body(Body::new()).expect("a request")
}

async fn ask(
    service: &mut (impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send),
    request: Request<Body>,
) -> (StatusCode, Bytes, String) {
    let Ok(ready) = service.ready().await;
    let Ok(response) = ready.call(request).await;
    let cookie = response.headers().get("set-cookie").and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|line| line.split(';').next()).unwrap_or_default().to_owned();
    (response.status(), response.into_body(), cookie)
}

#[tokio::test]
async fn a_service_has_its_requests_session_and_it_is_committed() {
    let sessions = sessions(&FakeClock::new()).build().expect("a configuration");
    let mut service = SessionLayer::new(sessions).layer(service_fn(count));
    let (status, body, cookie) = ask(&mut service, request("/", "")).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"1"[..]));
    assert!(cookie.starts_with("__Host-Http-aid="));
    let (_, body, again) = ask(&mut service, request("/", &cookie)).await;
    assert_eq!((&body[..], again.as_str()), (&b"2"[..], ""));
}

#[tokio::test]
async fn a_client_that_keeps_no_cookies_opens_only_so_many_sessions() {
    let two = std::num::NonZeroU32::new(2).expect("two");
    let sessions = sessions(&FakeClock::new()).anonymous_per_client(two).build().expect("fine");
    let layer = SessionLayer::new(sessions)
        .client_by(|parts| Some(parts.headers.get("x-client")?.to_str().ok()?.to_owned()));
    let mut service = layer.layer(service_fn(count));
    let from = |client: &'static str, cookie: &str| {
        let mut request = request("/", cookie);
        request.headers_mut().insert("x-client", http::HeaderValue::from_static(client));
        request
    };
    let (_, _, cookie) = ask(&mut service, from("bot", "")).await;
    assert_eq!(ask(&mut service, from("bot", "")).await.0, StatusCode::OK);
    let (status, _, none) = ask(&mut service, from("bot", "")).await;
    assert_eq!((status, none.as_str()), (StatusCode::TOO_MANY_REQUESTS, ""));
    assert_eq!(ask(&mut service, from("bot", &cookie)).await.0, StatusCode::OK, "it has one");
    assert_eq!(ask(&mut service, from("somebody else", "")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn without_a_layer_there_is_no_session() {
    let (status, body, _) = ask(&mut service_fn(count), request("/", "")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body, "something went wrong on our side");
}

#[tokio::test]
async fn polling_that_the_layer_was_told_of_is_no_activity() {
    let clock = FakeClock::new();
    let sessions = sessions(&clock).build().expect("a configuration");
    let cookie = sessions.issue_for_test("alice").await.expect("a session");
    let whose = service_fn(async |request: Request<Body>| {
        let user = request.session().await.ok().and_then(|session| session.user());
        Ok::<_, Infallible>(Response::new(Bytes::from(user.unwrap_or_default())))
    });
    let layer = SessionLayer::new(sessions).passive_when(|parts| parts.uri.path() == "/poll");
    let mut service = layer.layer(whose);
    for (minutes, path, user) in [
        (0, "/", "alice"),
        (20, "/poll", "alice"),
        (20, "/", ""), // the poll has not kept it alive
    ] {
        clock.advance(Duration::from_secs(60 * minutes));
        let (_, body, _) = ask(&mut service, request(path, &cookie)).await;
        assert_eq!(body, user, "{path}, {minutes} minutes later");
    }
}
