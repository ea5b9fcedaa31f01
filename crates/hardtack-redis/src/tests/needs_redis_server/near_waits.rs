//! Whoever ends a session waits for those who remember it, with a near-cache or without.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use hardtack::session::store::{Admission, Loaded, SessionLimit, Store, WhenFull};
use hardtack::session::{Cause, Locator, Record};
use hardtack::time::UnixTime;
use hardtack_testkit::proxy::Proxy;
use hardtack_testkit::records::{anonymous, locator, put, signed_in, user};
use hardtack_testkit::redis::RedisServer;

use super::NOW;
use super::near::{lagging, remembered, warm};
use crate::{Durability, RedisStore};

const LAG: Duration = Duration::from_millis(100);

fn plain(server: &RedisServer) -> RedisStore {
    RedisStore::open(&server.url(), Durability::Async).unwrap()
}

fn through(way: &Proxy) -> String {
    format!("redis://127.0.0.1:{}", way.port())
}

type Over = (Locator, Locator, Record, Record);

/// Ends `key`, or `visit`, in one of the ways that there are; answers which.
async fn end_somehow(store: &RedisStore, round: usize, over: Over) -> Locator {
    let (key, visit, record, visitor) = over;
    let (ada, new) = (user("ada"), locator(Some(&user("ada"))));
    let admission = Admission::at(NOW);
    match round {
        0 => drop(store.end(&key, Cause::Logout, NOW).await.unwrap()),
        1 => drop(store.raise(Some(&ada), NOW).await.unwrap()),
        2 => drop(store.raise(None, NOW).await.unwrap()),
        3 => {
            let limit = SessionLimit::new(NonZeroU32::MIN, WhenFull::EndOldest);
            store.insert(&new, record, admission.limited(Some(limit))).await.unwrap();
        }
        4 => {
            store.relocate(&visit, visitor.version, &new, record, admission).await.unwrap();
            return visit;
        }
        _ => while store.sweep(UnixTime::MAX, 1000).await.unwrap().more {},
    }
    key
}

/// B hears nothing for longer than it may trust what it has, and A has no near-cache.
#[tokio::test]
async fn who_has_no_near_cache_waits_for_those_who_have() {
    let server = RedisServer::start(&[]);
    let way = Proxy::to(server.port()).await;
    let (a, b, ada) = (plain(&server), lagging(&through(&way), LAG), user("ada"));
    for round in 0..6 {
        let epochs = a.epochs(Some(&ada)).await.unwrap();
        let everybody = a.epochs(None).await.unwrap();
        let (key, record) = (locator(Some(&ada)), Record { epochs, ..signed_in(&ada, NOW) });
        let (visit, visitor) = (locator(None), Record { epochs: everybody, ..anonymous(NOW) });
        put(&a, &key, &record).await;
        put(&a, &visit, &visitor).await;
        warm(&b, &key).await;
        warm(&b, &visit).await;
        way.delay(10 * LAG);
        tokio::time::sleep(LAG / 4).await;
        let over = end_somehow(&a, round, (key, visit, record, visitor)).await;
        assert_eq!(remembered(&b, &over), None, "round {round}");
        way.delay(Duration::ZERO);
        a.raise(Some(&ada), NOW).await.unwrap();
    }
}

/// Each has a prefix of its own, so that nobody has announced itself before. B hears
/// late, and A ends the session at some moment of its beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_near_cache_that_begins_while_a_session_ends_does_not_remember_it() {
    let server = RedisServer::start(&[]);
    let way = Proxy::to(server.port()).await;
    let open = |url: &str, prefix: &str| RedisStore::builder(url, Durability::Async).prefix(prefix);
    way.delay(LAG / 5);
    let round = async |n: u32| {
        let (key, prefix) = (locator(None), format!("{n}:"));
        let a = open(&server.url(), &prefix).open().unwrap();
        let b = open(&through(&way), &prefix).near_cache(1 << 20).near_lag(LAG).open().unwrap();
        put(&a, &key, &anonymous(NOW)).await;
        let ends = async {
            // The last ones however slow the machine is.
            if n < 36 {
                tokio::time::sleep(n * LAG / 10).await;
            } else {
                warm(&b, &key).await;
            }
            a.end(&key, Cause::Logout, NOW).await.unwrap();
            assert_eq!(remembered(&b, &key), None, "round {n}");
        };
        let loads = async {
            while matches!(b.load(&key).await.unwrap(), Loaded::Live(_)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::join!(ends, loads);
    };
    join_all((0..40).map(round)).await;
}

#[tokio::test]
async fn who_cannot_announce_itself_remembers_nothing() {
    let server = RedisServer::start(&[]);
    let (store, key) = (lagging(&server.url(), LAG), locator(None));
    put(&store, &key, &anonymous(NOW)).await;
    server.tell(&["ACL", "SETUSER", "default", "-pttl"]);
    for _ in 0..10 {
        assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
        assert_eq!(remembered(&store, &key), None);
        tokio::time::sleep(LAG / 10).await;
    }
    server.tell(&["ACL", "SETUSER", "default", "+pttl"]);
    warm(&store, &key).await;
}

#[tokio::test]
async fn the_greatest_lag_stands_as_long_as_somebody_has_it() {
    let server = RedisServer::start(&[]);
    let key = locator(None);
    let lag = crate::key::Keys::new("ht:");
    let lag = lag.index_of(&key, crate::key::Index::Lag);
    let lag = String::from_utf8(lag.as_ref().to_vec()).unwrap();
    let stands = || server.tell(&["GET", &lag]).lines().nth(1).map(str::to_owned);
    let small = lagging(&server.url(), LAG / 10);
    put(&small, &key, &anonymous(NOW)).await;
    warm(&small, &key).await;
    assert_eq!(stands().as_deref(), Some("10"));
    let great = lagging(&server.url(), LAG);
    warm(&great, &key).await;
    assert_eq!(stands().as_deref(), Some("100"));
    warm(&small, &key).await;
    assert_eq!(stands().as_deref(), Some("100"), "the smaller one has not replaced it");
    drop(great);
    server.tell(&["PEXPIRE", &lag, "1"]);
    while stands().as_deref() != Some("10") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    warm(&small, &key).await;
}
