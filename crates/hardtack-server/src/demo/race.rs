//! Fifty parallel adds: against hardtack, and against the way that most sessions work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use hardtack_tower::Session;
use http::{Method, StatusCode};

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::page::{Tab, page};
use super::throwaway::Throwaway;
use super::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/race", get(show).post(run))
}

/// The requests that race, for the program's questions to itself.
pub(super) fn contestants() -> Router {
    Router::new()
        .route("/add", post(add))
        .route("/get-then-set", post(get_then_set))
        .route("/count", get(count))
        .route("/naive", get(naive_count).post(naive))
        .with_state(Naive::default())
}

const TIMES: u64 = 50;

/// What every one of the requests does between reading and writing, such as asking for a price.
const WORK: Duration = Duration::from_millis(5);

const COUNT: &str = "count";

async fn add(session: Session) -> Result<&'static str, Failure> {
    tokio::time::sleep(WORK).await;
    session.add(COUNT, 1)?;
    Ok("")
}

async fn get_then_set(session: Session) -> Result<&'static str, Failure> {
    let count: u64 = session.get(COUNT)?.unwrap_or_default();
    tokio::time::sleep(WORK).await;
    session.set(COUNT, &(count + 1))?;
    Ok("")
}

async fn count(session: Session) -> Result<String, Failure> {
    Ok(session.get::<u64>(COUNT)?.unwrap_or_default().to_string())
}

/// A session store as it is often found: load all of it, change it, store all of it.
#[derive(Clone, Default)]
struct Naive(Arc<Mutex<HashMap<String, u64>>>);

impl Naive {
    fn load(&self) -> HashMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn store(&self, session: HashMap<String, u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

async fn naive(State(store): State<Naive>) -> &'static str {
    let mut session = store.load();
    tokio::time::sleep(WORK).await;
    *session.entry(COUNT.to_owned()).or_default() += 1;
    store.store(session);
    ""
}

async fn naive_count(State(store): State<Naive>) -> String {
    store.load().get(COUNT).copied().unwrap_or_default().to_string()
}

/// What came of fifty requests.
struct Total {
    accepted: u64,
    refused: u64,
    kept: u64,
}

async fn show(visit: Visit) -> Result<Response, Failure> {
    page(&visit, Tab::Race, "Race", contents(None)).await
}

async fn run(visit: Visit) -> Result<Response, Failure> {
    let app = &visit.app.throwaway;
    let by_add = race(app, "/add").await;
    let by_set = race(app, "/get-then-set").await;
    let by_naive = race_naively(&visit.app).await;
    page(&visit, Tab::Race, "Race", contents(Some([by_naive, by_add, by_set]))).await
}

/// Begins a throw-away session, sends the requests at once, and ends it.
async fn race(app: &Throwaway, path: &'static str) -> Total {
    let cookie = app.ask(Method::POST, "/begin", None).await.cookie;
    let (accepted, refused) = at_once(app, path, cookie.clone()).await;
    let kept = app.ask(Method::GET, "/count", cookie.as_deref()).await;
    app.ask(Method::POST, "/sign-out", cookie.as_deref()).await;
    Total { accepted, refused, kept: kept.text.parse().unwrap_or_default() }
}

async fn race_naively(app: &App) -> Total {
    // A store of its own, so that every race starts from nothing.
    let fresh = Throwaway::new(app.sessions.clone());
    let (accepted, refused) = at_once(&fresh, "/naive", None).await;
    let kept = fresh.ask(Method::GET, "/naive", None).await.text.parse().unwrap_or_default();
    Total { accepted, refused, kept }
}

/// How many of fifty requests at once were accepted, and how many refused.
async fn at_once(app: &Throwaway, path: &'static str, cookie: Option<String>) -> (u64, u64) {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..TIMES {
        let (app, cookie) = (app.clone(), cookie.clone());
        requests.spawn(async move { app.ask(Method::POST, path, cookie.as_deref()).await.status });
    }
    let mut accepted = 0;
    let mut refused = 0;
    while let Some(status) = requests.join_next().await {
        match status {
            Ok(StatusCode::OK) => accepted += 1,
            _ => refused += 1,
        }
    }
    (accepted, refused)
}

fn contents(totals: Option<[Total; 3]>) -> Html {
    html!(
        "<h1>Fifty at once</h1><p class=\"lead\">Two tabs, an impatient double click, a page that \
         loads its parts in parallel: requests of one session meet all the time. Here fifty meet, and \
         each adds one. How many are there in the end?</p>{}\
         <form class=\"start\" method=\"post\" action=\"/race\"><button>{}</button></form>\
         <div class=\"pair\"><section class=\"card\"><h2>Load, change, store</h2>\
         <pre>let mut s = store.load(id);\nask_for_price().await;\ns[\"count\"] += 1;\nstore.save(id, s);</pre>\
         <p>How most session libraries do it. Who stores last wins, and everybody is told \
         \u{201c}saved\u{201d}.</p></section>\
         <section class=\"card\"><h2>Say what is to change</h2>\
         <pre>session.add(\"count\", 1)?;</pre>\
         <p>hardtack does not store what you saw, but applies what you did, to the newest state. \
         Requests run in parallel, and no lock makes one wait for another.</p></section></div>\
         <section class=\"card\"><h2>And when somebody writes it the old way?</h2>\
         <pre>let n: u64 = session.get(\"count\")?.unwrap_or(0);\nask_for_price().await;\nsession.set(\"count\", &(n + 1))?;</pre>\
         <p>Then hardtack notices that the value read is no longer the newest and answers \
         <b>409 Conflict</b> instead of overwriting. Fewer get through, but every one that was told \
         \u{201c}saved\u{201d} is there.</p></section>",
        totals.as_ref().map(results),
        if totals.is_some() { "Race again" } else { "Start the race" }
    )
}

fn results([naive, add, set]: &[Total; 3]) -> Html {
    let lost = naive.accepted.saturating_sub(naive.kept);
    let silent = set.accepted.saturating_sub(set.kept);
    html!(
        "<div class=\"totals\" id=\"totals\">\
         <section class=\"total {}\"><h3>load, change, store</h3><strong data-naive>{}</strong>\
         <p>of {} that were told \u{201c}saved\u{201d}. {} lost without a word.</p></section>\
         <section class=\"total {}\"><h3>hardtack, add</h3><strong data-hardtack>{}</strong>\
         <p>of {} that were told \u{201c}saved\u{201d}. {} lost.</p></section>\
         <section class=\"total {}\"><h3>hardtack, get then set</h3><strong data-set>{}</strong>\
         <p>of {} that were told \u{201c}saved\u{201d}. {} were told 409, try again. {} lost.</p>\
         </section></div>",
        if lost == 0 { "good" } else { "bad" },
        naive.kept,
        naive.accepted,
        lost,
        if add.kept == TIMES { "good" } else { "bad" },
        add.kept,
        add.accepted,
        add.accepted.saturating_sub(add.kept),
        if silent == 0 { "good" } else { "bad" },
        set.kept,
        set.accepted,
        set.refused,
        silent
    )
}
