//! The laws of a session, which tests hold each, and the table of what was held
//! where, made from the reports of a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::{adapter, store};

/// The table of laws by engines, as Markdown, from the lines of a report.
pub fn table(report: &str) -> String {
    let mut engines = BTreeMap::<_, Engine<'_>>::new();
    for line in report.lines() {
        let words: Vec<_> = line.split('\t').collect();
        let [kind @ ("holds" | "missing" | "limit"), name, what, why] = words[..] else { continue };
        let engine = engines.entry(name).or_default();
        match kind {
            "holds" => drop(engine.held.insert(what)),
            "missing" => drop(engine.missing.insert(what, why)),
            _ => drop(engine.limits.insert(what, why)),
        }
    }
    // A store that no adapter was tested over is part of another, not an engine.
    let served = |engine: &Engine<'_>| {
        adapter::run::ALL.iter().any(|(scenario, _)| engine.held.contains(scenario))
    };
    engines.retain(|_, engine| served(engine));
    let names: Vec<_> = engines.keys().copied().collect();
    let line = " --- |".repeat(names.len());
    let mut text = format!("{HEAD}| law | {} |\n| --- |{line}\n", names.join(" | "));
    let mut reasons = Vec::new();
    for (number, says) in (1..).zip(LAWS) {
        let tests: Vec<_> = tests_of(number).collect();
        text += &format!("| {number}. {says} |");
        for (name, engine) in &engines {
            text += &engine.cell(&tests);
            if let Some(why) = engine.limit(number, &tests) {
                reasons.push(format!("{name}, law {number}: {why}."));
                text += &format!(", limit {}", reasons.len());
            }
            text += " |";
        }
        text.push('\n');
    }
    text += LIMITS;
    for (number, reason) in (1..).zip(reasons) {
        text += &format!("{number}. {reason}\n");
    }
    text
}

/// The tests of the suites that hold a law on an engine.
fn tests_of(law: usize) -> impl Iterator<Item = &'static str> {
    let suites = store::run::LAWS.iter().chain(adapter::run::LAWS);
    suites.filter(move |(_, laws)| laws.contains(&law)).map(|(test, _)| *test)
}

#[derive(Default)]
struct Engine<'a> {
    held: BTreeSet<&'a str>,
    missing: BTreeMap<&'a str, &'a str>,
    limits: BTreeMap<&'a str, &'a str>,
}

impl Engine<'_> {
    /// How many tests held the law here; of how many, if not all.
    fn cell(&self, tests: &[&str]) -> String {
        let held = tests.iter().filter(|test| self.held.contains(*test)).count();
        if held == tests.len() { format!(" {held}") } else { format!(" {held} of {}", tests.len()) }
    }

    /// Why the law ends somewhere here.
    fn limit(&self, number: usize, tests: &[&str]) -> Option<&str> {
        let missing =
            |test: &&&str| self.missing.contains_key(**test) && !self.held.contains(**test);
        let named = self.limits.get(&*number.to_string());
        named.or_else(|| self.missing.get(*tests.iter().find(missing)?)).copied()
    }
}

const HEAD: &str = "\
# The laws of a session on every engine

Written by `scripts/test` from what its tests have reported, never by hand. A number
says how many tests of `hardtack-testkit` held the law on the engine: all that there
are for it, unless it says of how many.

";

const LIMITS: &str = "
## Limits

What a store says of itself where a law ends with what its engine can promise.

";

/// By number, from 1 on.
const LAWS: [&str; 14] = [
    "Loading never creates, and reading writes nothing",
    "No acknowledged change is lost",
    "An end is final",
    "Only ids that we issued name a session",
    "A new id at every change of privilege, the old one dead before the answer",
    "Committed before answered",
    "A store outage is not a logout",
    "Idle time follows activity, and nothing extends the lifetime",
    "Old data never breaks a request",
    "Reading the store opens no session, writing to it makes none anybody else's",
    "A session ends once, with its cause, and that is told",
    "Nothing is unbounded",
    "What a session shows is not for caches",
    "Time is an argument",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tests: &BTreeSet<&str>) -> String {
        tests.iter().map(|test| format!("holds\tpaper\t{test}\t\n")).collect()
    }

    #[test]
    fn every_test_of_the_suites_holds_a_law() {
        for (test, laws) in store::run::LAWS.iter().chain(adapter::run::LAWS) {
            let known = laws.iter().all(|law| (1..=LAWS.len()).contains(law));
            assert!(known && !laws.is_empty(), "{test} holds {laws:?} of {} laws", LAWS.len());
        }
        for law in 1..=LAWS.len() {
            assert!(tests_of(law).next().is_some(), "no test holds law {law}");
        }
    }

    #[test]
    fn a_limit_is_named_and_what_did_not_run_is_seen() {
        let mut tests: BTreeSet<_> = (1..=LAWS.len()).flat_map(tests_of).collect();
        let report = run(&tests);
        assert!(table(&report).contains("not for caches | 3 |"));
        let text = table(&format!("{report}limit\tpaper\t13\tpaper is patient\n"));
        assert!(text.contains(" 3, limit 1 |"), "{text}");
        assert!(text.contains("1. paper, law 13: paper is patient."), "{text}");
        tests.remove("forget_removes_the_cookies");
        assert!(table(&run(&tests)).contains(" 2 of 3 |"));
        let known = run(&tests) + "missing\tpaper\tforget_removes_the_cookies\tpaper burns\n";
        assert!(table(&known).contains(" 2 of 3, limit 1 |"));
    }
}
