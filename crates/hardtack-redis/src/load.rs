//! Loads: a record and the epochs that hold for it, in one round trip.

use hardtack::session::store::{Loaded, StoreError};
use hardtack::session::{Cause, Epochs, Locator, Record};
use tokio::time::Instant;

use crate::error::{odd_answer, unreadable};
use crate::key::{self, Index, Name};
use crate::link::Level;
use crate::moves::Move;
use crate::near::NearCache;
use crate::record::{Stored, decode};
use crate::script::Call;
use crate::store::Inner;
use crate::value;
use crate::wire::Value;

impl Inner {
    /// Loads from the server.
    pub(crate) async fn load(&self, key: &Locator, until: Instant) -> Result<Loaded, StoreError> {
        let call = Call::plain("MGET").args(self.loaded_keys(key));
        let answer = self.link.call(key::of(key), &call, Level::Plain, until).await?;
        // It came another way than what tells of writes: what is remembered may be
        // older, and nobody who asks after this answer is to see less.
        self.forget(key);
        match read(key, answer)? {
            Read::Loaded(loaded) => Ok(loaded),
            // In a box, as all that is rare: every load would be as large.
            Read::Moving(record) => Box::pin(self.load_moving(key, record, until)).await,
        }
    }

    /// The same over the connection that tells of writes, so that it may be remembered.
    pub(crate) async fn load_near(
        &self,
        near: &NearCache,
        key: &Locator,
    ) -> Result<Loaded, StoreError> {
        let until = self.link.until();
        let Some(mut load) = near.before(key) else { return self.load(key, until).await };
        let heard = load.ask(&self.loaded_keys(key), self.link.deadline() / 2).await;
        let Some(answer) = heard else { return self.load(key, until).await };
        match read(key, answer)? {
            Read::Loaded(loaded) => {
                if let Loaded::Live(record) = &loaded {
                    near.fill(key, load, record);
                }
                Ok(loaded)
            }
            Read::Moving(record) => self.load_moving(key, record, until).await,
        }
    }

    /// A record, and the global epoch.
    fn loaded_keys(&self, key: &Locator) -> [Name; 2] {
        [self.keys.record(key), self.keys.index_of(key, Index::Global)]
    }

    /// What came of a session that is being moved.
    async fn load_moving(
        &self,
        key: &Locator,
        record: Record,
        until: Instant,
    ) -> Result<Loaded, StoreError> {
        Ok(match self.settle(key, until).await? {
            Move::Happened => Loaded::Ended(Cause::Replaced),
            _ => Loaded::Live(record),
        })
    }
}

/// What an answer to a load says.
enum Read {
    Loaded(Loaded),
    /// A live record, while a login moves its session to another slot.
    Moving(Record),
}

fn read(key: &Locator, answer: Value) -> Result<Read, StoreError> {
    let Ok([stored, global]) = <[Value; 2]>::try_from(value::list(answer)?) else {
        return Err(odd_answer());
    };
    let Value::BulkString(bytes) = stored else { return Ok(Read::Loaded(Loaded::Unknown)) };
    Ok(Read::Loaded(match decode(key, bytes).ok_or_else(unreadable)? {
        Stored::Ended { event } => Loaded::Ended(event.cause),
        Stored::Live { record, user_now, moving } => {
            let now = Epochs { user: user_now, global: value::number(&global)? };
            match (record.epochs.outdated(now), moving) {
                (true, _) => Loaded::Ended(Cause::Revoked),
                (false, true) => return Ok(Read::Moving(record)),
                (false, false) => Loaded::Live(record),
            }
        }
    }))
}
