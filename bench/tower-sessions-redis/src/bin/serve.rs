//! A server with tower-sessions on Redis, over one connection as ours. The argument is the URL.

use axum::Router;
use axum::routing::get;
use tower_sessions::{Session, SessionManagerLayer};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};

async fn router() -> Router {
    let url = std::env::args().nth(1).expect("the URL of the server");
    let config = Config::from_url(&url).expect("a URL of Redis");
    let pool = Pool::new(config, None, None, None, 1).expect("one connection is a pool");
    pool.connect();
    pool.wait_for_connect().await.expect("the server answers");
    Router::new()
        .route("/read", get(read))
        .route("/add", get(count))
        .layer(SessionManagerLayer::new(RedisStore::new(pool)))
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
