//! Ending what is due, and forgetting what ended long enough ago.
//!
//! Three statements, each of them short and a transaction of its own, and each
//! only where no other node's is at work: an advisory lock that ends with it.

use deadpool_postgres::tokio_postgres::Row;
use deadpool_postgres::tokio_postgres::types::FromSql;
use hardtack::session::store::{StoreError, Swept};
use hardtack::time::UnixTime;

use super::batch::Lag;
use super::link::Link;
use super::row::get;
use super::sql;
use crate::columns::millis;
use crate::shared::{PART, forgettable};

pub(super) async fn sweep(link: &Link, now: UnixTime, limit: usize) -> Result<Swept, StoreError> {
    let part = i64::try_from(limit.clamp(1, PART)).unwrap_or(1);
    let forgotten = forget(link, now, part).await?;
    let (due, ended, lag) = end_due(link, now, part).await?;
    let (outdated, more, later) = end_outdated(link, now, part).await?;
    link.hold(lag.max(later)).await;
    let more = more || due == part || forgotten == part;
    let count = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(Swept::new(count(ended + outdated), count(forgotten), more))
}

async fn forget(link: &Link, now: UnixTime, part: i64) -> Result<i64, StoreError> {
    let Some(before) = forgettable(now) else { return Ok(0) };
    let rows = link.call().query(sql::FORGET, &[&before, &part]).await?;
    first(link, &rows, 0)
}

async fn end_due(link: &Link, now: UnixTime, part: i64) -> Result<(i64, i64, Lag), StoreError> {
    let rows = link.call().query(sql::END_DUE, &[&millis(now), &part]).await?;
    Ok((first(link, &rows, 0)?, first(link, &rows, 1)?, first(link, &rows, 2)?))
}

/// Gives sessions that a raised epoch ended their tombstones. Answers how many,
/// and whether there may be more.
async fn end_outdated(
    link: &Link,
    now: UnixTime,
    part: i64,
) -> Result<(i64, bool, Lag), StoreError> {
    let mut call = link.call();
    let raised = call.query(sql::RAISED, &[]).await?;
    let Some(raised) = raised.first() else { return Ok((0, false, None)) };
    let read = || {
        Ok::<(&[u8], i64, &[u8]), deadpool_postgres::tokio_postgres::Error>((
            raised.try_get(0)?,
            raised.try_get(1)?,
            raised.try_get(2)?,
        ))
    };
    let (user, epoch, swept) = read().map_err(|error| link.unreadable(error))?;
    let end = if user.is_empty() { sql::END_OUTDATED } else { sql::END_OUTDATED_OF_USER };
    let rows = call.query(end, &[&swept, &part, &millis(now), &user, &epoch]).await?;
    let mine: Option<bool> = first(link, &rows, 1)?;
    Ok((first(link, &rows, 0)?, mine == Some(true), first(link, &rows, 2)?))
}

fn first<'a, T: FromSql<'a>>(link: &Link, rows: &'a [Row], column: usize) -> Result<T, StoreError> {
    let row = rows.first().ok_or_else(|| link.bug("a sweep gives no answer"))?;
    get(link, row, column)
}
