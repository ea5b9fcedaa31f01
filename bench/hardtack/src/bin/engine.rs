//! Starts a server of the kind that the argument names, tells its URL, and answers lines
//! about it:
//!
//! - `calls COMMAND...`: how often these were called so far (Redis)
//! - `fill KIND COUNT`: bytes of memory for each of so many sessions of 500 bytes (Redis)
//!
//! It ends with its standard input.

use hardtack::session::store::{Admission, Store};
use hardtack::session::{Record, UserKey};
use hardtack::time::UnixTime;
use hardtack_redis::{Durability, RedisStore};
use hardtack_testkit::database::{POSTGRES, Server};
use hardtack_testkit::records::{anonymous, locator, signed_in};
use hardtack_testkit::redis::RedisServer;
use harness::inputs::{NOW, body};

/// How many sessions are created at once.
const WAVE: u64 = 100;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("redis") => {
            let arguments: Vec<_> = std::env::args().skip(2).collect();
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let server = RedisServer::start(&arguments);
            println!("{}", server.url());
            harness::serve(|line| match line.split(' ').collect::<Vec<_>>()[..] {
                ["calls", ref names @ ..] => calls(&server, names).to_string(),
                ["fill", kind, count] => {
                    fill(&server, kind == "user", count.parse().expect("a number")).to_string()
                }
                _ => panic!("{line} is nothing that is known"),
            });
        }
        Some("postgres") => {
            // Otherwise as it comes: what is committed is synced.
            let server = Server::start(POSTGRES, "-c shared_buffers=256MB");
            println!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
            harness::serve(|line| panic!("{line} is nothing that is known"));
        }
        _ => panic!("say `redis` or `postgres`"),
    }
}

fn calls(server: &RedisServer, names: &[&str]) -> u64 {
    let stats = server.tell(&["INFO", "commandstats"]);
    let lines = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        names.contains(&name).then(|| rest.split(',').next()?.parse::<u64>().ok())?
    });
    lines.sum()
}

/// All that belongs to a session counts; each user has one, and a name of 32 bytes.
#[tokio::main]
async fn fill(server: &RedisServer, users: bool, count: u64) -> f64 {
    let store = RedisStore::open(&server.url(), Durability::Async).expect("a URL of Redis");
    // So that its scripts and its connection count as the server's.
    store.epochs(None).await.expect("the server answers");
    let before = server.info("used_memory");
    let now = UnixTime::from_secs(NOW);
    for wave in 0..count / WAVE {
        let mut tasks = tokio::task::JoinSet::new();
        for n in wave * WAVE..(wave + 1) * WAVE {
            let user = UserKey::new(format!("{n:032x}").as_bytes()).expect("32 bytes");
            let record = if users { signed_in(&user, now) } else { anonymous(now) };
            let (record, store) = (Record { data: body(n).into(), ..record }, store.clone());
            tasks.spawn(async move {
                let key = locator(record.user.as_ref());
                let inserted = store.insert(&key, record, Admission::at(now)).await;
                inserted.expect("the server answers");
            });
        }
        tasks.join_all().await;
    }
    (server.info("used_memory") as f64 - before as f64) / (count / WAVE * WAVE) as f64
}
