//! Bringing the copy of a session up to what the store that decides has.

use super::super::{
    Admission, Ended, Inserted, Loaded, Replaced, Store, StoreError, StoreErrorKind, Touch,
};
use crate::session::id::Locator;
use crate::session::record::{Cause, Record, UserKey};
use crate::time::UnixTime;

/// What [`settle`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// Both stores have the same.
    Same,
    /// There was no copy; now there is.
    Copied,
    /// The copy was not the same; now it is.
    Repaired,
    /// The session has ended, and the copy with it.
    Ended,
    /// The session is live, and the copy has ended or is refused: the other store was used for
    /// something else. Nothing can be done about it here.
    Stuck,
}

/// Makes the copy of one session in `other` the same as in `main`, which decides.
///
/// # Errors
/// A store failed, or the session changes all the time.
pub async fn settle(
    main: &dyn Store,
    other: &dyn Store,
    key: &Locator,
    now: UnixTime,
) -> Result<Settled, StoreError> {
    for _ in 0..TRIES {
        // In this order: the copy seen is not newer than the record.
        let copy = other.load(key).await?;
        let record = match main.load(key).await? {
            Loaded::Live(record) => record,
            gone => {
                if matches!(copy, Loaded::Live(_)) {
                    end_copy(other, key, cause_of(&gone), now).await?;
                }
                return Ok(Settled::Ended);
            }
        };
        match copy {
            Loaded::Live(copy) if is_same(&copy, &record) => {
                if copy.last_seen >= record.last_seen && copy.expires >= record.expires {
                    return Ok(Settled::Same);
                }
                other.touch(&[Touch::new(*key, record.last_seen, record.expires)]).await?;
                return Ok(Settled::Repaired);
            }
            Loaded::Live(copy) => {
                if other.replace(key, copy.version, record).await? == Replaced::Ok {
                    return Ok(Settled::Repaired);
                }
            }
            Loaded::Unknown => match create(main, other, key, record, now).await? {
                Inserted::Ok => return Ok(Settled::Copied),
                Inserted::Exists => {}
                _ => return still_live(main, key).await,
            },
            Loaded::Ended(_) => return still_live(main, key).await,
        }
    }
    Err(too_often())
}

/// Ends what is live in `other` under `key`, if it is not in `main`, which decides.
///
/// # Errors
/// A store failed.
pub async fn weed(
    main: &dyn Store,
    other: &dyn Store,
    key: &Locator,
    now: UnixTime,
) -> Result<bool, StoreError> {
    match main.load(key).await? {
        Loaded::Live(_) => Ok(false),
        gone => end_copy(other, key, cause_of(&gone), now).await.map(|()| true),
    }
}

/// Raises the epoch of a user, or the global one, until it is at least `to`: as often as it was
/// raised where `to` comes from. By one caller at a time: two could raise it too far, and end
/// sessions.
///
/// # Errors
/// The store failed.
pub async fn lift(
    store: &dyn Store,
    user: Option<&UserKey>,
    to: u64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let epochs = store.epochs(user).await?;
    let mut epoch = if user.is_some() { epochs.user } else { epochs.global };
    while epoch < to {
        epoch = store.raise(user, now).await?;
    }
    Ok(())
}

/// Brings the copy to at least the version of `record`, which `main` has had.
pub(super) async fn bring(
    main: &dyn Store,
    other: &dyn Store,
    key: &Locator,
    record: &Record,
    now: UnixTime,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        match other.load(key).await? {
            Loaded::Live(copy) if is_same(&copy, record) || copy.version > record.version => {
                return Ok(());
            }
            Loaded::Live(copy) => {
                if other.replace(key, copy.version, record.clone()).await? == Replaced::Ok {
                    return Ok(());
                }
            }
            Loaded::Ended(_) => return Ok(()),
            Loaded::Unknown => {
                if create(main, other, key, record.clone(), now).await? != Inserted::Exists {
                    return Ok(());
                }
            }
        }
    }
    Err(too_often())
}

/// Creates a copy; not for longer than the session lives.
pub(super) async fn create(
    main: &dyn Store,
    other: &dyn Store,
    key: &Locator,
    record: Record,
    now: UnixTime,
) -> Result<Inserted, StoreError> {
    let (seen, expires) = (record.last_seen, record.expires);
    let inserted = other.insert(key, record, Admission::at(now)).await?;
    if inserted == Inserted::Ok {
        // Whoever ended the session meanwhile, or noted activity, found no copy.
        match main.load(key).await? {
            Loaded::Live(record) if record.last_seen > seen || record.expires > expires => {
                other.touch(&[Touch::new(*key, record.last_seen, record.expires)]).await?;
            }
            Loaded::Live(_) => {}
            gone => end_copy(other, key, cause_of(&gone), now).await?,
        }
    }
    Ok(inserted)
}

/// Ends a copy. The end is told by the store that decides, so not by this one.
pub(super) async fn end_copy(
    other: &dyn Store,
    key: &Locator,
    cause: Cause,
    at: UnixTime,
) -> Result<(), StoreError> {
    let ended = match other.end(key, cause, at).await? {
        // It was not told of the last activity; all the same it is over.
        Ended::NotDue => other.end(key, Cause::Revoked, at).await?,
        ended => ended,
    };
    match ended {
        Ended::Now => other.delivered(std::slice::from_ref(key)).await,
        _ => Ok(()),
    }
}

async fn still_live(main: &dyn Store, key: &Locator) -> Result<Settled, StoreError> {
    Ok(match main.load(key).await? {
        Loaded::Live(_) => Settled::Stuck,
        _ => Settled::Ended,
    })
}

fn cause_of(gone: &Loaded) -> Cause {
    match gone {
        Loaded::Ended(cause) => *cause,
        _ => Cause::Lost,
    }
}

/// But for activity.
fn is_same(copy: &Record, record: &Record) -> bool {
    copy.version == record.version
        && copy.data == record.data
        && (copy.kind, copy.key, copy.epochs) == (record.kind, record.key, record.epochs)
        && (&copy.user, &copy.device) == (&record.user, &record.device)
        && (copy.created, copy.dies) == (record.created, record.dies)
}

fn too_often() -> StoreError {
    let what = format!("a session changed {TRIES} times while it was copied");
    StoreError::new(StoreErrorKind::Unavailable, what)
}

const TRIES: usize = 64;
