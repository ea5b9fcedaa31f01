//! A connection to one master: it hears what is told, and is asked whether it still does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::{join_all, try_join};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, Value,
};
use tokio::time::Instant;

use super::{Proofs, Server, Settings, Way, telling};
use crate::cluster::owners;
use crate::key::{Index, Keys, PARTITIONS, Partition, Told};
use crate::wire::Value as Answer;

/// Between two tries to connect.
const REST: Duration = Duration::from_millis(200);

/// How long Redis keeps a `lag` key that nobody renews. Longer than any lag.
const KEPT: Duration = Duration::from_secs(30);

/// Between two looks at keys that will go soon, and between two questions to sentinels.
const NOW_AND_THEN: Duration = Duration::from_secs(1);

pub(super) struct Listener {
    server: Server,
    proofs: Arc<Proofs>,
    settings: Arc<Settings>,
}

/// A connection, and what is known of its server.
struct Heard<'a> {
    listener: &'a Listener,
    number: u64,
    conn: MultiplexedConnection,
    /// Until when the `lag` key of each partition stands at least.
    stands: Vec<Instant>,
    looked: Instant,
    /// What the server owns by its own map.
    claims: Vec<bool>,
    turn: usize,
    /// Somebody has written to a `lag` key.
    again: Arc<AtomicBool>,
}

impl Listener {
    pub(super) fn new(server: Server, proofs: Arc<Proofs>, settings: Arc<Settings>) -> Self {
        Self { server, proofs, settings }
    }

    /// As long as the server owns something.
    pub(super) async fn listen(self) {
        while !self.proofs.owned(&self.server).is_empty() {
            // Whatever has gone wrong: without proof there is no cache, and whoever
            // loads finds out by itself what is wrong with the server.
            let _ = self.follow().await;
            tokio::time::sleep(REST).await;
        }
    }

    async fn follow(&self) -> Result<(), RedisError> {
        match &self.settings.way {
            Way::One(client) => self.hear(client).await,
            Way::Cluster(template) => {
                let (host, port) = &*self.server;
                self.hear(&template.server(host, *port)?.client).await
            }
            Way::Sentinels { sentinels, name, template } => {
                let master = self.agreed(sentinels, name).await?;
                let client = template.server(&master.0, master.1)?.client;
                let stays = async {
                    loop {
                        tokio::time::sleep(NOW_AND_THEN).await;
                        if self.agreed(sentinels, name).await? != master {
                            return Err(error("the sentinels name another master"));
                        }
                    }
                };
                try_join(self.hear(&client), stays).await.map(|((), ())| ())
            }
        }
    }

    /// The master that all sentinels name who answer.
    async fn agreed(&self, sentinels: &[Client], name: &str) -> Result<(String, u16), RedisError> {
        let config = config(self.settings.deadline / 2);
        let asked = sentinels.iter().map(|sentinel| async {
            let mut conn = sentinel.get_multiplexed_async_connection_with_config(&config).await?;
            let mut ask = redis::cmd("SENTINEL");
            ask.arg("get-master-addr-by-name").arg(name);
            ask.query_async::<(String, u16)>(&mut conn).await
        });
        let mut named = join_all(asked).await.into_iter().filter_map(Result::ok);
        let first = named.next().ok_or_else(|| error("no sentinel answers"))?;
        match named.all(|other| other == first) {
            true => Ok(first),
            false => Err(error("the sentinels do not agree who is the master")),
        }
    }

    /// Proves that the server tells, until it does not.
    async fn hear(&self, client: &Client) -> Result<(), RedisError> {
        let Settings { keys, deadline, lag, .. } = &*self.settings;
        let again = Arc::new(AtomicBool::new(false));
        let ears = (self.proofs.clone(), keys.clone(), again.clone());
        let config = config(*deadline).set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Invalidate {
                hear(&ears.0, &ears.1, &ears.2, &push.data);
            }
            Ok::<(), RedisError>(())
        });
        let client = telling(client)?;
        let mut conn = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(keys.prefix());
        track.arg("NOLOOP").exec_async(&mut conn).await?;
        let looked = Instant::now();
        let mut heard = Heard {
            listener: self,
            number: self.proofs.connected(),
            conn,
            stands: vec![looked; PARTITIONS],
            looked,
            claims: vec![true; PARTITIONS],
            turn: 0,
            again,
        };
        loop {
            let asked = Instant::now();
            let owned = self.proofs.owned(&self.server);
            heard.announce(&owned).await?;
            heard.ask(&owned).await?;
            tokio::time::sleep((*lag / 4).saturating_sub(asked.elapsed())).await;
        }
    }
}

impl Heard<'_> {
    /// Makes sure that the `lag` keys stand where they are needed.
    async fn announce(&mut self, owned: &[Partition]) -> Result<(), RedisError> {
        let (asked, again) = (Instant::now(), self.again.swap(false, SeqCst));
        let now_and_then = asked > self.looked + NOW_AND_THEN;
        let late = if now_and_then { asked + KEPT / 3 } else { asked };
        let is_due = |n: &Partition| again || self.stands[usize::from(*n)] <= late;
        let due: Vec<Partition> = owned.iter().copied().filter(is_due).collect();
        if due.is_empty() {
            return Ok(());
        }
        self.looked = asked;
        let mut pipe = Pipeline::with_capacity(due.len() + 1);
        due.iter().for_each(|partition| self.stand(&mut pipe, *partition));
        let patience = self.listener.settings.deadline / 2;
        let (answers, confirmed) = self.send(pipe, patience).await?;
        for (partition, answer) in due.into_iter().zip(answers) {
            self.stands[usize::from(partition)] = match answer {
                Value::Int(left) if confirmed => asked + believed(left),
                _ => asked,
            };
        }
        Ok(())
    }

    /// The question that is a proof if it is answered.
    async fn ask(&mut self, owned: &[Partition]) -> Result<(), RedisError> {
        let Listener { server, proofs, settings } = self.listener;
        let claimed: Vec<_> =
            owned.iter().filter(|n| self.claims[usize::from(**n)]).copied().collect();
        let all = if claimed.is_empty() { owned } else { &claimed };
        self.turn = (self.turn + 1) % all.len().max(1);
        let Some(partition) = all.get(self.turn).copied() else {
            return Err(error("the server owns nothing"));
        };
        let mut pipe = redis::pipe();
        self.stand(&mut pipe, partition);
        pipe.cmd("ROLE");
        let is_cluster = matches!(settings.way, Way::Cluster(_));
        if is_cluster {
            pipe.cmd("CLUSTER").arg("SLOTS");
        }
        if settings.replicas > 0 {
            let key = settings.keys.index(partition, Index::Asked);
            pipe.cmd("SET").arg(key.as_ref()).arg(1).arg("PX").arg(KEPT.as_millis() as u64);
        }
        let asked = Instant::now();
        let (answers, confirmed) = self.send(pipe, settings.lag / 2).await?;
        // One that was refused asks no replica.
        let written = settings.replicas == 0 || matches!(answers.last(), Some(Value::Okay));
        let mut answers = answers.into_iter();
        let (stands, role, slots) = (answers.next(), answers.next(), answers.next());
        if !matches!(role, Some(Value::Array(role)) if is_master(&role)) {
            return Err(error("the server is not a master"));
        }
        if is_cluster {
            let owners = slots.and_then(|slots| owners(&server.0, Answer::of(slots)?));
            let owners = owners.ok_or_else(|| error("the server does not know the slots"))?;
            self.claims = owners
                .iter()
                .map(|owner| owner.as_ref().is_some_and(|owner| *owner == **server))
                .collect();
        }
        let now = Instant::now();
        if now >= asked + proofs.trust() && !matches!(settings.way, Way::One(_)) {
            return Err(error("the server may have been replaced meanwhile"));
        }
        let (Some(Value::Int(_)), true) = (stands, written && confirmed) else { return Ok(()) };
        let proven = owned.iter().map(|n| (*n, usize::from(*n)));
        let proven: Vec<_> = proven
            .filter(|(_, n)| self.claims[*n] && self.stands[*n] > now)
            .map(|(partition, n)| (partition, self.stands[n]))
            .collect();
        proofs.proven((server, self.number, &self.conn), asked, &proven);
        Ok(())
    }

    fn stand(&self, pipe: &mut Pipeline, partition: Partition) {
        let Settings { keys, lag, .. } = &*self.listener.settings;
        let key = keys.index(partition, Index::Lag);
        pipe.cmd("EVAL").arg(include_str!("../lua/near.lua")).arg(1).arg(key.as_ref());
        pipe.arg(lag.as_millis() as u64).arg(KEPT.as_millis() as u64);
    }

    /// Sends a few commands; answers whether as many replicas as must have what the server had
    /// at the last of them, too.
    async fn send(
        &mut self,
        mut pipe: Pipeline,
        patience: Duration,
    ) -> Result<(Vec<Value>, bool), RedisError> {
        let replicas = self.listener.settings.replicas;
        if replicas > 0 {
            pipe.cmd("WAIT").arg(replicas).arg(patience.as_millis().max(1) as u64);
        }
        let mut answers = self.conn.send_packed_commands(&pipe, 0, pipe.len()).await?;
        let confirmed = match replicas {
            0 => true,
            _ => matches!(answers.pop(), Some(Value::Int(n)) if n >= i64::from(replicas)),
        };
        Ok((answers, confirmed))
    }
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        self.listener.proofs.lost(self.number);
    }
}

/// Of a time that Redis still keeps a key.
fn believed(left: i64) -> Duration {
    Duration::from_millis(u64::try_from(left).unwrap_or(0)) * 9 / 10
}

fn is_master(role: &[Value]) -> bool {
    matches!(role.first(), Some(Value::BulkString(role)) if role == b"master")
}

fn config(within: Duration) -> AsyncConnectionConfig {
    let config = AsyncConnectionConfig::new();
    config.set_connection_timeout(Some(within)).set_response_timeout(Some(within))
}

fn error(what: &'static str) -> RedisError {
    (ErrorKind::Io, what).into()
}

/// Takes in what the server tells: some keys, or that all are gone.
fn hear(proofs: &Proofs, keys: &Keys, again: &AtomicBool, data: &[Value]) {
    let everything = || {
        proofs.clear();
        again.store(true, SeqCst);
    };
    let [Value::Array(names)] = data else { return everything() };
    for name in names {
        let Value::BulkString(name) = name else { return everything() };
        match keys.told(name) {
            Told::Record(key) => proofs.forget(&key),
            // All in the partition may be outdated, and that is rare.
            Told::Epoch => proofs.clear(),
            Told::Lag => again.store(true, SeqCst),
            Told::Other => {}
        }
    }
}
