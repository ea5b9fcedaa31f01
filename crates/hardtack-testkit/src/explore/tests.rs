use std::collections::BTreeSet;
use std::sync::Arc;

use hardtack::seal::{Key, Keyring};
use hardtack::session::MemoryStore;

use super::run::Run;
use super::*;

fn explorer() -> Explorer {
    let keys = Keyring::new(Key::generate().unwrap());
    Explorer::new(
        || Arc::new(MemoryStore::new()),
        move |store, clock| Box::new(EngineSite::new(store, clock, keys.clone())),
    )
}

/// What can be seen of a run: each answer, and whether its cookies name anything.
fn outcome(run: &Run) -> String {
    let mut seen = String::new();
    for request in &run.requests {
        let Some(answer) = request.answer() else { continue };
        seen += &format!("{:?} with {}: {} ", request.part, request.cookies.len(), answer.status);
        for cookie in &answer.set_cookies {
            let shown = run.look(cookie.split(';').next().unwrap());
            seen += &format!("{:?} {:?} ", shown.user, shown.names);
        }
    }
    seen
}

fn outcomes(explorer: &Explorer, start: Start, parts: &[Part]) -> (u64, BTreeSet<String>) {
    let (mut all, mut runs) = (BTreeSet::new(), 0);
    let explored = search::explore(explorer, start, parts, |run| {
        all.insert(outcome(run));
        runs += 1;
        Ok(Explored::default())
    });
    explored.unwrap();
    (runs, all)
}

/// What sleep sets leave out has no outcome of its own.
#[test]
fn leaving_out_orders_leaves_out_no_outcome() {
    for losing in [false, true] {
        let explorers = [false, true].map(|every_order| {
            let explorer = Explorer { every_order, ..explorer() };
            if losing { explorer.losing_calls() } else { explorer }
        });
        for start in Start::ALL {
            for parts in draws(2) {
                let [(few, some), (many, all)] =
                    [0, 1].map(|n| outcomes(&explorers[n], start, &parts));
                assert_eq!(some, all, "{start:?}, {parts:?}, losing {losing}");
                assert!(few <= many);
            }
        }
    }
    let [(few, some), (many, all)] = [false, true].map(|every_order| {
        let explorer = Explorer { every_order, ..explorer() };
        outcomes(&explorer, Start::SignedIn, &[Part::Login, Part::Write, Part::EndAll])
    });
    assert_eq!(some, all);
    assert!(few * 2 < many, "{few} of {many}");
}

#[test]
fn draws_are_all_there_are_and_each_once() {
    assert_eq!(draws(2).len(), 21);
    assert_eq!(draws(3).len(), 56);
    assert_eq!(draws(3).into_iter().collect::<BTreeSet<_>>().len(), 56);
}
