//! A server with hardtack-tower. The argument is the URL of the store's server, or `memory:`;
//! `near:` before the URL of Redis or PostgreSQL remembers records in the process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hardtack_redis::{Durability, RedisStore};
use hardtack_sql::PostgresStore;
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::{MemoryStore, Sessions, Store};
use hardtack_tower::{Session, SessionError, SessionLayer};

/// The bytes of a near-cache.
const NEAR: usize = 64 << 20;

async fn router() -> Router {
    let url = std::env::args().nth(1).expect("the URL of the server");
    let store: Arc<dyn Store> = match url.split_once(':') {
        Some(("redis", _)) => {
            Arc::new(RedisStore::open(&url, Durability::Async).expect("a URL of Redis"))
        }
        Some(("near", url)) if url.starts_with("redis:") => {
            let builder = RedisStore::builder(url, Durability::Async);
            Arc::new(builder.near_cache(NEAR).open().expect("a URL of Redis"))
        }
        Some(("near", url)) => {
            let builder = PostgresStore::builder(url).near_cache(NEAR);
            Arc::new(builder.open().await.expect("the server answers"))
        }
        Some(("postgres", _)) => {
            Arc::new(PostgresStore::open(&url).await.expect("the server answers"))
        }
        Some(("memory", _)) => Arc::new(MemoryStore::new()),
        _ => panic!("{url} is neither redis: nor postgres:, nor near: one of them, nor memory:"),
    };
    let keys = Keyring::new(Key::generate().expect("the system has random bytes"));
    // Short, so that touches are due while it is measured: one each three seconds and session.
    let idle = Duration::from_secs(120);
    let sessions =
        Sessions::builder(store, keys).idle(idle).build().expect("the settings are right");
    Router::new()
        .route("/read", get(read))
        .route("/add", get(add))
        .layer(SessionLayer::new(sessions))
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get::<i64>("n")?.unwrap_or(0).to_string())
}

async fn add(session: Session) -> Result<&'static str, SessionError> {
    session.add("n", 1)?;
    Ok("ok")
}

fn main() {
    harness::web::serve(router());
}
