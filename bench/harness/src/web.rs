//! Requests to an axum router, in process and over a socket.

use std::future::Future;
use std::net::Ipv4Addr;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::routing::get;
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service};

use crate::{Cases, inputs};

/// Adds what a session layer is compared with: axum with a layer that does nothing, asked
/// the same with a cookie of the same size, and answering the same.
pub fn add_floor(cases: &mut Cases) {
    let cookie = HeaderValue::from_str(&format!("{}={}", inputs::NAME, inputs::value()));
    let cookie = [(SET_COOKIE, cookie.expect("letters and digits"))];
    let number = async || std::hint::black_box(7).to_string();
    let router = Router::new()
        .route("/first", get(async || (cookie, "ok")))
        .route("/ign", get(async || "ok"))
        .route("/read", get(number))
        .route("/inc", get(number))
        .layer(Identity);
    let paths = &[("floor", "/ign"), ("read floor", "/read"), ("count floor", "/inc")];
    add_paths(cases, router, "/first", paths, 1);
}

/// Adds the cases `/ign`, `/read` and so on for each of the router's paths, asked in turn with the
/// cookies that a first GET of `first` brings each of the visitors.
pub fn add_paths(
    cases: &mut Cases,
    router: Router,
    first: &str,
    paths: &'static [(&str, &str)],
    visitors: usize,
) {
    // As axum::serve does it: what can be put together before the first request, is.
    let router = router.with_state(());
    let runtime = one_thread();
    let cookies: std::rc::Rc<[_]> = runtime.block_on(async {
        let mut cookies = Vec::new();
        for _ in 0..visitors {
            let response =
                router.clone().call(request(first, None)).await.expect("routers do not fail");
            assert!(response.status().is_success(), "{first} answered {}", response.status());
            cookies.push(cookies_of(response.headers()));
        }
        cookies.into()
    });
    let runtime = std::rc::Rc::new(runtime);
    for &(case, path) in paths {
        let mut router = router.clone().into_service::<Body>();
        let runtime = runtime.clone();
        let cookies = cookies.clone();
        let mut next = 0;
        cases.add_loop(case, move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    let request = request(path, cookies[next].as_ref());
                    next = (next + 1) % cookies.len();
                    let response = router.call(request).await.expect("routers do not fail");
                    assert!(
                        response.status().is_success(),
                        "{path} answered {}",
                        response.status()
                    );
                    let body = response.into_body().collect().await;
                    std::hint::black_box(body.expect("the body is in memory").to_bytes());
                }
            });
        });
    }
}

/// What a browser would send after this answer.
pub(crate) fn cookies_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let set = headers.get_all(SET_COOKIE).iter();
    let pairs = set.filter_map(|v| v.to_str().ok()?.split(';').next()).collect::<Vec<_>>();
    let header = pairs.join("; ");
    (!header.is_empty()).then(|| header.parse().expect("it came in a header"))
}

pub(crate) fn request(path: &str, cookies: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().expect("a path");
    if let Some(cookies) = cookies {
        request.headers_mut().insert(COOKIE, cookies.clone());
    }
    request
}

/// Serves the router on a port of the loopback, told on standard output, with one thread,
/// until the process is ended. Asked on standard input it is its own client, without HTTP.
pub fn serve(router: impl Future<Output = Router>) {
    one_thread().block_on(async {
        let router = router.await;
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(crate::closed::answer(router.clone()));
        axum::serve(listener, router).await.expect("axum serves forever");
    });
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A layer that does nothing: the floor that a session layer is compared with.
#[derive(Clone, Copy)]
struct Identity;

impl<S> Layer<S> for Identity {
    type Service = Same<S>;

    fn layer(&self, inner: S) -> Same<S> {
        Same(inner)
    }
}

/// A service that is the one within.
#[derive(Clone)]
struct Same<S>(S);

impl<S: Service<R>, R> Service<R> for Same<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}
