//! Rounds of many cases, interleaved, and what is computed from them.

use std::collections::HashMap;
use std::process::Command;

use crate::process::{Process, Scratch, build};

/// What a round of one case took, per operation.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) nanos: f64,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
}

/// The rounds of each case.
pub(crate) struct Rounds(HashMap<String, Vec<Round>>);

impl Rounds {
    /// Runs the cases of several processes in turn, round after round. A case is
    /// named `WORKSPACE: CASE` afterwards.
    pub(crate) fn run(program: &str, cases: &[(&str, &[&str])], rounds: usize) -> Rounds {
        let scratch = Scratch::new(program);
        let mut processes: Vec<_> = cases
            .iter()
            .map(|(workspace, names)| {
                let mut command = Command::new(build(workspace, program));
                command.arg(&scratch.0);
                (*workspace, Process::start(command), *names)
            })
            .collect();
        let mut all: HashMap<String, Vec<Round>> = HashMap::new();
        // The round before the first calibrates and warms up.
        for round in 0..=rounds {
            for (workspace, process, names) in &mut processes {
                for name in *names {
                    let answer = process.ask(name);
                    let [nanos, allocations, bytes] = answer[..] else {
                        panic!("a round has three figures, not {answer:?}")
                    };
                    if round > 0 {
                        let rounds = all.entry(format!("{workspace}: {name}")).or_default();
                        rounds.push(Round { nanos, allocations, bytes });
                    }
                }
            }
        }
        processes.into_iter().for_each(|(_, process, _)| process.finish());
        Rounds(all)
    }

    /// The median over all rounds of what is computed from these cases' rounds.
    pub(crate) fn median<const N: usize>(
        &self,
        cases: [&str; N],
        figure: impl Fn([Round; N]) -> f64,
    ) -> f64 {
        let rounds = cases.map(|case| self.0.get(case).unwrap_or_else(|| panic!("no case {case}")));
        let count = rounds.iter().map(|rounds| rounds.len()).min().unwrap_or(0);
        median((0..count).map(|n| figure(rounds.map(|rounds| rounds[n]))).collect())
    }

    /// How much longer `case` takes than `other`.
    pub(crate) fn ratio(&self, case: &str, other: &str) -> f64 {
        self.median([case, other], |[case, other]| case.nanos / other.nanos)
    }

    /// Allocations per operation.
    pub(crate) fn allocations(&self, case: &str) -> f64 {
        self.median([case], |[case]| case.allocations)
    }

    /// Rows of a table: the case, how much longer than the first it takes, how far its rounds
    /// scatter, allocations and bytes.
    pub(crate) fn rows(&self, cases: &[&str]) -> Vec<Vec<String>> {
        let row = |case: &&str| {
            let mut nanos: Vec<_> = self.0[*case].iter().map(|round| round.nanos).collect();
            nanos.sort_by(f64::total_cmp);
            let quartiles = (nanos[nanos.len() / 4], nanos[nanos.len() * 3 / 4]);
            vec![
                (*case).to_owned(),
                format!("{:.2}", self.ratio(case, cases[0])),
                format!("{:.0} %", (quartiles.1 - quartiles.0) / median(nanos) * 100.0),
                format!("{:.1}", self.allocations(case)),
                format!("{:.0}", self.median([case], |[case]| case.bytes)),
            ]
        };
        cases.iter().map(row).collect()
    }
}

/// The heads of those columns.
pub(crate) const ROW_HEAD: &[&str] =
    &["operation", "time, of the first", "quartiles apart", "allocations", "bytes allocated"];

/// The middle one; of an even number the greater of the two.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
