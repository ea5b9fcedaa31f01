//! What hardtack-tower adds to axum, with its store in memory.

use axum::Router;
use axum::routing::get;
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::{MemoryStore, Sessions};
use hardtack_tower::{Session, SessionError, SessionLayer};
use harness::{Cases, web};

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get::<i64>("n")?.unwrap_or(0).to_string())
}

async fn count(session: Session) -> Result<String, SessionError> {
    let n = session.get::<i64>("n")?.unwrap_or(0) + 1;
    session.set("n", &n)?;
    Ok(n.to_string())
}

async fn add(session: Session) -> Result<&'static str, SessionError> {
    session.add("n", 1)?;
    Ok("1")
}

fn main() {
    let floor = Router::new().route("/ign", get(async || "ok")).layer(web::Identity);
    let keys = Keyring::new(Key::generate().expect("the system has random bytes"));
    let sessions = Sessions::builder(MemoryStore::new(), keys).build().expect("the defaults fit");
    let router = Router::new()
        .route("/ign", get(async || "ok"))
        .route("/read", get(read))
        .route("/inc", get(count))
        .route("/add", get(add))
        .layer(SessionLayer::new(sessions));
    let mut cases = Cases::default();
    web::add_paths(&mut cases, floor, "/ign", &[("floor", "/ign")]);
    let paths = &[("ignore", "/ign"), ("read", "/read"), ("count", "/inc"), ("add", "/add")];
    web::add_paths(&mut cases, router, "/inc", paths);
    cases.serve();
}
