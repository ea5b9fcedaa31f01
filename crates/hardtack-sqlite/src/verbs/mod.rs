//! What the writer can be asked for. Each verb checks before it writes, so that
//! "no" leaves nothing behind.

mod create;
mod end;
mod replace;
mod sweep;

use std::sync::Arc;

use hardtack::session::Cause;
use hardtack::session::store::{Loaded, StoreError, StoreErrorKind};
use hardtack::session::{Locator, UserKey};
use rusqlite::Result;

pub(crate) use create::{Insert, Relocate};
pub(crate) use end::{Delivered, End, Raise, Undelivered};
pub(crate) use replace::{Flush, Replace, TouchNow};
pub(crate) use sweep::{STEP, Sweep};

use crate::queue::{Patience, Slot, Work};
use crate::row::{self, outdated};
use crate::writer::Change;

/// Something that happens within one transaction.
pub(crate) trait Verb: Send + 'static {
    type Answer: Send + 'static;

    /// Whether it ends or removes something and needs little room for it.
    const RELIEVES: bool;

    /// Does it. May be called again, after a rollback.
    fn run(&self, change: &mut Change<'_>) -> Result<Self::Answer>;
}

/// A verb and who waits for it.
pub(crate) struct Task<V: Verb> {
    verb: V,
    done: Option<V::Answer>,
    slot: Arc<Slot<V::Answer>>,
}

impl<V: Verb> Task<V> {
    pub(crate) fn new(verb: V, slot: Arc<Slot<V::Answer>>) -> Self {
        Self { verb, done: None, slot }
    }
}

impl<V: Verb> Work for Task<V> {
    fn run(&mut self, change: &mut Change<'_>) -> Result<()> {
        self.done = Some(self.verb.run(change)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let never_run = || StoreError::new(StoreErrorKind::Bug, "a verb was answered but not run");
        let Self { done, slot, .. } = *self;
        slot.put(outcome.and_then(|()| done.ok_or_else(never_run)));
    }

    fn relieves(&self) -> bool {
        V::RELIEVES
    }

    fn patience(&self) -> Arc<dyn Patience> {
        self.slot.clone()
    }
}

/// A load that met a commit on its way: after that commit, it is on the disk.
pub(crate) struct Load(pub(crate) Locator);

impl Verb for Load {
    type Answer = Loaded;
    const RELIEVES: bool = true;

    fn run(&self, change: &mut Change<'_>) -> Result<Loaded> {
        let mut loaded = change.load(&self.0)?;
        if let (Loaded::Live(record), Some(noted)) = (&mut loaded, change.noted(&self.0)) {
            noted.apply(record);
        }
        Ok(loaded)
    }
}

/// What the file has under a locator, for a verb to decide by.
enum Found {
    Unknown,
    Ended(Cause),
    /// To be ended, and ended already for everybody who asks.
    Outdated(i64),
    Live(Live),
}

struct Live {
    row: i64,
    version: i64,
    expires: i64,
    dies: i64,
}

fn find(change: &Change<'_>, key: &Locator) -> Result<Found> {
    const SQL: &str = concat!(
        "SELECT s.row, s.version, s.expires, s.dies, s.cause, ",
        outdated!(),
        " FROM sessions s WHERE s.place = ?1 AND s.id = ?2"
    );
    let found = change.one(SQL, (row::place(key), key.as_bytes()), |row| {
        Ok(match row::cause(row, 4)? {
            Some(cause) => Found::Ended(cause),
            None if row.get(5)? => Found::Outdated(row.get(0)?),
            None => Found::Live(Live {
                row: row.get(0)?,
                version: row.get(1)?,
                expires: row.get(2)?,
                dies: row.get(3)?,
            }),
        })
    })?;
    Ok(found.unwrap_or(Found::Unknown))
}

impl Change<'_> {
    fn load(&self, key: &Locator) -> Result<Loaded> {
        crate::readers::load(self.conn(), key)
    }
}

/// The live sessions of one user. `?1` to `?3`: see [`whose`].
macro_rules! of_user {
    ($columns:literal, $and:expr) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM sessions s INDEXED BY by_place \
             WHERE s.place BETWEEN ?1 AND ?2 AND s.user = ?3 AND s.stray IS NULL \
             AND s.cause IS NULL AND NOT ",
            $crate::row::outdated!(),
            $and,
            " UNION ALL SELECT ",
            $columns,
            " FROM sessions s INDEXED BY by_stray \
             WHERE s.stray = 1 AND s.user = ?3 \
             AND s.cause IS NULL AND NOT ",
            $crate::row::outdated!(),
            $and
        )
    };
}
pub(crate) use of_user;

/// The parameters of [`of_user`].
pub(crate) fn whose(user: &UserKey) -> (i64, i64, &[u8]) {
    let (first, last) = row::places(user.slot());
    (first, last, user.as_bytes())
}
