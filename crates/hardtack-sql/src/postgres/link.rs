//! Connections, deadlines, and what is tried again.

use std::time::Duration;

use deadpool_postgres::tokio_postgres::types::ToSql;
use deadpool_postgres::tokio_postgres::{Error, Row};
use deadpool_postgres::{Object, Pool};
use hardtack::session::store::near::{Held, MOST_LAG};
use hardtack::session::store::{StoreError, StoreErrorKind};
use tokio::time::{Instant, timeout_at};

use super::error::{explain, no_connection, unreadable, was_forgotten, was_undone};
use super::sql::LOCK_USER;
use crate::shared::too_late;

/// How often a statement is sent that the server undoes because of others.
const TRIES: usize = 8;

pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

pub(super) struct Link {
    pub(super) pool: Pool,
    pub(super) held: Held,
    pub(super) deadline: Duration,
    pub(super) place: String,
}

impl Link {
    /// What one verb does: all of it within one deadline.
    pub(super) fn call(&self) -> Call<'_> {
        Call { link: self, until: self.until() }
    }

    /// When a call that begins now is too late.
    pub(super) fn until(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// What a verb does that may end a session: it is held back afterwards.
    pub(super) fn call_that_ends(&self) -> Call<'_> {
        Call { link: self, until: Instant::now() + self.held.leaves(self.deadline) }
    }

    /// After an end was written, before it is answered: until no process uses what it
    /// remembers from before. In milliseconds; nothing if none does.
    pub(super) async fn hold(&self, lag: Option<i32>) {
        let Some(lag) = lag.and_then(|lag| u64::try_from(lag).ok()) else { return };
        let lag = MOST_LAG.min(Duration::from_millis(lag));
        self.held.note(lag);
        tokio::time::sleep(lag).await;
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn unreadable(
        &self,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> StoreError {
        unreadable(&self.place, error)
    }

    /// An answer that no statement of the store gives.
    pub(super) fn bug(&self, what: &str) -> StoreError {
        StoreError::new(StoreErrorKind::Bug, format!("session store {}: {what}", self.place))
    }
}

pub(super) struct Call<'a> {
    link: &'a Link,
    pub(super) until: Instant,
}

impl Call<'_> {
    /// One statement, and one transaction.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.run(None, sql, params).await
    }

    /// The statement after the lock on a user's row, in one transaction. All of
    /// it is sent at once: there is no moment at which the server waits for us
    /// while it holds the lock.
    pub(super) async fn query_alone(
        &mut self,
        user: &[u8],
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.run(Some(user), sql, params).await
    }

    /// Statements in text, for a schema.
    pub(super) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let client = self.connection().await?;
        match timeout_at(self.until, client.batch_execute(sql)).await {
            Ok(done) => done.map_err(|error| {
                // It may have stopped within a transaction.
                drop(Object::take(client));
                explain(&self.link.place, error)
            }),
            Err(_) => Err(self.give_up(client)),
        }
    }

    async fn run(
        &mut self,
        user: Option<&[u8]>,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut tries = 1;
        loop {
            let client = self.connection().await?;
            let asked = async {
                match user {
                    None => single(&client, sql, params).await,
                    Some(user) => locked(&client, user, sql, params).await,
                }
            };
            let error = match timeout_at(self.until, asked).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.give_up(client)),
            };
            let forgotten = was_forgotten(&error);
            if forgotten {
                client.statement_cache.clear();
            }
            if tries == TRIES || !(forgotten || was_undone(&error)) {
                let error = explain(&self.link.place, error);
                if error.kind() == StoreErrorKind::ReadOnly {
                    // The next connection looks for a server that can be written.
                    drop(Object::take(client));
                }
                return Err(error);
            }
            tries += 1;
        }
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        match timeout_at(self.until, self.link.pool.get()).await {
            Ok(got) => got.map_err(|error| no_connection(&self.link.place, error)),
            Err(_) => Err(too_late(&self.link.place, self.link.deadline)),
        }
    }

    /// A connection that did not answer may hang for whoever comes next, too.
    fn give_up(&self, client: Object) -> StoreError {
        drop(Object::take(client));
        too_late(&self.link.place, self.link.deadline)
    }
}

async fn single(client: &Object, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, params).await
}

async fn locked(
    client: &Object,
    user: &[u8],
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Row>, Error> {
    let [make, lock] = LOCK_USER;
    let make = client.prepare_cached(make).await?;
    let lock = client.prepare_cached(lock).await?;
    let statement = client.prepare_cached(sql).await?;
    let user: Params<'_> = &[&user];
    // Polled for the first time, each of these puts its message into the queue.
    // An error undoes the transaction, and COMMIT then says so by rolling back:
    // it is the error that came first that counts.
    let (began, made, held, rows, committed) = tokio::join!(
        client.batch_execute("BEGIN"),
        client.execute(&make, user),
        client.query(&lock, user),
        client.query(&statement, params),
        client.batch_execute("COMMIT"),
    );
    began?;
    made?;
    held?;
    let rows = rows?;
    committed?;
    Ok(rows)
}
