//! The nodes, as their record tells, and who drives.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use hardtack::session::store::moving::{Control, GONE, Node};
use hardtack::session::{Locator, Version};
use tokio::time::{Instant, sleep};

use super::{MigrateError, Migration, SILENT, refused};

/// How many writes the nodes had failed to make in both stores when a comparison began.
pub(super) type Baseline = BTreeMap<String, u64>;

impl Migration {
    /// Waits until so many nodes give signs, and no others.
    pub(super) async fn count_nodes(&mut self, wanted: usize) -> Result<(), MigrateError> {
        let began = Instant::now();
        let mut first: HashMap<String, u64> = HashMap::new();
        loop {
            let control = self.control().await?;
            // A node that is alive has given another sign since it was first heard of.
            let mut is_alive = |(name, node): &(&String, &Node)| {
                *first.entry((*name).clone()).or_insert(node.beat) != node.beat
            };
            let (alive, known) =
                (control.nodes.iter().filter(|node| is_alive(node)).count(), control.nodes.len());
            let waited = began.elapsed();
            if alive == wanted && waited >= COUNTED {
                return Ok(());
            }
            if alive > wanted || waited > GONE {
                let what = format!(
                    "{alive} nodes serve through both stores and {wanted} were expected ({known} \
                     have been there); restart each node of the application on a MovingStore over \
                     both, and give their number with --nodes"
                );
                return Err(refused(&what));
            }
            sleep(Duration::from_millis(100)).await;
            self.tend(None).await?;
        }
    }

    /// Waits until every node has seen the phase, or is gone.
    pub(super) async fn ready(&mut self) -> Result<Baseline, MigrateError> {
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

    pub(super) fn listen(&mut self, control: &Control) {
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
    pub(super) fn silent(&self) -> impl Iterator<Item = &String> {
        let is_silent = |at: &Instant| at.elapsed() > GONE;
        self.beats.iter().filter(move |(_, (_, at))| is_silent(at)).map(|(name, _)| name)
    }

    pub(super) fn all_alive(&self) -> bool {
        self.beats.values().all(|(_, at)| at.elapsed() < SILENT)
    }

    /// Says that this driver is at work, about once a second, and how far it has come.
    pub(super) async fn tend(&mut self, cursor: Option<Locator>) -> Result<(), MigrateError> {
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

    pub(super) async fn control(&mut self) -> Result<Control, MigrateError> {
        Ok(self.read().await?.1)
    }

    pub(super) async fn read(&mut self) -> Result<(Option<Version>, Control), MigrateError> {
        let (seen, control) = Control::read(&*self.from).await?;
        match &control.driver {
            Some((name, _)) if *name != self.name => Err(refused(TAKEN_OVER)),
            _ => {
                self.listen(&control);
                Ok((seen, control))
            }
        }
    }

    pub(super) async fn change(
        &mut self,
        change: impl Fn(&mut Control),
    ) -> Result<(), MigrateError> {
        loop {
            let (seen, mut control) = Control::read(&*self.from).await?;
            let is_mine = |control: &Control| {
                control.driver.as_ref().is_some_and(|(name, _)| *name == self.name)
            };
            let was_free = control.driver.is_none() || is_mine(&control);
            change(&mut control);
            if !was_free && !is_mine(&control) {
                return Err(refused(TAKEN_OVER));
            }
            if control.write(&*self.from, seen).await? {
                return Ok(());
            }
        }
    }
}

/// Whether no node failed or went away since. One that has joined must not have failed either.
pub(super) fn is_unchanged(control: &Control, baseline: &Baseline) -> bool {
    let failed =
        |(name, node): (&String, &Node)| node.failures != baseline.get(name).copied().unwrap_or(0);
    baseline.keys().all(|name| control.nodes.contains_key(name))
        && !control.nodes.iter().any(failed)
}

const TAKEN_OVER: &str =
    "another `hardtack migrate` has taken over; it goes on in place of this one";
/// How long to listen for nodes that nobody expects.
const COUNTED: Duration = Duration::from_millis(2500);
