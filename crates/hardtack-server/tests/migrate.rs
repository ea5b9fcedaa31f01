//! Migrations from one store to another and back, by the program, while clients go on.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Query;
use axum::routing::get;
use futures_util::{StreamExt, stream};
use hardtack_server::stores::StoreUrl;
use hardtack_testkit::database::{Engine, MARIADB, POSTGRES, Server};
use hardtack_testkit::redis::{RedisCluster, RedisServer};
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::store::moving::{MovingStore, Phase};
use hardtack_tower::session::{Sessions, Store};
use hardtack_tower::time::SystemClock;
use hardtack_tower::{Session, SessionError, SessionLayer, TokioRuntime};
use http::{Request, StatusCode, header};
use tokio::time::Instant;
use tower::ServiceExt;

fn node(store: impl Store, keys: &Keyring) -> Router {
    let sessions = Sessions::builder(store, keys.clone()).build().expect("an engine");
    Router::new()
        .route("/login", get(login))
        .route("/add", get(add))
        .route("/read", get(read))
        .layer(SessionLayer::new(sessions))
}

async fn login(
    session: Session,
    Query(user): Query<Vec<(String, String)>>,
) -> Result<(), SessionError> {
    session.login(user[0].1.clone()).await?;
    Ok(())
}

async fn add(session: Session) -> Result<StatusCode, SessionError> {
    if session.user().is_none() {
        return Ok(StatusCode::UNAUTHORIZED);
    }
    session.add("n", 1)?;
    Ok(StatusCode::OK)
}

async fn read(session: Session) -> Result<String, SessionError> {
    let n = session.get::<u64>("n")?.unwrap_or(0);
    Ok(if session.user().is_some() { n.to_string() } else { "nobody".to_owned() })
}

async fn ask(node: &Router, path: &str, cookie: &str) -> http::Response<Body> {
    let request = Request::get(path).header(header::COOKIE, cookie);
    let request = request.body(Body::empty()).expect("a request");
    node.clone().oneshot(request).await.expect("an answer")
}

struct Client {
    cookie: String,
    acknowledged: AtomicU64,
}

#[derive(Default)]
struct Traffic {
    stop: AtomicBool,
    served: AtomicU64,
    errors: AtomicU64,
    logouts: AtomicU64,
    slowest_ms: AtomicU64,
}

impl Traffic {
    fn requests(&self) -> u64 {
        [&self.served, &self.errors, &self.logouts].map(|count| count.load(SeqCst)).iter().sum()
    }

    /// Waits until so many more requests have been answered.
    async fn more(&self, requests: u64) {
        let until = self.requests() + requests;
        while self.requests() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn go_on(traffic: Arc<Traffic>, clients: Arc<Vec<Client>>, nodes: [Router; 2], seed: usize) {
    let mut at = seed;
    while !traffic.stop.load(SeqCst) {
        // Tasks meet at the same clients now and then.
        at = (at * 1103 + 12345 + seed) % clients.len();
        let client = &clients[at];
        let began = Instant::now();
        let answer = ask(&nodes[at / 7 % 2], "/add", &client.cookie).await;
        traffic.slowest_ms.fetch_max(began.elapsed().as_millis() as u64, SeqCst);
        match answer.status() {
            StatusCode::OK => {
                client.acknowledged.fetch_add(1, SeqCst);
                traffic.served.fetch_add(1, SeqCst)
            }
            StatusCode::UNAUTHORIZED => traffic.logouts.fetch_add(1, SeqCst),
            _ => traffic.errors.fetch_add(1, SeqCst),
        };
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn migrate(from: &str, to: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardtack"));
    command.args(["migrate", from, to, "--json"]).args(arguments);
    command.stdout(Stdio::piped()).spawn().expect("the program starts")
}

async fn done(child: Child) -> serde_json::Value {
    let wait = tokio::task::spawn_blocking(|| child.wait_with_output());
    let output = wait.await.expect("it is waited for").expect("it ran");
    assert!(output.status.success(), "{:?}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn counts(node: &Router, clients: &[Client]) -> u64 {
    let lost = stream::iter(clients).map(async |client| {
        let answer = ask(node, "/read", &client.cookie).await;
        let body = to_bytes(answer.into_body(), 100).await.expect("a body");
        let wanted = client.acknowledged.load(SeqCst).to_string();
        assert_eq!(String::from_utf8_lossy(&body), wanted, "changes of a client");
    });
    lost.buffer_unordered(64).count().await as u64
}

/// Nobody is logged out and no change is lost on the way, on the way back, and on the way again.
async fn there_and_back(from: &str, to: &str) {
    let many = if std::env::var_os("HARDTACK_SOAK").is_some() { 200_000 } else { 2_000 };
    let open =
        async |url: &str| StoreUrl::parse(url).expect("an address").open().await.expect("a store");
    let keys = Keyring::new(Key::generate().expect("a key"));
    let (first, second) = (open(from).await, open(to).await);
    let join = async || {
        let runtime = TokioRuntime::current().expect("this one");
        MovingStore::join(first.clone(), second.clone(), runtime, SystemClock::default())
            .await
            .expect("it joins")
    };
    let stores = [join().await, join().await];
    let nodes = stores.clone().map(|store| node(store, &keys));

    let began = Instant::now();
    let clients = stream::iter(0..many).map(async |number| {
        let answer = ask(&nodes[0], &format!("/login?user=user-{number}"), "").await;
        let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        Client { cookie, acknowledged: AtomicU64::new(0) }
    });
    let clients: Vec<Client> = clients.buffer_unordered(256).collect().await;
    let clients = Arc::new(clients);
    eprintln!("{many} signed in, {:?}", began.elapsed());

    let traffic = Arc::new(Traffic::default());
    let tasks: Vec<_> = (0..8)
        .map(|seed| tokio::spawn(go_on(traffic.clone(), clients.clone(), nodes.clone(), seed)))
        .collect();
    let tell = |what: &str, report: &serde_json::Value, began: Instant| {
        eprintln!(
            "{what}: {:?}, served {}, errors {}, slowest {} ms, {report}",
            began.elapsed(),
            traffic.served.load(SeqCst),
            traffic.errors.load(SeqCst),
            traffic.slowest_ms.swap(0, SeqCst),
        );
    };

    // Killed once the copy is under way.
    let mut killed = migrate(from, to, &["--nodes", "2"]);
    while stores[0].phase() == Phase::From {
        assert!(killed.try_wait().expect("a process").is_none(), "it ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    killed.kill().expect("it runs");
    killed.wait().expect("it ends");
    let began = Instant::now();
    let report = done(migrate(from, to, &["--nodes", "2"])).await;
    tell("migrated", &report, began);
    assert_eq!((&report["phase"], stores[0].phase()), (&"to".into(), Phase::To));
    traffic.more(500).await;
    let began = Instant::now();
    let report = done(migrate(from, to, &["--roll-back"])).await;
    tell("rolled back", &report, began);
    assert_eq!((&report["phase"], stores[1].phase()), (&"from".into(), Phase::From));
    traffic.more(500).await;
    let began = Instant::now();
    let report = done(migrate(from, to, &["--nodes", "2"])).await;
    tell("migrated again", &report, began);
    let began = Instant::now();
    let report = done(migrate(from, to, &["--finish"])).await;
    tell("finished", &report, began);
    assert_eq!(report["phase"], "done");
    traffic.stop.store(true, SeqCst);
    for task in tasks {
        task.await.expect("a client");
    }
    assert_eq!((traffic.errors.load(SeqCst), traffic.logouts.load(SeqCst)), (0, 0));
    assert!(traffic.served.load(SeqCst) > 1000);

    // From where they are now, alone.
    drop((stores, nodes, first, second));
    let alone = node(open(to).await, &keys);
    assert_eq!(counts(&alone, &clients).await, many as u64);
}

/// A file in this folder.
fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("sessions.db").display())
}

/// A database server of a test's own: the program refuses those that do not sync.
fn database(engine: Engine) -> (Server, String) {
    let server = Server::start(engine, "");
    let url = engine.database(server.port());
    (server, url)
}

mod needs_redis_server {
    use super::*;

    mod soak {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn from_a_file_to_redis() {
            let (folder, server) =
                (tempfile::tempdir().expect("a folder"), RedisServer::start(&[]));
            there_and_back(&file(&folder), &server.url()).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn from_redis_to_a_cluster() {
        let (server, cluster) = (RedisServer::start(&[]), RedisCluster::start());
        there_and_back(&server.url(), &cluster.url()).await;
    }

    mod needs_postgres {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn from_redis_to_postgres() {
            let (from, (_server, to)) = (RedisServer::start(&[]), database(POSTGRES));
            there_and_back(&from.url(), &to).await;
        }
    }
}

mod needs_postgres {
    use super::*;

    mod needs_mariadbd {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn from_postgres_to_mariadb() {
            let ((_first, from), (_second, to)) = (database(POSTGRES), database(MARIADB));
            there_and_back(&from, &to).await;
        }
    }
}
