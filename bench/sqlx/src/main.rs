//! Sessions in SQLite through sqlx, the way session stores do it: WAL, every
//! commit durable, a pool of ten, one statement an operation. The argument is
//! the folder for the file.

use harness::inputs::{body, mix};
use harness::store::{SESSIONS, Target, serve};
use sqlx::Executor;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

struct Sqlx(SqlitePool);

const SCHEMA: &str = "
    CREATE TABLE session (
        id BLOB NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        user INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        data BLOB NOT NULL
    );
    CREATE INDEX session_user ON session (user);
    CREATE INDEX session_expires ON session (expires);
";

async fn open() -> Sqlx {
    let folder = std::env::args().nth(1).expect("the folder for the file");
    let options = SqliteConnectOptions::new()
        .filename(format!("{folder}/sqlx.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(10).connect_with(options).await;
    let pool = pool.expect("the file opens");
    pool.execute(SCHEMA).await.expect("the file is new");
    preload(&pool).await;
    Sqlx(pool)
}

/// The sessions of the start, in one transaction: how fast is not measured.
async fn preload(pool: &SqlitePool) {
    let mut transaction = pool.begin().await.expect("nobody else writes");
    for n in 0..SESSIONS {
        insert(n).execute(&mut *transaction).await.expect("the id is new");
    }
    transaction.commit().await.expect("nobody else writes");
}

fn id(n: u64) -> Vec<u8> {
    (0..4).flat_map(|part| mix(n * 4 + part).to_le_bytes()).collect()
}

type Insert = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn insert(n: u64) -> Insert {
    sqlx::query("INSERT INTO session VALUES (?, 1, ?, ?, ?)")
        .bind(id(n))
        .bind((mix(n) % (SESSIONS / 4)) as i64)
        .bind(expires(n))
        .bind(body(n))
}

/// Sessions expire in the order of their creation.
fn expires(n: u64) -> i64 {
    (harness::inputs::NOW + n / 200) as i64
}

impl Target for Sqlx {
    async fn create(&self, n: u64) {
        if n >= SESSIONS {
            insert(n).execute(&self.0).await.expect("the id is new");
        }
    }

    async fn load(&self, n: u64) -> Option<u64> {
        let query = sqlx::query_as("SELECT version, data FROM session WHERE id = ?").bind(id(n));
        let row: Option<(i64, Vec<u8>)> =
            query.fetch_optional(&self.0).await.expect("reads do not wait");
        row.map(|(version, _)| version as u64)
    }

    async fn touch(&self, n: u64) {
        let query = sqlx::query("UPDATE session SET expires = max(expires, ?) WHERE id = ?");
        let query = query.bind(expires(n) + 1800).bind(id(n));
        query.execute(&self.0).await.expect("a writer waits its turn");
    }

    async fn replace(&self, n: u64) {
        let Some(version) = self.load(n).await else { return };
        let query = sqlx::query(
            "UPDATE session SET version = version + 1, data = ? WHERE id = ? AND version = ?",
        );
        let query = query.bind(body(n ^ version << 40)).bind(id(n)).bind(version as i64);
        query.execute(&self.0).await.expect("a writer waits its turn");
    }

    async fn end(&self, n: u64) {
        let query = sqlx::query("DELETE FROM session WHERE id = ?").bind(id(n));
        query.execute(&self.0).await.expect("a writer waits its turn");
    }
}

fn main() {
    serve(SESSIONS, open());
}
