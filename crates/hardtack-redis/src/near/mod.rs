//! The near-cache: connections on which the servers tell of every write, and that are
//! asked all the time whether they still do.
//!
//! # What is remembered
//! Each master has one connection with `CLIENT TRACKING` in broadcast for the prefix of the
//! store's keys. A record is remembered only if it was loaded over that very connection
//! (`listener.rs`), so whoever has answered a load is who tells of its writes: a redirection, or
//! a load that went elsewhere, fills nothing. It is used while the connection is proven
//! (`proofs.rs`): while an answer came there to a question that was sent less than the lag ago,
//! less a tenth. What was told before the answer was taken in before it.
//!
//! # Why an end is answered late enough
//! The question is asked only over a partition whose `lag` key (`near.lua`) stands: it was set on
//! this server before the first load that fills, and it stays for longer than it is believed to. A
//! script that ends something reads it and answers with it. So take an end written at W, and a
//! process that uses a record of the same partition after the end was answered.
//!
//! - If the script found no key, the process set it after W, or believed in it no longer at W. It
//!   uses only what it loaded after it was set: that load found the tombstone.
//! - If it found one, the end was answered later than W and that lag, which is no smaller than the
//!   process's own. A question that was sent after W was answered after the write was told. One
//!   that was sent before is not believed for that long.
//!
//! The greatest lag stands: a smaller one neither replaces nor renews it.
//!
//! # Clusters
//! What is remembered of a partition is used only while the connection is proven that leads to
//! the master who owns it by the map in force, and who by its own map (`CLUSTER SLOTS`, asked with
//! every question) owns it too. When another comes to own it everything is forgotten, and so it is
//! before a new connection is believed. The question is a script with a key: a master without a
//! majority refuses it, one that has lost the slot redirects it, and one that is about to hand its
//! slots over (`CLUSTER FAILOVER`) holds it back.
//!
//! A slot that moves is moved key by key. `MIGRATE` deletes a key at its old master, which tells of
//! that, before anybody can write to it at the new one, who is written to only after a redirection.
//! So what was loaded from the old master is forgotten, or out of proof, as after any write.
//! What is loaded from the new one comes by `ASK`, and is not remembered. The `lag` key moves as
//! the others do and keeps its time; until it has come, a script that names it is told to try again.
//!
//! # Replicas
//! Behind sentinels the connection leads to the master that all sentinels name who answer, and
//! ends when one of them names another (they are asked every second), or when it says that it
//! is a replica. A server that may have been replaced and answers too late is forgotten with
//! everything it said.
//!
//! With `Durability::Wait(n)` each question is a write, and believed only if n replicas confirm
//! it; the `lag` key is, too. Replicas follow one master: if n is at least half of them, an end
//! that n have confirmed for a new master leaves fewer than n who confirm anything to the old.
//! So the law holds although the old one still runs and does not know it.
//!
//! # What this does not protect
//! - With `Durability::Async` a master that was replaced, and has neither heard of it nor stopped,
//!   is believed until it or a sentinel says so, or the map names another: a second or so behind
//!   sentinels, in a cluster until its `cluster-node-timeout` at the latest. Loads without a near-
//!   cache believe it as well.
//! - A replica that takes over without the `lag` key (`Async`) knows of it again when the process
//!   has found the new master. Meanwhile ends are answered at once, and are final if the
//!   takeover came later than the lag after the old master's last answer.
//! - Whoever deletes the `lag` keys by hand, or has them evicted, has ends answered at once for
//!   as long as the lag.
//! - Clocks are believed to run evenly, to a tenth.

mod listener;
mod proofs;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hardtack::session::store::near::{self, Since};
use hardtack::session::{Locator, Record};
use redis::Client;
use redis::aio::MultiplexedConnection;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use crate::address::{Address, Template};
use crate::key::{Keys, Name, of};
use crate::store::Inner;
use crate::wire::Value;
use listener::Listener;
pub(crate) use proofs::{Proofs, Server};

/// What one store remembers, and the tasks that listen for it.
pub(crate) struct NearCache {
    proofs: Arc<Proofs>,
    settings: Arc<Settings>,
    /// By the server that each listens to.
    tasks: Mutex<HashMap<Server, AbortHandle>>,
}

/// What every listener has to know.
pub(crate) struct Settings {
    pub(crate) way: Way,
    pub(crate) keys: Keys,
    pub(crate) lag: Duration,
    pub(crate) deadline: Duration,
    /// How many replicas confirm a proof.
    pub(crate) replicas: u8,
}

/// How a connection to a master is had.
pub(crate) enum Way {
    One(Client),
    Sentinels { sentinels: Vec<Client>, name: String, template: Template },
    Cluster(Template),
}

/// A load that may be remembered.
pub(crate) struct Load {
    since: Since,
    conn: MultiplexedConnection,
}

impl NearCache {
    pub(crate) fn new(
        address: &Address,
        bytes: usize,
        lag: Duration,
        keys: Keys,
        deadline: Duration,
        replicas: u8,
    ) -> Self {
        let trust = near::trust(lag);
        let (way, owner) = match address.clone() {
            Address::One(server) => (Way::One(server.client), Some(Server::default())),
            Address::Sentinels { sentinels, name, template } => {
                let sentinels = sentinels.into_iter().map(|sentinel| sentinel.client).collect();
                (Way::Sentinels { sentinels, name, template }, Some(Server::default()))
            }
            Address::Cluster { template, .. } => (Way::Cluster(template), None),
        };
        let proofs = Arc::new(Proofs::new(bytes, trust, owner));
        let settings = Arc::new(Settings { way, keys, lag, deadline, replicas });
        Self { proofs, settings, tasks: Mutex::default() }
    }

    pub(crate) fn proofs(&self) -> &Arc<Proofs> {
        &self.proofs
    }

    pub(crate) fn find(&self, key: &Locator) -> Option<Record> {
        self.proofs.find(key, Instant::now())
    }

    /// Before a load. Begins to listen if nobody does yet.
    pub(crate) fn before(&self, key: &Locator) -> Option<Load> {
        let load = self.proofs.before(key, Instant::now());
        if load.is_none()
            && let Some(server) = self.proofs.owner(of(key))
        {
            self.listen(server);
        }
        load.map(|(since, conn)| Load { since, conn })
    }

    fn listen(&self, server: Server) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended with its runtime, or because its server owned nothing.
        if tasks.get(&server).is_none_or(AbortHandle::is_finished) {
            let (proofs, settings) = (self.proofs.clone(), self.settings.clone());
            let listener = Listener::new(server.clone(), proofs, settings);
            let task = tokio::spawn(listener.listen());
            tasks.insert(server, task.abort_handle());
        }
    }

    pub(crate) fn fill(&self, key: &Locator, load: Load, record: &Record) {
        self.proofs.fill(key, load.since, record.clone());
    }

    pub(crate) fn forget(&self, key: &Locator) {
        self.proofs.forget(key);
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.proofs.bytes()
    }
}

impl Load {
    /// Asks who will tell of writes. `None`: it has not answered, or said that somebody
    /// else is to be asked.
    pub(crate) async fn ask(&mut self, keys: &[Name], within: Duration) -> Option<Value> {
        let mut mget = redis::cmd("MGET");
        for key in keys {
            mget.arg(key.as_ref());
        }
        let answer = timeout(within, self.conn.send_packed_command(&mget)).await.ok()?.ok()?;
        Value::of(answer).filter(|answer| matches!(answer, Value::Array(_)))
    }
}

impl Drop for NearCache {
    fn drop(&mut self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.values().for_each(AbortHandle::abort);
    }
}

impl Inner {
    /// By when a verb must be done that may end a session: it is held back afterwards.
    pub(crate) fn until_end(&self) -> Instant {
        Instant::now() + self.held.leaves(self.link.deadline())
    }

    /// After an end was written, before it is answered: until no process uses what
    /// it remembers from before.
    pub(crate) async fn hold(&self, lag: Duration) {
        if !lag.is_zero() {
            self.held.note(lag);
            tokio::time::sleep(lag).await;
        }
    }

    /// So that who has written does not read what was there before.
    pub(crate) fn forget(&self, key: &Locator) {
        if let Some(near) = &self.near {
            near.forget(key);
        }
    }
}

/// The client of a server with the protocol in which servers tell.
fn telling(client: &Client) -> Result<Client, redis::RedisError> {
    let info = client.get_connection_info();
    let settings = info.redis_settings().clone().set_protocol(redis::ProtocolVersion::RESP3);
    Client::open(info.clone().set_redis_settings(settings))
}
