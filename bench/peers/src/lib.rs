//! Handlers over a session of tower-sessions.

use tower_sessions::Session;

/// One value.
pub async fn read(session: Session) -> String {
    session.get::<u64>("n").await.expect("the store is in memory").unwrap_or(0).to_string()
}

/// A counter: get, then set.
pub async fn count(session: Session) -> String {
    let n = session.get::<u64>("n").await.expect("the store is in memory").unwrap_or(0) + 1;
    session.insert("n", n).await.expect("the store is in memory");
    n.to_string()
}
