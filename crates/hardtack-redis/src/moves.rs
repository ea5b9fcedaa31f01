//! A login that takes the place of a session in another slot of a cluster, where
//! no script sees both.
//!
//! The old session is marked with the new one's locator. Then the new one is
//! created, and that is the moment at which the login has happened: whoever finds
//! the mark looks whether the new session is there, and takes the old one for
//! live before and for replaced after. Last, the old one gets its tombstone.
//!
//! A locator is drawn at random, so the new one cannot have been there before.
//!
//! Whoever wants to write to a marked session waits. If the caller is gone (its
//! mark is older than half of the deadline) the move is settled by others: the
//! place of the new session is taken by a tombstone, so that a late insert is
//! refused, and the mark is taken away; or, if the new session was created, the
//! old one ends. The sweeper looks after marks that nobody asks for.

use std::time::Duration;

use hardtack::session::store::{Admission, Inserted, Relocated, StoreError};
use hardtack::session::{Locator, Record, Version};
use tokio::time::Instant;

use crate::error::{late, odd_answer};
use crate::key::{self, Index};
use crate::link::Level;
use crate::script::{self, Call};
use crate::store::{Inner, big_endian, left_over};
use crate::value::{self, Code};
use crate::wire::Value;

/// Between two looks at a session that is being moved.
const PAUSE: Duration = Duration::from_millis(5);

/// What is known of a move.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// The new session was created, and the old one has ended.
    Happened,
    /// It is over, one way or the other.
    Over,
    /// It may still happen.
    UnderWay,
}

impl Inner {
    pub(crate) async fn move_across(
        &self,
        old: &Locator,
        seen: Version,
        new: &Locator,
        record: Record,
        admission: Admission,
        until: Instant,
    ) -> Result<Relocated, StoreError> {
        let mut keys = vec![self.keys.record(old)];
        keys.extend(
            self.indexes(old, &[Index::Global, Index::Due, Index::Users, Index::Moves, Index::Lag]),
        );
        let call = Call::script(&script::MARK, &keys)
            .arg(seen.number().to_be_bytes())
            .arg(old.as_bytes())
            .arg(new.as_bytes())
            .arg(big_endian(admission.now));
        let code = self.when_settled(old, Level::Plain, until, &call).await?;
        match code {
            // The latter: our own earlier call, which was given up by its caller.
            Code::OK | Code::EXISTS => {}
            Code::NOT_NOW => return Ok(Relocated::Conflict),
            code => return code.gone().map(Relocated::Gone),
        }
        let (inserted, mut lag) = self.insert(new, record, admission, until).await?;
        match (code, inserted) {
            (Code::EXISTS, Inserted::Exists) => self.wait_for_move(old, until).await?,
            _ => lag = lag.max(self.unmark(old, new, inserted == Inserted::Ok, until).await?),
        }
        self.hold(lag).await;
        match inserted {
            Inserted::Ok => Ok(Relocated::Ok),
            Inserted::Exists => Ok(Relocated::Exists),
            Inserted::Full => Ok(Relocated::Full),
            Inserted::Outdated => Ok(Relocated::Outdated),
            _ => Err(odd_answer()),
        }
    }

    /// Returns when `old` is not being moved any more.
    pub(crate) async fn wait_for_move(
        &self,
        old: &Locator,
        until: Instant,
    ) -> Result<(), StoreError> {
        while self.settle(old, until).await? == Move::UnderWay {
            if Instant::now() >= until {
                return Err(late());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Looks what has become of the move of `old`, and ends it if it has happened
    /// or if its caller is gone.
    pub(crate) async fn settle(&self, old: &Locator, until: Instant) -> Result<Move, StoreError> {
        let moves = self.keys.index(key::of(old), Index::Moves);
        let peek = Call::script(&script::PEEK, &[moves]).arg(old.as_bytes());
        let answer = self.link.call(key::of(old), &peek, Level::Plain, until).await?;
        let Value::Array(mark) = answer else { return Ok(Move::Over) };
        let [new, age] = &mark[..] else { return Err(odd_answer()) };
        let (new, age) = (value::locator(new)?, value::number(age)?);
        let gone = u128::from(age) > self.link.deadline().as_millis() / 2;
        let settle = Call::script(&script::SETTLE, &[self.keys.record(&new)])
            .arg(if gone { "1" } else { "0" })
            .arg(left_over());
        let answer = self.link.call(key::of(&new), &settle, Level::Plain, until).await?;
        match value::code(answer)? {
            Code::NOT_NOW => Ok(Move::UnderWay),
            Code::OK => {
                self.unmark(old, &new, true, until).await?;
                Ok(Move::Happened)
            }
            Code::EXISTS => {
                self.unmark(old, &new, false, until).await?;
                Ok(Move::Over)
            }
            _ => Err(odd_answer()),
        }
    }

    /// Answers how long to hold back what has happened.
    async fn unmark(
        &self,
        old: &Locator,
        new: &Locator,
        happened: bool,
        until: Instant,
    ) -> Result<Duration, StoreError> {
        let mut keys = vec![self.keys.record(old)];
        let indexes = [Index::Due, Index::Users, Index::Ends, Index::Moves, Index::Lag];
        keys.extend(self.indexes(old, &indexes));
        let call = Call::script(&script::UNMARK, &keys)
            .arg(old.as_bytes())
            .arg(new.as_bytes())
            .arg(if happened { "1" } else { "0" });
        let level = if happened { Level::Lasting } else { Level::Plain };
        let answer = self.link.call(key::of(old), &call, level, until).await?;
        Ok(value::held(answer).1)
    }
}
