//! What is not asked for by a request: lists, counts, the sweep, the events.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hardtack::session::store::{Census, EndEvent, StoreError, Swept, TOMBSTONE_KEPT};
use hardtack::session::{Epochs, Locator, Record, UserKey};
use hardtack::time::UnixTime;
use tokio::time::Instant;

use crate::error::odd_answer;
use crate::key::{self, Index, Name, PARTITIONS, PARTS, Partition};
use crate::link::Level;
use crate::record::{Stored, decode};
use crate::script::{self, Call};
use crate::store::{BATCH, Inner, big_endian, left_over};
use crate::value;
use crate::wire::Value;

/// How many partitions are asked at once.
const WAVE: usize = 32;

/// The most bytes of a record before its data.
const HEAD: usize = 73 + UserKey::MAX + Record::DEVICE_MAX;

impl Inner {
    pub(crate) async fn list(
        &self,
        user: Option<&UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Result<Vec<(Locator, Record)>, StoreError> {
        let mut found = Vec::new();
        if let Some(user) = user {
            let partition = key::of_user(user);
            let users = self.keys.part(partition, Index::Users, user.slot()[1] >> 5);
            let call = Call::script(&script::MEMBERS, &[users]).arg(user.slot());
            let answer = self.link.call(partition, &call, Level::Plain, self.link.until()).await?;
            let members = value::locators(answer)?;
            self.page(partition, members, Some(user), after, limit, &mut found).await?;
            return Ok(found);
        }
        let mut from = usize::from(after.map_or(0, |after| key::of(&after)));
        while from < PARTITIONS && found.len() < limit {
            let wave = wave(from);
            from += wave.len();
            for (partition, all) in self.everybody(wave).await? {
                self.page(partition, all, None, after, limit, &mut found).await?;
            }
        }
        Ok(found)
    }

    /// The locators of all that are live in some partitions.
    async fn everybody(
        &self,
        partitions: Vec<Partition>,
    ) -> Result<Vec<(Partition, Vec<Locator>)>, StoreError> {
        let calls = partitions.iter().flat_map(|partition| {
            let live = self.live(*partition);
            live.map(|part| (*partition, Call::plain("ZRANGE").arg(part).arg("0").arg("-1")))
        });
        let answers = self.link.send(calls.collect(), Level::Plain, self.link.until()).await?;
        let mut answers = answers.into_iter();
        let mut all = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let mut keys = Vec::new();
            for part in answers.by_ref().take(2 * usize::from(PARTS)) {
                keys.append(&mut value::locators(part)?);
            }
            all.push((partition, keys));
        }
        Ok(all)
    }

    /// Where the live sessions of a partition are: those without a user first.
    fn live(&self, partition: Partition) -> impl Iterator<Item = Name> {
        let parts = |index| (0..PARTS).map(move |part| self.keys.part(partition, index, part));
        parts(Index::Due).chain(parts(Index::Users))
    }

    /// Adds those of `keys` that are live and wanted to a page.
    async fn page(
        &self,
        partition: Partition,
        mut keys: Vec<Locator>,
        user: Option<&UserKey>,
        after: Option<Locator>,
        limit: usize,
        found: &mut Vec<(Locator, Record)>,
    ) -> Result<(), StoreError> {
        keys.retain(|key| after.is_none_or(|after| *key > after));
        keys.sort_unstable();
        let mut rest = &keys[..];
        while !rest.is_empty() && found.len() < limit {
            let (part, later) = rest.split_at(rest.len().min(BATCH).min(limit - found.len()));
            rest = later;
            for (key, record) in self.heads(partition, part).await? {
                if user.is_none() || record.user.as_ref() == user {
                    found.push((key, record));
                }
            }
        }
        Ok(())
    }

    /// Those of some records that are live, without their data.
    async fn heads(
        &self,
        partition: Partition,
        keys: &[Locator],
    ) -> Result<Vec<(Locator, Record)>, StoreError> {
        let mut names = vec![self.keys.index(partition, Index::Global)];
        names.extend(keys.iter().map(|key| self.keys.record(key)));
        let call = Call::script(&script::HEADS, &names).arg(HEAD.to_string());
        let answer = self.link.call(partition, &call, Level::Plain, self.link.until()).await?;
        let mut heads = value::list(answer)?.into_iter();
        let global = value::number(&heads.next().ok_or_else(odd_answer)?)?;
        let mut live = Vec::new();
        for (key, head) in keys.iter().zip(heads) {
            let Some(bytes) = value::bytes(head)? else { continue };
            // One that cannot be read does not hide the others.
            if let Some(Stored::Live { mut record, user_now, .. }) = decode(key, bytes)
                && !record.epochs.outdated(Epochs { user: user_now, global })
            {
                record.data = Default::default();
                live.push((*key, record));
            }
        }
        Ok(live)
    }

    /// Each of its steps keeps the deadline, so the whole takes as long as it takes.
    pub(crate) async fn census(&self) -> Result<Census, StoreError> {
        let (mut census, mut from) = (Census::default(), 0);
        while from < PARTITIONS {
            let wave = wave(from);
            from += wave.len();
            for (partition, all) in self.everybody(wave).await? {
                for part in all.chunks(BATCH) {
                    for (_, record) in self.heads(partition, part).await? {
                        census.count(record.kind, record.key);
                    }
                }
            }
        }
        Ok(census)
    }

    /// Goes on where the last one stopped, and stops at half of the deadline. One that does
    /// not stop has been everywhere by itself, whoever else sweeps.
    pub(crate) async fn sweep(&self, now: UnixTime, limit: usize) -> Result<Swept, StoreError> {
        let until = self.until_end();
        let half = Instant::now() + until.saturating_duration_since(Instant::now()) / 2;
        let (partition, counter) = self.keys.counter();
        let call = Call::plain("GET").arg(&counter);
        let drawn = self.link.call(partition, &call, Level::Plain, until).await?;
        let drawn = value::number(&drawn)?;
        let (mut swept, mut highest, mut lag) = (Swept::default(), drawn, Duration::ZERO);
        let first = self.sweep_from.load(Relaxed);
        for n in 0..PARTITIONS / WAVE {
            let from = (first + n * WAVE) % PARTITIONS;
            self.sweep_from.store((from + WAVE) % PARTITIONS, Relaxed);
            let share = limit.saturating_sub(swept.ended).div_ceil(WAVE).clamp(1, BATCH);
            let wave = self.sweep_wave(wave(from), now, share, drawn, until).await?;
            swept.ended += wave.swept.ended;
            swept.forgotten += wave.swept.forgotten;
            swept.more |= wave.swept.more;
            highest = highest.max(wave.highest);
            lag = lag.max(wave.lag);
            if swept.ended >= limit || Instant::now() >= half {
                swept.more = true;
                break;
            }
        }
        if highest > drawn {
            // A failover lost the counter's last step: the next raise must be above.
            let keys = [counter, self.keys.index(partition, Index::Lag)];
            let call = Call::script(&script::SPREAD, &keys).arg(highest.to_string());
            self.link.call(partition, &call, Level::Lasting, until).await?;
        }
        self.hold(lag).await;
        Ok(swept)
    }

    async fn sweep_wave(
        &self,
        partitions: Vec<Partition>,
        now: UnixTime,
        share: usize,
        drawn: u64,
        until: Instant,
    ) -> Result<Wave, StoreError> {
        let looks = partitions.iter().map(|partition| {
            let indexes = [Index::Global, Index::Swept, Index::Told];
            let indexes = indexes.into_iter().map(|index| self.keys.index(*partition, index));
            let keys: Vec<_> = indexes.chain(self.live(*partition)).collect();
            let call = Call::script(&script::DUE, &keys)
                .arg(now.as_millis().to_string())
                .arg(share.to_string())
                .arg(drawn.to_string());
            (*partition, call)
        });
        let answers = self.link.send(looks.collect(), Level::Plain, until).await?;
        let (mut wave, mut ends, mut forgets) = (Wave::default(), Vec::new(), Vec::new());
        for (partition, answer) in partitions.into_iter().zip(answers) {
            let Ok([global, due, users, told]) = <[Value; 4]>::try_from(value::list(answer)?)
            else {
                return Err(odd_answer());
            };
            wave.highest = wave.highest.max(value::number(&global)?);
            let told = value::locators(told)?;
            wave.swept.more |= told.len() >= share;
            let records = |keys: &[Locator]| -> Vec<_> {
                keys.iter().map(|key| self.keys.record(key)).collect()
            };
            for (index, due, has_user) in [(Index::Due, due, "0"), (Index::Users, users, "1")] {
                let due = value::locators(due)?;
                wave.swept.more |= due.len() >= share;
                if !due.is_empty() {
                    let mut keys = [Index::Global, Index::Ends, Index::Lag]
                        .map(|i| self.keys.index(partition, i))
                        .to_vec();
                    keys.extend((0..PARTS).map(|part| self.keys.part(partition, index, part)));
                    keys.append(&mut records(&due));
                    let call = Call::script(&script::SWEEP, &keys)
                        .arg(big_endian(now))
                        .arg(has_user)
                        .args(due.iter().map(Locator::as_bytes));
                    ends.push((partition, call));
                }
            }
            if !told.is_empty() {
                let mut keys = vec![self.keys.index(partition, Index::Told)];
                keys.append(&mut records(&told));
                let call =
                    Call::script(&script::FORGET, &keys).args(told.iter().map(Locator::as_bytes));
                forgets.push((partition, call));
            }
        }
        for answer in self.link.send(ends, Level::Plain, until).await? {
            let (answer, lag) = value::held(answer);
            wave.lag = wave.lag.max(lag);
            let Ok([ended, moving]) = <[Value; 2]>::try_from(value::list(answer)?) else {
                return Err(odd_answer());
            };
            wave.swept.ended += value::number(&ended)? as usize;
            for key in value::locators(moving)? {
                self.settle(&key, until).await?;
            }
        }
        for answer in self.link.send(forgets, Level::Plain, until).await? {
            wave.swept.forgotten += value::number(&answer)? as usize;
        }
        Ok(wave)
    }

    pub(crate) async fn undelivered(&self, limit: usize) -> Result<Vec<EndEvent>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let until = self.link.until();
        let last = i64::try_from(limit - 1).unwrap_or(i64::MAX).to_string();
        let calls = (0..=u8::MAX).map(|partition| {
            let ends = self.keys.index(partition, Index::Ends);
            let call = Call::plain("ZRANGE").arg(ends).arg("0").arg(&last).arg("WITHSCORES");
            (partition, call)
        });
        let mut oldest: Vec<(f64, Locator)> = Vec::new();
        for answer in self.link.send(calls.collect(), Level::Plain, until).await? {
            for pair in value::list(answer)?.chunks(2) {
                let [key, Value::BulkString(at)] = pair else { return Err(odd_answer()) };
                let at = std::str::from_utf8(at).ok().and_then(|at| at.parse().ok());
                oldest.push((at.ok_or_else(odd_answer)?, value::locator(key)?));
            }
        }
        oldest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        oldest.truncate(limit);
        let calls = oldest.iter().map(|(_, key)| {
            let call = Call::plain("GET").arg(self.keys.record(key));
            (key::of(key), call)
        });
        let stones = self.link.send(calls.collect(), Level::Plain, until).await?;
        let mut events = Vec::with_capacity(oldest.len());
        let mut nothing = Vec::new();
        for ((_, key), stone) in oldest.iter().zip(stones) {
            match value::bytes(stone)?.and_then(|bytes| decode(key, bytes)) {
                Some(Stored::Ended { event }) => events.push(event),
                // Redis has lost it; without this it would stand in the way for ever.
                _ => nothing.push(*key),
            }
        }
        self.delivered(&nothing).await?;
        Ok(events)
    }

    pub(crate) async fn delivered(&self, ended: &[Locator]) -> Result<(), StoreError> {
        let mut by_partition: Vec<Vec<Locator>> = vec![Vec::new(); PARTITIONS];
        for key in ended {
            by_partition[usize::from(key::of(key))].push(*key);
        }
        let mut calls = Vec::new();
        for (partition, keys) in (0..=u8::MAX).zip(by_partition) {
            for part in keys.chunks(BATCH) {
                let indexes = [Index::Ends, Index::Told].map(|i| self.keys.index(partition, i));
                let records = part.iter().map(|key| self.keys.record(key));
                let names: Vec<_> = indexes.into_iter().chain(records).collect();
                let call = Call::script(&script::DELIVER, &names)
                    .arg(TOMBSTONE_KEPT.as_millis().to_string())
                    .arg(left_over())
                    .args(part.iter().map(Locator::as_bytes));
                calls.push((partition, call));
            }
        }
        self.link.send(calls, Level::Plain, self.link.until()).await.map(drop)
    }
}

#[derive(Default)]
struct Wave {
    swept: Swept,
    /// The highest global epoch that was seen.
    highest: u64,
    /// How long the ends are to be held back.
    lag: Duration,
}

/// The partitions from `from` on that are asked together.
fn wave(from: usize) -> Vec<Partition> {
    (from..PARTITIONS).take(WAVE).filter_map(|n| Partition::try_from(n).ok()).collect()
}
