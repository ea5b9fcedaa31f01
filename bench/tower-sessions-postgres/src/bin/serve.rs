//! A server with tower-sessions on PostgreSQL. The argument is the URL.

use axum::Router;
use axum::routing::get;
use sqlx::postgres::PgPoolOptions;
use tower_sessions::{Session, SessionManagerLayer};
use tower_sessions_sqlx_store::PostgresStore;

async fn router() -> Router {
    let url = std::env::args().nth(1).expect("the URL of the server");
    let connections = std::env::args().nth(2).and_then(|n| n.parse().ok());
    let connections = connections.expect("how many connections");
    let pool = PgPoolOptions::new().max_connections(connections).connect(&url).await;
    let store = PostgresStore::new(pool.expect("the server answers"));
    store.migrate().await.expect("the database is new");
    Router::new()
        .route("/read", get(read))
        .route("/add", get(count))
        .layer(SessionManagerLayer::new(store))
}

async fn read(session: Session) -> String {
    session.get::<u64>("n").await.expect("the store answers").unwrap_or(0).to_string()
}

async fn count(session: Session) -> String {
    let n = session.get::<u64>("n").await.expect("the store answers").unwrap_or(0) + 1;
    session.insert("n", n).await.expect("the store answers");
    n.to_string()
}

fn main() {
    harness::web::serve(router());
}
