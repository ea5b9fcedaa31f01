//! Connections, deadlines, and what is tried again.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use hardtack::session::store::{StoreError, StoreErrorKind};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts};
use tokio::time::{Instant, timeout_at};

use super::error::{Standby, explain, no_connection, was_undone};
use crate::shared::too_late;

/// How often a verb is tried that the server undoes because of others.
const TRIES: usize = 16;

/// A connection that nobody has used for so long is asked whether it is still
/// there before it is used: one that is not fails a write whose outcome is then
/// unknown.
const DOUBTFUL: Duration = Duration::from_millis(500);

/// What a verb does with a connection.
pub(super) type Done<'c, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;

#[derive(Clone)]
pub(super) struct Link {
    pub(super) pool: Pool<Connections>,
    pub(super) deadline: Duration,
    pub(super) place: String,
}

/// Makes connections.
pub(super) struct Connections(pub(super) Opts);

impl Manager for Connections {
    type Type = Conn;
    type Error = Error;

    async fn create(&self) -> Result<Conn, Error> {
        let mut conn = Conn::new(self.0.clone()).await?;
        let read_only: Option<i64> = conn.query_first("SELECT @@global.read_only").await?;
        if read_only != Some(0) {
            return Err(Error::Other(Box::new(Standby)));
        }
        Ok(conn)
    }

    async fn recycle(&self, conn: &mut Conn, metrics: &Metrics) -> RecycleResult<Error> {
        if conn.is_disconnected() {
            return Err(RecycleError::message("it is closed"));
        }
        if metrics.last_used() > DOUBTFUL {
            conn.ping().await?;
        }
        Ok(())
    }
}

impl Link {
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Has a verb done within the deadline, whether or not the caller waits for
    /// it: a connection is never left in the middle of an answer.
    pub(super) async fn run<T, F>(&self, verb: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Conn) -> Done<'c, T> + Send + Sync + 'static,
    {
        let link = self.clone();
        let done = tokio::spawn(async move { link.try_run(&verb).await });
        done.await.map_err(|error| {
            let what = format!("session store {}: a verb did not end", self.place);
            StoreError::new(StoreErrorKind::Bug, what).caused_by(error)
        })?
    }

    async fn try_run<T, F>(&self, verb: &F) -> Result<T, StoreError>
    where
        F: for<'c> Fn(&'c mut Conn) -> Done<'c, T>,
    {
        let until = Instant::now() + self.deadline;
        let late = || too_late(&self.place, self.deadline);
        let mut tries = 1;
        loop {
            let got = timeout_at(until, self.pool.get()).await.map_err(|_| late())?;
            let mut conn = got.map_err(|error| no_connection(&self.place, error))?;
            let done = timeout_at(until, verb(&mut conn)).await;
            let error = match done {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) => error,
                Err(_) => {
                    // It may hang for whoever comes next, too.
                    drop(Object::take(conn));
                    return Err(late());
                }
            };
            let undone = was_undone(&error);
            // What was left unfinished is undone by the end of the connection.
            let tidy = !error.is_fatal()
                && matches!(timeout_at(until, conn.query_drop("ROLLBACK")).await, Ok(Ok(())));
            if !tidy {
                drop(Object::take(conn));
            }
            if undone && tries < TRIES {
                tries += 1;
                continue;
            }
            let fatal = error.is_fatal();
            let error = explain(&self.place, error);
            if fatal || error.kind() == StoreErrorKind::ReadOnly {
                // The server went away or became a standby: so it did for all.
                self.pool.retain(|_, _| false);
            }
            return Err(error);
        }
    }
}
