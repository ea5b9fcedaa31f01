//! Ending what is due, and forgetting what ended long enough ago: in statements
//! that touch few rows each, on one node at a time (`GET_LOCK`, which ends with
//! the connection).

use hardtack::session::store::Swept;
use hardtack::time::UnixTime;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

use super::sql;
use crate::columns::millis;
use crate::shared::{PART, forgettable};

pub(super) async fn sweep(conn: &mut Conn, now: UnixTime, limit: usize) -> Result<Swept, Error> {
    if conn.query_first::<Option<i64>, _>(sql::TURN).await?.flatten() != Some(1) {
        return Ok(Swept::default());
    }
    let swept = parts(conn, now, limit.clamp(1, PART) as u64).await;
    // Not left to the end of the connection, which goes back to the others.
    conn.query_drop(sql::TURN_DONE).await?;
    swept
}

async fn parts(conn: &mut Conn, now: UnixTime, part: u64) -> Result<Swept, Error> {
    let forgotten = forget(conn, now, part).await?;
    let now = millis(now);
    conn.exec_drop(sql::MOVE_DUE, (now, now, part)).await?;
    let moved = conn.affected_rows();
    conn.exec_drop(sql::END_DUE, (now, now, now, part)).await?;
    let ended = conn.affected_rows();
    let (outdated, more) = end_outdated(conn, now, part).await?;
    let more = more || [forgotten, moved, ended].contains(&part);
    Ok(Swept::new((ended + outdated) as usize, forgotten as usize, more))
}

async fn forget(conn: &mut Conn, now: UnixTime, part: u64) -> Result<u64, Error> {
    let Some(before) = forgettable(now) else { return Ok(0) };
    conn.exec_drop(sql::FORGET, (before, part)).await?;
    Ok(conn.affected_rows())
}

/// Gives sessions that a raised epoch ended their tombstones. Answers how many,
/// and whether there may be more.
async fn end_outdated(conn: &mut Conn, now: i64, part: u64) -> Result<(u64, bool), Error> {
    let raised: Option<(Vec<u8>, i64, Vec<u8>)> = conn.query_first(sql::RAISED).await?;
    let Some((user, epoch, swept)) = raised else { return Ok((0, false)) };
    let (find, end) = if user.is_empty() { sql::OUTDATED } else { sql::OUTDATED_OF_USER };
    let found: Vec<Vec<u8>> = conn.exec(find, (&user, &swept, part)).await?;
    let mut ended = 0;
    if let Some(last) = found.last() {
        conn.exec_drop(end, (now, &user, &swept, last)).await?;
        ended = conn.affected_rows();
    }
    let reached = found.last().filter(|_| found.len() as u64 == part);
    conn.exec_drop(sql::REACHED, (reached, &user, epoch, &swept)).await?;
    Ok((ended, true))
}
