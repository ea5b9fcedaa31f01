//! The verbs.

use deadpool_postgres::tokio_postgres::Row;
use deadpool_postgres::tokio_postgres::types::ToSql;
use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use super::batch::{End, Insert, Lag, Load, Made, Replace};
use super::link::Call;
use super::row::{cause, get, locator, record};
use super::{PostgresStore, near, sql};
use crate::Durability;
use crate::columns::{self, count, millis};
use crate::shared::{LOOKS, Restless, State, inserted, merged};

/// A record as the parameters `$2` to `$13`.
struct Row12<'a> {
    version: i64,
    kind: i16,
    issuer: &'a [u8],
    user: Option<&'a [u8]>,
    user_epoch: i64,
    global_epoch: i64,
    created: i64,
    seen: i64,
    expires: i64,
    dies: i64,
    device: Option<&'a [u8]>,
    data: &'a [u8],
}

impl<'a> Row12<'a> {
    fn new(record: &'a Record) -> Self {
        Self {
            version: count(record.version.number()),
            kind: record.kind.code().into(),
            issuer: record.key.as_bytes(),
            user: record.user.as_ref().map(UserKey::as_bytes),
            user_epoch: count(record.epochs.user),
            global_epoch: count(record.epochs.global),
            created: millis(record.created),
            seen: millis(record.last_seen),
            expires: millis(record.expires),
            dies: millis(record.dies),
            device: record.device.as_ref().map(|device| device.as_bytes()),
            data: &record.data,
        }
    }

    /// After the locator, and before what a verb needs beside them.
    fn with<'p>(
        &'p self,
        id: &'p &[u8],
        more: &[&'p (dyn ToSql + Sync)],
    ) -> Vec<&'p (dyn ToSql + Sync)> {
        let own: [&(dyn ToSql + Sync); 13] = [
            id,
            &self.version,
            &self.kind,
            &self.issuer,
            &self.user,
            &self.user_epoch,
            &self.global_epoch,
            &self.created,
            &self.seen,
            &self.expires,
            &self.dies,
            &self.device,
            &self.data,
        ];
        own.into_iter().chain(more.iter().copied()).collect()
    }
}

impl PostgresStore {
    /// How a session is, and for how long an answer that it has ended is to be held back.
    async fn state(&self, call: &mut Call<'_>, key: &Locator) -> Result<(State, Lag), StoreError> {
        let link = &*self.link;
        let rows = call.query(sql::STATE, &[&&key.as_bytes()[..]]).await?;
        let Some(row) = rows.first() else { return Ok((State::Unknown, None)) };
        let state = match cause(link, row, 1)? {
            Some(cause) => State::Ended(cause),
            None if get(link, row, 2)? => State::Ended(Cause::Revoked),
            None => State::Live { version: get(link, row, 0)?, expires: get(link, row, 3)? },
        };
        Ok((state, get(link, row, 4)?))
    }

    /// So that who has written does not read what was there before.
    fn forget(&self, key: &Locator) {
        if let Some(near) = &self.near {
            near.forget(key);
        }
    }

    fn restless(&self) -> StoreError {
        let what = format!("session store {}: {Restless}", self.link.place());
        StoreError::new(StoreErrorKind::Unavailable, what)
    }

    /// Makes a session, in place of `old` if one is named.
    async fn create(
        &self,
        key: &Locator,
        record: &Record,
        admission: Admission,
        old: Option<(&Locator, Version)>,
    ) -> Result<Relocated, StoreError> {
        let (link, mut call) = (&*self.link, self.link.call_that_ends());
        let columns = Row12::new(record);
        let limit = limit(record, admission);
        let id = &key.as_bytes()[..];
        let old_id = old.map(|(old, _)| &old.as_bytes()[..]);
        let seen = old.map(|(_, seen)| count(seen.number()));
        let most = limit.map(|limit| i64::from(limit.most.get()));
        let evicts = limit.is_none_or(|limit| limit.when_full == WhenFull::EndOldest);
        let now = millis(admission.now);
        let params = columns.with(&id, &[&old_id, &seen, &most, &evicts, &now]);
        for _ in 0..LOOKS {
            let rows = match (limit, columns.user) {
                (Some(_), Some(user)) => call.query_alone(user, sql::CREATE, &params).await?,
                _ => call.query(sql::CREATE, &params).await?,
            };
            let row = rows.first().ok_or_else(|| link.bug("a login gives no answer"))?;
            let (made, found): (bool, bool) = (get(link, row, 0)?, get(link, row, 1)?);
            if made {
                link.hold(get(link, row, 4)?).await;
                return Ok(Relocated::Ok);
            }
            if found {
                let (late, known): (bool, bool) = (get(link, row, 2)?, get(link, row, 3)?);
                return Ok(match (late, known, limit) {
                    (true, ..) => Relocated::Outdated,
                    (_, false, Some(limit)) if limit.when_full == WhenFull::Refuse => {
                        Relocated::Full
                    }
                    // Also where it was made since the statement began.
                    _ => Relocated::Exists,
                });
            }
            let Some((old, seen)) = old else {
                return Err(link.bug("an insert looks for another"));
            };
            match self.state(&mut call, old).await? {
                (State::Live { version, .. }, _) if version == count(seen.number()) => {}
                (State::Live { .. }, _) => return Ok(Relocated::Conflict),
                (gone, lag) => {
                    link.hold(lag).await;
                    return Ok(Relocated::Gone(gone.cause()));
                }
            }
        }
        Err(self.restless())
    }

    async fn insert_now(
        &self,
        key: &Locator,
        record: Record,
        admission: Admission,
    ) -> Result<Inserted, StoreError> {
        if limit(&record, admission).is_some() {
            return self.create(key, &record, admission, None).await.map(inserted);
        }
        let insert = Insert { key: *key, record };
        Ok(match self.together.inserts.ask(insert, self.link.until()).await? {
            Made::Ok => Inserted::Ok,
            Made::Outdated => Inserted::Outdated,
            Made::Exists => Inserted::Exists,
        })
    }

    async fn replace_now(
        &self,
        key: &Locator,
        seen: Version,
        record: Record,
    ) -> Result<Replaced, StoreError> {
        let mut call = self.link.call();
        for _ in 0..LOOKS {
            let replace = Replace { key: *key, seen, record: record.clone() };
            if self.together.replaces.ask(replace, call.until).await? {
                return Ok(Replaced::Ok);
            }
            match self.state(&mut call, key).await?.0 {
                // It came to be in between.
                State::Live { version, .. } if version == count(seen.number()) => {}
                State::Live { .. } => return Ok(Replaced::Conflict),
                gone => return Ok(Replaced::Gone(gone.cause())),
            }
        }
        Err(self.restless())
    }

    async fn end_now(
        &self,
        key: &Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Result<Ended, StoreError> {
        let (link, mut call) = (&*self.link, self.link.call_that_ends());
        let only_due = matches!(cause, Cause::Idle | Cause::Lifetime);
        let (id, code, now) = (&key.as_bytes()[..], i16::from(cause.code()), millis(at));
        for _ in 0..LOOKS {
            let done = match only_due {
                true => {
                    let rows = call.query(sql::END_IF_DUE, &[&id, &code, &now]).await?;
                    rows.first().map(|row| get(link, row, 1)).transpose()?
                }
                false => self.together.ends.ask(End { key: *key, cause, at }, call.until).await?,
            };
            if let Some(lag) = done {
                link.hold(lag).await;
                return Ok(Ended::Now);
            }
            match self.state(&mut call, key).await? {
                (State::Live { expires, .. }, _) if only_due && expires > now => {
                    return Ok(Ended::NotDue);
                }
                (State::Live { .. }, _) => {}
                (gone, lag) => {
                    link.hold(lag).await;
                    return Ok(Ended::Before(gone.cause()));
                }
            }
        }
        Err(self.restless())
    }

    async fn touch_now(&self, batch: &[Touch]) -> Result<(), StoreError> {
        let batch = merged(batch);
        if batch.is_empty() {
            return Ok(());
        }
        let ids: Vec<&[u8]> = batch.keys().map(|key| &key.as_bytes()[..]).collect();
        let seen: Vec<i64> = batch.values().map(|times| millis(times.0)).collect();
        let expires: Vec<i64> = batch.values().map(|times| millis(times.1)).collect();
        self.link.call().query(sql::TOUCH, &[&ids, &seen, &expires]).await.map(drop)
    }

    async fn list_now(
        &self,
        user: Option<&UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Result<Vec<(Locator, Record)>, StoreError> {
        let link = &*self.link;
        let after = after.as_ref().map_or(&[][..], |key| key.as_bytes());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = match user {
            None => link.call().query(sql::LIST, &[&after, &limit]).await?,
            Some(user) => {
                link.call().query(sql::LIST_USER, &[&after, &limit, &user.as_bytes()]).await?
            }
        };
        rows.iter().map(|row| Ok((locator(link, row, 12)?, record(link, row)?))).collect()
    }

    async fn epochs_now(&self, user: Option<&UserKey>) -> Result<Epochs, StoreError> {
        let link = &*self.link;
        let rows = link.call().query(sql::EPOCHS, &[&user.map(UserKey::as_bytes)]).await?;
        let row = rows.first().ok_or_else(|| link.bug("no epochs are told"))?;
        let (user, global): (i64, i64) = (get(link, row, 0)?, get(link, row, 1)?);
        Ok(Epochs { user: user as u64, global: global as u64 })
    }

    async fn raise_now(&self, user: Option<&UserKey>) -> Result<u64, StoreError> {
        let (link, told) = (&*self.link, near::raised(user));
        let user = user.map_or(&[][..], UserKey::as_bytes);
        let rows = link.call_that_ends().query(sql::RAISE, &[&user, &told]).await;
        if let Some(near) = &self.near {
            near.clear();
        }
        let rows = rows?;
        let row = rows.first().ok_or_else(|| link.bug("no epoch is told"))?;
        link.hold(get(link, row, 1)?).await;
        get::<i64>(link, row, 0).map(|epoch| epoch as u64)
    }

    async fn undelivered_now(&self, limit: usize) -> Result<Vec<EndEvent>, StoreError> {
        let link = &*self.link;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = link.call().query(sql::UNDELIVERED, &[&limit]).await?;
        let event = |row: &Row| {
            let user = columns::user(get(link, row, 1)?).map_err(|e| link.unreadable(e))?;
            let kind = columns::kind(get(link, row, 2)?).map_err(|e| link.unreadable(e))?;
            let cause = cause(link, row, 3)?.unwrap_or(Cause::Lost);
            let at = columns::time(get(link, row, 4)?);
            Ok(EndEvent::new(locator(link, row, 0)?, user, kind, cause, at))
        };
        rows.iter().map(event).collect()
    }

    async fn delivered_now(&self, ended: &[Locator]) -> Result<(), StoreError> {
        let mut ids: Vec<&[u8]> = ended.iter().map(|key| &key.as_bytes()[..]).collect();
        ids.sort_unstable();
        self.link.call().query(sql::DELIVERED, &[&ids]).await.map(drop)
    }

    async fn census_now(&self) -> Result<Census, StoreError> {
        let link = &*self.link;
        let mut census = Census::default();
        for row in link.call().query(sql::CENSUS, &[]).await? {
            let kind = columns::kind(get(link, &row, 0)?).map_err(|e| link.unreadable(e))?;
            let key = columns::key(get(link, &row, 1)?).map_err(|e| link.unreadable(e))?;
            census.add(kind, key, get::<i64>(link, &row, 2)? as u64);
        }
        Ok(census)
    }

    async fn clock_now(&self) -> Result<Option<UnixTime>, StoreError> {
        let rows = self.link.call().query(sql::CLOCK, &[]).await?;
        rows.first().map(|row| get(&self.link, row, 0).map(columns::time)).transpose()
    }
}

/// Only sessions of users who signed in are limited.
fn limit(record: &Record, admission: Admission) -> Option<SessionLimit> {
    admission.limit.filter(|_| record.kind == Kind::User && record.user.is_some())
}

impl Store for PostgresStore {
    fn info(&self) -> StoreInfo {
        let durability = match self.durability {
            Durability::Full => {
                "everything answered survives a crash of the server, but for the activity of its \
                 last second; a failover loses nothing where synchronous_standby_names is set"
            }
            Durability::AsServer => "what the server's settings for durability say",
        };
        StoreInfo::new("postgres", durability, true)
            .waits(self.near.is_none())
            .answers_within(self.link.deadline)
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        let Some(near) = &self.near else {
            return Reply::later(self.together.loads.ask(Load(*key), self.link.until()));
        };
        if let Some(record) = near.find(key) {
            return Reply::ready(Ok(Loaded::Live(record)));
        }
        Reply::later(async move {
            let since = near.before(key);
            let loaded = self.together.loads.ask(Load(*key), self.link.until()).await?;
            match (&loaded, since) {
                (Loaded::Live(record), Some(since)) => near.fill(key, since, record),
                // It was not told yet: nobody who asks after this answer is to see less.
                _ => near.forget(key),
            }
            Ok(loaded)
        })
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        Reply::later(self.insert_now(key, record, admission))
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        Reply::later(async move {
            let replaced = self.replace_now(key, seen, record).await;
            self.forget(key);
            replaced
        })
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        Reply::later(async move {
            let relocated = self.create(new, &record, admission, Some((old, seen))).await;
            self.forget(old);
            relocated
        })
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        Reply::later(async move {
            let touched = self.touch_now(batch).await;
            batch.iter().for_each(|touch| self.forget(&touch.key));
            touched
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        Reply::later(async move {
            let ended = self.end_now(key, cause, at).await;
            self.forget(key);
            ended
        })
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        Reply::later(self.list_now(user, after, limit))
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        Reply::later(self.epochs_now(user))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        _at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        Reply::later(self.raise_now(user))
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        Reply::later(super::sweep::sweep(&self.link, now, limit))
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        Reply::later(self.undelivered_now(limit))
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        Reply::later(self.delivered_now(ended))
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        Reply::later(self.census_now())
    }

    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        Reply::later(self.clock_now())
    }
}
