//! What hardtack-tower adds to axum with its store in memory, and what it takes to open a sealed
//! record of a store on disk, from that store's cache. The argument is the folder for the files.

use std::path::PathBuf;

use axum::Router;
use axum::routing::get;
use hardtack_sqlite::SqliteStore;
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::{MemoryStore, Sessions, SessionsBuilder, Store};
use hardtack_tower::{Session, SessionError, SessionLayer};
use harness::{Cases, inputs, web};

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

async fn fill(session: Session) -> Result<&'static str, SessionError> {
    session.set("text", &inputs::text(500))?;
    Ok("ok")
}

fn builder(store: impl Store) -> SessionsBuilder {
    let keys = Keyring::new(Key::generate().expect("the system has random bytes"));
    Sessions::builder(store, keys)
}

fn router(builder: SessionsBuilder) -> Router {
    Router::new()
        .route("/ign", get(async || "ok"))
        .route("/read", get(read))
        .route("/inc", get(count))
        .route("/add", get(add))
        .route("/fill", get(fill))
        .layer(SessionLayer::new(builder.build().expect("the defaults fit")))
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder for the files"));
    let on_disk = |name| builder(SqliteStore::open(folder.join(name)).expect("the file opens"));
    let mut cases = Cases::default();
    web::add_floor(&mut cases);
    let paths = &[("ignore", "/ign"), ("read", "/read"), ("count", "/inc"), ("add", "/add")];
    web::add_paths(&mut cases, router(builder(MemoryStore::new())), "/inc", paths, 1);
    let many = router(builder(MemoryStore::new()));
    web::add_paths(&mut cases, many, "/inc", &[("read by many", "/read")], inputs::VISITORS);
    let readable = router(on_disk("readable.db").readable_records());
    web::add_paths(&mut cases, readable, "/fill", &[("read readable", "/read")], inputs::VISITORS);
    let sealed = router(on_disk("sealed.db"));
    web::add_paths(&mut cases, sealed, "/fill", &[("read sealed", "/read")], inputs::VISITORS);
    cases.serve();
}
