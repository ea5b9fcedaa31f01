//! Going through all sessions: copying, comparing, and the epochs of what is left alone.

use futures_util::{StreamExt, TryStreamExt, stream};
use hardtack::session::Locator;
use hardtack::session::store::moving::{Phase, Settled, lift, settle, weed};
use hardtack::session::store::{Store, StoreError};
use hardtack::time::{Clock, SystemClock};
use tokio::time::Instant;

use super::nodes::{Baseline, is_unchanged};
use super::{MigrateError, Migration, Progress, refused, sessions_in};
use crate::pages::Pages;

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

    async fn go_through(
        &mut self,
        main: &dyn Store,
        other: &dyn Store,
        copies: bool,
        after: Option<Locator>,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MigrateError> {
        let (of, began) = (sessions_in(main).await?, Instant::now());
        let (mut pages, mut done) = (Pages::new(main, after), 0);
        while let Some(page) = pages.next().await? {
            let settling = page.iter().map(async |(key, _)| {
                let now = SystemClock::default().now();
                Ok::<_, StoreError>((key, settle(main, other, key, now).await?))
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
                            "the other store refuses the live session {key}, because it was used for \
                             something else; roll back, and take an empty one"
                        );
                        return Err(refused(&what));
                    }
                }
                done += 1;
            }
            drop(settling);
            let rate = done as f64 / began.elapsed().as_secs_f64().max(0.001);
            tell(Progress { copies, done, of: of.max(done), rate });
            self.tend(pages.after().filter(|_| copies)).await?;
        }
        Ok(())
    }

    /// Ends copies without a session.
    async fn weed(&mut self, main: &dyn Store, other: &dyn Store) -> Result<(), MigrateError> {
        let mut pages = Pages::new(other, None);
        while let Some(page) = pages.next().await? {
            let now = SystemClock::default().now();
            let weeding = page.iter().map(async |(key, _)| weed(main, other, key, now).await);
            let mut weeding = stream::iter(weeding).buffer_unordered(AT_ONCE);
            while let Some(ended) = weeding.try_next().await? {
                self.report.ended += u64::from(ended);
            }
            drop(weeding);
            self.tend(None).await?;
        }
        Ok(())
    }

    /// Raises the epochs of a store to those of the sessions in it.
    pub(super) async fn align(&mut self, store: &dyn Store) -> Result<(), MigrateError> {
        let (mut pages, mut global) = (Pages::new(store, None), 0);
        while let Some(page) = pages.next().await? {
            let now = SystemClock::default().now();
            for (_, record) in &page {
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
        Ok(())
    }
}

/// How many sessions are handled at once.
const AT_ONCE: usize = 32;
const COMPARISONS: usize = 20;
/// The cursor when the first copy is complete.
const COPIED: &str = "copied";
