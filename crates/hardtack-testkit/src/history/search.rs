//! The search for an order (Wing and Gong 1993), which goes through no place twice
//! (Lowe 2017).

use std::collections::HashSet;

use super::Entry;
use super::model::State;

/// Which calls an order has already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Taken(Box<[u64]>);

impl Taken {
    fn has(&self, n: usize) -> bool {
        self.0[n / 64] & (1 << (n % 64)) != 0
    }

    fn with(&self, n: usize) -> Self {
        let mut more = self.clone();
        more.0[n / 64] |= 1 << (n % 64);
        more
    }

    fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// Looks for an order of the calls of one session, which are sorted by when they
/// were made. If there is none: the state that the longest one leads to, and which
/// calls it has.
pub(super) fn explain(entries: &[Entry]) -> Result<(), (State, Vec<bool>)> {
    let start = (Taken(vec![0; entries.len() / 64 + 1].into()), State::Unknown);
    let (mut longest, mut been, mut ahead) = (start.clone(), HashSet::new(), vec![start]);
    while let Some(place) = ahead.pop() {
        if been.contains(&place) {
            continue;
        }
        let (taken, state) = &place;
        if taken.len() > longest.0.len() {
            longest = place.clone();
        }
        let rest = || entries.iter().enumerate().filter(|(n, _)| !taken.has(*n));
        let Some(first_answer) = rest().filter_map(|(_, entry)| entry.answered).min() else {
            return Ok(());
        };
        let others = ahead.len();
        for (n, entry) in rest().take_while(|(_, entry)| entry.made <= first_answer) {
            ahead.extend(entry.call.given_up(*state).map(|lost| (taken.with(n), lost)));
            match entry.call.after(*state) {
                // What changes nothing stands in nobody's way: no need to try it later.
                Some(after) if after == *state && entry.answered.is_some() => {
                    ahead.truncate(others);
                    ahead.push((taken.with(n), after));
                    break;
                }
                // Nobody heard of it, so it need not have happened.
                Some(after) if after == *state => {}
                Some(after) => ahead.push((taken.with(n), after)),
                None => {}
            }
        }
        been.insert(place);
    }
    let (taken, state) = longest;
    Err((state, (0..entries.len()).map(|n| taken.has(n)).collect()))
}
