//! All orders in which a few requests of one browser can meet.
//!
//! Two or three requests are under way at once. Each call that one of them makes
//! to the store waits until the search lets it happen, so every interleaving of
//! the calls is run; requests are sent together, or after answers to others have
//! arrived; the answers arrive in every order; and none of them or any one is
//! lost on the way. After each run a model of a browser holds what it
//! was given in the order of arrival, and this must be true:
//!
//! 1. The browser is signed in exactly if the session of the last login whose
//!    answer has arrived (or the one it began with) has not ended, and then it is
//!    in that session.
//! 2. Each write that was answered with success is in the session that it was
//!    made in, or in the one that a login put in its place; unless that ended.
//!    One that was refused is nowhere, and was answered 401 if the session had
//!    ended and 409 if a login had replaced it, without a cookie.
//! 3. Of all ids that were ever given out, exactly those of sessions that have
//!    not ended name one.
//! 4. Nobody's secret is taken for a stolen one.
//! 5. Nothing else is answered; but 503 may be, where a call to the store was lost
//!    ([`Explorer::losing_calls`]), with no cookie but a renewed one of the session
//!    that the request came with. What such a request wanted may have happened or not.
//!
//! What has ended is not asked of the store, but found out from its answers: an
//! end that it confirmed, a login that replaced, an epoch raised, time run out.
//!
//! Orders that differ only in calls which do not concern each other (two loads,
//! say) have the same outcome; of those, one is run. That holds for requests on
//! nodes of their own. Where requests share a node, they share its memory too,
//! and every order is run.

mod broken;
mod browser;
mod engine;
mod history;
mod run;
mod search;
mod stage;
#[cfg(test)]
mod tests;
mod verdict;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hardtack::session::store::Store;

use crate::FakeClock;

pub use broken::{BrokenStore, Flaw};
pub use engine::EngineSite;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Action {
    /// Signs [`USER`] in.
    Login,
    /// Signs out.
    Logout,
    /// Gives the session a new secret.
    Renew,
    /// Puts a value under the name that [`written`] gives it.
    Write(usize),
    /// Ends all sessions of [`USER`]; as an operator if nobody is signed in.
    EndAll,
    /// Changes nothing, and tells in the answer who is signed in and which of
    /// the names of writes there are.
    Look,
}

/// Who signs in.
pub const USER: &str = "ada";

/// The name of the value that a [`Write`](Action::Write) puts.
pub fn written(number: usize) -> String {
    format!("written-{number}-")
}

/// What comes back.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "sites make answers")]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The Set-Cookie headers, in order.
    pub set_cookies: Vec<String>,
    /// Of a [`Look`](Action::Look): who is signed in.
    pub user: Option<String>,
    /// Of a [`Look`](Action::Look): the names of all values.
    pub names: Vec<String>,
}

/// An application: one node of it.
pub trait Site {
    /// Handles a request that came with these cookies.
    fn handle(&self, cookies: &str, action: Action)
    -> Pin<Box<dyn Future<Output = Answer> + Send>>;
}

/// Something that a run is made of: a request, or the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// Signs in.
    Login,
    /// Signs out.
    Logout,
    /// Gives the session a new secret.
    Renew,
    /// Puts a value.
    Write,
    /// Ends all of the user's sessions.
    EndAll,
    /// No request: the idle time of what is there runs out, and the store is swept.
    Expire,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 6] =
        [Part::Login, Part::Logout, Part::Renew, Part::Write, Part::EndAll, Part::Expire];
}

/// What the browser holds when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// No cookie.
    Fresh,
    /// An anonymous session.
    Visitor,
    /// A session of [`USER`].
    SignedIn,
}

impl Start {
    /// All of them.
    pub const ALL: [Start; 3] = [Start::Fresh, Start::Visitor, Start::SignedIn];
}

/// Which node handles which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nodes {
    /// One for all.
    One,
    /// One for each.
    Each,
}

/// Explores applications of one make.
#[allow(missing_debug_implementations, reason = "it holds closures")]
pub struct Explorer {
    #[allow(clippy::type_complexity, reason = "it is as long as new() says it, and used once")]
    site: Box<dyn Fn(Arc<dyn Store>, FakeClock) -> Box<dyn Site>>,
    store: Box<dyn Fn() -> Arc<dyn Store>>,
    nodes: Nodes,
    one_cookie_name: bool,
    lost_calls: bool,
    /// Runs also the orders that differ only in what can change places.
    every_order: bool,
}

impl Explorer {
    /// `store` makes a new store for each run; `site` makes a node over it.
    pub fn new(
        store: impl Fn() -> Arc<dyn Store> + 'static,
        site: impl Fn(Arc<dyn Store>, FakeClock) -> Box<dyn Site> + 'static,
    ) -> Self {
        Self {
            site: Box::new(site),
            store: Box::new(store),
            nodes: Nodes::Each,
            one_cookie_name: false,
            lost_calls: false,
            every_order: false,
        }
    }

    /// Which node handles which request; by default each has its own.
    #[must_use]
    pub fn nodes(mut self, nodes: Nodes) -> Self {
        self.nodes = nodes;
        self
    }

    /// In each run loses none or any one of the calls to the store, before it
    /// happens or after: the caller learns nothing but that time was up.
    #[must_use]
    pub fn losing_calls(mut self) -> Self {
        self.lost_calls = true;
        self
    }

    /// Lets the browser keep all of the site's cookies under one name, to see
    /// what they have different names for.
    #[must_use]
    pub fn with_one_cookie_name(mut self) -> Self {
        self.one_cookie_name = true;
        self
    }

    /// Runs `parts` in all orders, from `start`.
    ///
    /// # Errors
    /// The first order that breaks a rule.
    pub fn explore(&self, start: Start, parts: &[Part]) -> Result<Explored, Broken> {
        search::explore(self, start, parts, |run| verdict::judge(self, run, start))
    }

    /// Runs everything that can be drawn from all parts, `how_many` at a time.
    ///
    /// # Errors
    /// The first order that breaks a rule.
    pub fn explore_all(&self, start: Start, how_many: usize) -> Result<Explored, Broken> {
        let mut sum = Explored::default();
        for parts in draws(how_many) {
            sum.add(self.explore(start, &parts)?);
        }
        Ok(sum)
    }
}

/// All selections of so many parts, where order does not matter and one may be
/// there several times.
fn draws(how_many: usize) -> Vec<Vec<Part>> {
    if how_many == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for draw in draws(how_many - 1) {
        let from = draw.last().copied().unwrap_or(Part::Login);
        all.extend(Part::ALL.into_iter().filter(|part| *part >= from).map(|part| {
            let mut draw = draw.clone();
            draw.push(part);
            draw
        }));
    }
    all
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explored {
    /// Orders of sending and of the calls to the store that were run.
    pub runs: u64,
    /// Of those, with each order of arrival and each lost answer: the orders that
    /// were judged.
    pub orders: u64,
}

impl Explored {
    /// Adds another count.
    pub fn add(&mut self, other: Explored) {
        self.runs += other.runs;
        self.orders += other.orders;
    }
}

/// An order in which a rule was broken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Broken {
    /// Which rule, and how.
    pub what: String,
    /// What happened, step by step.
    pub story: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        self.story.iter().try_for_each(|step| writeln!(f, "  {step}"))
    }
}

impl std::error::Error for Broken {}
