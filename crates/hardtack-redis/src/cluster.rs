//! A cluster: which node has which partition, and calls to several at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use hardtack::session::store::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use tokio::time::Instant;

use crate::address::Template;
use crate::error::{explain, late, odd_answer};
use crate::key::{PARTITIONS, Partition, slot};
use crate::near::{Proofs, Server};
use crate::node::{Answer, Dial, Node};
use crate::script::Call;
use crate::wire::Value;

/// Follows MOVED and ASK by itself, because those say that nothing was done; what
/// may have been done is never sent again.
pub(crate) struct Cluster {
    seeds: Vec<(String, u16)>,
    template: Template,
    map: Mutex<Map>,
    looking: tokio::sync::Mutex<()>,
    /// Who is told where partitions are.
    near: Option<Arc<Proofs>>,
}

#[derive(Default)]
struct Map {
    nodes: HashMap<(String, u16), Arc<Node>>,
    /// By partition; empty until somebody has looked.
    places: Vec<Option<Arc<Node>>>,
}

/// Between two tries of a slot that is on its way.
const PAUSE: Duration = Duration::from_millis(5);

impl Cluster {
    pub(crate) fn new(
        seeds: Vec<(String, u16)>,
        template: Template,
        near: Option<Arc<Proofs>>,
    ) -> Self {
        Self { seeds, template, map: Mutex::default(), looking: Default::default(), near }
    }

    pub(crate) async fn send(
        &self,
        calls: &[(Partition, Call)],
        replicas: u8,
        until: Instant,
    ) -> Result<Vec<Value>, StoreError> {
        let mut done: Vec<Option<Value>> = calls.iter().map(|_| None).collect();
        // Where a call is to go instead, for this once.
        let mut asked: HashMap<usize, Arc<Node>> = HashMap::new();
        loop {
            let open: Vec<usize> = (0..calls.len()).filter(|n| done[*n].is_none()).collect();
            if open.is_empty() {
                return done.into_iter().map(|value| value.ok_or_else(odd_answer)).collect();
            }
            if Instant::now() >= until {
                return Err(late());
            }
            let mut pause = false;
            for (n, answer) in self.round(calls, &open, &asked, replicas, until).await? {
                asked.remove(&n);
                match answer {
                    Ok(value) => done[n] = Some(value),
                    Err(error) => match error.kind() {
                        ErrorKind::Server(ServerErrorKind::Moved) => {
                            self.place(calls[n].0, named(&error)?)?;
                        }
                        ErrorKind::Server(ServerErrorKind::Ask) => {
                            self.doubt(calls[n].0);
                            let (host, port) = named(&error)?;
                            asked.insert(n, self.node(&host, port)?);
                        }
                        ErrorKind::Server(ServerErrorKind::TryAgain) => {
                            self.doubt(calls[n].0);
                            pause = true;
                        }
                        kind => {
                            let down = ServerErrorKind::ClusterDown;
                            if kind == ErrorKind::Server(down)
                                || kind == ErrorKind::Server(ServerErrorKind::ReadOnly)
                            {
                                self.forget();
                            }
                            return Err(explain(error));
                        }
                    },
                }
            }
            if pause {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Sends each open call once, to all nodes at the same time.
    async fn round(
        &self,
        calls: &[(Partition, Call)],
        open: &[usize],
        asked: &HashMap<usize, Arc<Node>>,
        replicas: u8,
        until: Instant,
    ) -> Result<Vec<(usize, Answer)>, StoreError> {
        let mut groups: Vec<(Arc<Node>, bool, Vec<usize>)> = Vec::new();
        for n in open {
            let (node, asking) = match asked.get(n) {
                Some(node) => (node.clone(), true),
                None => (self.node_of(calls[*n].0, until).await?, false),
            };
            match groups.iter_mut().find(|g| Arc::ptr_eq(&g.0, &node) && g.1 == asking) {
                Some((.., group)) => group.push(*n),
                None => groups.push((node, asking, vec![*n])),
            }
        }
        let rounds = groups.iter().map(|(node, asking, group)| async move {
            let batch: Vec<&Call> = group.iter().map(|n| &calls[*n].1).collect();
            node.ask(&batch, replicas, *asking, until).await
        });
        let mut all = Vec::new();
        for (answers, (.., group)) in join_all(rounds).await.into_iter().zip(&groups) {
            // A node that is gone may have a successor: the next call looks.
            let answers = answers.inspect_err(|_| self.forget())?;
            all.extend(group.iter().copied().zip(answers));
        }
        Ok(all)
    }

    fn map(&self) -> std::sync::MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        let mut map = self.map();
        map.places.clear();
        self.tell(vec![None; PARTITIONS]);
    }

    fn place(&self, partition: Partition, server: (String, u16)) -> Result<(), StoreError> {
        let node = self.node(&server.0, server.1)?;
        let mut map = self.map();
        if let Some(place) = map.places.get_mut(usize::from(partition)) {
            *place = Some(node);
            if let Some(near) = &self.near {
                near.placed(partition, Some(Arc::new(server)));
            }
        }
        Ok(())
    }

    /// Tells who owns what by the new map, while that is locked.
    fn tell(&self, owners: Vec<Option<Server>>) {
        let Some(near) = &self.near else { return };
        for (partition, owner) in (0..=u8::MAX).zip(owners) {
            near.placed(partition, owner);
        }
    }

    fn doubt(&self, partition: Partition) {
        if let Some(near) = &self.near {
            near.doubted(partition);
        }
    }

    fn known(&self, partition: Partition) -> Option<Arc<Node>> {
        self.map().places.get(usize::from(partition))?.clone()
    }

    fn node(&self, host: &str, port: u16) -> Result<Arc<Node>, StoreError> {
        let mut map = self.map();
        let key = (host.to_owned(), port);
        if let Some(node) = map.nodes.get(&key) {
            return Ok(node.clone());
        }
        let server = self.template.server(host, port).map_err(explain)?;
        let node = Arc::new(Node::new(Dial::To(server)));
        map.nodes.insert(key, node.clone());
        Ok(node)
    }

    async fn node_of(&self, partition: Partition, until: Instant) -> Result<Arc<Node>, StoreError> {
        if let Some(node) = self.known(partition) {
            return Ok(node);
        }
        let _only_one_looks = self.looking.lock().await;
        if let Some(node) = self.known(partition) {
            return Ok(node);
        }
        self.look(until).await?;
        self.known(partition).ok_or_else(|| {
            let what = "no node of the cluster has this slot";
            explain(RedisError::from((ErrorKind::ClusterConnectionNotFound, what)))
        })
    }

    /// Asks the nodes, one after the other, who has what.
    async fn look(&self, until: Instant) -> Result<(), StoreError> {
        let mut others: Vec<(String, u16)> = self.map().nodes.keys().cloned().collect();
        others.extend(self.seeds.iter().cloned());
        let mut last = None;
        let count = others.len() as u32;
        for (host, port) in others {
            let now = Instant::now();
            let share = now + until.saturating_duration_since(now) / count.max(2);
            let slots = Call::plain("CLUSTER").arg("SLOTS");
            let answer = self.node(&host, port)?.ask(&[&slots], 0, false, share).await;
            match answer.map(|mut answers| answers.pop()) {
                Ok(Some(Ok(value))) => match self.learn(&host, value) {
                    Some(()) => return Ok(()),
                    None => last = Some(odd_answer()),
                },
                Ok(Some(Err(error))) => last = Some(explain(error)),
                Ok(None) => last = Some(odd_answer()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(odd_answer))
    }

    /// Takes in an answer to CLUSTER SLOTS; `None` if it has another shape.
    fn learn(&self, asked: &str, value: Value) -> Option<()> {
        let owners: Vec<_> =
            owners(asked, value)?.into_iter().map(|owner| owner.map(Arc::new)).collect();
        let node = |owner: &Option<Server>| match owner {
            Some(owner) => self.node(&owner.0, owner.1).map(Some),
            None => Ok(None),
        };
        let places = owners.iter().map(node).collect::<Result<_, _>>().ok()?;
        let mut map = self.map();
        map.places = places;
        self.tell(owners);
        Some(())
    }
}

/// Who has each partition, by an answer to CLUSTER SLOTS; `None` if it has another shape.
pub(crate) fn owners(asked: &str, value: Value) -> Option<Vec<Option<(String, u16)>>> {
    let Value::Array(ranges) = value else { return None };
    let mut owners = vec![None; PARTITIONS];
    for range in ranges {
        let Value::Array(range) = range else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else {
            return None;
        };
        let [host, Value::Int(port), ..] = &master[..] else { return None };
        let host = match host {
            Value::BulkString(host) if !host.is_empty() => std::str::from_utf8(host).ok()?,
            // A node that does not know its own address.
            _ => asked,
        };
        let port = u16::try_from(*port).ok()?;
        for (partition, owner) in (0..=u8::MAX).zip(&mut owners) {
            if (*first..=*last).contains(&i64::from(slot(partition))) {
                *owner = Some((host.to_owned(), port));
            }
        }
    }
    Some(owners)
}

/// The node that a redirection names.
fn named(error: &RedisError) -> Result<(String, u16), StoreError> {
    let (address, _) = error.redirect_node().ok_or_else(odd_answer)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(odd_answer)?;
    Ok((host.to_owned(), port.parse().map_err(|_| odd_answer())?))
}
