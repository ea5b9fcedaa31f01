//! The record by which nodes and driver agree.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::super::{
    Admission, Census, Inserted, Loaded, Replaced, Store, StoreError, StoreErrorKind,
};
use crate::seal::KeyId;
use crate::session::id::Locator;
use crate::session::record::{Epochs, Kind, Record, Version};
use crate::time::UnixTime;

/// How long writes wait at most for a switch.
pub const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Which store decides, and whether the other one is kept up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// The first store alone.
    #[default]
    From,
    /// The first; writes go to the second, too.
    Copy,
    /// As `Copy`, and writes wait for the switch to `To`.
    CutOver,
    /// The second; writes go to the first, too.
    To,
    /// As `To`, and writes wait for the switch to `From`.
    RollBack,
    /// The second store alone, for good.
    Done,
}

impl Phase {
    /// Whether the second store decides.
    pub fn is_moved(self) -> bool {
        matches!(self, Phase::To | Phase::RollBack | Phase::Done)
    }

    /// Whether writes go to both stores.
    pub fn is_dual(self) -> bool {
        !matches!(self, Phase::From | Phase::Done)
    }

    /// The phase that a pause goes back to; `None` if this is none.
    pub fn paused_from(self) -> Option<Phase> {
        match self {
            Phase::CutOver => Some(Phase::Copy),
            Phase::RollBack => Some(Phase::To),
            _ => None,
        }
    }
}

/// What a migration has come to. Kept in the first store, in a record that no session id names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Control {
    /// The phase now.
    pub phase: Phase,
    /// Grows with each change of the phase.
    pub generation: u64,
    /// Whether the second store has had copies in it.
    pub begun: bool,
    /// The driver that is at work, and its heartbeat.
    pub driver: Option<(String, u64)>,
    /// Up to where the first copy has come.
    pub cursor: Option<String>,
    /// Who serves, by a name that is new with each start.
    pub nodes: BTreeMap<String, Node>,
}

/// A node, as it tells about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Node {
    /// Grows with each heartbeat.
    pub beat: u64,
    /// The generation that it has seen; no write of an older one is under way there.
    pub seen: u64,
    /// How many writes may not have reached both stores.
    pub failures: u64,
}

impl Control {
    /// Where it is: not a session, and hidden by a [`MovingStore`](super::MovingStore).
    pub const KEY: Locator = Locator::from_bytes(*b"hardtack migration");

    /// Enters another phase.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }

    /// What the first store has, and in which version; nothing if no migration was ever prepared.
    ///
    /// # Errors
    /// The store failed, or the record was ended or is not one.
    pub async fn read(store: &dyn Store) -> Result<(Option<Version>, Self), StoreError> {
        let broken = |what: &str| StoreError::new(StoreErrorKind::Corrupt, what);
        match store.load(&Self::KEY).await? {
            Loaded::Unknown => Ok((None, Self::default())),
            Loaded::Live(record) => match serde_json::from_slice(&record.data) {
                Ok(control) => Ok((Some(record.version), control)),
                Err(error) => Err(broken(
                    "the record of the migration cannot be read; use the version that wrote it",
                )
                .caused_by(error)),
            },
            Loaded::Ended(_) => Err(broken(
                "the record of the migration was ended by somebody; restart all nodes on the \
                 store that decided, and begin again when its tombstone is gone",
            )),
        }
    }

    /// Puts this in place of the version that was read. `false`: somebody was faster.
    ///
    /// # Errors
    /// The store failed; whether it is there is unknown.
    pub async fn write(
        &self,
        store: &dyn Store,
        seen: Option<Version>,
    ) -> Result<bool, StoreError> {
        let record = self.record(seen.map_or(Version::FIRST, Version::next));
        Ok(match seen {
            Some(seen) => store.replace(&Self::KEY, seen, record).await? == Replaced::Ok,
            None => {
                let admission = Admission::at(UnixTime::default());
                store.insert(&Self::KEY, record, admission).await? == Inserted::Ok
            }
        })
    }

    /// Nobody's, never due, and not ended by ending everybody's.
    fn record(&self, version: Version) -> Record {
        Record {
            version,
            kind: Kind::Anonymous,
            key: Self::ISSUER,
            user: None,
            epochs: Epochs { user: 0, global: u64::from(u32::MAX) },
            created: UnixTime::default(),
            last_seen: UnixTime::default(),
            expires: UnixTime::MAX,
            dies: UnixTime::MAX,
            device: Some("hardtack migrate".into()),
            data: Bytes::from(serde_json::to_vec(self).unwrap_or_default()),
        }
    }

    /// Takes the record out of what a store has counted, if it is in it.
    pub fn leave_out(census: &mut Census) {
        let mut issuers = census.by_key.iter_mut();
        if let Some((_, count)) = issuers.find(|(key, _)| *key == Self::ISSUER) {
            *count -= 1;
            census.by_kind[Kind::Anonymous.index()] -= 1;
            census.by_key.retain(|(_, count)| *count > 0);
        }
    }

    /// The key that no id was issued under.
    const ISSUER: KeyId = KeyId::from_bytes([0; 4]);
}
