//! Cases, made from a seed: a table of categories, and a function that makes one case of each.

mod attributes;
mod bytes;
mod contexts;
mod dates;
mod dice;
mod hosts;
mod jars;
mod paths;
mod scripts;

use std::collections::HashSet;

use crate::case::{Case, Hop, Kind, Request};
use dice::Dice;

/// The cases of a seed. A category's cases do not depend on the others, and a larger scale only adds to them.
pub(crate) fn generate(seed: u64, scale: f64) -> Vec<Case> {
    let mut all = Vec::new();
    for (at, category) in (1..).zip(&CATEGORIES) {
        let mut dice = Dice::new(seed.wrapping_mul(1000).wrapping_add(at));
        let wanted = (f64::from(category.cases) * scale).round().max(1.0) as usize;
        let mut known = HashSet::new();
        // Some categories have few different cases: then there are fewer.
        for _ in 0..wanted * 4 {
            let draft = (category.make)(&mut dice);
            if known.len() < wanted && known.insert(format!("{draft:?}")) {
                let id = format!("{}-{:04}", category.name, known.len());
                let (cat, Draft { steps, probes }) = (category.name.to_owned(), draft);
                all.push(Case { id, cat, note: None, steps, probes, browser: None, expect: None });
            }
        }
    }
    all
}

/// A kind of question.
struct Category {
    name: &'static str,
    /// At scale 1.
    cases: u32,
    make: fn(&mut Dice) -> Draft,
}

const CATEGORIES: [Category; 23] = [
    Category { name: "ws", cases: 170, make: bytes::blanks },
    Category { name: "ctl", cases: 260, make: bytes::controls },
    Category { name: "quote", cases: 90, make: bytes::quotes },
    Category { name: "noeq", cases: 150, make: bytes::no_equals_sign },
    Category { name: "bytes", cases: 160, make: bytes::not_ascii },
    Category { name: "soup", cases: 300, make: bytes::soup },
    Category { name: "attr", cases: 230, make: attributes::attributes },
    Category { name: "prefix", cases: 240, make: attributes::prefixes },
    Category { name: "size", cases: 100, make: attributes::sizes },
    Category { name: "expires", cases: 400, make: dates::expires },
    Category { name: "maxage", cases: 120, make: dates::max_age },
    Category { name: "domain", cases: 380, make: hosts::domain },
    Category { name: "idn", cases: 80, make: hosts::international },
    Category { name: "suffix", cases: 120, make: hosts::public_suffix },
    Category { name: "loopback", cases: 120, make: hosts::loopback },
    Category { name: "path", cases: 280, make: paths::path },
    Category { name: "samesite", cases: 340, make: contexts::same_site },
    Category { name: "redirect", cases: 200, make: contexts::redirect },
    Category { name: "partition", cases: 160, make: contexts::partitioned },
    Category { name: "secure", cases: 170, make: contexts::secure },
    Category { name: "multi", cases: 200, make: jars::overwriting },
    Category { name: "evict", cases: 80, make: jars::eviction },
    Category { name: "script", cases: 160, make: scripts::document_cookie },
];

/// A case before it has a name.
#[derive(Debug)]
struct Draft {
    steps: Vec<Request>,
    probes: Vec<Request>,
}

impl Draft {
    /// One answer with these lines, and a probe of each address.
    fn of(
        url: &str,
        set_cookie: impl IntoIterator<Item = String>,
        probes: &[impl AsRef<str>],
    ) -> Draft {
        let steps = vec![Request::to(url).setting(set_cookie)];
        Draft { steps, probes: probes.iter().map(|url| Request::to(url.as_ref())).collect() }
    }

    /// One line at the usual address, which is then asked again.
    fn line(line: impl Into<String>) -> Draft {
        Draft::of(HOME, [line.into()], &[HOME])
    }
}

impl Request {
    fn to(url: impl Into<String>) -> Request {
        Request { url: url.into(), ..Request::default() }
    }

    fn setting(self, set_cookie: impl IntoIterator<Item = String>) -> Request {
        Request { set_cookie: set_cookie.into_iter().collect(), ..self }
    }

    fn from(self, context: Kind, initiator: impl Into<String>) -> Request {
        Request { context, initiator: Some(initiator.into()), ..self }
    }

    fn via(self, via: Vec<Hop>) -> Request {
        Request { via, ..self }
    }

    fn reading(self) -> Request {
        Request { document_cookie: true, ..self }
    }
}

const HOME: &str = "https://example.com/";

/// UTF-8 as the format has it, one character for each byte.
fn utf8(text: &str) -> String {
    crate::case::latin1(text.as_bytes())
}

/// Attributes, each with the `; ` before it; empty ones fall out.
fn joined(attributes: &[String]) -> String {
    attributes.iter().filter(|it| !it.is_empty()).map(|it| format!("; {it}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::lines;

    #[test]
    fn a_seed_makes_the_same_cases_again_and_another_seed_others() {
        let [one, again, other] = [7, 7, 8].map(|seed| lines(&generate(seed, 0.05)).unwrap());
        assert_eq!(one, again);
        assert_ne!(one, other);
    }

    #[test]
    fn every_category_has_cases_that_ask_something_in_bytes() {
        let all = generate(1, 0.2);
        for category in &CATEGORIES {
            let mut cases = all.iter().filter(|case| case.cat == category.name);
            let case = cases.next().expect(category.name);
            assert!(!case.steps.is_empty() && !case.probes.is_empty(), "{case:?}");
        }
        for request in all.iter().flat_map(|case| case.steps.iter().chain(&case.probes)) {
            let lines = request.set_cookie.iter().chain(&request.script_cookie);
            assert!(lines.flat_map(|line| line.chars()).all(|c| c <= '\u{ff}'), "{request:?}");
            assert!(request.url.is_ascii(), "{request:?}");
        }
    }

    #[test]
    fn a_larger_scale_keeps_the_cases_of_a_smaller_one() {
        let (small, large) = (generate(3, 0.05), generate(3, 0.1));
        assert!(small.len() < large.len());
        assert!(small.iter().all(|case| large.contains(case)));
    }
}
