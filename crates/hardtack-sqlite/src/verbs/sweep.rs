//! Ending what is due, and forgetting what ended long enough ago.

use hardtack::session::store::{Swept, TOMBSTONE_KEPT};
use hardtack::session::{Cause, Locator, UserKey};
use hardtack::time::UnixTime;
use rusqlite::Result;

use super::Verb;
use super::end::finish;
use crate::row::{self, millis, outdated};
use crate::writer::Change;

/// The most sessions that one step looks after: some milliseconds of the writer.
pub(crate) const STEP: usize = 48;

/// How many rows one step looks at for sessions that ended with everybody's.
const LOOKED_AT: i64 = 1000;

/// One step of a sweep. Ends and forgets at most about `limit` each.
pub(crate) struct Sweep {
    pub(crate) now: UnixTime,
    pub(crate) limit: usize,
}

impl Verb for Sweep {
    type Answer = Swept;
    const RELIEVES: bool = true;

    fn run(&self, change: &mut Change<'_>) -> Result<Swept> {
        let limit = self.limit.clamp(1, STEP);
        let forgotten = self.forget(change, limit)?;
        let (due, more_due) = self.end_due(change, limit)?;
        let (outdated, more_outdated) = self.end_outdated(change, limit)?;
        let more = forgotten == limit || more_due || more_outdated;
        Ok(Swept::new(due + outdated, forgotten, more))
    }
}

impl Sweep {
    fn forget(&self, change: &mut Change<'_>, limit: usize) -> Result<usize> {
        let kept = UnixTime::from_millis(0).saturating_add(TOMBSTONE_KEPT);
        if self.now < kept {
            return Ok(0);
        }
        const SQL: &str = "DELETE FROM sessions WHERE row IN (SELECT row FROM sessions \
            INDEXED BY by_end WHERE cause IS NOT NULL AND delivered = 1 AND ended <= ?1 LIMIT ?2)";
        change.execute(SQL, (millis(self.now.saturating_sub(TOMBSTONE_KEPT)), limit as i64))
    }

    /// A bucket is only a lower bound of when a session expires. So each that is
    /// due is looked into, and either ends or moves to where it belongs by now.
    fn end_due(&self, change: &mut Change<'_>, limit: usize) -> Result<(usize, bool)> {
        const SQL: &str = concat!(
            "SELECT s.row, s.id, s.seen, s.expires, s.dies, s.cause, ",
            outdated!(),
            " FROM sessions s INDEXED BY by_bucket WHERE s.bucket <= ?1 LIMIT ?2"
        );
        const MOVE: &str =
            "UPDATE sessions SET bucket = ?2, seen = ?3, expires = ?2 WHERE row = ?1";
        const OUT: &str = "UPDATE sessions SET bucket = NULL WHERE row = ?1";
        let now = millis(self.now);
        let due = change.all(SQL, (now, limit as i64), |row| {
            let ended = row.get::<_, Option<i64>>(5)?.is_some();
            let times: (i64, i64, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((row.get::<_, i64>(0)?, row::locator(row, 1)?, times, ended, row.get(6)?))
        })?;
        let (found, mut count) = (due.len(), 0);
        for (row, key, (mut seen, mut expires, dies), ended, outdated) in due {
            if let Some(noted) = change.last_noted(&key) {
                seen = seen.max(millis(noted.last_seen));
                expires = expires.max(millis(noted.expires).min(dies));
            }
            let cause = match (ended, outdated) {
                (true, _) => {
                    change.execute(OUT, [row])?;
                    continue;
                }
                (_, true) => Cause::Revoked,
                _ if expires > now => {
                    change.execute(MOVE, (row, expires, seen))?;
                    continue;
                }
                _ if expires >= dies => Cause::Lifetime,
                _ => Cause::Idle,
            };
            change.execute(OUT, [row])?;
            finish(change, row, &key, cause, self.now)?;
            count += 1;
        }
        change.must_last();
        Ok((count, found == limit))
    }

    /// Gives the sessions that a raised epoch ended their tombstones.
    fn end_outdated(&self, change: &mut Change<'_>, limit: usize) -> Result<(usize, bool)> {
        const RAISED: &str =
            "SELECT user, swept FROM epochs INDEXED BY by_swept WHERE swept IS NOT NULL LIMIT 1";
        let raised = change.one(RAISED, [], |row| {
            let swept: i64 = row.get(1)?;
            Ok((UserKey::new(row.get_ref(0)?.as_blob()?), swept))
        })?;
        let Some((user, swept)) = raised else { return Ok((0, false)) };
        let user_bytes = user.as_ref().map_or(&[][..], |u| u.as_bytes());
        let (rows, reached) = match &user {
            Some(user) => {
                let rows = self.outdated_of(change, user, limit)?;
                let all = rows.len() < limit;
                (rows, (!all).then_some(0))
            }
            None => self.outdated_after(change, swept, limit)?,
        };
        let count = rows.len();
        for (row, key) in rows {
            finish(change, row, &key, Cause::Revoked, self.now)?;
        }
        const REACHED: &str = "UPDATE epochs SET swept = ?2 WHERE user = ?1";
        change.execute(REACHED, (user_bytes, reached))?;
        // There may be other users, or the rest of this one.
        Ok((count, true))
    }

    fn outdated_of(
        &self,
        change: &Change<'_>,
        user: &UserKey,
        limit: usize,
    ) -> Result<Vec<(i64, Locator)>> {
        const SQL: &str = concat!(
            "SELECT s.row, s.id FROM sessions s INDEXED BY by_place \
             WHERE s.place BETWEEN ?1 AND ?2 AND s.user = ?3 AND s.stray IS NULL \
             AND s.cause IS NULL AND ",
            outdated!(),
            " UNION ALL SELECT s.row, s.id FROM sessions s INDEXED BY by_stray \
             WHERE s.stray = 1 AND s.user = ?3 AND s.cause IS NULL AND ",
            outdated!(),
            " LIMIT ?4"
        );
        let (first, last, user) = super::whose(user);
        change.all(SQL, (first, last, user, limit as i64), |row| {
            Ok((row.get(0)?, row::locator(row, 1)?))
        })
    }

    /// Those of everybody, and the row up to which that is all of them.
    #[allow(clippy::type_complexity, reason = "a pair that is taken apart at once")]
    fn outdated_after(
        &self,
        change: &Change<'_>,
        swept: i64,
        limit: usize,
    ) -> Result<(Vec<(i64, Locator)>, Option<i64>)> {
        const SQL: &str = concat!(
            "SELECT s.row, s.id FROM sessions s WHERE s.row > ?1 AND s.row <= ?2 \
             AND s.cause IS NULL AND ",
            outdated!(),
            " ORDER BY s.row LIMIT ?3"
        );
        const LAST: &str = "SELECT ifnull(max(row), 0) FROM sessions";
        let until = swept.saturating_add(LOOKED_AT);
        let rows = change.all(SQL, (swept, until, limit as i64), |row| {
            Ok((row.get(0)?, row::locator(row, 1)?))
        })?;
        let last = change.one(LAST, [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
        let reached = match rows.last() {
            Some((row, _)) if rows.len() == limit => Some(*row),
            _ => (until < last).then_some(until),
        };
        Ok((rows, reached))
    }
}
