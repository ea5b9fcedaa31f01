//! Who is proven to tell of writes, by partition.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hardtack::session::store::near::{Near, Since};
use hardtack::session::{Locator, Record};
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::key::{PARTITIONS, Partition, of};

/// Host and port of a master; empty where there is one only.
pub(crate) type Server = Arc<(String, u16)>;

/// What is remembered, and until when it may be used.
pub(crate) struct Proofs {
    near: Near,
    /// By partition, in nanoseconds since it began.
    until: Box<[AtomicU64]>,
    places: Mutex<Box<[Place]>>,
    began: Instant,
    trust: Duration,
    connections: AtomicU64,
}

/// A partition.
#[derive(Clone, Default)]
struct Place {
    /// Who has it by the map in force.
    owner: Option<Server>,
    /// The connection that has been proven, and all that is remembered came over it.
    holder: Option<(u64, MultiplexedConnection)>,
}

impl Proofs {
    /// With one owner of everything, or none that is known yet.
    pub(crate) fn new(bytes: usize, trust: Duration, owner: Option<Server>) -> Self {
        let began = Instant::now();
        let near = Near::new(bytes, trust, began.into_std());
        // Whether somebody tells is known here, by partition.
        near.begin();
        let place = Place { owner, holder: None };
        Self {
            near,
            until: (0..PARTITIONS).map(|_| AtomicU64::new(0)).collect(),
            places: Mutex::new(vec![place; PARTITIONS].into()),
            began,
            trust,
            connections: AtomicU64::new(0),
        }
    }

    /// For how long an answer is believed, from its question on.
    pub(crate) fn trust(&self) -> Duration {
        self.trust
    }

    pub(crate) fn find(&self, key: &Locator, now: Instant) -> Option<Record> {
        if self.nanos(now) >= self.until[usize::from(of(key))].load(SeqCst) {
            return None;
        }
        self.near.find(key, now.into_std())
    }

    /// Before a load: the connection that it must go over to be remembered.
    pub(crate) fn before(
        &self,
        key: &Locator,
        now: Instant,
    ) -> Option<(Since, MultiplexedConnection)> {
        let partition = usize::from(of(key));
        if self.nanos(now) >= self.until[partition].load(SeqCst) {
            return None;
        }
        let places = self.places();
        let (_, conn) = places[partition].holder.as_ref()?;
        Some((self.near.before(key)?, conn.clone()))
    }

    pub(crate) fn fill(&self, key: &Locator, since: Since, record: Record) {
        self.near.fill(key, since, record);
    }

    pub(crate) fn forget(&self, key: &Locator) {
        self.near.forget(key);
    }

    pub(crate) fn clear(&self) {
        self.near.clear();
    }

    pub(crate) fn owner(&self, partition: Partition) -> Option<Server> {
        self.places()[usize::from(partition)].owner.clone()
    }

    /// What a server owns by the map in force.
    pub(crate) fn owned(&self, server: &Server) -> Vec<Partition> {
        let places = self.places();
        let owned = |n: &Partition| places[usize::from(*n)].owner.as_ref() == Some(server);
        (0..=u8::MAX).filter(owned).collect()
    }

    /// Who owns a partition from now on.
    pub(crate) fn placed(&self, partition: Partition, owner: Option<Server>) {
        let mut places = self.places();
        let place = &mut places[usize::from(partition)];
        if place.owner != owner {
            self.until[usize::from(partition)].store(0, SeqCst);
            *place = Place { owner, holder: None };
            self.near.clear();
        }
    }

    /// What was remembered is not used before the owner is heard again.
    pub(crate) fn doubted(&self, partition: Partition) {
        let _places = self.places();
        self.until[usize::from(partition)].store(0, SeqCst);
    }

    /// The number of a new connection.
    pub(crate) fn connected(&self) -> u64 {
        self.connections.fetch_add(1, SeqCst)
    }

    /// A question that was sent at `asked` over a connection to `server` has been answered,
    /// after everything that had been written before was told. Each partition may be
    /// used no longer than stands beside it.
    pub(crate) fn proven(
        &self,
        (server, number, conn): (&Server, u64, &MultiplexedConnection),
        asked: Instant,
        partitions: &[(Partition, Instant)],
    ) {
        let mut places = self.places();
        let ours = partitions.iter().filter(|(partition, _)| {
            places[usize::from(*partition)].owner.as_ref() == Some(server)
        });
        let ours: Vec<_> = ours.collect();
        let is_new = |place: &Place| place.holder.as_ref().is_none_or(|held| held.0 != number);
        let new: Vec<_> =
            ours.iter().map(|(n, _)| usize::from(*n)).filter(|n| is_new(&places[*n])).collect();
        if !new.is_empty() {
            // What is there came over another connection, and so will what is on its way.
            new.iter().for_each(|n| self.until[*n].store(0, SeqCst));
            self.near.clear();
            new.iter().for_each(|n| places[*n].holder = Some((number, conn.clone())));
        }
        self.near.proven(asked.into_std());
        for (partition, alive) in ours {
            let until = self.nanos((asked + self.trust).min(*alive));
            self.until[usize::from(*partition)].fetch_max(until, SeqCst);
        }
    }

    /// A connection that proves nothing any more.
    pub(crate) fn lost(&self, number: u64) {
        for (place, until) in self.places().iter_mut().zip(&self.until) {
            if place.holder.as_ref().is_some_and(|held| held.0 == number) {
                place.holder = None;
                until.store(0, SeqCst);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.near.bytes()
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    fn places(&self) -> MutexGuard<'_, Box<[Place]>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
