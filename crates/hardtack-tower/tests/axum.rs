//! The adapter's scenarios on axum, over HTTP.

#![cfg(feature = "axum")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State, WebSocketUpgrade};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use hardtack_sqlite::SqliteStore;
use hardtack_testkit::adapter::{Page, Rest, Site};
use hardtack_testkit::database;
use hardtack_testkit::store::Fixture;
use hardtack_tower::{
    CsrfLayer, LazySession, RequireLogin, Session, SessionError, SessionLayer, User, session,
};
use http_body::Frame;

hardtack_testkit::adapter_suite!(over_memory, serve);
hardtack_testkit::adapter_suite!(over_sqlite, serve, sqlite());

fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("sessions.db")).expect("a store");
    Fixture::new(store).keeping(folder)
}

mod needs_redis_server {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use hardtack_redis::{Durability, RedisStore};
    use hardtack_testkit::adapter::{Adapter, block_on, run};
    use hardtack_testkit::redis::{RedisCluster, RedisServer};
    use hardtack_testkit::together;

    use super::*;

    hardtack_testkit::adapter_suite!(over_redis, serve, redis());

    fn redis() -> Fixture {
        let server = RedisServer::start(&[]);
        let store = RedisStore::open(&server.url(), Durability::Async).expect("a store");
        Fixture::new(store).keeping(server)
    }

    /// A cluster takes seconds to form, so all scenarios share one, each with its prefix.
    #[test]
    fn every_scenario_holds_on_a_cluster() {
        static PREFIX: AtomicUsize = AtomicUsize::new(0);
        let cluster = RedisCluster::start();
        together(run::ALL, |_, scenario| {
            let url = cluster.url();
            let adapter = Adapter::new(serve, move || {
                let prefix = format!("{}:", PREFIX.fetch_add(1, SeqCst));
                let builder = RedisStore::builder(&url, Durability::Async).prefix(prefix);
                let store = Fixture::new(builder.open().expect("a store"));
                std::future::ready(store.called("redis cluster"))
            });
            block_on(scenario(adapter));
        });
    }
}

/// A place of its own on the server that all tests here share.
fn on(engine: database::Engine) -> String {
    engine.database(database::shared(engine, std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))))
}

mod needs_postgres {
    use hardtack_sql::{Durability, PostgresStore};

    use super::*;

    hardtack_testkit::adapter_suite!(over_postgres, serve, postgres().await);

    async fn postgres() -> PostgresStore {
        let builder = PostgresStore::builder(&on(database::POSTGRES));
        builder.durability(Durability::AsServer).open().await.expect("a store")
    }
}

mod needs_mariadbd {
    use hardtack_sql::{Durability, MysqlStore};

    use super::*;

    hardtack_testkit::adapter_suite!(over_mariadb, serve, mariadb().await);

    async fn mariadb() -> MysqlStore {
        let builder = MysqlStore::builder(&on(database::MARIADB));
        builder.durability(Durability::AsServer).open().await.expect("a store")
    }
}

struct Admin;

async fn serve(site: Site) -> SocketAddr {
    let app = Router::new()
        .route("/ign", get(async || "ok"))
        .route("/s/{act}", any(act))
        .route("/lazy/{act}", any(lazy))
        .route("/admin/{act}", any(admin))
        .route("/both", get(both))
        .route("/user", get(user))
        .route("/members", get(async |_: RequireLogin| "members"))
        .route("/stream/{act}", get(stream))
        .route("/ws", get(websocket))
        .layer(SessionLayer::new(site.admin.clone()).of::<Admin>())
        .layer(SessionLayer::new(site.sessions.clone()).login_page("/login"))
        .layer(CsrfLayer::new())
        .with_state(site);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

type Answer = Result<Response, SessionError>;

fn answer(page: Page) -> Response {
    let mut response = (page.status, page.text).into_response();
    if let Some(said) = page.cache_control {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(said));
    }
    response
}

async fn run(
    site: &Site,
    session: &session::Session,
    act: &str,
    RawQuery(query): RawQuery,
) -> Answer {
    Ok(answer(site.act(session, act, query.as_deref()).await?))
}

async fn act(
    State(site): State<Site>,
    Path(name): Path<String>,
    session: Session,
    query: RawQuery,
) -> Answer {
    run(&site, &session, &name, query).await
}

async fn admin(
    State(site): State<Site>,
    Path(name): Path<String>,
    session: Session<Admin>,
    query: RawQuery,
) -> Answer {
    run(&site, &session, &name, query).await
}

async fn lazy(
    State(site): State<Site>,
    Path(name): Path<String>,
    session: LazySession,
    query: RawQuery,
) -> Answer {
    if name == "none" {
        return Ok("ok".into_response());
    }
    run(&site, session.load().await?, &name, query).await
}

async fn both(site: Session, admin: Session<Admin>) -> Result<&'static str, SessionError> {
    site.add("n", 1)?;
    admin.add("n", 1)?;
    Ok("ok")
}

async fn user(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id)
}

async fn stream(
    State(site): State<Site>,
    Path(name): Path<String>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Answer {
    let rest = site.stream(&session, &name, query.as_deref())?;
    Ok(Body::new(Later(Some(rest))).into_response())
}

async fn websocket(session: Session, upgrade: WebSocketUpgrade) -> Answer {
    session.add("n", 1)?;
    Ok(upgrade.on_upgrade(async |_| ()))
}

/// A body of one chunk that takes its time.
struct Later(Option<Rest>);

impl http_body::Body for Later {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(rest) = &mut self.0 else { return Poll::Ready(None) };
        let text = ready!(rest.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))))
    }
}
