//! The verbs, on one connection.

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use mysql_async::prelude::{FromValue, Queryable};
use mysql_async::{Conn, DriverError, Error, Row, Value};

use super::error::DUPLICATE;
use super::sql;
use crate::columns::{self, Columns, Unreadable, count, millis};
use crate::shared::{LOOKS, Restless, State};

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}

pub(super) fn get<T: FromValue>(row: &mut Row, column: usize) -> Result<T, Error> {
    let value: Value = row.take(column).ok_or_else(|| other(Unreadable("row")))?;
    T::from_value_opt(value)
        .map_err(|error| Error::Driver(DriverError::FromValue { value: error.0 }))
}

fn cause(row: &mut Row, column: usize) -> Result<Option<Cause>, Error> {
    let code: Option<i16> = get(row, column)?;
    code.map(columns::cause).transpose().map_err(other)
}

fn locator(row: &mut Row, column: usize) -> Result<Locator, Error> {
    columns::locator(&get::<Vec<u8>>(row, column)?).map_err(other)
}

/// The record in the first twelve columns.
fn record(row: &mut Row) -> Result<Record, Error> {
    let (key, user): (Vec<u8>, Option<Vec<u8>>) = (get(row, 2)?, get(row, 3)?);
    let device: Option<Vec<u8>> = get(row, 10)?;
    let columns = Columns {
        version: get(row, 0)?,
        kind: get(row, 1)?,
        key: &key,
        user: user.as_deref(),
        user_epoch: get(row, 4)?,
        global_epoch: get(row, 5)?,
        created: get(row, 6)?,
        seen: get(row, 7)?,
        expires: get(row, 8)?,
        dies: get(row, 9)?,
        device: device.as_deref(),
        data: get::<Vec<u8>>(row, 11)?.into(),
    };
    columns.record().map_err(other)
}

fn id(key: &Locator) -> Value {
    Value::Bytes(key.as_bytes().to_vec())
}

fn user(record: &Record) -> Value {
    record.user.as_ref().map_or(Value::NULL, |user| Value::Bytes(user.as_bytes().to_vec()))
}

fn device(record: &Record) -> Value {
    record.device.as_ref().map_or(Value::NULL, |device| Value::Bytes(device.as_bytes().to_vec()))
}

async fn state(conn: &mut Conn, key: &Locator) -> Result<State, Error> {
    let row: Option<Row> = conn.exec_first(sql::STATE, (id(key),)).await?;
    let Some(mut row) = row else { return Ok(State::Unknown) };
    Ok(match cause(&mut row, 1)? {
        Some(cause) => State::Ended(cause),
        None if get(&mut row, 2)? => State::Ended(Cause::Revoked),
        None => State::Live { version: get(&mut row, 0)?, expires: get(&mut row, 3)? },
    })
}

pub(super) async fn load(conn: &mut Conn, key: Locator) -> Result<Loaded, Error> {
    let row: Option<Row> = conn.exec_first(sql::LOAD, (id(&key),)).await?;
    let Some(mut row) = row else { return Ok(Loaded::Unknown) };
    Ok(match cause(&mut row, 12)? {
        Some(cause) => Loaded::Ended(cause),
        None if get(&mut row, 13)? => Loaded::Ended(Cause::Revoked),
        None => Loaded::Live(record(&mut row)?),
    })
}

/// A session to be made, in place of another if one is named.
#[derive(Clone)]
pub(super) struct Create {
    pub(super) key: Locator,
    pub(super) record: Record,
    pub(super) admission: Admission,
    pub(super) old: Option<(Locator, Version)>,
}

impl Create {
    pub(super) async fn run(&self, conn: &mut Conn) -> Result<Relocated, Error> {
        let limit = self.admission.limit.filter(|_| self.record.kind == Kind::User);
        let limit = limit.zip(self.record.user.as_ref());
        if limit.is_none() && self.old.is_none() {
            return Ok(self.insert(conn).await?.unwrap_or(Relocated::Ok));
        }
        if let Some((_, user)) = limit {
            conn.exec_drop(sql::MAKE_USER, (user.as_bytes(),)).await?;
        }
        for _ in 0..LOOKS {
            conn.query_drop("START TRANSACTION").await?;
            let refused = self.make(conn, limit).await?;
            conn.query_drop(if refused.is_some() { "ROLLBACK" } else { "COMMIT" }).await?;
            match (refused, self.old) {
                (None, _) => return Ok(Relocated::Ok),
                (Some(Relocated::Gone(_)), Some((old, seen))) => match state(conn, &old).await? {
                    State::Live { version, .. } if version == count(seen.number()) => {}
                    State::Live { .. } => return Ok(Relocated::Conflict),
                    gone => return Ok(Relocated::Gone(gone.cause())),
                },
                (Some(refused), _) => return Ok(refused),
            }
        }
        Err(other(Restless))
    }

    /// Within a transaction; says why if it is to be undone.
    async fn make(
        &self,
        conn: &mut Conn,
        limit: Option<(SessionLimit, &UserKey)>,
    ) -> Result<Option<Relocated>, Error> {
        if let Some((_, user)) = limit {
            conn.exec_drop(sql::LOCK_USER, (user.as_bytes(),)).await?;
        }
        if let Some((old, seen)) = self.old
            && !self.make_way(conn, &old, Some(seen), Cause::Replaced).await?
        {
            return Ok(Some(Relocated::Gone(None)));
        }
        if let Some(refused) = self.insert(conn).await? {
            return Ok(Some(refused));
        }
        let Some((limit, user)) = limit else { return Ok(None) };
        let but = self.old.map_or(self.key, |(old, _)| old);
        let now = millis(self.admission.now);
        let params = (user.as_bytes(), now, id(&self.key), id(&but));
        let counted: Vec<Vec<u8>> = conn.exec(sql::COUNTED, params).await?;
        let missing = (counted.len() + 1).saturating_sub(limit.most.get() as usize);
        if missing > 0 && limit.when_full == WhenFull::Refuse {
            return Ok(Some(Relocated::Full));
        }
        for oldest in counted.iter().take(missing) {
            let oldest = columns::locator(oldest).map_err(other)?;
            self.make_way(conn, &oldest, None, Cause::Evicted).await?;
        }
        Ok(None)
    }

    async fn insert(&self, conn: &mut Conn) -> Result<Option<Relocated>, Error> {
        let new = &self.record;
        let epochs = (count(new.epochs.global), count(new.epochs.user));
        let params: Vec<Value> = vec![
            id(&self.key),
            count(new.version.number()).into(),
            new.kind.code().into(),
            Value::Bytes(new.key.as_bytes().to_vec()),
            user(new),
            epochs.1.into(),
            epochs.0.into(),
            millis(new.created).into(),
            millis(new.last_seen).into(),
            millis(new.expires).into(),
            millis(new.dies).into(),
            device(new),
            Value::Bytes(new.data.to_vec()),
            millis(new.expires).into(),
            epochs.0.into(),
            epochs.1.into(),
            user(new),
        ];
        match conn.exec_drop(sql::INSERT, params).await {
            Ok(()) if conn.affected_rows() == 0 => Ok(Some(Relocated::Outdated)),
            Ok(()) => Ok(None),
            Err(Error::Server(error)) if error.code == DUPLICATE => Ok(Some(Relocated::Exists)),
            Err(error) => Err(error),
        }
    }

    async fn make_way(
        &self,
        conn: &mut Conn,
        key: &Locator,
        seen: Option<Version>,
        cause: Cause,
    ) -> Result<bool, Error> {
        let version = seen.map_or(0, |seen| count(seen.number()));
        let at = millis(self.admission.now);
        let params = (cause.code(), at, id(key), seen.is_none(), version);
        conn.exec_drop(sql::MAKE_WAY, params).await?;
        Ok(conn.affected_rows() > 0)
    }
}

pub(super) async fn replace(
    conn: &mut Conn,
    key: Locator,
    seen: Version,
    new: Record,
) -> Result<Replaced, Error> {
    let (seen, last_seen, expires) =
        (count(seen.number()), millis(new.last_seen), millis(new.expires));
    let params: Vec<Value> = vec![
        count(new.version.number()).into(),
        new.kind.code().into(),
        Value::Bytes(new.key.as_bytes().to_vec()),
        user(&new),
        count(new.epochs.user).into(),
        count(new.epochs.global).into(),
        millis(new.created).into(),
        last_seen.into(),
        expires.into(),
        last_seen.into(),
        millis(new.dies).into(),
        expires.into(),
        device(&new),
        Value::Bytes(new.data.to_vec()),
        id(&key),
        seen.into(),
    ];
    for _ in 0..LOOKS {
        conn.exec_drop(sql::REPLACE, &params).await?;
        if conn.affected_rows() > 0 {
            return Ok(Replaced::Ok);
        }
        match state(conn, &key).await? {
            // It came to be in between.
            State::Live { version, .. } if version == seen => {}
            State::Live { .. } => return Ok(Replaced::Conflict),
            gone => return Ok(Replaced::Gone(gone.cause())),
        }
    }
    Err(other(Restless))
}

pub(super) async fn end(
    conn: &mut Conn,
    key: Locator,
    cause: Cause,
    at: i64,
) -> Result<Ended, Error> {
    let only_due = matches!(cause, Cause::Idle | Cause::Lifetime);
    for _ in 0..LOOKS {
        conn.exec_drop(sql::END, (cause.code(), at, id(&key), !only_due, at)).await?;
        if conn.affected_rows() > 0 {
            return Ok(Ended::Now);
        }
        match state(conn, &key).await? {
            State::Live { expires, .. } if only_due && expires > at => return Ok(Ended::NotDue),
            State::Live { .. } => {}
            gone => return Ok(Ended::Before(gone.cause())),
        }
    }
    Err(other(Restless))
}

pub(super) async fn list(
    conn: &mut Conn,
    user: Option<UserKey>,
    after: Option<Locator>,
    limit: usize,
) -> Result<Vec<(Locator, Record)>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map_or_else(Vec::new, |key| key.as_bytes().to_vec());
    let rows: Vec<Row> = match user {
        None => conn.exec(sql::LIST, (after, limit)).await?,
        Some(user) => conn.exec(sql::LIST_USER, (user.as_bytes(), after, limit)).await?,
    };
    rows.into_iter().map(|mut row| Ok((locator(&mut row, 12)?, record(&mut row)?))).collect()
}

pub(super) async fn epochs(conn: &mut Conn, user: Option<UserKey>) -> Result<Epochs, Error> {
    let user = user.as_ref().map(UserKey::as_bytes);
    let found: Option<(u64, u64)> = conn.exec_first(sql::EPOCHS, (user,)).await?;
    let (user, global) = found.unwrap_or_default();
    Ok(Epochs { user, global })
}

pub(super) async fn raise(conn: &mut Conn, user: Option<UserKey>) -> Result<u64, Error> {
    let user = user.as_ref().map_or(&[][..], UserKey::as_bytes);
    conn.exec_drop(sql::RAISE, (user,)).await?;
    conn.last_insert_id().ok_or_else(|| other(Unreadable("epoch")))
}

pub(super) async fn undelivered(conn: &mut Conn, limit: usize) -> Result<Vec<EndEvent>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<Row> = conn.exec(sql::UNDELIVERED, (limit,)).await?;
    let event = |mut row: Row| {
        let user = columns::user(get::<Option<Vec<u8>>>(&mut row, 1)?.as_deref()).map_err(other)?;
        let kind = columns::kind(get(&mut row, 2)?).map_err(other)?;
        let cause = cause(&mut row, 3)?.unwrap_or(Cause::Lost);
        let at = columns::time(get(&mut row, 4)?);
        Ok(EndEvent::new(locator(&mut row, 0)?, user, kind, cause, at))
    };
    rows.into_iter().map(event).collect()
}

pub(super) async fn census(conn: &mut Conn) -> Result<Census, Error> {
    let mut census = Census::default();
    for (kind, key, number) in conn.query::<(i16, Vec<u8>, u64), _>(sql::CENSUS).await? {
        let (kind, key) = (columns::kind(kind).map_err(other)?, columns::key(&key).map_err(other)?);
        census.add(kind, key, number);
    }
    Ok(census)
}
