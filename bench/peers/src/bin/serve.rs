//! `serve bare`: axum alone; `serve sessions`: tower-sessions, its store in memory.

use axum::Router;
use axum::routing::get;
use peers::{count, read};
use tower_sessions::{MemoryStore, SessionManagerLayer};

fn main() {
    let router = match std::env::args().nth(1).as_deref() {
        Some("bare") => ["/read", "/add"]
            .into_iter()
            .fold(Router::new(), |router, path| router.route(path, get(async || "1"))),
        Some("sessions") => Router::new()
            .route("/read", get(read))
            .route("/add", get(count))
            .layer(SessionManagerLayer::new(MemoryStore::default())),
        _ => panic!("say `bare` or `sessions`"),
    };
    harness::web::serve(async { router });
}
