//! Histories that a session can have had, and others.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{Ended, Inserted, MemoryStore, Relocated, Replaced, Store};
use hardtack::session::{Cause, Version};

use super::*;
use crate::explore::{BrokenStore, Flaw};
use crate::records::locator;

const V1: Version = Version::new(1);
const V2: Version = Version::new(2);
const A: State = State::Live(V1, 10);
const B: State = State::Live(V2, 20);
const C: State = State::Live(V2, 30);
const OVER: State = State::Ended(Cause::Logout);

/// Made and answered at these milliseconds; answered at 0: never.
type Line = (u64, u64, Call);

const MADE: Line = (1, 2, Call::Insert(A, Some(Inserted::Ok)));
const ENDED: Call = Call::End(Cause::Logout, Some(Ended::Now));

fn load(seen: State) -> Call {
    Call::Load(Some(seen))
}

fn replace(new: State, answer: Replaced) -> Call {
    Call::Replace(V1, new, Some(answer))
}

fn judge(lines: &[Line], stale: u64) -> Verdict {
    judged(lines).judge(Duration::from_millis(stale))
}

fn judged(lines: &[Line]) -> History {
    let (history, key) = (History::new(), locator(None));
    for (made, answered, call) in lines {
        let answered = Some(*answered).filter(|at| *at > 0).map(Duration::from_millis);
        history.note(&key, Entry::new(Duration::from_millis(*made), answered, *call));
    }
    history
}

#[track_caller]
fn right(what: &str, lines: &[Line]) {
    let verdict = judge(lines, 0);
    assert!(verdict.broken.is_empty(), "{what}: {verdict}");
}

#[track_caller]
fn wrong(what: &str, lines: &[Line]) {
    assert_eq!(judge(lines, 0).broken.len(), 1, "{what}");
}

#[test]
fn what_one_session_can_have_had_is_explained() {
    use Call::*;
    right("nothing", &[]);
    right("one after the other", &[MADE, (3, 4, replace(B, Replaced::Ok)), (5, 6, load(B))]);
    right("at once, the old", &[MADE, (3, 6, replace(B, Replaced::Ok)), (4, 5, load(A))]);
    right("at once, the new", &[MADE, (3, 6, replace(B, Replaced::Ok)), (4, 5, load(B))]);
    right(
        "one of two wins",
        &[
            MADE,
            (3, 6, replace(B, Replaced::Ok)),
            (3, 6, replace(C, Replaced::Conflict)),
            (7, 8, load(B)),
        ],
    );
    right(
        "a login",
        &[
            MADE,
            (3, 4, Leave(V1, Some(Relocated::Ok))),
            (5, 6, load(State::Ended(Cause::Replaced))),
            (5, 6, End(Cause::Logout, Some(Ended::Before(Some(Cause::Replaced))))),
        ],
    );
    right("an answer at the moment of a question", &[MADE, (2, 3, load(State::Unknown))]);
}

#[test]
fn what_is_unknown_may_happen_late_or_never() {
    use Call::*;
    let lost = (3, 0, Replace(V1, B, None));
    right("never", &[MADE, lost, (5, 6, load(A)), (7, 8, load(A))]);
    right("late", &[MADE, lost, (5, 6, load(A)), (7, 8, load(B))]);
    wrong("and taken back", &[MADE, lost, (5, 6, load(B)), (7, 8, load(A))]);
    wrong("before it was made", &[MADE, (3, 4, load(B)), (5, 0, Replace(V1, B, None))]);
    right("once", &[MADE, lost, (4, 0, Replace(V1, C, None)), (5, 6, load(C))]);
    let end = (3, 0, End(Cause::Logout, None));
    right("an end", &[MADE, end, (5, 6, load(A)), (7, 8, load(OVER))]);
    right("a login", &[(1, 0, Arrive(A, None)), (3, 4, load(State::Unknown)), (5, 6, load(A))]);
    let lost = State::Ended(Cause::Lost);
    right("a login that was given up", &[(1, 0, Arrive(A, None)), (3, 4, load(lost))]);
    wrong("and happens", &[(1, 0, Arrive(A, None)), (3, 4, load(lost)), (5, 6, load(A))]);
    wrong(
        "a login that was answered",
        &[(1, 2, Arrive(A, Some(Relocated::Ok))), (3, 4, load(lost))],
    );
    right("a load", &[MADE, (3, 0, Load(None))]);
}

#[test]
fn what_no_session_can_have_had_is_refused() {
    let gone = Call::Replace(V1, B, Some(Replaced::Gone(None)));
    for (what, lines) in [
        ("a lost update", [(3, 6, replace(B, Replaced::Ok)), (4, 7, replace(C, Replaced::Ok))]),
        ("a lost change", [(3, 4, replace(B, Replaced::Ok)), (5, 6, load(A))]),
        ("a stale read", [(3, 4, ENDED), (5, 6, load(A))]),
        ("a revived session", [(3, 4, ENDED), (5, 6, replace(B, Replaced::Ok))]),
        ("created twice", [(3, 4, ENDED), (5, 6, Call::Insert(A, Some(Inserted::Ok)))]),
        ("ended twice", [(3, 6, ENDED), (4, 7, ENDED)]),
        ("the past after a later read", [(3, 4, load(B)), (5, 6, load(A))]),
        ("a session that is lost", [(3, 4, load(A)), (5, 6, load(State::Unknown))]),
        ("no such data", [(3, 4, replace(B, Replaced::Ok)), (5, 6, load(C))]),
        ("no such cause", [(3, 4, ENDED), (5, 6, load(State::Ended(Cause::Idle)))]),
        ("refused without reason", [(3, 4, load(A)), (5, 6, replace(B, Replaced::Conflict))]),
        ("gone, and then there", [(3, 4, gone), (5, 6, load(A))]),
    ] {
        let [first, second] = lines;
        wrong(what, &[MADE, first, second]);
    }
    let written = (3, 9, replace(B, Replaced::Ok));
    wrong("there and back", &[MADE, written, (4, 5, load(B)), (6, 7, load(A))]);
}

#[test]
fn a_load_may_be_as_old_as_the_bound_says() {
    let lines = [MADE, (10, 20, ENDED), (60, 61, load(A))];
    assert_eq!(judge(&lines, 39).broken.len(), 1);
    assert!(judge(&lines, 40).broken.is_empty());
    let written = [MADE, (10, 20, ENDED), (60, 61, replace(B, Replaced::Ok))];
    assert_eq!(judge(&written, 1000).broken.len(), 1, "only loads");
}

#[test]
fn a_near_cache_may_be_behind_a_change_but_not_behind_an_end() {
    let near = |lines: &[Line]| judged(lines).judge_near(Duration::from_millis(100)).broken.len();
    let changed = (10, 20, replace(B, Replaced::Ok));
    assert_eq!(near(&[MADE, changed, (60, 61, load(A))]), 0);
    assert_eq!(near(&[MADE, (10, 20, ENDED), (19, 61, load(A))]), 0, "not answered yet");
    assert_eq!(near(&[MADE, (10, 20, ENDED), (21, 61, load(A))]), 1);
    let login = (10, 20, Call::Leave(V1, Some(Relocated::Ok)));
    assert_eq!(near(&[MADE, login, (60, 61, load(A))]), 1);
}

#[test]
fn the_story_marks_what_is_not_explained() {
    let verdict = judge(&[MADE, (3, 4, ENDED), (5, 6, load(A))], 0);
    let story = verdict.to_string();
    assert!(story.contains("no order explains 1 of them"), "{story}");
    assert!(story.contains("! 5ms to 6ms: Load(Some(Live"), "{story}");
    assert_eq!(story.matches("\n! ").count(), 1, "{story}");
    assert!(story.ends_with("it is Ended(Logout)"), "{story}");
}

/// What callers at random make of a store, on two nodes.
async fn run(store: impl Store) -> Verdict {
    let (history, store) = (History::new(), Arc::new(store) as Arc<dyn Store>);
    let node = || Arc::new(history.record(store.clone())) as Arc<dyn Store>;
    let callers = Callers::start(&[node(), node()], 1);
    callers.make(3_000).await;
    callers.stop().await;
    history.revisit(&*node()).await;
    history.judge(Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn faulty_stores_are_found_out() {
    let verdict = run(MemoryStore::new()).await;
    assert!(verdict.broken.is_empty() && verdict.sessions > 50, "{verdict}");
    for flaw in [Flaw::ServesStale, Flaw::IgnoresSeen, Flaw::NoTombstones, Flaw::ForgetsCauses] {
        let verdict = run(BrokenStore::new(flaw)).await;
        assert!(!verdict.broken.is_empty(), "{flaw:?}: {verdict}");
    }
}
