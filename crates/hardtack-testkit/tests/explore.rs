//! The session engine in every order in which requests can meet.

use std::sync::Arc;

use hardtack::seal::{Key, Keyring};
use hardtack::session::MemoryStore;
use hardtack::session::store::Store;
use hardtack_testkit::explore::Part::*;
use hardtack_testkit::explore::*;

fn engine(store: impl Fn() -> Arc<dyn Store> + 'static) -> Explorer {
    let keys = Keyring::new(Key::generate().expect("random bytes"));
    Explorer::new(store, move |store, clock| Box::new(EngineSite::new(store, clock, keys.clone())))
}

fn sound() -> Explorer {
    engine(|| Arc::new(MemoryStore::new()))
}

/// Explores everything, and prints how much that was.
#[allow(clippy::print_stdout, reason = "how much was explored is a result")]
fn all(explorer: Explorer, starts: &[Start], how_many: usize, what: &str) {
    let mut explored = Explored::default();
    for start in starts {
        let from_here = explorer.explore_all(*start, how_many);
        explored.add(from_here.unwrap_or_else(|broken| panic!("{broken}")));
    }
    let Explored { runs, orders, .. } = explored;
    println!("{what}: {orders} orders explored in {runs} runs");
}

#[test]
fn two_requests_on_two_nodes() {
    all(sound(), &Start::ALL, 2, "two requests on two nodes");
}

#[test]
fn two_requests_on_one_node() {
    all(sound().nodes(Nodes::One), &Start::ALL, 2, "two requests on one node");
}

#[test]
fn two_requests_on_two_nodes_and_a_lost_call() {
    all(sound().losing_calls(), &Start::ALL, 2, "two requests on two nodes and a lost call");
}

#[test]
fn two_requests_on_one_node_and_a_lost_call() {
    all(
        sound().nodes(Nodes::One).losing_calls(),
        &Start::ALL,
        2,
        "two requests on one node and a lost call",
    );
}

mod three_requests_on_three_nodes {
    use super::*;

    #[test]
    fn of_somebody_new() {
        all(sound(), &[Start::Fresh], 3, "three requests of somebody new");
    }

    #[test]
    fn of_a_visitor() {
        all(sound(), &[Start::Visitor], 3, "three requests of a visitor");
    }

    #[test]
    fn of_somebody_signed_in() {
        all(sound(), &[Start::SignedIn], 3, "three requests of somebody signed in");
    }
}

mod soak {
    use super::*;

    /// Nothing can be left out here, since requests of one node share its memory;
    /// so all of it runs only where there is time.
    #[test]
    fn three_requests_on_one_node() {
        let explorer = sound().nodes(Nodes::One);
        if std::env::var_os("HARDTACK_SOAK").is_some() {
            return all(explorer, &Start::ALL, 3, "three requests on one node");
        }
        for parts in [[Login, Logout, Write], [Renew, Write, Write]] {
            let explored = explorer.explore(Start::SignedIn, &parts);
            println!("{parts:?}: {:?}", explored.unwrap_or_else(|broken| panic!("{broken}")));
        }
    }
}

/// Expects the search to find what is wrong with each of these pairs.
#[track_caller]
fn finds(what: &str, explorer: impl Fn() -> Explorer, start: Start, pairs: &[[Part; 2]]) {
    for parts in pairs {
        let broken = explorer().explore(start, parts).expect_err("the flaw shows");
        assert!(broken.what.contains(what), "{broken}");
        assert!(!broken.story.is_empty());
    }
}

fn flawed(flaw: Flaw) -> impl Fn() -> Explorer {
    move || engine(move || Arc::new(BrokenStore::new(flaw)))
}

#[test]
fn without_tombstones_what_has_ended_comes_back() {
    let store = flawed(Flaw::NoTombstones);
    for start in [Start::Visitor, Start::SignedIn] {
        let pairs = [[Logout, Write], [Logout, Renew], [Login, Write], [Login, Renew]];
        finds("live is false, and that its ids name one [true", &store, start, &pairs);
    }
    finds("live is false", &store, Start::SignedIn, &[[Write, EndAll], [Renew, EndAll]]);
    finds("answered 401", flawed(Flaw::ForgetsCauses), Start::SignedIn, &[[Login, Write]]);
}

#[test]
fn without_the_seen_version_writes_are_lost() {
    let store = flawed(Flaw::IgnoresSeen);
    finds("is lost", &store, Start::SignedIn, &[[Write, Write], [Login, Write]]);
    finds("live is true", &store, Start::SignedIn, &[[Renew, Write], [Renew, Renew]]);
}

#[test]
fn under_one_cookie_name_a_late_answer_takes_a_login_away() {
    let browser = || sound().with_one_cookie_name();
    for start in [Start::Fresh, Start::Visitor] {
        finds("not signed in, though", browser, start, &[[Login, Write]]);
    }
}

#[test]
fn ending_one_by_one_misses_a_login() {
    let store = flawed(Flaw::EndsOneByOne);
    for start in [Start::Fresh, Start::Visitor] {
        finds("live is false", &store, start, &[[Login, EndAll]]);
    }
}
