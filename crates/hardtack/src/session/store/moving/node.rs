//! A node of the application: which phase it is in, and what it has under way.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::super::{Store, StoreError, StoreErrorKind};
use super::control::{Control, Node, PAUSE_MAX, Phase};
use crate::entropy;
use crate::session::runtime::Runtime;
use crate::time::{Clock, UnixTime};

/// How long a node serves after it was last in touch with the record of the migration.
pub const LEASE: Duration = Duration::from_secs(4);

/// After what time without a sign a node is taken for gone.
pub const GONE: Duration = Duration::from_secs(10);

/// Two stores as one, while sessions move from the first to the second. See the [module](super).
///
/// Clones are the same node.
#[derive(Clone)]
pub struct MovingStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) from: Arc<dyn Store>,
    pub(super) to: Arc<dyn Store>,
    pub(super) clock: Box<dyn Clock>,
    runtime: Arc<dyn Runtime>,
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    generation: u64,
    /// Since when this phase is known here.
    since: UnixTime,
    /// When it was last in touch.
    touched: Option<UnixTime>,
    node: Node,
    /// Writes under way: of this generation, and of older ones.
    now: usize,
    before: usize,
    failures: u64,
}

impl MovingStore {
    /// Joins the migration from one store to another, which is in the phase [`Phase::From`] if
    /// nobody has prepared it. Looks at its record ten times a second until it is dropped.
    ///
    /// # Errors
    /// The first store fails.
    pub async fn join(
        from: impl Store,
        to: impl Store,
        runtime: impl Runtime,
        clock: impl Clock,
    ) -> Result<Self, StoreError> {
        let mut name = [0; 8];
        entropy::fill(&mut name).map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "no random bytes for the name of a node")
                .caused_by(error)
        })?;
        let inner = Arc::new(Inner {
            from: Arc::new(from),
            to: Arc::new(to),
            clock: Box::new(clock),
            runtime: Arc::new(runtime),
            name: name.iter().map(|byte| format!("{byte:02x}")).collect(),
            state: Mutex::default(),
        });
        inner.look().await?;
        let (watched, runtime) = (Arc::downgrade(&inner), inner.runtime.clone());
        inner.runtime.spawn(Box::pin(watch(watched, runtime)));
        Ok(Self(inner))
    }

    /// The phase that this node is in.
    pub fn phase(&self) -> Phase {
        self.0.state().phase
    }

    /// Looks at the record of the migration now: for who drives time by hand.
    ///
    /// # Errors
    /// The first store failed.
    pub async fn look(&self) -> Result<(), StoreError> {
        self.0.look().await
    }
}

/// Until the store is dropped, or the first store is of no concern any more.
async fn watch(node: Weak<Inner>, runtime: Arc<dyn Runtime>) {
    loop {
        let Some(inner) = node.upgrade() else { return };
        // An error is told by the verbs, once the lease has run out.
        let _ = inner.look().await;
        let phase = inner.state().phase;
        drop(inner);
        match phase {
            Phase::Done => return,
            phase if phase.paused_from().is_some() => runtime.sleep(WAIT).await,
            _ => runtime.sleep(LOOK).await,
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let began = self.clock.now();
            let (seen, mut control) = Control::read(&*self.from).await?;
            let Some(node) = self.follow(&mut control, began) else { return Ok(()) };
            control.nodes.insert(self.name.clone(), node);
            if control.write(&*self.from, seen).await? {
                let mut state = self.state();
                (state.node, state.touched) = (node, Some(began));
                // A pause that this node has just ended.
                (state.phase, state.generation) = (control.phase, control.generation);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes over the phase, and answers what there is to tell, if anything.
    fn follow(&self, control: &mut Control, now: UnixTime) -> Option<Node> {
        let mut state = self.state();
        let state = &mut *state;
        if control.generation < state.generation {
            // Read before another look of this node.
            return None;
        }
        if control.generation > state.generation {
            (state.phase, state.generation) = (control.phase, control.generation);
            (state.before, state.now, state.since) = (state.before + state.now, 0, now);
        }
        if let Some(back) = control.phase.paused_from()
            && now.since(state.since) > PAUSE_MAX
        {
            // The driver has gone. If it has not, it finds that it was too late.
            control.enter(back);
        }
        let told = control.nodes.get(&self.name).copied();
        let mut node = Node { beat: state.node.beat + 1, failures: state.failures, ..state.node };
        if state.before == 0 {
            node.seen = state.generation;
        }
        let is_known = told.is_some_and(|told| told == state.node)
            && (node.seen, node.failures) == (state.node.seen, state.node.failures);
        let is_fresh =
            state.touched.is_some_and(|at| at <= now && now.since(at) < BEAT) && is_known;
        (!is_fresh || control.generation != state.generation).then_some(node)
    }

    /// The stores to read from.
    pub(super) fn reading(&self) -> Result<Stores<'_>, StoreError> {
        let state = self.state();
        self.holds(&state).map(|()| self.stores(state.phase))
    }

    fn stores(&self, phase: Phase) -> Stores<'_> {
        let (main, other) =
            if phase.is_moved() { (&self.to, &self.from) } else { (&self.from, &self.to) };
        Stores { main: &**main, other: phase.is_dual().then_some(&**other) }
    }

    /// Begins a write, when there is no pause.
    pub(super) async fn writing(&self) -> Result<Write<'_>, StoreError> {
        let began = self.clock.now();
        loop {
            if let Some(write) = self.try_writing()? {
                return Ok(write);
            }
            if self.clock.now().since(began) > LEASE {
                let what = "a migration of the sessions holds writes up; try again";
                return Err(StoreError::new(StoreErrorKind::Unavailable, what));
            }
            self.runtime.sleep(WAIT).await;
        }
    }

    fn try_writing(&self) -> Result<Option<Write<'_>>, StoreError> {
        let mut state = self.state();
        self.holds(&state)?;
        if state.phase.paused_from().is_some() {
            return Ok(None);
        }
        state.now += 1;
        let (stores, generation) = (self.stores(state.phase), state.generation);
        Ok(Some(Write { inner: self, stores, generation, is_everywhere: false }))
    }

    fn holds(&self, state: &State) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_in_touch = state.touched.is_some_and(|at| at <= now && now.since(at) < LEASE);
        if is_in_touch || state.phase == Phase::Done {
            return Ok(());
        }
        let what = format!(
            "this node has not reached the record of the migration for {LEASE:?}, so it does not \
             know which store decides"
        );
        Err(StoreError::new(StoreErrorKind::Unavailable, what))
    }
}

/// The stores as a phase has them.
#[derive(Clone, Copy)]
pub(super) struct Stores<'a> {
    /// The one that decides.
    pub(super) main: &'a dyn Store,
    /// The other one, where it is written, too.
    pub(super) other: Option<&'a dyn Store>,
}

/// A write under way. One that is given up, or fails in either store, is a failure that the driver
/// is told.
pub(super) struct Write<'a> {
    inner: &'a Inner,
    pub(super) stores: Stores<'a>,
    generation: u64,
    is_everywhere: bool,
}

impl Write<'_> {
    /// Answers, if this node may still say what holds.
    pub(super) fn answer<T>(
        mut self,
        other: Result<(), StoreError>,
        answer: T,
    ) -> Result<T, StoreError> {
        self.is_everywhere = other.is_ok();
        let state = self.inner.state();
        self.inner.holds(&state)?;
        Ok(answer)
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        match self.generation == state.generation {
            true => state.now -= 1,
            false => state.before -= 1,
        }
        state.failures += u64::from(!self.is_everywhere);
    }
}

impl fmt::Debug for MovingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MovingStore")
            .field("from", &self.0.from.info().name)
            .field("to", &self.0.to.info().name)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}

/// How often the record is looked at, and while writes wait; how often a node gives a sign.
const LOOK: Duration = Duration::from_millis(100);
const WAIT: Duration = Duration::from_millis(10);
const BEAT: Duration = Duration::from_secs(1);
/// How often another's change may come first, each time one looks.
const ROUNDS: usize = 16;
