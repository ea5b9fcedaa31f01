//! Making sessions: at a first visit, and at a login in place of another.

use hardtack::session::store::{Admission, Inserted, Relocated, WhenFull};
use hardtack::session::{Cause, Kind, Locator, Record, Version};
use hardtack::time::UnixTime;
use rusqlite::Result;

use super::end::finish;
use super::{Found, Verb, find, of_user, whose};
use crate::cache::Effect;
use crate::row::{self, epoch, millis, place};
use crate::writer::Change;

pub(crate) struct Insert {
    pub(crate) key: Locator,
    pub(crate) record: Record,
    pub(crate) admission: Admission,
}

impl Verb for Insert {
    type Answer = Inserted;
    const RELIEVES: bool = false;

    fn run(&self, change: &mut Change<'_>) -> Result<Inserted> {
        match admit(change, &self.key, &self.record, self.admission, None)? {
            Err(refused) => Ok(refused),
            Ok(evicted) => {
                put(change, &self.key, &self.record, &evicted, self.admission.now)?;
                Ok(Inserted::Ok)
            }
        }
    }
}

pub(crate) struct Relocate {
    pub(crate) old: Locator,
    pub(crate) seen: Version,
    pub(crate) new: Locator,
    pub(crate) record: Record,
    pub(crate) admission: Admission,
}

impl Verb for Relocate {
    type Answer = Relocated;
    const RELIEVES: bool = false;

    fn run(&self, change: &mut Change<'_>) -> Result<Relocated> {
        let old = match find(change, &self.old)? {
            Found::Unknown => return Ok(Relocated::Gone(None)),
            Found::Ended(cause) => return Ok(Relocated::Gone(Some(cause))),
            Found::Outdated(_) => return Ok(Relocated::Gone(Some(Cause::Revoked))),
            Found::Live(live) if live.version != self.seen.number() as i64 => {
                return Ok(Relocated::Conflict);
            }
            Found::Live(live) => live.row,
        };
        let now = self.admission.now;
        match admit(change, &self.new, &self.record, self.admission, Some(old))? {
            Err(Inserted::Full) => Ok(Relocated::Full),
            Err(Inserted::Outdated) => Ok(Relocated::Outdated),
            Err(_) => Ok(Relocated::Exists),
            Ok(evicted) => {
                finish(change, old, &self.old, Cause::Replaced, now)?;
                put(change, &self.new, &self.record, &evicted, now)?;
                change.must_last();
                Ok(Relocated::Ok)
            }
        }
    }
}

type Evicted = Vec<(i64, Locator)>;

/// Whether a record may be made, and which sessions must make room for it.
fn admit(
    change: &Change<'_>,
    key: &Locator,
    record: &Record,
    admission: Admission,
    but: Option<i64>,
) -> Result<Result<Evicted, Inserted>> {
    let user = record.user.as_ref();
    if record.epochs.outdated(row::epochs(change.conn(), user)?) {
        return Ok(Err(Inserted::Outdated));
    }
    const KNOWN: &str = "SELECT 1 FROM sessions WHERE place = ?1 AND id = ?2";
    if change.one(KNOWN, (place(key), key.as_bytes()), |_| Ok(()))?.is_some() {
        return Ok(Err(Inserted::Exists));
    }
    let (Some(limit), Kind::User, Some(user)) = (admission.limit, record.kind, user) else {
        return Ok(Ok(Vec::new()));
    };
    const COUNTED: &str = of_user!("s.row, s.id, s.seen, s.expires, s.dies", " AND s.kind = 1");
    let counted = change.all(COUNTED, whose(user), |row| {
        let (key, mut seen, mut expires) = (row::locator(row, 1)?, row.get(2)?, row.get(3)?);
        if let Some(noted) = change.noted(&key) {
            seen = millis(noted.last_seen).max(seen);
            expires = millis(noted.expires).max(expires).min(row.get(4)?);
        }
        Ok((seen, key, row.get(0)?, expires))
    })?;
    let counts = |(_, _, row, expires): &(i64, Locator, i64, i64)| {
        Some(*row) != but && *expires > millis(admission.now)
    };
    let mut counted: Vec<_> = counted.into_iter().filter(counts).collect();
    let too_many = (counted.len() + 1).saturating_sub(limit.most.get() as usize);
    if too_many > 0 && limit.when_full == WhenFull::Refuse {
        return Ok(Err(Inserted::Full));
    }
    counted.sort_unstable();
    Ok(Ok(counted.into_iter().take(too_many).map(|(_, key, row, _)| (row, key)).collect()))
}

/// Makes an admitted record.
fn put(
    change: &mut Change<'_>,
    key: &Locator,
    record: &Record,
    evicted: &Evicted,
    now: UnixTime,
) -> Result<()> {
    for (row, key) in evicted {
        finish(change, *row, key, Cause::Evicted, now)?;
    }
    const SQL: &str = "INSERT INTO sessions (place, id, version, kind, key, user, stray, \
        user_epoch, global_epoch, created, seen, expires, dies, bucket, device, data) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?12, ?14, ?15)";
    change.execute(
        SQL,
        rusqlite::params![
            place(key),
            key.as_bytes(),
            record.version.number() as i64,
            record.kind.code(),
            u32::from_be_bytes(*record.key.as_bytes()),
            record.user.as_ref().map(|u| u.as_bytes()),
            stray(key, record),
            epoch(record.epochs.user),
            epoch(record.epochs.global),
            millis(record.created),
            millis(record.last_seen),
            millis(record.expires),
            millis(record.dies),
            record.device.as_deref(),
            &record.data[..],
        ],
    )?;
    if record.kind == Kind::User {
        change.must_last();
    }
    // Activity noted before there was a session is nobody's.
    if let Some(noted) = change.noted(key) {
        change.effect(Effect::Flushed(*key, noted));
    }
    change.effect(Effect::Put(*key, record.clone()));
    Ok(())
}

/// 1 if the session is not to be found among the places of its user's slot.
pub(super) fn stray(key: &Locator, record: &Record) -> Option<i64> {
    let slot = record.user.as_ref().map(|user| user.slot());
    slot.is_some_and(|slot| slot != key.slot()).then_some(1)
}
