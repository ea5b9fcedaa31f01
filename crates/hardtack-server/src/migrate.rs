//! Takes the sessions of a running application from one store to another.
//!
//! The nodes of the application serve through a [`MovingStore`](hardtack::session::store::moving::MovingStore)
//! over both stores; a [`Migration`] takes them through the phases, copies, compares and switches. It
//! may be ended at any moment, and started again: what it has to know is in the first store.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use hardtack::session::store::moving::{Control, GONE, Phase, Settled, lift, settle, weed};
use hardtack::session::store::{Census, Loaded, Store, StoreError};
use hardtack::session::{Epochs, Locator};
use hardtack::time::{Clock, SystemClock};
use serde::Serialize;
use tokio::time::{Instant, sleep};

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
    /// Milliseconds that writes waited for the switch.
    pub pause_ms: Option<u64>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Whether this is the first copy; else all is compared.
    pub copies: bool,
    /// Sessions done, and about how many there are.
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

/// How many writes the nodes had failed to make in both stores when a comparison began.
type Baseline = BTreeMap<String, u64>;

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
            sleep(ALONE).await;
            let later = Control::read(&*from).await?.1.driver;
            if later.is_some() && later != driver {
                return Err(refused("another `hardtack migrate` is at work on this store"));
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
            _ => return Err(refused("the second store decides already")),
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
            return Err(refused("only what is being copied can be cut over"));
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
            Phase::Done => Err(refused("it was finished: migrate the other way round instead")),
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
            _ => Err(refused("only what was cut over can be finished")),
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
                "say with --nodes how many nodes of the application serve through both stores: one \
                 that knows only the first store would lose what it writes",
            ));
        };
        let there = total(
            &self.to.census().await?,
            matches!(self.to.load(&Control::KEY).await?, Loaded::Live(_)),
        );
        if there > 0 && !control.begun {
            let what = format!(
                "the second store has {there} sessions already, which a migration would end; take \
                 an empty one"
            );
            return Err(refused(&what));
        }
        let (from, to) = (self.from.epochs(None).await?, self.to.epochs(None).await?);
        if to.global > from.global {
            return Err(refused(
                "in the second store everybody's sessions were ended more often than in the first, \
                 so it would refuse them; take an empty one",
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
        sleep(ALONE).await;
        self.align(&*store).await?;
        self.end().await
    }

    /// Raises the epochs of a store to those of the sessions in it.
    async fn align(&mut self, store: &dyn Store) -> Result<(), MigrateError> {
        let mut after = None;
        loop {
            let page = store.list(None, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let now = SystemClock::default().now();
            let sessions = page.iter().filter(|(key, _)| *key != Control::KEY);
            for (_, record) in sessions.filter(|(_, record)| record.epochs != Epochs::default()) {
                lift(store, None, record.epochs.global, now).await?;
                lift(store, record.user.as_ref(), record.epochs.user, now).await?;
            }
            self.tend(None).await?;
        }
    }

    /// Waits until so many nodes give signs, and no others.
    async fn count_nodes(&mut self, wanted: usize) -> Result<(), MigrateError> {
        let began = Instant::now();
        loop {
            let control = self.control().await?;
            // A node that is alive has given another sign since.
            let first = std::mem::take(&mut self.beats);
            let alive = control.nodes.iter();
            let alive = alive.filter(|(name, node)| {
                first.get(*name).is_some_and(|(beat, _)| *beat != node.beat)
            });
            let (alive, known) = (alive.count(), control.nodes.len());
            for (name, node) in &control.nodes {
                let (beat, at) = first.get(name).copied().unwrap_or((node.beat, began));
                self.beats.insert(name.clone(), (beat, at));
            }
            let waited = began.elapsed();
            if alive == wanted && waited >= ALONE.min(Duration::from_millis(2500)) {
                return Ok(());
            }
            if alive > wanted || waited > GONE {
                let what = format!(
                    "{alive} nodes serve through both stores and {wanted} were expected ({known} \
                     have been there); restart each on both stores first, and count again"
                );
                return Err(refused(&what));
            }
            sleep(Duration::from_millis(100)).await;
            self.tend(None).await?;
        }
    }

    async fn switch(
        &mut self,
        pause: Phase,
        target: Phase,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report, MigrateError> {
        let mut baseline = match self.baseline.take() {
            Some(baseline) => baseline,
            None => self.compare(tell).await?,
        };
        for _ in 0..SWITCHES {
            match self.try_switch(pause, target, &baseline).await? {
                Switched::Yes => {
                    self.ready().await?;
                    self.report.phase = target;
                    return Ok(self.report.clone());
                }
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

    /// Goes through all sessions of the store that decides and of the other one, until the second
    /// time round at least, and until no node failed meanwhile.
    async fn compare(
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
    async fn weed(&mut self, main: &dyn Store, other: &dyn Store) -> Result<(), MigrateError> {
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

    /// Waits until every node has seen the phase, or is gone.
    async fn ready(&mut self) -> Result<Baseline, MigrateError> {
        loop {
            let control = self.control().await?;
            self.listen(&control);
            let gone: Vec<String> = self.silent().cloned().collect();
            if !gone.is_empty() {
                self.beats.retain(|name, _| !gone.contains(name));
                self.change(|control| control.nodes.retain(|name, _| !gone.contains(name))).await?;
            } else if control.nodes.values().all(|node| node.seen == control.generation) {
                return Ok(control
                    .nodes
                    .iter()
                    .map(|(n, node)| (n.clone(), node.failures))
                    .collect());
            } else {
                sleep(Duration::from_millis(20)).await;
                self.tend(None).await?;
            }
        }
    }

    fn listen(&mut self, control: &Control) {
        let now = Instant::now();
        self.beats.retain(|name, _| control.nodes.contains_key(name));
        for (name, node) in &control.nodes {
            let heard = self.beats.entry(name.clone()).or_insert((node.beat, now));
            if heard.0 != node.beat {
                *heard = (node.beat, now);
            }
        }
    }

    /// The nodes that have given no sign for too long.
    fn silent(&self) -> impl Iterator<Item = &String> {
        let is_silent = |at: &Instant| at.elapsed() > GONE;
        self.beats.iter().filter(move |(_, (_, at))| is_silent(at)).map(|(name, _)| name)
    }

    fn all_alive(&self) -> bool {
        self.beats.values().all(|(_, at)| at.elapsed() < ALONE)
    }

    /// Says that this driver is at work, about once a second, and how far it has come.
    async fn tend(&mut self, cursor: Option<Locator>) -> Result<(), MigrateError> {
        if self.tended.elapsed() < Duration::from_secs(1) {
            return Ok(());
        }
        self.tended = Instant::now();
        self.change(|control| {
            if let Some((_, beat)) = &mut control.driver {
                *beat += 1;
            }
            if let Some(cursor) = cursor {
                control.cursor = Some(cursor.to_string());
            }
        })
        .await
    }

    async fn control(&mut self) -> Result<Control, MigrateError> {
        Ok(self.read().await?.1)
    }

    async fn read(
        &mut self,
    ) -> Result<(Option<hardtack::session::Version>, Control), MigrateError> {
        let (seen, control) = Control::read(&*self.from).await?;
        match &control.driver {
            Some((name, _)) if *name != self.name => {
                Err(refused("another `hardtack migrate` has taken over"))
            }
            _ => {
                self.listen(&control);
                Ok((seen, control))
            }
        }
    }

    async fn change(&mut self, change: impl Fn(&mut Control)) -> Result<(), MigrateError> {
        loop {
            let (seen, mut control) = Control::read(&*self.from).await?;
            let is_mine = |control: &Control| {
                control.driver.as_ref().is_some_and(|(name, _)| *name == self.name)
            };
            let was_free = control.driver.is_none() || is_mine(&control);
            change(&mut control);
            if !was_free && !is_mine(&control) {
                return Err(refused("another `hardtack migrate` has taken over"));
            }
            if control.write(&*self.from, seen).await? {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("report", &self.report).finish_non_exhaustive()
    }
}

/// Whether no node failed or went away since. One that has joined must not have failed either.
fn is_unchanged(control: &Control, baseline: &Baseline) -> bool {
    let failed = |(name, node): (&String, &hardtack::session::store::moving::Node)| {
        node.failures != baseline.get(name).copied().unwrap_or(0)
    };
    baseline.keys().all(|name| control.nodes.contains_key(name))
        && !control.nodes.iter().any(failed)
}

fn total(census: &Census, with_control: bool) -> u64 {
    census.by_kind.iter().sum::<u64>() - u64::from(with_control)
}

fn refused(why: &str) -> MigrateError {
    MigrateError::Refused(why.to_owned())
}

/// How many sessions one step handles, and how many of them at once.
const PAGE: usize = 1000;
const AT_ONCE: usize = 32;
/// How long a driver must have been silent for another to take over.
const ALONE: Duration = Duration::from_secs(3);
/// How long nodes have to stop writing; shorter than they wait by themselves.
const PATIENCE: Duration = Duration::from_millis(700);
const SWITCHES: usize = 20;
const COMPARISONS: usize = 20;
/// The cursor when the first copy is complete.
const COPIED: &str = "copied";
