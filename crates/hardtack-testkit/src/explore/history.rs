//! What the store has confirmed, and what follows from it.

use std::collections::BTreeMap;

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey};
use hardtack::time::UnixTime;

use super::written;

/// What has happened in the store, found out from its answers alone.
#[derive(Default)]
pub(super) struct History {
    /// Whose call is noted.
    pub(super) whose: Option<usize>,
    sessions: BTreeMap<Locator, Known>,
    /// The epochs of users that were raised; `None` for everybody's.
    epochs: BTreeMap<Option<UserKey>, u64>,
    /// By the number of a write: where it was first seen.
    wrote: BTreeMap<usize, Locator>,
    /// The last session that each part signed in.
    logins: BTreeMap<usize, Locator>,
    /// What happened, in words, if anybody wants to know.
    pub(super) story: Option<Vec<String>>,
}

struct Known {
    record: Record,
    ended: Option<Cause>,
    /// What a login put in its place.
    became: Option<Locator>,
}

impl History {
    /// Why a session has ended by `now`.
    pub(super) fn cause(&self, key: &Locator, now: UnixTime) -> Option<Cause> {
        let known = self.sessions.get(key)?;
        known.ended.or((known.record.expires <= now).then_some(Cause::Idle))
    }

    /// Whether the session under `key` was there and has not ended by `now`.
    pub(super) fn is_live(&self, key: &Locator, now: UnixTime) -> bool {
        self.sessions.contains_key(key) && self.cause(key, now).is_none()
    }

    /// The session that was signed in by a part.
    pub(super) fn login_of(&self, part: usize) -> Option<Locator> {
        self.logins.get(&part).copied()
    }

    /// Where a write is now: in the session it was made in, or in the one that
    /// took its place.
    pub(super) fn place_of(&self, write: usize) -> Option<Locator> {
        let mut key = *self.wrote.get(&write)?;
        while let Some(next) = self.sessions.get(&key).and_then(|known| known.became) {
            key = next;
        }
        Some(key)
    }

    /// A session that ended because its secret was thought to be stolen.
    pub(super) fn taken_for_stolen(&self) -> Option<Locator> {
        let mut sessions = self.sessions.iter();
        sessions.find(|(_, known)| known.ended == Some(Cause::Reuse)).map(|(key, _)| *key)
    }

    pub(super) fn tell(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.story.is_some() {
            let line = match self.whose {
                Some(part) => format!("part {part}: {}", what(self)),
                None => format!("before: {}", what(self)),
            };
            self.story.iter_mut().for_each(|story| story.push(line.clone()));
        }
    }

    pub(super) fn loaded(&mut self, key: &Locator, loaded: &Loaded) {
        self.tell(|_| match loaded {
            Loaded::Live(record) => format!("load {key}: live, {:?}", record.version),
            other => format!("load {key}: {other:?}"),
        });
    }

    pub(super) fn told_epochs(&mut self, epochs: Epochs) {
        self.tell(|_| format!("epochs: {epochs:?}"));
    }

    pub(super) fn inserted(&mut self, key: &Locator, record: Record, inserted: Inserted) {
        self.tell(|_| format!("insert {key}, {:?}: {inserted:?}", record.kind));
        if inserted == Inserted::Ok {
            self.create(key, record);
        }
    }

    pub(super) fn replaced(&mut self, key: &Locator, record: Record, replaced: Replaced) {
        self.tell(|_| format!("replace {key} by {:?}: {replaced:?}", record.version));
        if replaced == Replaced::Ok {
            self.note_writes(key, &record);
            if let Some(known) = self.sessions.get_mut(key) {
                let expires = known.record.expires.max(record.expires);
                known.record = Record { expires, ..record };
            }
        }
    }

    pub(super) fn relocated(
        &mut self,
        old: &Locator,
        new: &Locator,
        record: Record,
        relocated: Relocated,
    ) {
        self.tell(|_| format!("relocate {old} to {new}: {relocated:?}"));
        if relocated == Relocated::Ok {
            self.end(old, Cause::Replaced);
            if let Some(known) = self.sessions.get_mut(old) {
                known.became = Some(*new);
            }
            self.create(new, record);
        }
    }

    pub(super) fn touched(&mut self, batch: &[Touch]) {
        self.tell(|_| format!("touch {batch:?}"));
        for touch in batch {
            if let Some(known) = self.sessions.get_mut(&touch.key) {
                known.record.expires = known.record.expires.max(touch.expires);
            }
        }
    }

    pub(super) fn ended(&mut self, key: &Locator, cause: Cause, ended: Ended) {
        self.tell(|_| format!("end {key}, {cause}: {ended:?}"));
        if ended == Ended::Now {
            self.end(key, cause);
        }
    }

    pub(super) fn raised(&mut self, user: Option<&UserKey>, raised: u64) {
        self.tell(|_| format!("raise {user:?}: {raised}"));
        self.epochs.insert(user.cloned(), raised);
        let outdated: Vec<Locator> = self
            .sessions
            .iter()
            .filter(|(_, known)| self.outdated(&known.record))
            .map(|(key, _)| *key)
            .collect();
        outdated.iter().for_each(|key| self.end(key, Cause::Revoked));
    }

    pub(super) fn swept(&mut self, now: UnixTime, swept: &Swept) {
        self.tell(|_| format!("sweep: {swept:?}"));
        for known in self.sessions.values_mut() {
            if known.record.expires <= now {
                known.ended = known.ended.or(Some(Cause::Idle));
            }
        }
    }

    fn create(&mut self, key: &Locator, record: Record) {
        self.note_writes(key, &record);
        if let (Kind::User, Some(part)) = (record.kind, self.whose) {
            self.logins.insert(part, *key);
        }
        let ended = self.outdated(&record).then_some(Cause::Revoked);
        self.sessions.insert(*key, Known { record, ended, became: None });
    }

    fn end(&mut self, key: &Locator, cause: Cause) {
        if let Some(known) = self.sessions.get_mut(key) {
            known.ended = known.ended.or(Some(cause));
        }
    }

    fn outdated(&self, record: &Record) -> bool {
        let of = |user: Option<&UserKey>| self.epochs.get(&user.cloned()).copied().unwrap_or(0);
        let user = record.user.as_ref().map_or(0, |user| of(Some(user)));
        record.epochs.outdated(Epochs { user, global: of(None) })
    }

    fn note_writes(&mut self, key: &Locator, record: &Record) {
        for number in 0..8 {
            let name = written(number);
            if record.data.windows(name.len()).any(|bytes| bytes == name.as_bytes()) {
                self.wrote.entry(number).or_insert(*key);
            }
        }
    }
}
