//! Short histories of one session, with several callers at once: whatever they
//! were answered must be explained by some order of the calls, one after the
//! other, in which none comes before one that had been answered when it was made
//! (Herlihy and Wing 1990).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record, Version};

use crate::records::{anonymous, locator, spread};
use crate::store::fixture::{Fixture, NOW};

const CALLERS: u64 = 3;
const CALLS: u64 = 3;

/// A session, as far as these calls can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    /// The version, and who wrote it.
    Live(u64, u8),
    Ended(Cause),
}

/// A call and what it was answered.
#[derive(Clone, Copy, Debug)]
enum Call {
    Insert(u8, Inserted),
    Replace(u64, u8, Replaced),
    End(Cause, Ended),
    Load(State),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    made: u64,
    answered: u64,
    call: Call,
}

impl Call {
    /// The state after the call, if its answer is right in this one.
    fn explained(self, state: State) -> Option<State> {
        let (right, after) = match (self, state) {
            (Call::Load(seen), _) => (seen == state, state),
            (Call::Insert(by, answer), State::Unknown) => {
                (answer == Inserted::Ok, State::Live(1, by))
            }
            (Call::Insert(_, answer), _) => (answer == Inserted::Exists, state),
            (Call::Replace(seen, by, answer), State::Live(version, _)) if version == seen => {
                (answer == Replaced::Ok, State::Live(version + 1, by))
            }
            (Call::Replace(.., answer), State::Live(..)) => (answer == Replaced::Conflict, state),
            (Call::Replace(.., answer), over) => (answer == Replaced::Gone(cause(over)), state),
            (Call::End(cause, answer), State::Live(..)) => {
                (answer == Ended::Now, State::Ended(cause))
            }
            (Call::End(_, answer), over) => (answer == Ended::Before(cause(over)), state),
        };
        right.then_some(after)
    }
}

fn cause(state: State) -> Option<Cause> {
    match state {
        State::Ended(cause) => Some(cause),
        _ => None,
    }
}

/// Whether some order explains the rest of a history.
fn is_explained(state: State, rest: &[Entry]) -> bool {
    let first_answer = rest.iter().map(|entry| entry.answered).min();
    let Some(first_answer) = first_answer else { return true };
    rest.iter().enumerate().filter(|(_, entry)| entry.made < first_answer).any(|(n, entry)| {
        entry.call.explained(state).is_some_and(|after| {
            let mut others = rest.to_vec();
            others.remove(n);
            is_explained(after, &others)
        })
    })
}

pub(crate) async fn parallel_calls_can_be_put_in_an_order(store: Fixture) {
    for round in 0..100 {
        let (key, time) = (locator(None), Arc::new(AtomicU64::new(0)));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (store, time) = (store.clone(), time.clone());
                tokio::spawn(async move {
                    let mut entries = Vec::new();
                    for n in 0..CALLS {
                        let choice = spread(round * CALLERS * CALLS + caller * CALLS + n);
                        let made = time.fetch_add(1, SeqCst);
                        let call = make(&store, &key, choice, caller as u8).await;
                        let answered = time.fetch_add(1, SeqCst);
                        entries.push(Entry { made, answered, call });
                    }
                    entries
                })
            })
            .collect();
        let mut history = Vec::new();
        for caller in callers {
            history.extend(caller.await.expect("a caller does not panic"));
        }
        assert!(is_explained(State::Unknown, &history), "no order explains {history:#?}");
    }
}

async fn make(store: &Fixture, key: &Locator, choice: u64, by: u8) -> Call {
    let record = |version| Record { version, data: vec![by].into(), ..anonymous(NOW) };
    match choice % 10 {
        0..3 => {
            let inserted = store.insert(key, record(Version::FIRST), Admission::at(NOW)).await;
            Call::Insert(by, inserted)
        }
        3..7 => {
            let seen = Version::new(1 + (choice >> 8) % 3);
            Call::Replace(seen.number(), by, store.replace(key, seen, record(seen.next())).await)
        }
        7 => {
            let cause = if by == 0 { Cause::Logout } else { Cause::Revoked };
            Call::End(cause, store.end(key, cause, NOW).await)
        }
        _ => Call::Load(match store.load(key).await {
            Loaded::Live(record) => State::Live(record.version.number(), record.data[0]),
            Loaded::Ended(cause) => State::Ended(cause),
            _ => State::Unknown,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_no_order_explains_is_found() {
        let entry = |made, answered, call| Entry { made, answered, call };
        let insert = entry(0, 1, Call::Insert(1, Inserted::Ok));
        let write = |made, answered| entry(made, answered, Call::Replace(1, 2, Replaced::Ok));
        let old = entry(4, 5, Call::Load(State::Live(1, 1)));
        assert!(!is_explained(State::Unknown, &[insert, write(2, 3), old]), "a stale load");
        assert!(is_explained(State::Unknown, &[insert, write(2, 6), old]), "at the same time");
        assert!(!is_explained(State::Unknown, &[insert, write(2, 6), write(3, 7)]), "both won");
        let end = entry(2, 3, Call::End(Cause::Logout, Ended::Now));
        assert!(!is_explained(State::Unknown, &[insert, end, write(4, 5)]), "revived");
    }
}
