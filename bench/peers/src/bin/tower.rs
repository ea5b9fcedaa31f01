//! What tower-sessions adds to axum, with its store in memory.

use axum::Router;
use axum::routing::get;
use harness::{Cases, inputs, web};
use peers::{count, read};
use tower_sessions::{MemoryStore, SessionManagerLayer};

fn main() {
    let sessions = Router::new()
        .route("/ign", get(async || "ok"))
        .route("/read", get(read))
        .route("/inc", get(count))
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    let mut cases = Cases::default();
    web::add_floor(&mut cases);
    let paths = &[("ignore", "/ign"), ("read", "/read"), ("count", "/inc")];
    web::add_paths(&mut cases, sessions.clone(), "/inc", paths, 1);
    web::add_paths(&mut cases, sessions, "/inc", &[("read by many", "/read")], inputs::VISITORS);
    cases.serve();
}
