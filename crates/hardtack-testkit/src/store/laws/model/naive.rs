//! The contract of a store written down as naively as can be: no locks, no
//! indexes, whole scans. Where the contract leaves a choice, a question to the
//! model is answered with all that is allowed.

use std::collections::{BTreeMap, BTreeSet};

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

#[derive(Default)]
pub(super) struct Naive {
    pub(super) live: BTreeMap<Locator, Record>,
    pub(super) ended: BTreeMap<Locator, Tombstone>,
    /// When what is live here was ended by an epoch; found by the next sweep.
    revoked: BTreeMap<Locator, UnixTime>,
    users: BTreeMap<UserKey, u64>,
    global: u64,
}

pub(super) struct Tombstone {
    pub(super) event: EndEvent,
    /// Since when it has been over, at the earliest: a session ends when its
    /// epoch is raised, and gets its tombstone between then and the next sweep.
    since: UnixTime,
    pub(super) delivered: bool,
    forgotten: bool,
}

impl Tombstone {
    fn over(&self, since: UnixTime, now: UnixTime) -> bool {
        self.delivered && now >= since.saturating_add(TOMBSTONE_KEPT)
    }
}

/// What is known of a locator.
pub(super) enum State<'a> {
    Live(&'a Record),
    /// The causes that may be answered; `None` for one that may be forgotten.
    Ended(Vec<Option<Cause>>),
}

impl Naive {
    pub(super) fn epochs(&self, user: Option<&UserKey>) -> Epochs {
        let user = user.and_then(|user| self.users.get(user)).copied().unwrap_or(0);
        Epochs { user, global: self.global }
    }

    fn outdated(&self, record: &Record) -> bool {
        record.epochs.outdated(self.epochs(record.user.as_ref()))
    }

    pub(super) fn state(&self, key: &Locator, now: UnixTime) -> State<'_> {
        if let Some(record) = self.live.get(key) {
            return match self.outdated(record) {
                true => State::Ended(vec![Some(Cause::Revoked)]),
                false => State::Live(record),
            };
        }
        State::Ended(match self.ended.get(key) {
            Some(stone) if !stone.forgotten => {
                let cause = Some(stone.event.cause);
                if stone.over(stone.since, now) { vec![cause, None] } else { vec![cause] }
            }
            _ => vec![None],
        })
    }

    /// Everything that is known, and not forgotten.
    pub(super) fn known(&self) -> Vec<Locator> {
        let ended = self.ended.iter().filter(|(_, stone)| !stone.forgotten).map(|(key, _)| key);
        self.live.keys().chain(ended).copied().collect()
    }

    /// Whether a locator was ever created.
    pub(super) fn knows(&self, key: &Locator) -> bool {
        self.live.contains_key(key) || self.ended.contains_key(key)
    }

    /// Whether the contract says for sure what `key` is. It does not for a
    /// tombstone whose time has come.
    pub(super) fn certain(&self, key: &Locator, now: UnixTime) -> bool {
        let forgotten = self.ended.get(key).is_some_and(|stone| stone.forgotten);
        !forgotten && !matches!(self.state(key, now), State::Ended(causes) if causes.len() > 1)
    }

    /// What must not be created here, and why; empty if it may. Any of them is
    /// a true answer.
    pub(super) fn refusals(
        &self,
        key: &Locator,
        record: &Record,
        admission: Admission,
        old: Option<&Locator>,
    ) -> Vec<Inserted> {
        let mut refusals = Vec::new();
        if !matches!(self.state(key, admission.now), State::Ended(causes) if causes == [None]) {
            refusals.push(Inserted::Exists);
        }
        if self.outdated(record) {
            refusals.push(Inserted::Outdated);
        }
        let refuse = admission.limit.is_some_and(|l| l.when_full == WhenFull::Refuse);
        if refuse && self.too_many(record, admission, old) > 0 {
            refusals.push(Inserted::Full);
        }
        refusals
    }

    /// How many sessions must make room for `record`.
    fn too_many(&self, record: &Record, admission: Admission, old: Option<&Locator>) -> usize {
        let Some(limit) = admission.limit.filter(|_| record.kind == Kind::User) else { return 0 };
        let counted = self.counted(record, admission.now, old).len();
        (counted + 1).saturating_sub(limit.most.get() as usize)
    }

    fn counted(
        &self,
        new: &Record,
        now: UnixTime,
        old: Option<&Locator>,
    ) -> Vec<(UnixTime, Locator)> {
        let sessions = self.live.iter().filter(|(key, record)| {
            record.kind == Kind::User
                && record.user == new.user
                && record.expires > now
                && !self.outdated(record)
                && Some(*key) != old
        });
        let mut counted: Vec<_> = sessions.map(|(key, r)| (r.last_seen, *key)).collect();
        counted.sort_unstable();
        counted
    }

    /// Whom an admitted record drives out. `None` where several were seen at
    /// the same time, and the contract does not say which of them goes.
    pub(super) fn evicted(
        &self,
        record: &Record,
        admission: Admission,
        old: Option<&Locator>,
    ) -> Option<Vec<Locator>> {
        let many = self.too_many(record, admission, old);
        let counted = self.counted(record, admission.now, old);
        let tie = many > 0 && counted.get(many).is_some_and(|next| next.0 == counted[many - 1].0);
        (!tie).then(|| counted.into_iter().take(many).map(|(_, key)| key).collect())
    }

    pub(super) fn insert(
        &mut self,
        key: Locator,
        record: Record,
        evicted: &[Locator],
        now: UnixTime,
    ) {
        for oldest in evicted {
            self.end(oldest, Cause::Evicted, now);
        }
        self.live.insert(key, record);
    }

    pub(super) fn replace(&mut self, key: &Locator, mut record: Record) {
        let old = &self.live[key];
        if old.last_seen > record.last_seen {
            (record.last_seen, record.expires) = (old.last_seen, old.expires);
        }
        self.live.insert(*key, record);
    }

    pub(super) fn touch(&mut self, touch: &Touch) {
        if let Some(record) = self.live.get_mut(&touch.key) {
            record.last_seen = record.last_seen.max(touch.last_seen);
            record.expires = record.expires.max(touch.expires).min(record.dies);
        }
    }

    pub(super) fn end(&mut self, key: &Locator, cause: Cause, at: UnixTime) {
        if let Some(record) = self.live.remove(key) {
            let event = EndEvent::new(*key, record.user, record.kind, cause, at);
            let since = self.revoked.remove(key).unwrap_or(at);
            let stone = Tombstone { event, since, delivered: false, forgotten: false };
            self.ended.insert(*key, stone);
        }
    }

    pub(super) fn raise(&mut self, user: Option<&UserKey>, at: UnixTime) -> u64 {
        let epoch = match user {
            Some(user) => self.users.entry(user.clone()).or_default(),
            None => &mut self.global,
        };
        *epoch += 1;
        let raised = *epoch;
        for (key, record) in &self.live {
            if self.outdated(record) {
                self.revoked.entry(*key).or_insert(at);
            }
        }
        raised
    }

    /// Ends all that is due, and forgets what must be forgotten; answers how
    /// many ended.
    pub(super) fn sweep(&mut self, now: UnixTime) -> usize {
        let due: Vec<_> = self
            .live
            .iter()
            .filter_map(|(key, record)| match record {
                r if self.outdated(r) => Some((*key, Cause::Revoked)),
                r if r.expires > now => None,
                r if r.expires == r.dies => Some((*key, Cause::Lifetime)),
                _ => Some((*key, Cause::Idle)),
            })
            .collect();
        for (key, cause) in &due {
            self.end(key, *cause, now);
        }
        for stone in self.ended.values_mut() {
            stone.forgotten |= stone.over(stone.event.at, now);
        }
        due.len()
    }

    pub(super) fn list(&self, user: Option<&UserKey>) -> Vec<(Locator, Record)> {
        let live = self.live.iter().filter(|(_, record)| {
            !self.outdated(record) && (user.is_none() || record.user.as_ref() == user)
        });
        live.map(|(key, r)| (*key, Record { data: Default::default(), ..r.clone() })).collect()
    }

    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        for record in self.live.values().filter(|record| !self.outdated(record)) {
            census.count(record.kind, record.key);
        }
        census.by_key.sort_unstable();
        census
    }

    /// What nobody has confirmed to have delivered, but for the outdated that
    /// have not been swept.
    pub(super) fn undelivered(&self) -> BTreeSet<Locator> {
        let stones = self.ended.iter().filter(|(_, stone)| !stone.delivered);
        stones.map(|(key, _)| *key).collect()
    }

    pub(super) fn version(&self, key: &Locator) -> Version {
        self.live.get(key).map_or(Version::FIRST, |record| record.version)
    }
}
