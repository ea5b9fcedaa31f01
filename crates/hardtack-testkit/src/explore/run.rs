//! One run: the requests, step by step.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hardtack::session::store::{Store, StoreErrorKind};
use hardtack::time::Clock;

use super::browser::Browser;
use super::stage::{Concerns, Fate, Shared, Staged, lock, turn};
use super::{Action, Answer, Explorer, Nodes, Part, Site, Start};
use crate::{FakeClock, Fault, FaultyStore, Verb};

/// Longer than the idle timeout of a site and its touch interval, and shorter
/// than the lifetime.
const IDLE_TIME_RUNS_OUT: Duration = Duration::from_secs(40 * 60);

/// Something that can happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The browser sends these requests at once.
    Begin(Vec<usize>),
    /// Answers arrive, in this order, and the browser sends another request.
    Send { part: usize, after: Vec<usize> },
    /// A part's call to the store has its fate, and the part goes on to its next.
    Step(usize, Fate),
}

impl Event {
    /// The part that takes a step, if that is what happens.
    pub(super) fn step(&self) -> Option<(usize, Fate)> {
        match self {
            Event::Step(part, fate) => Some((*part, *fate)),
            _ => None,
        }
    }
}

pub(super) struct Run {
    pub(super) stage: Shared,
    pub(super) clock: FakeClock,
    store: Arc<dyn Store>,
    sites: Vec<Box<dyn Site>>,
    /// Another node, that can only read.
    onlooker: Box<dyn Site>,
    pub(super) requests: Vec<Request>,
    pub(super) browser: Browser,
    nodes: Nodes,
    every_order: bool,
    begun: bool,
    /// Whether one call may still be lost.
    may_lose: bool,
    /// The part that has finished with the last event.
    finished: Option<usize>,
    /// The parts whose answers have arrived, in order.
    pub(super) arrived: Vec<usize>,
    /// Every Set-Cookie there was before.
    pub(super) given_before: Vec<String>,
}

/// One part of a run.
pub(super) struct Request {
    pub(super) part: Part,
    state: State,
    /// The cookies that it was sent with.
    pub(super) cookies: String,
}

enum State {
    Unsent,
    Running(Pin<Box<dyn Future<Output = Answer> + Send>>),
    Done(Answer),
}

impl Request {
    /// The answer, if it has been given. Time that passes is not answered.
    pub(super) fn answer(&self) -> Option<&Answer> {
        match &self.state {
            State::Done(answer) if self.part != Part::Expire => Some(answer),
            _ => None,
        }
    }
}

impl Run {
    pub(super) fn new(explorer: &Explorer, start: Start, parts: &[Part], tell: bool) -> Self {
        let stage = Shared::default();
        lock(&stage).waiting = vec![None; parts.len()];
        lock(&stage).history.story = tell.then(Vec::new);
        let (clock, store) = (FakeClock::new(), (explorer.store)());
        let nodes = if explorer.nodes == Nodes::One { 1 } else { parts.len() };
        let sites = (0..nodes).map(|_| {
            let staged = Staged { inner: store.clone(), stage: stage.clone() };
            (explorer.site)(Arc::new(staged), clock.clone())
        });
        let request =
            |part: &Part| Request { part: *part, state: State::Unsent, cookies: String::new() };
        let mut run = Self {
            sites: sites.collect(),
            onlooker: (explorer.site)(Arc::new(read_only(store.clone())), clock.clone()),
            stage,
            clock,
            store,
            requests: parts.iter().map(request).collect(),
            browser: Browser::new(explorer.one_cookie_name),
            nodes: explorer.nodes,
            every_order: explorer.every_order,
            begun: false,
            may_lose: explorer.lost_calls,
            finished: None,
            arrived: Vec::new(),
            given_before: Vec::new(),
        };
        run.prepare(start);
        run
    }

    /// Gives the browser what it begins with: a session with one value.
    fn prepare(&mut self, start: Start) {
        let actions: &[Action] = match start {
            Start::Fresh => &[],
            Start::Visitor => &[Action::Write(self.requests.len())],
            Start::SignedIn => &[Action::Login, Action::Write(self.requests.len())],
        };
        for action in actions {
            let answer = at_once(self.sites[0].handle(&self.browser.cookies(), *action));
            assert_eq!(answer.status, 200, "{action:?} works when nothing else is going on");
            self.browser.take(&answer);
            self.given_before.extend(answer.set_cookies);
        }
    }

    /// A copy of the browser, after these answers have arrived in this order.
    pub(super) fn browser_after(&self, arrivals: &[usize]) -> Browser {
        let mut browser = self.browser.clone();
        for answer in arrivals.iter().filter_map(|part| self.requests[*part].answer()) {
            browser.take(answer);
        }
        browser
    }

    /// What a site shows to these cookies. Changes nothing in the store.
    pub(super) fn look(&self, cookies: &str) -> Answer {
        at_once(self.onlooker.handle(cookies, Action::Look))
    }

    /// What can happen next; nothing when all is over.
    pub(super) fn events(&self) -> Vec<(Event, Concerns)> {
        let unsent: Vec<usize> = self.parts(|r| matches!(r.state, State::Unsent));
        if !self.begun {
            return subsets(&unsent)
                .map(|some| (Event::Begin(some), Concerns::everything()))
                .collect();
        }
        let mut events = Vec::new();
        for part in &unsent {
            for after in self.arrivals_now() {
                events.push((Event::Send { part: *part, after }, Concerns::everything()));
            }
        }
        let stage = lock(&self.stage);
        let steps = stage
            .waiting
            .iter()
            .enumerate()
            .filter_map(|(part, concerns)| concerns.clone().map(|concerns| (part, concerns)));
        for (part, concerns) in steps {
            let request = self.requests[part].part != Part::Expire;
            let fates = [
                (Fate::Answered, true),
                (Fate::CallLost, self.may_lose && request),
                (Fate::AnswerLost, self.may_lose && request && concerns.is_write()),
            ];
            let shared = self.nodes == Nodes::One || self.every_order;
            let concerns = if shared { Concerns::everything() } else { concerns };
            let can = fates.into_iter().filter(|(_, can)| *can);
            events.extend(can.map(|(fate, _)| (Event::Step(part, fate), concerns.clone())));
        }
        events
    }

    /// The orders in which answers can arrive before the next request is sent:
    /// those that end or begin with the one that has just been given. Others were
    /// there before it.
    fn arrivals_now(&self) -> Vec<Vec<usize>> {
        let Some(finished) = self.finished else { return Vec::new() };
        let given = self.parts(|r| r.answer().is_some());
        let waiting: Vec<usize> =
            given.into_iter().filter(|part| !self.arrived.contains(part)).collect();
        let orders = subsets(&waiting).flat_map(|some| permutations(&some));
        orders.filter(|order| order.contains(&finished)).collect()
    }

    fn parts(&self, which: impl Fn(&Request) -> bool) -> Vec<usize> {
        (0..self.requests.len()).filter(|part| which(&self.requests[*part])).collect()
    }

    /// Whether every part has come to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.begun && self.requests.iter().all(|r| matches!(r.state, State::Done(_)))
    }

    /// The parts that wait for something that nobody will give them.
    pub(super) fn stuck(&self) -> Vec<usize> {
        let stage = lock(&self.stage);
        let running = |r: &Request| matches!(r.state, State::Running(_));
        match stage.waiting.iter().any(Option::is_some) {
            true => Vec::new(),
            false => self.parts(running),
        }
    }

    /// Lets something happen.
    pub(super) fn take(&mut self, event: &Event) {
        self.finished = None;
        match event {
            Event::Begin(parts) => {
                self.begun = true;
                let time = self.parts(|r| r.part == Part::Expire);
                let cookies = self.browser.cookies();
                parts.iter().chain(&time).for_each(|part| self.send(*part, &cookies));
            }
            Event::Send { part, after } => {
                for arrived in after {
                    if let Some(answer) = self.requests[*arrived].answer().cloned() {
                        self.tell(*arrived, || "its answer arrives".to_owned());
                        self.browser.take(&answer);
                        self.arrived.push(*arrived);
                    }
                }
                let cookies = self.browser.cookies();
                self.send(*part, &cookies);
            }
            Event::Step(part, fate) => {
                if *fate != Fate::Answered {
                    self.may_lose = false;
                    self.tell(*part, || format!("of its next call: {fate:?}"));
                }
                lock(&self.stage).grant(*part, *fate);
                self.poll(*part);
            }
        }
        self.poll_others();
    }

    fn send(&mut self, part: usize, cookies: &str) {
        let site = &self.sites[if self.nodes == Nodes::One { 0 } else { part }];
        let action = match self.requests[part].part {
            Part::Login => Action::Login,
            Part::Logout => Action::Logout,
            Part::Renew => Action::Renew,
            Part::Write => Action::Write(part),
            Part::EndAll => Action::EndAll,
            Part::Expire => {
                self.requests[part].state = State::Running(self.time());
                return self.poll(part);
            }
        };
        let future = site.handle(cookies, action);
        self.requests[part].cookies = cookies.to_owned();
        self.requests[part].state = State::Running(future);
        self.tell(part, || format!("{action:?} is sent"));
        self.poll(part);
    }

    /// Time passes, and then the store is swept.
    fn time(&self) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        let (stage, clock) = (self.stage.clone(), self.clock.clone());
        let staged = Staged { inner: self.store.clone(), stage: stage.clone() };
        Box::pin(async move {
            turn(&stage, Concerns::everything()).await;
            let now = clock.advance(IDLE_TIME_RUNS_OUT);
            lock(&stage).history.tell(|_| "time runs out".to_owned());
            // Refused sweeps are tried again by the next; here there is none.
            let _ = staged.sweep(now, usize::MAX >> 1).await;
            Answer::default()
        })
    }

    fn poll(&mut self, part: usize) {
        let State::Running(future) = &mut self.requests[part].state else { return };
        {
            let mut stage = lock(&self.stage);
            (stage.current, stage.history.whose) = (Some(part), Some(part));
        }
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(answer) = polled {
            self.tell(part, || format!("answers {} {:?}", answer.status, names(&answer)));
            self.requests[part].state = State::Done(answer);
            if self.requests[part].part != Part::Expire {
                self.finished = Some(part);
            }
        }
        lock(&self.stage).current = None;
    }

    /// Lets those go on who wait for others of their node, until nobody can.
    fn poll_others(&mut self) {
        loop {
            let before = self.progress();
            for part in 0..self.requests.len() {
                if lock(&self.stage).waiting[part].is_none() {
                    self.poll(part);
                }
            }
            if self.progress() == before {
                return;
            }
        }
    }

    fn progress(&self) -> Vec<(bool, bool)> {
        let stage = lock(&self.stage);
        let done = self.requests.iter().map(|r| matches!(r.state, State::Done(_)));
        done.zip(stage.waiting.iter().map(Option::is_some)).collect()
    }

    /// Whether a call to the store was lost.
    pub(super) fn has_lost(&self, explorer: &Explorer) -> bool {
        explorer.lost_calls && !self.may_lose
    }

    pub(super) fn tell(&self, part: usize, what: impl FnOnce() -> String) {
        let mut stage = lock(&self.stage);
        stage.history.whose = Some(part);
        stage.history.tell(|_| what());
    }

    pub(super) fn now(&self) -> hardtack::time::UnixTime {
        self.clock.now()
    }
}

fn read_only(store: Arc<dyn Store>) -> FaultyStore {
    let store = FaultyStore::new(store);
    for verb in Verb::ALL.into_iter().filter(|verb| verb.writes()) {
        store.every(verb, Fault::Refused(StoreErrorKind::ReadOnly));
    }
    store
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.set_cookies.iter().map(|c| c.split('=').next().unwrap_or("")).collect()
}

/// Polls a future that never has to wait.
fn at_once(future: impl Future<Output = Answer>) -> Answer {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("nothing else is going on: this waits for ever"),
    }
}

/// All selections of at least one; one empty selection of nothing.
fn subsets(all: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let first = usize::from(!all.is_empty());
    (first..1 << all.len()).map(|mask| {
        let chosen = all.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0);
        chosen.map(|(_, part)| *part).collect()
    })
}

/// All orders.
pub(super) fn permutations(all: &[usize]) -> Vec<Vec<usize>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let mut orders = Vec::new();
    for (n, first) in all.iter().enumerate() {
        let mut rest = all.to_vec();
        rest.remove(n);
        for mut order in permutations(&rest) {
            order.insert(0, *first);
            orders.push(order);
        }
    }
    orders
}
