//! A bare target for benches and probes: one route for each thing that a session
//! can be asked to do, and nothing else.
//!
//! ```text
//! $ cargo run --release --example lab -- --store memory: --port 8080 --threads 2
//! $ curl -i http://127.0.0.1:8080/add
//! HTTP/1.1 200 OK
//! set-cookie: __Host-Http-aid=...; Path=/; Secure; HttpOnly; SameSite=Lax
//! ```
//!
//! | route | what it does |
//! | --- | --- |
//! | `/ign` | never touches the session |
//! | `/read` | reads one value |
//! | `/inc` | get, then set: 409 where another was in between |
//! | `/add` | adds 1, without a conflict |
//! | `/incslow` | waits 2 ms, then updates |
//! | `/set?k=K&ms=MS` | loads, waits, sets K without having read it |
//! | `/slow?ms=MS` | reads, waits |
//! | `/login?user=U`, `/logout` | |
//! | `/dump` | the session's data as JSON, with `uid` when signed in |
//! | `/writes` | how many writes the store has been asked for so far |

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;
use hardtack_server::stores::StoreUrl;
use hardtack_testkit::{StoreCalls, Verb};
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::Sessions;
use hardtack_tower::session::store::moving::MovingStore;
use hardtack_tower::time::SystemClock;
use hardtack_tower::{Session, SessionError, SessionLayer, TokioRuntime};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A bare target for benches and probes.
#[derive(Parser)]
struct Arguments {
    /// `memory:`, `sqlite:PATH`, `redis://HOST`, `postgres://HOST/DATABASE`, `mysql://HOST/DATABASE`
    #[arg(long, default_value = "memory:")]
    store: String,
    /// Serves through `--store` and this one, for `hardtack migrate`
    #[arg(long, value_name = "URL")]
    migrate_to: Option<String>,
    /// The file of a keyring that several labs share [default: a new key]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The port to listen on, on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many threads serve
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

#[derive(Clone)]
struct Lab {
    calls: StoreCalls,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut runtime = match arguments.threads {
        // What passes work between threads would only cost time.
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(arguments.threads).enable_all().build()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let store = StoreUrl::parse(&arguments.store)?.open().await?;
    let calls = match &arguments.migrate_to {
        None => StoreCalls::new(store),
        Some(url) => {
            let to = StoreUrl::parse(url)?.open().await?;
            let runtime = TokioRuntime::current().ok_or("there is no runtime")?;
            StoreCalls::new(MovingStore::join(store, to, runtime, SystemClock::default()).await?)
        }
    };
    let keys = match &arguments.keys {
        None => Keyring::new(Key::generate()?),
        Some(file) => Keyring::load_or_generate(file)?,
    };
    let sessions = Sessions::builder(calls.clone(), keys).build()?;
    let app = Router::new()
        .route("/ign", get(async || "ok"))
        .route("/read", get(read))
        .route("/inc", get(inc))
        .route("/add", get(add))
        .route("/incslow", get(incslow))
        .route("/set", get(set))
        .route("/slow", get(slow))
        .route("/login", get(login))
        .route("/logout", get(logout))
        .route("/dump", get(dump))
        .layer(SessionLayer::new(sessions))
        .route("/writes", get(writes))
        .with_state(Lab { calls });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    writeln!(std::io::stdout(), "http://{}/", listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "key")]
    k: String,
    #[serde(default)]
    ms: u64,
    #[serde(default = "user")]
    user: String,
}

fn key() -> String {
    "k".to_owned()
}

fn user() -> String {
    "alice".to_owned()
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get::<i64>("n")?.unwrap_or(0).to_string())
}

async fn inc(session: Session) -> Result<String, SessionError> {
    let n = session.get::<i64>("n")?.unwrap_or(0) + 1;
    session.set("n", &n)?;
    Ok(n.to_string())
}

async fn add(session: Session) -> Result<&'static str, SessionError> {
    session.add("n", 1)?;
    Ok("ok")
}

async fn incslow(session: Session) -> Result<&'static str, SessionError> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    session.update("n", |n: Option<i64>| n.unwrap_or(0) + 1)?;
    Ok("ok")
}

async fn set(session: Session, Query(asked): Query<Asked>) -> Result<&'static str, SessionError> {
    tokio::time::sleep(Duration::from_millis(asked.ms)).await;
    session.set(&asked.k, &asked.ms)?;
    Ok("ok")
}

async fn slow(session: Session, Query(asked): Query<Asked>) -> Result<String, SessionError> {
    let n = session.get::<i64>("n")?.unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(asked.ms)).await;
    Ok(n.to_string())
}

async fn login(session: Session, Query(asked): Query<Asked>) -> Result<&'static str, SessionError> {
    session.login(asked.user).await?;
    Ok("ok")
}

async fn logout(session: Session) -> Result<&'static str, SessionError> {
    session.logout().await?;
    Ok("bye")
}

async fn dump(session: Session) -> Result<Json<Value>, SessionError> {
    let mut data = Map::new();
    for key in session.keys()? {
        let value = session.json(&key)?.unwrap_or_default();
        data.insert(key, value);
    }
    if let Some(user) = session.user() {
        data.insert("uid".to_owned(), user.into());
    }
    Ok(Json(Value::Object(data)))
}

async fn writes(State(lab): State<Lab>) -> String {
    // Not the sweeps: the housekeeping asks for one each second, due or not.
    let written =
        [Verb::Insert, Verb::Replace, Verb::Relocate, Verb::Touch, Verb::End, Verb::Raise];
    written.iter().map(|verb| lab.calls.of(*verb)).sum::<u64>().to_string()
}
