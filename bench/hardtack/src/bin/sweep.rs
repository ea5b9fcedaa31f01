//! How long loads take on PostgreSQL while expired sessions are swept. The arguments are how
//! many sessions there are in all, and how many of them have expired.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hardtack::session::Locator;
use hardtack::session::store::{Loaded, Store};
use hardtack::time::UnixTime;
use hardtack_sql::PostgresStore;
use hardtack_testkit::database::{POSTGRES, Server};
use harness::inputs::{NOW, mix};

const TASKS: u64 = 8;
/// Loads of each task a second: less than the machine can do, so that they wait for the
/// sweep and not for each other.
const RATE: u64 = 100;
/// How long loads are measured before the sweep, and at least while it runs.
const TIME: Duration = Duration::from_secs(30);

/// Rows as the store writes them: 500 bytes of data, locators that have no order, expiries of
/// those that are live within the next half hour.
const ROWS: &str = "
    INSERT INTO hardtack_sessions (id, version, kind, issuer, user_key, user_epoch, global_epoch,
        created, device, data)
    SELECT substr(decode(md5(n::text) || md5('b' || n), 'hex'), 1, 18), 1, 1, '\\x01020304',
        decode(md5('u' || n / 4), 'hex'), 0, 0, $now - 3600000, NULL,
        substr(decode(repeat(md5('d' || n), 32), 'hex'), 1, 500)
    FROM generate_series($from, $to) AS n;
    INSERT INTO hardtack_activity (id, seen, expires, dies, due)
    SELECT substr(decode(md5(n::text) || md5('b' || n), 'hex'), 1, 18), $now - 60000,
        CASE WHEN n < $expired THEN $now - 1 - n % 600000 ELSE $now + 60000 + n % 1800000 END,
        $now + 43200000,
        CASE WHEN n < $expired THEN $now - 1 - n % 600000 ELSE $now + 60000 + n % 1800000 END
    FROM generate_series($from, $to) AS n;";

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|n| n.parse().ok()).collect();
    let [rows, expired] = arguments[..] else {
        panic!("say how many sessions, and how many expired")
    };
    let server = Server::start(POSTGRES, "-c shared_buffers=2GB -c max_wal_size=8GB");
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    let store = PostgresStore::open(&url).await.expect("the server answers");
    let began = Instant::now();
    let parts = rows.div_ceil(100);
    for from in (0..rows).step_by(parts as usize) {
        let values = [
            ("$now", NOW * 1000),
            ("$from", from),
            ("$to", (from + parts).min(rows) - 1),
            ("$expired", expired),
        ];
        let statement = values
            .iter()
            .fold(ROWS.to_owned(), |text, (name, value)| text.replace(name, &value.to_string()));
        tell(&url, &statement);
        eprint!("\r{} of {rows} sessions", (from + parts).min(rows));
    }
    tell(
        &url,
        "VACUUM (ANALYZE) hardtack_sessions; VACUUM (ANALYZE) hardtack_activity; CHECKPOINT",
    );
    eprintln!(" in {} s", began.elapsed().as_secs());

    let calm = loads(&store, rows, expired, Arc::default()).await;
    let sweeping = Arc::new(AtomicBool::new(true));
    let measured = tokio::spawn({
        let (store, sweeping) = (store.clone(), sweeping.clone());
        async move { loads(&store, rows, expired, sweeping).await }
    });
    let (began, mut ended, now) = (Instant::now(), 0, UnixTime::from_secs(NOW));
    while ended < expired {
        let swept = store.sweep(now, 10_000).await.expect("the server answers");
        ended += swept.ended as u64;
        assert!(swept.more || ended >= expired, "{ended} of {expired} ended");
    }
    let took = began.elapsed().as_secs_f64();
    sweeping.store(false, Relaxed);
    let swept = measured.await.expect("a store does not panic");
    // The percentiles in milliseconds, their ratio, and how many were swept a second.
    println!("{} {} {} {}", calm, swept, swept / calm, ended as f64 / took);
}

/// The 99th percentile of loads of live sessions, in milliseconds: for a while, and for as
/// long as something goes on.
async fn loads(store: &PostgresStore, rows: u64, expired: u64, goes_on: Arc<AtomicBool>) -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, goes_on) = (store.clone(), goes_on.clone());
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
                let (mut random, mut times) = (mix(task), Vec::new());
                while start.elapsed() < TIME || goes_on.load(Relaxed) {
                    ticks.tick().await;
                    random = mix(random);
                    let key = locator(expired + random % (rows - expired));
                    let began = Instant::now();
                    let loaded = store.load(&key).await.expect("the server answers");
                    times.push(began.elapsed());
                    assert!(matches!(loaded, Loaded::Live(_)), "a live session");
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a store does not panic"));
    }
    times.sort_unstable();
    times[times.len() * 99 / 100].as_secs_f64() * 1000.0
}

/// The locator that `ROWS` makes for a number: by the same hash.
fn locator(n: u64) -> Locator {
    let digests = [md5::compute(n.to_string()).0, md5::compute(format!("b{n}")).0].concat();
    Locator::from_bytes(digests[..Locator::LEN].try_into().expect("two digests are 32 bytes"))
}

fn tell(url: &str, statements: &str) {
    let mut psql = Command::new("psql");
    psql.args([url, "-q", "-v", "ON_ERROR_STOP=1"]);
    for statement in statements.split_inclusive(';') {
        psql.args(["-c", statement]);
    }
    assert!(psql.status().expect("psql comes with the server").success(), "psql fails");
}
