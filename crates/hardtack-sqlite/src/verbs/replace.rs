//! Changing sessions: by compare-and-set, and by activity.

use hardtack::session::store::{Replaced, Touch};
use hardtack::session::{Cause, Locator, Record, Version};
use rusqlite::{Result, named_params};

use super::create::stray;
use super::{Found, Verb, find};
use crate::cache::{Effect, Noted};
use crate::row::{epoch, millis, outdated, place, time};
use crate::writer::Change;

pub(crate) struct Replace {
    pub(crate) key: Locator,
    pub(crate) seen: Version,
    pub(crate) record: Record,
}

/// Puts the new record in place of the live one in the version that was seen.
/// Columns that stand in an index are left out if they do not change: SQLite
/// writes an index of each column that is named, changed or not.
macro_rules! replace {
    ($set:literal, $and:literal) => {
        concat!(
            "UPDATE sessions AS s SET version = :version, kind = :kind, key = :key, \
             user_epoch = :user_epoch, global_epoch = :global_epoch, created = :created, \
             seen = max(s.seen, :noted, :seen), \
             expires = CASE WHEN max(s.seen, :noted) > :seen \
                THEN max(s.expires, min(:noted_expires, s.dies)) ELSE :expires END, \
             dies = :dies, device = :device, data = :data",
            $set,
            " WHERE s.place = :place AND s.id = :id AND s.version = :old AND s.cause IS NULL \
             AND NOT ",
            outdated!(),
            $and,
            " RETURNING seen, expires"
        )
    };
}
const SAME: &str =
    replace!("", " AND s.user IS :user AND :stray IS s.stray AND s.bucket <= :expires");
const OTHER: &str =
    replace!(", user = :user, stray = :stray, bucket = min(s.bucket, :expires)", "");

impl Verb for Replace {
    type Answer = Replaced;
    const RELIEVES: bool = false;

    fn run(&self, change: &mut Change<'_>) -> Result<Replaced> {
        if self.put(change, SAME)? {
            return Ok(Replaced::Ok);
        }
        match find(change, &self.key)? {
            Found::Unknown => Ok(Replaced::Gone(None)),
            Found::Ended(cause) => Ok(Replaced::Gone(Some(cause))),
            Found::Outdated(_) => Ok(Replaced::Gone(Some(Cause::Revoked))),
            Found::Live(_) if self.put(change, OTHER)? => Ok(Replaced::Ok),
            Found::Live(_) => Ok(Replaced::Conflict),
        }
    }
}

impl Replace {
    fn put(&self, change: &mut Change<'_>, sql: &str) -> Result<bool> {
        let new = &self.record;
        let noted = change.noted(&self.key);
        let times = change.execute_returning(
            sql,
            named_params! {
                ":place": place(&self.key),
                ":id": self.key.as_bytes(),
                ":old": self.seen.number() as i64,
                ":version": new.version.number() as i64,
                ":kind": new.kind.code(),
                ":key": u32::from_be_bytes(*new.key.as_bytes()),
                ":user": new.user.as_ref().map(|u| u.as_bytes()),
                ":stray": stray(&self.key, new),
                ":user_epoch": epoch(new.epochs.user),
                ":global_epoch": epoch(new.epochs.global),
                ":created": millis(new.created),
                ":seen": millis(new.last_seen),
                ":noted": noted.map_or(0, |n| millis(n.last_seen)),
                ":noted_expires": noted.map_or(0, |n| millis(n.expires)),
                ":expires": millis(new.expires),
                ":dies": millis(new.dies),
                ":device": new.device.as_deref(),
                ":data": &new.data[..],
            },
            |row| Ok((time(row.get(0)?), time(row.get(1)?))),
        )?;
        let Some((last_seen, expires)) = times else { return Ok(false) };
        // What was noted has been weighed against the new record: it is done with.
        if let Some(noted) = noted {
            change.effect(Effect::Flushed(self.key, noted));
        }
        let stored = Record { last_seen, expires, ..new.clone() };
        change.effect(Effect::Put(self.key, stored));
        Ok(true)
    }
}

/// Writes activity that was noted.
pub(crate) struct Flush(pub(crate) Vec<Locator>);

impl Verb for Flush {
    type Answer = ();
    const RELIEVES: bool = false;

    fn run(&self, change: &mut Change<'_>) -> Result<()> {
        for key in &self.0 {
            // What is noted now: the newest, or nothing if the session ended meanwhile.
            if let Some(noted) = change.noted(key) {
                touch(change, key, noted)?;
                change.effect(Effect::Flushed(*key, noted));
            }
        }
        Ok(())
    }
}

/// Writes activity that came while a session's end was being decided.
pub(crate) struct TouchNow(pub(crate) Vec<Touch>);

impl Verb for TouchNow {
    type Answer = ();
    const RELIEVES: bool = false;

    fn run(&self, change: &mut Change<'_>) -> Result<()> {
        for t in &self.0 {
            let noted = Noted { last_seen: t.last_seen, expires: t.expires };
            if touch(change, &t.key, noted)? {
                change.effect(Effect::Touched(t.key, noted));
            }
        }
        Ok(())
    }
}

fn touch(change: &mut Change<'_>, key: &Locator, noted: Noted) -> Result<bool> {
    const SQL: &str = "UPDATE sessions AS s SET seen = max(s.seen, ?3), \
        expires = min(max(s.expires, ?4), s.dies) \
        WHERE s.place = ?1 AND s.id = ?2 AND s.cause IS NULL \
        AND (s.seen < ?3 OR s.expires < min(?4, s.dies))";
    let (seen, expires) = (millis(noted.last_seen), millis(noted.expires));
    Ok(change.execute(SQL, (place(key), key.as_bytes(), seen, expires))? > 0)
}
