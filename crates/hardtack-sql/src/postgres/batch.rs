//! The calls that share statements: loads, new sessions, commits and ends.

use std::sync::Arc;

use deadpool_postgres::tokio_postgres::Row;
use deadpool_postgres::tokio_postgres::types::ToSql;
use hardtack::session::store::{Loaded, StoreError};
use hardtack::session::{Cause, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use super::link::Link;
use super::row::{cause, get, record};
use super::sql;
use super::together::{Shared, Together};
use crate::columns::{count, millis};

/// The calls of each kind.
pub(super) struct Groups {
    pub(super) loads: Arc<Together<Load>>,
    pub(super) inserts: Arc<Together<Insert>>,
    pub(super) replaces: Arc<Together<Replace>>,
    pub(super) ends: Arc<Together<End>>,
}

impl Groups {
    pub(super) fn new(link: &Arc<Link>) -> Self {
        Self {
            loads: Together::new(link),
            inserts: Together::new(link),
            replaces: Together::new(link),
            ends: Together::new(link),
        }
    }
}

/// For how long an end is to be held back, as the column says it.
pub(super) type Lag = Option<i32>;

type Answers<A> = Result<Vec<Result<A, StoreError>>, StoreError>;

/// A load.
pub(super) struct Load(pub(super) Locator);

impl Shared for Load {
    type Answer = Loaded;
    const WRITES: bool = false;

    fn key(&self) -> &Locator {
        &self.0
    }

    async fn ask(link: &Link, calls: &[Self]) -> Answers<Loaded> {
        let rows = link.call().query(sql::LOAD, &[&ids(calls)]).await?;
        answers(link, calls, &rows, 14, |row| match row {
            None => Ok(Loaded::Unknown),
            Some(row) => loaded(link, row),
        })
    }
}

fn loaded(link: &Link, row: &Row) -> Result<Loaded, StoreError> {
    Ok(match cause(link, row, 12)? {
        Some(cause) => Loaded::Ended(cause),
        None if get(link, row, 13)? => Loaded::Ended(Cause::Revoked),
        None => Loaded::Live(record(link, row)?),
    })
}

/// A new session, in place of no other and under no limit.
pub(super) struct Insert {
    pub(super) key: Locator,
    pub(super) record: Record,
}

/// What became of a new session.
pub(super) enum Made {
    Ok,
    Outdated,
    Exists,
}

impl Shared for Insert {
    type Answer = Made;
    const WRITES: bool = true;

    fn key(&self) -> &Locator {
        &self.key
    }

    async fn ask(link: &Link, calls: &[Self]) -> Answers<Made> {
        let columns = Columns::new(calls.iter().map(|call| &call.record));
        let ids = ids(calls);
        let rows = link.call().query(sql::INSERT, &columns.after(&ids, &[])).await?;
        answers(link, calls, &rows, 0, |row| {
            let row = row.ok_or_else(|| link.bug("a new session gets no answer"))?;
            Ok(match (get(link, row, 1)?, get(link, row, 2)?) {
                (true, _) => Made::Ok,
                (false, true) => Made::Outdated,
                (false, false) => Made::Exists,
            })
        })
    }
}

/// A commit. Answers whether it was done.
pub(super) struct Replace {
    pub(super) key: Locator,
    pub(super) seen: Version,
    pub(super) record: Record,
}

impl Shared for Replace {
    type Answer = bool;
    const WRITES: bool = true;

    fn key(&self) -> &Locator {
        &self.key
    }

    async fn ask(link: &Link, calls: &[Self]) -> Answers<bool> {
        let columns = Columns::new(calls.iter().map(|call| &call.record));
        let seen: Vec<i64> = calls.iter().map(|call| count(call.seen.number())).collect();
        let ids = ids(calls);
        let rows = link.call().query(sql::REPLACE, &columns.after(&ids, &[&seen])).await?;
        answers(link, calls, &rows, 0, |row| Ok(row.is_some()))
    }
}

/// An end that needs no look at the time. If it was done, answers for how long it is to be
/// held back.
pub(super) struct End {
    pub(super) key: Locator,
    pub(super) cause: Cause,
    pub(super) at: UnixTime,
}

impl Shared for End {
    type Answer = Option<Lag>;
    const WRITES: bool = true;

    fn key(&self) -> &Locator {
        &self.key
    }

    async fn ask(link: &Link, calls: &[Self]) -> Answers<Option<Lag>> {
        let causes: Vec<i16> = calls.iter().map(|call| call.cause.code().into()).collect();
        let at: Vec<i64> = calls.iter().map(|call| millis(call.at)).collect();
        let rows = link.call().query(sql::END, &[&ids(calls), &causes, &at]).await?;
        answers(link, calls, &rows, 0, |row| row.map(|row| get(link, row, 1)).transpose())
    }
}

fn ids<C: Shared>(calls: &[C]) -> Vec<&[u8]> {
    calls.iter().map(|call| &call.key().as_bytes()[..]).collect()
}

/// The answer to each call, from the row whose `column` names its session, if there
/// is one.
fn answers<C: Shared>(
    link: &Link,
    calls: &[C],
    rows: &[Row],
    column: usize,
    answer: impl Fn(Option<&Row>) -> Result<C::Answer, StoreError>,
) -> Answers<C::Answer> {
    let mut found = rows
        .iter()
        .map(|row| Ok((get::<&[u8]>(link, row, column)?, row)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    found.sort_unstable_by_key(|(id, _)| *id);
    let answer = |call: &C| {
        let place = found.binary_search_by(|(id, _)| (*id).cmp(call.key().as_bytes()));
        answer(place.ok().map(|place| found[place].1))
    };
    Ok(calls.iter().map(answer).collect())
}

/// Records as the parameters `$2` to `$13`, an array each.
struct Columns<'a> {
    version: Vec<i64>,
    kind: Vec<i16>,
    issuer: Vec<&'a [u8]>,
    user: Vec<Option<&'a [u8]>>,
    user_epoch: Vec<i64>,
    global_epoch: Vec<i64>,
    created: Vec<i64>,
    seen: Vec<i64>,
    expires: Vec<i64>,
    dies: Vec<i64>,
    device: Vec<Option<&'a [u8]>>,
    data: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn new(records: impl Iterator<Item = &'a Record> + Clone) -> Self {
        fn column<'a, T>(
            records: &(impl Iterator<Item = &'a Record> + Clone),
            of: impl Fn(&'a Record) -> T,
        ) -> Vec<T> {
            records.clone().map(of).collect()
        }
        let records = &records;
        Self {
            version: column(records, |record| count(record.version.number())),
            kind: column(records, |record| record.kind.code().into()),
            issuer: column(records, |record| &record.key.as_bytes()[..]),
            user: column(records, |record| record.user.as_ref().map(UserKey::as_bytes)),
            user_epoch: column(records, |record| count(record.epochs.user)),
            global_epoch: column(records, |record| count(record.epochs.global)),
            created: column(records, |record| millis(record.created)),
            seen: column(records, |record| millis(record.last_seen)),
            expires: column(records, |record| millis(record.expires)),
            dies: column(records, |record| millis(record.dies)),
            device: column(records, |record| record.device.as_ref().map(|d| d.as_bytes())),
            data: column(records, |record| &record.data[..]),
        }
    }

    /// After the locators, and before what a verb needs beside them.
    fn after<'p>(
        &'p self,
        ids: &'p (dyn ToSql + Sync),
        more: &[&'p (dyn ToSql + Sync)],
    ) -> Vec<&'p (dyn ToSql + Sync)> {
        let own: [&(dyn ToSql + Sync); 13] = [
            ids,
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
