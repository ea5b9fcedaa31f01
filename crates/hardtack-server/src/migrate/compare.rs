//! Going through all sessions: copying, comparing, and the epochs of what is left alone.

use futures_util::{StreamExt, TryStreamExt, stream};
use hardtack::session::Locator;
use hardtack::session::store::moving::{Control, Phase, Settled, lift, settle, weed};
use hardtack::session::store::{Store, StoreError};
use hardtack::time::{Clock, SystemClock};
use tokio::time::Instant;

use super::nodes::{Baseline, is_unchanged};
use super::{MigrateError, Migration, Progress, refused, total};

impl Migration {
    /// Goes through all sessions of the store that decides and of the other one, until the second
    /// time round at least, and until no node failed meanwhile.
    pub(super) async fn compare(
        &mut self,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Baseline, MigrateError> {
        for _ in 0..COMPARISONS {
            let baseline = self.ready().await?;
            let control = self.control().await?;
            let cursor = control.cursor.as_deref();
            let (main, other) = match control.phase.is_moved() {
                true => (self.to.clone(), self.from.clone()),
                false => (self.from.clone(), self.to.clone()),
            };
            let first_copy = control.phase == Phase::Copy && cursor != Some(COPIED);
            let after = cursor.filter(|_| first_copy).and_then(Locator::parse);
            self.go_through(&*main, &*other, first_copy, after, tell).await?;
            self.report.rounds += 1;
            if first_copy {
                self.change(|control| control.cursor = Some(COPIED.to_owned())).await?;
                // What a killed driver left is found by a whole round.
                continue;
            }
            self.weed(&*main, &*other).await?;
            if is_unchanged(&self.control().await?, &baseline) {
                return Ok(baseline);
            }
        }
        Err(refused(
            "writes fail in one of the stores again and again, so that the copies are never \
             complete; see to it, and start again",
        ))
    }

    pub(super) async fn go_through(
        &mut self,
        main: &dyn Store,
        other: &dyn Store,
        copies: bool,
        mut after: Option<Locator>,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MigrateError> {
        let (of, began) = (total(&main.census().await?, false), Instant::now());
        let mut done = 0;
        loop {
            let page = main.list(None, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let keys = page.iter().map(|(key, _)| *key).filter(|key| *key != Control::KEY);
            let settling = keys.map(async |key| {
                let now = SystemClock::default().now();
                Ok::<_, StoreError>((key, settle(main, other, &key, now).await?))
            });
            let mut settling = stream::iter(settling).buffer_unordered(AT_ONCE);
            while let Some((key, settled)) = settling.try_next().await? {
                match settled {
                    Settled::Same => self.report.same += 1,
                    Settled::Copied => self.report.copied += 1,
                    Settled::Repaired => self.report.repaired += 1,
                    Settled::Ended => self.report.ended += 1,
                    _ => {
                        let what = format!(
                            "the other store refuses the live session {key}: it was used for \
                             something else; take an empty one"
                        );
                        return Err(refused(&what));
                    }
                }
                done += 1;
            }
            drop(settling);
            let rate = done as f64 / began.elapsed().as_secs_f64().max(0.001);
            tell(Progress { copies, done, of: of.max(done), rate });
            self.tend(after.filter(|_| copies)).await?;
        }
    }

    /// Ends copies without a session.
    pub(super) async fn weed(
        &mut self,
        main: &dyn Store,
        other: &dyn Store,
    ) -> Result<(), MigrateError> {
        let mut after = None;
        loop {
            let page = other.list(None, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let keys = page.iter().map(|(key, _)| *key).filter(|key| *key != Control::KEY);
            let now = SystemClock::default().now();
            let weeding = keys.map(async |key| weed(main, other, &key, now).await);
            let mut weeding = stream::iter(weeding).buffer_unordered(AT_ONCE);
            while let Some(ended) = weeding.try_next().await? {
                self.report.ended += u64::from(ended);
            }
            drop(weeding);
            self.tend(None).await?;
        }
    }

    /// Raises the epochs of a store to those of the sessions in it.
    pub(super) async fn align(&mut self, store: &dyn Store) -> Result<(), MigrateError> {
        let (mut after, mut global) = (None, 0);
        loop {
            let page = store.list(None, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let now = SystemClock::default().now();
            let sessions = page.iter().filter(|(key, _)| *key != Control::KEY);
            for (_, record) in sessions {
                // Most epochs are those of one seen before, or have never been raised.
                if record.epochs.global > global {
                    global = record.epochs.global;
                    lift(store, None, global, now).await?;
                }
                if let Some(user) = record.user.as_ref().filter(|_| record.epochs.user > 0) {
                    lift(store, Some(user), record.epochs.user, now).await?;
                }
            }
            self.tend(None).await?;
        }
    }
}

/// How many sessions one step handles, and how many of them at once.
const PAGE: usize = 1000;
const AT_ONCE: usize = 32;
const COMPARISONS: usize = 20;
/// The cursor when the first copy is complete.
const COPIED: &str = "copied";
