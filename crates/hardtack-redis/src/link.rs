//! The way to the servers: which partition is where.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::StoreError;
use tokio::time::Instant;

use crate::address::Address;
use crate::cluster::Cluster;
use crate::error::explain;
use crate::key::Partition;
use crate::near::Proofs;
use crate::node::{Dial, Node};
use crate::script::Call;
use crate::wire::Value;

pub(crate) struct Link {
    way: Way,
    deadline: Duration,
    /// How many replicas must have a write that is to last.
    replicas: u8,
}

enum Way {
    One(Box<Node>),
    Cluster(Box<Cluster>),
}

/// What is asked of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// That the master has it.
    Plain,
    /// That it is as durable as the store can make it.
    Lasting,
}

impl Link {
    pub(crate) fn new(
        address: Address,
        deadline: Duration,
        replicas: u8,
        near: Option<Arc<Proofs>>,
    ) -> Self {
        let way = match address {
            Address::One(client) => Way::One(Box::new(Node::new(Dial::To(client)))),
            Address::Sentinels { sentinels, name, template } => {
                Way::One(Box::new(Node::new(Dial::Sentinels { sentinels, name, template })))
            }
            Address::Cluster { seeds, template } => {
                Way::Cluster(Box::new(Cluster::new(seeds, template, near)))
            }
        };
        Self { way, deadline, replicas }
    }

    /// Whether partitions are on different servers.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.way, Way::Cluster(_))
    }

    /// Within what time a call is answered.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// By when a call that begins now must be answered.
    pub(crate) fn until(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// One call; see [`send`](Link::send).
    pub(crate) async fn call(
        &self,
        partition: Partition,
        call: &Call,
        level: Level,
        until: Instant,
    ) -> Result<Value, StoreError> {
        if let Way::One(node) = &self.way
            && self.replicas_for(level) == 0
        {
            return node.ask_one(call, until).await?.map_err(explain);
        }
        // In a box: it is large, and every call would be.
        let sent = Box::pin(self.send(vec![(partition, call.clone())], level, until));
        let mut values = sent.await?;
        values.pop().ok_or_else(crate::error::odd_answer)
    }

    /// Sends calls, in one go where they go to one server, and answers them in
    /// their order. Each call is whole or not at all; of several some may have been
    /// done where this fails.
    pub(crate) async fn send(
        &self,
        calls: Vec<(Partition, Call)>,
        level: Level,
        until: Instant,
    ) -> Result<Vec<Value>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let replicas = self.replicas_for(level);
        match &self.way {
            Way::One(node) => {
                let calls: Vec<&Call> = calls.iter().map(|(_, call)| call).collect();
                let answers = node.ask(&calls, replicas, false, until).await?;
                answers.into_iter().map(|answer| answer.map_err(explain)).collect()
            }
            Way::Cluster(cluster) => cluster.send(&calls, replicas, until).await,
        }
    }

    fn replicas_for(&self, level: Level) -> u8 {
        if level == Level::Lasting { self.replicas } else { 0 }
    }
}
