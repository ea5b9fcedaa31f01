//! Ending sessions, and telling of it.

use hardtack::session::store::{EndEvent, Ended};
use hardtack::session::{Cause, Locator, UserKey};
use hardtack::time::UnixTime;
use rusqlite::Result;

use super::{Found, Verb, find, of_user, whose};
use crate::cache::Effect;
use crate::row::{self, millis, outdated, place};
use crate::writer::Change;

pub(crate) struct End {
    pub(crate) key: Locator,
    pub(crate) cause: Cause,
    pub(crate) at: UnixTime,
}

impl Verb for End {
    type Answer = Ended;
    const RELIEVES: bool = true;

    fn run(&self, change: &mut Change<'_>) -> Result<Ended> {
        change.must_last();
        let when_due = matches!(self.cause, Cause::Idle | Cause::Lifetime);
        if !when_due && self.end_at_once(change)? {
            return Ok(Ended::Now);
        }
        match find(change, &self.key)? {
            Found::Unknown => Ok(Ended::Before(None)),
            Found::Ended(cause) => Ok(Ended::Before(Some(cause))),
            Found::Outdated(row) => {
                finish(change, row, &self.key, Cause::Revoked, self.at)?;
                Ok(Ended::Before(Some(Cause::Revoked)))
            }
            Found::Live(live) => {
                if when_due {
                    let noted = change.last_noted(&self.key).map_or(0, |n| millis(n.expires));
                    if live.expires.max(noted.min(live.dies)) > millis(self.at) {
                        return Ok(Ended::NotDue);
                    }
                }
                finish(change, live.row, &self.key, self.cause, self.at)?;
                Ok(Ended::Now)
            }
        }
    }
}

impl End {
    fn end_at_once(&self, change: &mut Change<'_>) -> Result<bool> {
        const SQL: &str = concat!(
            "UPDATE sessions AS s SET cause = ?3, ended = ?4, delivered = 0, device = NULL, \
             data = x'' WHERE s.place = ?1 AND s.id = ?2 AND s.cause IS NULL AND NOT ",
            outdated!()
        );
        let (code, at) = (self.cause.code(), millis(self.at));
        let ended = change.execute(SQL, (place(&self.key), self.key.as_bytes(), code, at))? > 0;
        if ended {
            change.effect(Effect::Gone(self.key));
        }
        Ok(ended)
    }
}

/// Ends what is live in `row`: the row is emptied and stays as the tombstone.
pub(super) fn finish(
    change: &mut Change<'_>,
    row: i64,
    key: &Locator,
    cause: Cause,
    at: UnixTime,
) -> Result<()> {
    const SQL: &str = "UPDATE sessions SET cause = ?2, ended = ?3, delivered = 0, \
        device = NULL, data = x'' WHERE row = ?1";
    change.execute(SQL, (row, cause.code(), millis(at)))?;
    change.effect(Effect::Gone(*key));
    Ok(())
}

/// Raises an epoch.
pub(crate) struct Raise(pub(crate) Option<UserKey>);

impl Verb for Raise {
    type Answer = u64;
    const RELIEVES: bool = true;

    fn run(&self, change: &mut Change<'_>) -> Result<u64> {
        change.must_last();
        match &self.0 {
            None => change.effect(Effect::All),
            Some(user) => {
                const HELD: &str = of_user!("s.id", "");
                for key in change.all(HELD, whose(user), |row| row::locator(row, 0))? {
                    change.effect(Effect::Doubted(key));
                }
            }
        }
        const SQL: &str = "INSERT INTO epochs (user, epoch, swept) VALUES (?1, 1, 0) \
            ON CONFLICT (user) DO UPDATE SET epoch = epoch + 1, swept = 0 RETURNING epoch";
        let user = self.0.as_ref().map_or(&[][..], |u| u.as_bytes());
        let raised = change.execute_returning(SQL, [user], |row| row.get::<_, i64>(0))?;
        Ok(raised.unwrap_or(0) as u64)
    }
}

/// Ends that nobody has confirmed, oldest first.
pub(crate) struct Undelivered(pub(crate) usize);

impl Verb for Undelivered {
    type Answer = Vec<EndEvent>;
    const RELIEVES: bool = true;

    fn run(&self, change: &mut Change<'_>) -> Result<Vec<EndEvent>> {
        const SQL: &str = "SELECT id, user, kind, cause, ended FROM sessions INDEXED BY by_end \
            WHERE cause IS NOT NULL AND delivered = 0 ORDER BY ended, row LIMIT ?1";
        let limit = i64::try_from(self.0).unwrap_or(i64::MAX);
        change.all(SQL, [limit], |row| {
            let cause = row::cause(row, 3)?.unwrap_or(Cause::Lost);
            let at = row::time(row.get(4)?);
            let (user, kind) = (row::user(row, 1)?, row::kind(row, 2)?);
            Ok(EndEvent::new(row::locator(row, 0)?, user, kind, cause, at))
        })
    }
}

/// Confirms ends.
pub(crate) struct Delivered(pub(crate) Vec<Locator>);

impl Verb for Delivered {
    type Answer = ();
    const RELIEVES: bool = true;

    fn run(&self, change: &mut Change<'_>) -> Result<()> {
        const SQL: &str = "UPDATE sessions SET delivered = 1 \
            WHERE place = ?1 AND id = ?2 AND cause IS NOT NULL AND delivered = 0";
        for key in &self.0 {
            change.execute(SQL, (place(key), key.as_bytes()))?;
        }
        Ok(())
    }
}
