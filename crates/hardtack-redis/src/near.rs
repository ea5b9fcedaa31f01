//! The near-cache: a connection on which the server tells of every write, and that
//! is asked all the time whether it still does.
//!
//! The server broadcasts for the prefix of the store's keys, so loads may go over any
//! connection, and it keeps no table of who has read what. The driver hands each
//! message on before it reads the next, so a PONG comes after what was told before.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hardtack::session::store::near::{Near, Since};
use hardtack::session::{Locator, Record};
use redis::{
    AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisError, Value,
};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::key::{Keys, Told};
use crate::store::Inner;

/// What one store remembers, and the task that listens for it.
pub(crate) struct NearCache {
    listener: Arc<Listener>,
    task: Mutex<Option<AbortHandle>>,
}

struct Listener {
    near: Arc<Near>,
    client: Client,
    keys: Keys,
    lag: Duration,
    deadline: Duration,
    listens: AtomicBool,
}

impl NearCache {
    pub(crate) fn new(
        bytes: usize,
        lag: Duration,
        client: &Client,
        keys: Keys,
        deadline: Duration,
    ) -> Result<Self, RedisError> {
        let info = client.get_connection_info();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        // A tenth less than the others wait: clocks may run at different speeds, and
        // a server may answer who wrote a moment before it tells the others.
        let near = Arc::new(Near::new(bytes, lag - lag / 10, Instant::now().into_std()));
        let listens = AtomicBool::new(false);
        let listener = Arc::new(Listener { near, client, keys, lag, deadline, listens });
        Ok(Self { listener, task: Mutex::new(None) })
    }

    /// How long an end waits before it is answered.
    pub(crate) fn lag(&self) -> Duration {
        self.listener.lag
    }

    pub(crate) fn find(&self, key: &Locator) -> Option<Record> {
        self.listener.near.find(key, Instant::now().into_std())
    }

    /// Before a load. Begins to listen if nobody does yet.
    pub(crate) fn before(&self, key: &Locator) -> Option<Since> {
        if !self.listener.listens.swap(true, SeqCst) {
            let listening = Listening(self.listener.clone());
            let task = tokio::spawn(async move { listening.0.listen().await });
            *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
        }
        self.listener.near.before(key)
    }

    pub(crate) fn fill(&self, key: &Locator, since: Since, record: &Record) {
        self.listener.near.fill(key, since, record.clone());
    }

    pub(crate) fn forget(&self, key: &Locator) {
        self.listener.near.forget(key);
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.listener.near.bytes()
    }
}

impl Drop for NearCache {
    fn drop(&mut self) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl Inner {
    /// By when a verb must be done that may end a session: it waits afterwards.
    pub(crate) fn until_end(&self) -> Instant {
        self.link.until() - self.near.as_ref().map_or(Duration::ZERO, NearCache::lag)
    }

    /// After an end was written, before it is answered: until no process uses what
    /// it remembers from before.
    pub(crate) async fn end_seen(&self) {
        if let Some(near) = &self.near {
            tokio::time::sleep(near.lag()).await;
        }
    }

    /// So that who has written does not read what was there before.
    pub(crate) fn forget(&self, key: &Locator) {
        if let Some(near) = &self.near {
            near.forget(key);
        }
    }
}

/// Says so when it stops, however it does: with its runtime, for example.
struct Listening(Arc<Listener>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.near.lost();
        self.0.listens.store(false, SeqCst);
    }
}

/// Between two tries to connect.
const REST: Duration = Duration::from_millis(200);

impl Listener {
    async fn listen(&self) {
        loop {
            // Whatever has gone wrong: without proof there is no cache, and whoever
            // loads finds out by itself what is wrong with the server.
            let _ = self.follow().await;
            self.near.lost();
            tokio::time::sleep(REST).await;
        }
    }

    /// Proves that the server tells, until it does not.
    async fn follow(&self) -> Result<(), RedisError> {
        let (near, keys) = (self.near.clone(), self.keys.clone());
        let hear = move |push: PushInfo| {
            if push.kind == PushKind::Invalidate {
                hear(&near, &keys, &push.data);
            }
            Ok::<(), RedisError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline))
            .set_push_sender(hear);
        let mut conn = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(self.keys.prefix());
        track.exec_async(&mut conn).await?;
        self.near.begin();
        loop {
            let asked = Instant::now();
            redis::cmd("PING").exec_async(&mut conn).await?;
            self.near.proven(asked.into_std());
            tokio::time::sleep((self.lag / 4).saturating_sub(asked.elapsed())).await;
        }
    }
}

/// Takes in what the server tells: some keys, or that all are gone.
fn hear(near: &Near, keys: &Keys, data: &[Value]) {
    let [Value::Array(names)] = data else { return near.clear() };
    for name in names {
        let Value::BulkString(name) = name else { return near.clear() };
        match keys.told(name) {
            Told::Record(key) => near.forget(&key),
            // All in the partition may be outdated, and that is rare.
            Told::Epoch => near.clear(),
            Told::Other => {}
        }
    }
}
