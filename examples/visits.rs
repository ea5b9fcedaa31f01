//! The program of the README, to the letter: see `crates/hardtack-server/tests/readme.rs`.

use axum::{Router, routing::get};
use hardtack_sqlite::SqliteStore;
use hardtack_tower::{Session, SessionError, SessionLayer, seal::Keyring, session::Sessions};

async fn visits(session: Session) -> Result<String, SessionError> {
    session.add("visits", 1)?;
    Ok(format!("visit {}\n", session.get::<i64>("visits")?.unwrap_or_default()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys = Keyring::load_or_generate("visits.keys")?;
    let sessions = Sessions::builder(SqliteStore::open("visits.db")?, keys).build()?;
    let app = Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions));
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
}
