//! Requests to a router in process, in a closed loop: 64 clients, each of which asks
//! again as soon as it has an answer, on the router's own thread.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower::Service;

use crate::web::{cookies_of, request};

/// How many clients there are.
const CLIENTS: usize = 64;

/// Answers lines of standard input until it ends:
///
/// - `ask PATH MILLISECONDS`: each client has a session; the requests, and how long they took
/// - `share PATH COUNT`: all have one session and ask so often each; what `/read` says at the end
pub(crate) async fn answer(router: Router) {
    let (lines, mut asked) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        // The receiver goes with the process.
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
    });
    while let Some(line) = asked.recv().await {
        let words: Vec<_> = line.split(' ').collect();
        let [verb, path, number] = words[..] else { panic!("{line} is not VERB PATH NUMBER") };
        let number: u64 = number.parse().expect("a number");
        match verb {
            "ask" => println!("{}", ask(&router, path, Duration::from_millis(number)).await),
            "share" => println!("{}", share(&router, path, number).await),
            _ => panic!("{verb} is neither ask nor share"),
        }
    }
}

async fn ask(router: &Router, path: &str, time: Duration) -> String {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::new(router).await);
    }
    let (start, mut tasks) = (Instant::now(), JoinSet::new());
    for mut client in clients {
        let path = path.to_owned();
        tasks.spawn(async move {
            let mut done = 0;
            while start.elapsed() < time {
                client.get(&path).await;
                done += 1;
            }
            done
        });
    }
    let done: u64 = tasks.join_all().await.iter().sum();
    format!("{done} {}", start.elapsed().as_secs_f64())
}

async fn share(router: &Router, path: &str, times: u64) -> String {
    let (mut first, mut tasks) = (Client::new(router).await, JoinSet::new());
    let before: u64 = first.get("/read").await.parse().expect("/read answers with a number");
    for _ in 0..CLIENTS {
        let (mut client, path) = (first.clone(), path.to_owned());
        tasks.spawn(async move {
            for _ in 0..times {
                client.get(&path).await;
            }
        });
    }
    tasks.join_all().await;
    let after: u64 = first.get("/read").await.parse().expect("/read answers with a number");
    format!("{}", after - before)
}

#[derive(Clone)]
struct Client {
    router: axum::routing::RouterIntoService<Body>,
    cookies: Option<HeaderValue>,
}

impl Client {
    /// One with a new session.
    async fn new(router: &Router) -> Self {
        let mut client = Self { router: router.clone().into_service(), cookies: None };
        let asked = client.router.call(request("/add", None)).await.expect("routers do not fail");
        client.cookies = cookies_of(asked.headers());
        client
    }

    async fn get(&mut self, path: &str) -> String {
        let request = request(path, self.cookies.as_ref());
        let response = self.router.call(request).await.expect("routers do not fail");
        assert!(response.status().is_success(), "{path} answered {}", response.status());
        let body = response.into_body().collect().await.expect("the body is in memory").to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    }
}
