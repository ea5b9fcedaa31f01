//! A random walk through the verbs, each answer compared with the model's.

use std::num::NonZeroU32;
use std::time::Duration;

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use super::naive::{Naive, State};
use crate::records::{self, spread, user};
use crate::store::fixture::{Fixture, NOW};

pub(super) struct Walk {
    store: Fixture,
    model: Naive,
    users: Vec<UserKey>,
    now: UnixTime,
    seed: u64,
    draws: u64,
    trail: Vec<String>,
}

/// Tells the seed and the last steps where a walk ends in a panic.
impl Drop for Walk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.trail.len().saturating_sub(25);
            eprintln!("HARDTACK_SEED={}, step {}:", self.seed, self.trail.len());
            eprintln!("{}", self.trail[from..].join("\n"));
        }
    }
}

impl Walk {
    pub(super) fn new(store: Fixture, seed: u64) -> Self {
        let users = ["ada", "bob", "eve"].map(user).to_vec();
        let (model, trail) = (Naive::default(), Vec::new());
        Self { store, model, users, now: NOW, seed, draws: 0, trail }
    }

    pub(super) async fn run(mut self, steps: usize) {
        for step in 0..steps {
            self.now = self.now.saturating_add(Duration::from_millis(1 + self.below(5000)));
            match self.below(100) {
                0..20 => self.insert().await,
                20..35 => self.replace().await,
                35..45 => self.relocate().await,
                45..60 => self.touch().await,
                60..72 => self.end().await,
                72..74 => self.raise().await,
                74..78 => self.sweep_and_deliver().await,
                78..80 => self.wait(),
                _ => self.look().await,
            }
            if step % 100 == 99 {
                self.compare_all().await;
            }
        }
        self.compare_all().await;
        self.sweep_and_deliver().await;
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draws += 1;
        spread(self.seed ^ spread(self.draws)) % bound
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn step(&mut self, what: impl FnOnce() -> String) {
        self.trail.push(what());
    }

    fn user(&mut self) -> UserKey {
        let n = self.below(self.users.len() as u64) as usize;
        self.users[n].clone()
    }

    /// Mostly one that is live, sometimes one that has ended, seldom one that never was.
    fn key(&mut self) -> Locator {
        let (live, ended) = (self.model.live.len() as u64, self.model.ended.len() as u64);
        match self.below(10) {
            0..7 if live > 0 => {
                let n = self.below(live) as usize;
                *self.model.live.keys().nth(n).expect("n is below the length")
            }
            7..9 if ended > 0 => {
                let n = self.below(ended) as usize;
                *self.model.ended.keys().nth(n).expect("n is below the length")
            }
            _ => records::locator(None),
        }
    }

    /// Mostly a new one, in the slot of the record's user as a locator must be.
    fn key_for(&mut self, record: &Record) -> Locator {
        let known = self.key();
        let is_known = self.model.knows(&known) && self.model.certain(&known, self.now);
        match self.one_in(8) && is_known {
            true => known,
            false => records::locator(record.user.as_ref()),
        }
    }

    fn record(&mut self) -> Record {
        let owner = self.user();
        let mut record = match self.below(4) {
            0 => records::anonymous(self.now),
            1 => records::remembered(&owner, self.now),
            _ => records::signed_in(&owner, self.now),
        };
        let current = self.model.epochs(record.user.as_ref());
        record.epochs = match self.below(10) {
            0 => Epochs { user: current.user.saturating_sub(1), ..current },
            1 => Epochs { global: current.global.saturating_sub(1), ..current },
            2 => Epochs { user: current.user + record.user.iter().count() as u64, ..current },
            _ => current,
        };
        if self.one_in(6) {
            record.dies = self.now.saturating_add(Duration::from_millis(self.below(60_000)));
        }
        let left = Duration::from_millis(self.below(200_000));
        record.expires = self.now.saturating_add(left).min(record.dies);
        record.data = vec![self.below(256) as u8; self.below(40) as usize].into();
        record
    }

    fn admission(&mut self) -> Admission {
        let most = 1 + self.below(4) as u32;
        let when_full = if self.one_in(2) { WhenFull::Refuse } else { WhenFull::EndOldest };
        let limit = NonZeroU32::new(most).map(|most| SessionLimit::new(most, when_full));
        let limit = limit.filter(|_| self.below(3) > 0);
        Admission::at(self.now).limited(limit)
    }

    async fn insert(&mut self) {
        let (record, admission) = (self.record(), self.admission());
        let key = self.key_for(&record);
        let Some(evicted) = self.model.evicted(&record, admission, None) else { return };
        let refusals = self.model.refusals(&key, &record, admission, None);
        let answer = self.store.insert(&key, record.clone(), admission).await;
        self.step(|| format!("insert {key} {record:?} {admission:?}: {answer:?}"));
        if refusals.is_empty() {
            assert_eq!(answer, Inserted::Ok);
            self.model.insert(key, record, &evicted, self.now);
        } else {
            assert!(refusals.contains(&answer), "one of {refusals:?}");
        }
        self.compare(&[&[key], &evicted[..]].concat()).await;
    }

    async fn replace(&mut self) {
        let key = self.key();
        let seen = self.seen(&key);
        let mut record = self.model.live.get(&key).cloned().unwrap_or_else(|| self.record());
        record.version = seen.next();
        record.data = vec![self.below(256) as u8; self.below(40) as usize].into();
        if self.one_in(2) {
            record.last_seen = self.now;
            let left = Duration::from_millis(self.below(200_000));
            record.expires = self.now.saturating_add(left).min(record.dies);
        } else if self.one_in(4) {
            record.last_seen = record.last_seen.saturating_sub(Duration::from_millis(1));
            record.expires = record.expires.saturating_sub(Duration::from_millis(1));
        }
        let answer = self.store.replace(&key, seen, record.clone()).await;
        self.step(|| format!("replace {key} {seen:?} {record:?}: {answer:?}"));
        match self.model.state(&key, self.now) {
            State::Ended(causes) => {
                assert!(causes.iter().any(|c| answer == Replaced::Gone(*c)), "{causes:?}");
            }
            State::Live(old) if old.version != seen => assert_eq!(answer, Replaced::Conflict),
            State::Live(_) => {
                assert_eq!(answer, Replaced::Ok);
                self.model.replace(&key, record);
            }
        }
        self.compare(&[key]).await;
    }

    /// Mostly the version that is there.
    fn seen(&mut self, key: &Locator) -> Version {
        let there = self.model.version(key);
        match self.below(5) {
            0 => Version::new(there.number() - 1),
            _ => there,
        }
    }

    async fn relocate(&mut self) {
        let (old, record, admission) = (self.key(), self.record(), self.admission());
        let seen = self.seen(&old);
        let new = self.key_for(&record);
        let Some(evicted) = self.model.evicted(&record, admission, Some(&old)) else { return };
        let refusals = self.model.refusals(&new, &record, admission, Some(&old));
        let mut allowed: Vec<Relocated> = refusals
            .into_iter()
            .map(|refusal| match refusal {
                Inserted::Full => Relocated::Full,
                Inserted::Outdated => Relocated::Outdated,
                _ => Relocated::Exists,
            })
            .collect();
        match self.model.state(&old, self.now) {
            State::Ended(causes) => allowed.extend(causes.into_iter().map(Relocated::Gone)),
            State::Live(record) if record.version != seen => allowed.push(Relocated::Conflict),
            State::Live(_) => {}
        }
        let answer = self.store.relocate(&old, seen, &new, record.clone(), admission).await;
        self.step(|| format!("relocate {old} {seen:?} {new} {record:?} {admission:?}: {answer:?}"));
        if allowed.is_empty() {
            assert_eq!(answer, Relocated::Ok);
            self.model.end(&old, Cause::Replaced, self.now);
            self.model.insert(new, record, &evicted, self.now);
        } else {
            assert!(allowed.contains(&answer), "one of {allowed:?}");
        }
        self.compare(&[&[old, new], &evicted[..]].concat()).await;
    }

    async fn touch(&mut self) {
        let how_many = self.below(5);
        let mut batch = Vec::new();
        for _ in 0..how_many {
            let key = self.key();
            let seen = self.now.saturating_sub(Duration::from_millis(self.below(8000)));
            let expires = seen.saturating_add(Duration::from_millis(self.below(300_000)));
            batch.push(Touch::new(key, seen, expires));
        }
        self.step(|| format!("touch {batch:?}"));
        self.store.touch(&batch).await;
        batch.iter().for_each(|touch| self.model.touch(touch));
        let keys: Vec<_> = batch.iter().map(|touch| touch.key).collect();
        self.compare(&keys).await;
    }

    async fn end(&mut self) {
        let key = self.key();
        let cause = Cause::from_code(1 + self.below(10) as u8).expect("there are ten causes");
        let expired = matches!(cause, Cause::Idle | Cause::Lifetime);
        let answer = self.store.end(&key, cause, self.now).await;
        self.step(|| format!("end {key} {cause}: {answer:?}"));
        match self.model.state(&key, self.now) {
            State::Ended(causes) => {
                assert!(causes.iter().any(|c| answer == Ended::Before(*c)), "{causes:?}");
            }
            State::Live(record) if expired && record.expires > self.now => {
                assert_eq!(answer, Ended::NotDue);
            }
            State::Live(_) => {
                assert_eq!(answer, Ended::Now);
                self.model.end(&key, cause, self.now);
            }
        }
        self.compare(&[key]).await;
    }

    async fn raise(&mut self) {
        let owner = (!self.one_in(5)).then(|| self.user());
        let answer = self.store.raise(owner.as_ref(), self.now).await;
        self.step(|| format!("raise {owner:?}: {answer}"));
        assert_eq!(answer, self.model.raise(owner.as_ref(), self.now));
        self.compare_all().await;
    }

    fn wait(&mut self) {
        let by = Duration::from_millis(self.below(100_000));
        self.now = self.now.saturating_add(by);
        self.step(|| format!("wait {by:?}"));
    }

    /// Sweeps whatever is due, and confirms some of the events.
    async fn sweep_and_deliver(&mut self) {
        let before = self.model.known();
        let answer = self.store.sweep_all(self.now).await;
        self.step(|| format!("sweep: {answer:?}"));
        // What was revoked may have got its tombstone before.
        let due = self.model.sweep(self.now);
        assert!(answer.0 <= due, "{due} were due");
        self.compare(&before).await;
        let told = self.store.undelivered(usize::MAX >> 1).await;
        let keys: Vec<Locator> = told.iter().map(|event| event.key).collect();
        assert_eq!(
            keys.iter().copied().collect::<std::collections::BTreeSet<_>>(),
            self.model.undelivered()
        );
        assert_eq!(keys.len(), self.model.undelivered().len(), "none twice");
        for event in &told {
            let want = &self.model.ended[&event.key].event;
            assert_eq!((&event.user, event.kind, event.cause), (&want.user, want.kind, want.cause));
        }
        let keys: Vec<Locator> = keys.into_iter().filter(|_| self.below(3) > 0).collect();
        self.store.delivered(&keys).await;
        self.step(|| format!("delivered {keys:?}"));
        for key in &keys {
            self.model.ended.get_mut(key).expect("it has ended").delivered = true;
        }
        self.compare_all().await;
    }

    async fn look(&mut self) {
        let key = self.key();
        self.compare(&[key]).await;
        let owner = self.user();
        let epochs = self.store.epochs(Some(&owner)).await;
        assert_eq!(epochs, self.model.epochs(Some(&owner)));
        let page = 1 + self.below(6) as usize;
        let listed = self.store.everything(Some(&owner), page).await;
        assert!(listed == self.model.list(Some(&owner)), "the list of {owner:?}: {listed:?}");
    }

    async fn compare(&self, keys: &[Locator]) {
        for key in keys {
            match (self.store.load(key).await, self.model.state(key, self.now)) {
                (Loaded::Live(record), State::Live(want)) if record == *want => {}
                (Loaded::Ended(cause), State::Ended(causes)) if causes.contains(&Some(cause)) => {}
                (Loaded::Unknown, State::Ended(causes)) if causes.contains(&None) => {}
                (loaded, State::Live(want)) => panic!("{key}: {loaded:?}, but {want:?}"),
                (loaded, State::Ended(causes)) => panic!("{key}: {loaded:?}, but {causes:?}"),
            }
        }
    }

    async fn compare_all(&self) {
        self.compare(&self.model.known()).await;
        let listed = self.store.everything(None, 17).await;
        assert!(listed == self.model.list(None), "the list of everybody: {listed:?}");
        let mut census = self.store.census().await;
        census.by_key.sort_unstable();
        assert_eq!(census, self.model.census());
        assert_eq!(
            census.by_kind[Kind::Anonymous.index()] > 0,
            !listed.iter().all(|(_, r)| r.user.is_some())
        );
    }
}
