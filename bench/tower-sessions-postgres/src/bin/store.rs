//! Its store under the load of one. The arguments are the URL and how many connections.

use std::collections::HashMap;
use std::time::Duration;

use harness::inputs::{NOW, body, mix};
use harness::store::{REMOTE_SESSIONS, Target, serve};
use sqlx::postgres::PgPoolOptions;
use sqlx::types::time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions_sqlx_store::PostgresStore;

struct Theirs(PostgresStore);

async fn open() -> Theirs {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the URL of the server");
    let connections = arguments.next().and_then(|n| n.parse().ok());
    let connections = connections.expect("how many connections");
    let pool = PgPoolOptions::new().max_connections(connections).connect(&url).await;
    let store = PostgresStore::new(pool.expect("the server answers"));
    store.migrate().await.expect("the user may make tables");
    Theirs(store)
}

fn id(n: u64) -> Id {
    Id(i128::from(mix(n * 2)) << 64 | i128::from(mix(n * 2 + 1)))
}

/// The session with other bytes for each `seed`: as text, which is what its values are.
fn record(n: u64, seed: u64) -> Record {
    let text: String = body(seed).iter().map(|byte| char::from(b'0' + byte % 64)).collect();
    let now = OffsetDateTime::from_unix_timestamp(NOW as i64).expect("a year of four digits");
    // It compares with the machine's clock.
    let expiry_date = now.max(OffsetDateTime::now_utc()) + Duration::from_secs(12 * 3600);
    Record { id: id(n), data: HashMap::from([("data".to_owned(), text.into())]), expiry_date }
}

impl Target for Theirs {
    async fn create(&self, n: u64) {
        self.0.create(&mut record(n, n)).await.expect("the store answers");
    }

    async fn load(&self, n: u64) -> Option<u64> {
        self.0.load(&id(n)).await.expect("the store answers").map(|record| record.data.len() as u64)
    }

    /// What it does for activity: it saves the whole again.
    async fn touch(&self, n: u64) {
        self.0.save(&record(n, n)).await.expect("the store answers");
    }

    async fn replace(&self, n: u64) {
        let found = self.0.load(&id(n)).await.expect("the store answers");
        std::hint::black_box(found);
        self.0.save(&record(n, n + 1)).await.expect("the store answers");
    }

    async fn end(&self, n: u64) {
        self.0.delete(&id(n)).await.expect("the store answers");
    }
}

fn main() {
    serve(REMOTE_SESSIONS, open());
}
