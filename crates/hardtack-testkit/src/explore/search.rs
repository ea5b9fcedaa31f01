//! The search through all orders, without running one twice.

use super::run::{Event, Run};
use super::stage::{Concerns, Fate};
use super::{Broken, Explored, Explorer, Part, Start};

/// A point where several things could happen next.
struct Point {
    events: Vec<(Event, Concerns)>,
    /// The one that is being explored.
    at: usize,
    /// Those that need not be explored from here: an order that begins with them
    /// has been run already and differs from this one only in things that can
    /// change places (sleep sets, Godefroid 1996).
    asleep: Vec<Event>,
}

impl Point {
    /// `None` if all that could happen is asleep.
    fn new(events: Vec<(Event, Concerns)>, asleep: Vec<Event>) -> Option<Self> {
        let at = events.iter().position(|(event, _)| !asleep.contains(event))?;
        Some(Self { events, at, asleep })
    }

    fn chosen(&self) -> &Event {
        &self.events[self.at].0
    }

    /// What is asleep after the chosen event.
    fn asleep_after(&self) -> Vec<Event> {
        let chosen = &self.events[self.at].1;
        let still = |event: &&Event| {
            let found = self.events.iter().find(|(e, _)| e == *event);
            let apart = found.is_some_and(|(_, concerns)| concerns.can_change_places(chosen));
            apart && can_both_happen(event, self.chosen())
        };
        self.asleep.iter().filter(still).cloned().collect()
    }

    /// Goes on to the next event; `false` if there is none.
    fn advance(&mut self) -> bool {
        self.asleep.push(self.chosen().clone());
        let next = self.events.iter().position(|(event, _)| !self.asleep.contains(event));
        self.at = next.unwrap_or(self.at);
        next.is_some()
    }
}

/// Whether one still can after the other: not two fates of one call, and not two
/// calls lost.
fn can_both_happen(one: &Event, other: &Event) -> bool {
    match (one.step(), other.step()) {
        (Some((a, fate)), Some((b, other))) => {
            a != b && (fate == Fate::Answered || other == Fate::Answered)
        }
        _ => false,
    }
}

/// Runs all orders, and lets `judge` look at each.
pub(super) fn explore(
    explorer: &Explorer,
    start: Start,
    parts: &[Part],
    mut judge: impl FnMut(&Run) -> Result<Explored, String>,
) -> Result<Explored, Broken> {
    let mut explored = Explored::default();
    let mut path: Vec<Point> = Vec::new();
    loop {
        let mut run = Run::new(explorer, start, parts, false);
        path.iter().for_each(|point| run.take(point.chosen()));
        while let Some(point) = next(&run, &path) {
            run.take(point.chosen());
            path.push(point);
        }
        if let stuck @ [_, ..] = &run.stuck()[..] {
            let what = format!("parts {stuck:?} wait for ever");
            return Err(story(explorer, start, parts, &path, what));
        }
        if run.is_complete() {
            explored.add(judge(&run).map_err(|what| story(explorer, start, parts, &path, what))?);
        }
        while path.last_mut().is_some_and(|point| !point.advance()) {
            path.pop();
        }
        if path.is_empty() {
            return Ok(explored);
        }
    }
}

fn next(run: &Run, path: &[Point]) -> Option<Point> {
    Point::new(run.events(), path.last().map(Point::asleep_after).unwrap_or_default())
}

/// Runs an order again, to tell what happens in it.
fn story(
    explorer: &Explorer,
    start: Start,
    parts: &[Part],
    path: &[Point],
    what: String,
) -> Broken {
    let mut run = Run::new(explorer, start, parts, true);
    path.iter().for_each(|point| run.take(point.chosen()));
    let story = super::stage::lock(&run.stage).history.story.take().unwrap_or_default();
    Broken { what: format!("{start:?}, {parts:?}: {what}"), story }
}
