//! Epochs: reading them, and raising one for a user or for everybody.

use hardtack::session::store::StoreError;
use hardtack::session::{Epochs, Locator, UserKey};

use crate::error::odd_answer;
use crate::key::{self, Index};
use crate::link::Level;
use crate::script::{self, Call};
use crate::store::Inner;
use crate::value;

impl Inner {
    pub(crate) async fn epochs(&self, user: Option<&UserKey>) -> Result<Epochs, StoreError> {
        let until = self.link.until();
        let Some(user) = user else {
            let (partition, counter) = self.keys.counter();
            let call = Call::plain("GET").arg(counter);
            let answer = self.link.call(partition, &call, Level::Plain, until).await?;
            return Ok(Epochs { user: 0, global: value::number(&answer)? });
        };
        let partition = key::of_user(user);
        let index = |index| self.keys.index(partition, index);
        let calls = vec![
            (partition, Call::plain("HGET").arg(index(Index::Epochs)).arg(user.as_bytes())),
            (partition, Call::plain("GET").arg(index(Index::Global))),
        ];
        let answers = self.link.send(calls, Level::Plain, until).await?;
        let [user, global] = &answers[..] else { return Err(odd_answer()) };
        Ok(Epochs { user: value::number(user)?, global: value::number(global)? })
    }

    pub(crate) async fn raise_user(&self, user: &UserKey) -> Result<u64, StoreError> {
        let mut somewhere = [0; Locator::LEN];
        somewhere[..2].copy_from_slice(&user.slot());
        let somewhere = Locator::from_bytes(somewhere);
        let code = self.with_members(&somewhere, Level::Lasting, self.until_end(), |others| {
            let mut keys: Vec<_> =
                self.indexes(&somewhere, &[Index::Epochs, Index::Users, Index::Lag]).collect();
            keys.extend(others.iter().map(|other| self.keys.record(other)));
            Call::script(&script::RAISE, &keys)
                .arg(user.as_bytes())
                .arg(user.slot())
                .args(others.iter().map(Locator::as_bytes))
        });
        let (code, lag) = code.await?;
        self.hold(lag).await;
        u64::try_from(code.0).map_err(|_| odd_answer())
    }

    /// Draws the next global epoch, and answers when every partition has it: a
    /// partition that has it refuses what began before. If this breaks off in the
    /// middle, the next sweep or raise does the rest.
    pub(crate) async fn raise_all(&self) -> Result<u64, StoreError> {
        let until = self.until_end();
        let (partition, counter) = self.keys.counter();
        let call = Call::plain("INCR").arg(counter);
        let answer = self.link.call(partition, &call, Level::Plain, until).await?;
        let epoch = value::number(&answer)?;
        let calls = (0..=u8::MAX).map(|partition| {
            let keys = [Index::Global, Index::Lag].map(|index| self.keys.index(partition, index));
            (partition, Call::script(&script::SPREAD, &keys).arg(epoch.to_string()))
        });
        let answers = self.link.send(calls.collect(), Level::Lasting, until).await?;
        let lag = answers.into_iter().map(|answer| value::held(answer).1).max();
        self.hold(lag.unwrap_or_default()).await;
        Ok(epoch)
    }
}
