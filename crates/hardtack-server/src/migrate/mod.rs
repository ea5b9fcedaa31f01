//! Takes the sessions of a running application from one store to another.
//!
//! The nodes of the application serve through a [`MovingStore`](hardtack::session::store::moving::MovingStore)
//! over both stores; a [`Migration`] takes them through the phases, copies, compares and switches. It
//! may be ended at any moment, and started again: what it has to know is in the first store.

mod compare;
mod nodes;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::moving::{Control, PAUSE_MAX, Phase};
use hardtack::session::store::{Store, StoreError};
use hardtack::time::{Clock, SystemClock};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use self::nodes::{Baseline, is_unchanged};

/// A migration at work. One at a time: another one waits until this one gives no sign.
pub struct Migration {
    from: Arc<dyn Store>,
    to: Arc<dyn Store>,
    name: String,
    tended: Instant,
    /// The nodes' heartbeats, and since when they are as they are.
    beats: HashMap<String, (u64, Instant)>,
    /// Of the last comparison.
    baseline: Option<Baseline>,
    report: Report,
}

/// What a migration did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The phase that it is in now.
    pub phase: Phase,
    /// Sessions that were copied.
    pub copied: u64,
    /// Copies that were not the same and are now.
    pub repaired: u64,
    /// Copies that were ended, since their session was.
    pub ended: u64,
    /// Sessions that were compared and found the same.
    pub same: u64,
    /// How often all sessions were gone through.
    pub rounds: u32,
    /// Milliseconds that writes waited for the switch, at most.
    pub pause_ms: Option<u64>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Whether this is the first copy; else all is compared.
    pub copies: bool,
    /// Sessions done.
    pub done: u64,
    /// About how many there are.
    pub of: u64,
    /// Sessions a second.
    pub rate: f64,
}

impl Progress {
    /// How long it will take at this rate.
    pub fn remaining(&self) -> Option<Duration> {
        let seconds = self.of.saturating_sub(self.done) as f64 / self.rate;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Why a migration does not go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum MigrateError {
    /// A store failed. Start again when it is well.
    Store(StoreError),
    /// It would not be safe, or makes no sense in this phase.
    Refused(String),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MigrateError::Store(error) => error.fmt(f),
            MigrateError::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for MigrateError {}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        MigrateError::Store(error)
    }
}

enum Switched {
    Yes,
    /// A node did not answer in time: try again.
    Late,
    /// Something happened after the comparison: compare again.
    Changed,
}

impl Migration {
    /// Takes over, from a driver that has died if need be.
    ///
    /// # Errors
    /// A store failed, or another driver is at work.
    pub async fn begin(from: Arc<dyn Store>, to: Arc<dyn Store>) -> Result<Self, MigrateError> {
        let name = format!("{}-{}", std::process::id(), SystemClock::default().now().as_millis());
        let driver = Control::read(&*from).await?.1.driver;
        if driver.is_some() {
            sleep(SILENT).await;
            let later = Control::read(&*from).await?.1.driver;
            if later.is_some() && later != driver {
                return Err(refused(
                    "another `hardtack migrate` is at work on this store; end it, or wait until it \
                     is done",
                ));
            }
        }
        let (tended, beats) = (Instant::now(), HashMap::new());
        let mut this =
            Self { from, to, name, tended, beats, baseline: None, report: Report::default() };
        let name = this.name.clone();
        this.change(|control| {
            control.driver = Some((name.clone(), 0));
            if let Some(back) = control.phase.paused_from() {
                control.enter(back);
            }
        })
        .await?;
        Ok(this)
    }

    /// The phase and the nodes.
    ///
    /// # Errors
    /// The first store failed.
    pub async fn status(from: &dyn Store) -> Result<Control, MigrateError> {
        Ok(Control::read(from).await?.1)
    }

    /// Copies all sessions while the application serves, until both stores have the same.
    ///
    /// # Errors
    /// A store failed; or there are not exactly `nodes` nodes, or the second store is in use.
    pub async fn copy(
        &mut self,
        nodes: Option<usize>,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MigrateError> {
        let control = self.control().await?;
        match control.phase {
            Phase::From => self.prepare(&control, nodes).await?,
            Phase::Copy => {}
            Phase::Done => {
                return Err(refused(
                    "a migration from the first store was finished, and the second decides alone; \
                     empty the first store before you migrate from it again",
                ));
            }
            _ => {
                return Err(refused(
                    "the second store decides already; go on with --finish, or back with \
                     --roll-back",
                ));
            }
        }
        self.baseline = Some(self.compare(tell).await?);
        Ok(())
    }

    /// Compares until nothing is missing, and lets the second store decide.
    ///
    /// # Errors
    /// A store failed, or the nodes cannot be brought to agree.
    pub async fn cut_over(
        &mut self,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report, MigrateError> {
        if self.control().await?.phase != Phase::Copy {
            return Err(refused(
                "the second store can take over only while sessions are copied; copy first",
            ));
        }
        self.switch(Phase::CutOver, Phase::To, tell).await?;
        self.end().await
    }

    /// Lets the first store decide again, with all that happened since.
    ///
    /// # Errors
    /// A store failed, or there is no way back any more.
    pub async fn roll_back(
        &mut self,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report, MigrateError> {
        match self.control().await?.phase {
            Phase::To => {
                self.switch(Phase::RollBack, Phase::Copy, tell).await?;
                self.leave_alone(Phase::From).await
            }
            Phase::Copy => self.leave_alone(Phase::From).await,
            Phase::Done => Err(refused(
                "it was finished, so there is no way back; empty the first store, and migrate to it \
                 from the second",
            )),
            _ => self.end().await,
        }
    }

    /// Leaves the first store behind: nodes use the second alone.
    ///
    /// # Errors
    /// A store failed, or the second store does not decide yet.
    pub async fn finish(&mut self) -> Result<Report, MigrateError> {
        match self.control().await?.phase {
            Phase::To | Phase::Done => self.leave_alone(Phase::Done).await,
            _ => Err(refused(
                "the first store still decides; migrate without --finish before, so that the second \
                 one takes over",
            )),
        }
    }

    /// Says that no driver is at work any more.
    ///
    /// # Errors
    /// The first store failed.
    pub async fn end(&mut self) -> Result<Report, MigrateError> {
        self.change(|control| control.driver = None).await?;
        self.report.phase = self.control().await?.phase;
        Ok(self.report.clone())
    }

    /// Turns the double writes on.
    async fn prepare(
        &mut self,
        control: &Control,
        nodes: Option<usize>,
    ) -> Result<(), MigrateError> {
        let Some(nodes) = nodes else {
            return Err(refused(
                "say with --nodes how many nodes of the application serve through both stores; \
                 count all of them, since one that knows only the first store would lose what it \
                 writes",
            ));
        };
        let there = sessions_in(&*self.to).await?;
        if there > 0 && !control.begun {
            let what = format!(
                "the second store has {there} sessions already, which a migration would end; \
                 empty it, or take another"
            );
            return Err(refused(&what));
        }
        let (from, to) = (self.from.epochs(None).await?, self.to.epochs(None).await?);
        if to.global > from.global {
            return Err(refused(
                "in the second store everybody's sessions were ended more often than in the first, \
                 so it would refuse them; take a new one",
            ));
        }
        self.count_nodes(nodes).await?;
        self.change(|control| {
            (control.begun, control.cursor) = (true, None);
            control.enter(Phase::Copy);
        })
        .await
    }

    /// Leaves the store that decides alone. Its epochs reach those of its sessions before, and
    /// again when logins that had begun before are done.
    async fn leave_alone(&mut self, phase: Phase) -> Result<Report, MigrateError> {
        let store = if phase.is_moved() { self.to.clone() } else { self.from.clone() };
        self.align(&*store).await?;
        if self.control().await?.phase != phase {
            self.change(|control| control.enter(phase)).await?;
        }
        self.ready().await?;
        sleep(LOGINS).await;
        self.align(&*store).await?;
        self.end().await
    }

    async fn switch(
        &mut self,
        pause: Phase,
        target: Phase,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MigrateError> {
        let mut baseline = match self.baseline.take() {
            Some(baseline) => baseline,
            None => self.compare(tell).await?,
        };
        for _ in 0..SWITCHES {
            match self.try_switch(pause, target, &baseline).await? {
                Switched::Yes => return self.ready().await.map(|_| ()),
                // A node that is gone is found out by the next comparison.
                Switched::Late if self.all_alive() => sleep(Duration::from_millis(300)).await,
                Switched::Late | Switched::Changed => baseline = self.compare(tell).await?,
            }
        }
        Err(refused(
            "writes fail in one of the stores, or nodes do not answer, again and again; nothing \
             was switched. See to it, and start again",
        ))
    }

    async fn try_switch(
        &mut self,
        pause: Phase,
        target: Phase,
        baseline: &Baseline,
    ) -> Result<Switched, MigrateError> {
        let began = Instant::now();
        self.change(|control| control.enter(pause)).await?;
        let switched = loop {
            let (seen, mut control) = self.read().await?;
            if control.phase != pause {
                // The nodes did not want to wait any longer.
                return Ok(Switched::Late);
            }
            if !is_unchanged(&control, baseline) {
                break Switched::Changed;
            }
            if control.nodes.values().all(|node| node.seen == control.generation) {
                control.enter(target);
                // Only from exactly what was seen: no node has failed or joined since.
                if control.write(&*self.from, seen).await? {
                    self.report.pause_ms = Some(began.elapsed().as_millis() as u64);
                    return Ok(Switched::Yes);
                }
            } else if began.elapsed() > PATIENCE {
                break Switched::Late;
            } else {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let back = pause.paused_from().unwrap_or(pause);
        self.change(|control| {
            if control.phase == pause {
                control.enter(back);
            }
        })
        .await?;
        Ok(switched)
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("report", &self.report).finish_non_exhaustive()
    }
}

async fn sessions_in(store: &dyn Store) -> Result<u64, StoreError> {
    let mut census = store.census().await?;
    Control::leave_out(&mut census);
    Ok(census.by_kind.iter().sum())
}

fn refused(why: &str) -> MigrateError {
    MigrateError::Refused(why.to_owned())
}

/// After what time without a sign, which comes once a second, a driver may be followed by another,
/// and a node is not waited for.
const SILENT: Duration = Duration::from_secs(3);
/// How long logins that have begun get to be done: a check of credentials, and a write.
const LOGINS: Duration = Duration::from_secs(3);
/// How long nodes have to stop writing.
const PATIENCE: Duration = Duration::from_millis(700);
// Else the nodes go on by themselves first.
const _: () = assert!(PATIENCE.as_millis() < PAUSE_MAX.as_millis());
const SWITCHES: usize = 20;

#[cfg(test)]
mod tests {
    use hardtack::session::store::MemoryStore;
    use hardtack_testkit::{FakeClock, records};

    use super::*;

    #[tokio::test]
    async fn the_record_of_the_migration_is_not_counted() {
        let store = MemoryStore::new();
        let session = records::anonymous(FakeClock::START);
        records::put(&store, &records::locator(None), &session).await;
        assert!(Control::default().write(&store, None).await.unwrap());
        assert_eq!(sessions_in(&store).await.unwrap(), 1);
    }
}
