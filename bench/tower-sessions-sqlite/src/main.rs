//! A server with tower-sessions on SQLite in WAL mode. The argument is the
//! folder for the file.

use axum::Router;
use axum::routing::get;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use tower_sessions::{Session, SessionManagerLayer};
use tower_sessions_sqlx_store::SqliteStore;

async fn router() -> Router {
    let folder = std::env::args().nth(1).expect("the folder for the file");
    let options = SqliteConnectOptions::new()
        .filename(format!("{folder}/tower-sessions.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let store = SqliteStore::new(SqlitePool::connect_with(options).await.expect("the file opens"));
    store.migrate().await.expect("the file is new");
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
