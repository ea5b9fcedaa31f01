//! What every engine is tested for, and what any store does while its server is hurt.

use std::sync::Arc;
use std::time::Duration;

use hardtack::session::Cause;
use hardtack::session::store::*;
use hardtack_testkit::FakeClock;
use hardtack_testkit::faults::{calls_are_slow, connections_are_cut, under_load};
use hardtack_testkit::load::Load;
use hardtack_testkit::proxy::Proxy;
use hardtack_testkit::records::{anonymous, locator, next, put, signed_in, user};

use crate::server::Server;

const NOW: hardtack::time::UnixTime = FakeClock::START;

/// A store for a server that may take its time.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// A store for a server that hangs.
pub(crate) const HASTY: Duration = Duration::from_secs(1);

/// The tests that every engine has. The module that uses this brings what its stores
/// are called, and `may_be_forbidden(url)`: another URL of a database, and what makes
/// its server read-only.
macro_rules! suite {
    ($store:ident, $engine:ident, $scheme:literal, forgets: $setting:literal) => {
        hardtack_testkit::store_suite!(laws, fresh().await);

        /// A store in a place of its own on the server that all tests share.
        async fn fresh() -> hardtack_testkit::store::Fixture {
            let url = server::database($engine);
            let store = quick(&url).open().await.unwrap();
            hardtack_testkit::store::Fixture::new(store).reopened_by(move || {
                let url = url.clone();
                async move { quick(&url).migrate(false).open().await.unwrap() }
            })
        }

        /// For the server that does not sync.
        fn quick(url: &str) -> Builder<$store> {
            $store::builder(url).durability(Durability::AsServer)
        }

        /// A server of its own, and a store on it that promises all it can.
        async fn own(deadline: std::time::Duration) -> (Arc<dyn Store>, Server) {
            let server = Server::start($engine, "");
            let url = $engine.database(server.port());
            // The tables are made in peace, however hasty the test is.
            $store::builder(&url).deadline(PATIENT).open().await.unwrap();
            let store = $store::builder(&url).deadline(deadline).migrate(false).open().await;
            (Arc::new(store.unwrap()), server)
        }

        /// A database on the shared server, and the way that its URL takes.
        async fn through_a_proxy() -> (String, Proxy) {
            let port = server::shared($engine);
            let proxy = Proxy::to(port).await;
            let url = $engine.database(port);
            (url.replace(&format!(":{port}"), &format!(":{}", proxy.port())), proxy)
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_killed_server_loses_nothing_acknowledged() {
            let (store, server) = own(PATIENT).await;
            faults::nothing_acknowledged_is_lost(store, server).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_server_that_hangs_or_may_not_write_logs_nobody_out() {
            let (store, server) = own(HASTY).await;
            faults::a_hung_server_is_a_timeout(store.clone(), &server).await;
            faults::hangs_under_load(store, &server).await;
            // The same server as a standby.
            let url = $engine.database(server.port());
            $store::builder(&url).deadline(PATIENT).open().await.unwrap();
            let (url, forbid) = may_be_forbidden(&url).await;
            let store = $store::builder(&url).migrate(false).open().await.unwrap();
            faults::becomes_read_only(Arc::new(store), forbid).await;
        }

        #[tokio::test]
        async fn a_dead_server_is_unavailable() {
            let (store, server) = own(PATIENT).await;
            faults::a_dead_server_is_unavailable(store, server).await;
        }

        #[tokio::test]
        async fn a_lost_answer_leaves_a_whole_change() {
            let (url, proxy) = through_a_proxy().await;
            let store = quick(&url).connections(1).open().await.unwrap();
            faults::a_lost_answer_leaves_a_whole_change(Arc::new(store), proxy).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_way_that_is_bad_loses_nothing() {
            let (url, proxy) = through_a_proxy().await;
            let store = quick(&url).deadline(HASTY).open().await.unwrap();
            faults::the_way_is_bad(Arc::new(store), proxy).await;
        }

        #[tokio::test]
        async fn deadlocks_are_tried_again() {
            let url = server::database($engine);
            let store = quick(&url).deadline(PATIENT).open().await.unwrap();
            faults::deadlocks_are_tried_again(Arc::new(store)).await;
        }

        #[tokio::test]
        async fn a_server_that_forgets_is_refused() {
            let url = server::database($engine);
            let error = $store::open(&url).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            assert!(error.to_string().contains($setting), "{error}");
        }

        #[tokio::test]
        async fn a_missing_schema_is_refused() {
            let url = server::database($engine);
            let error = quick(&url).migrate(false).open().await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
        }

        #[tokio::test]
        async fn debug_and_errors_tell_no_password() {
            let builder = $store::builder(concat!($scheme, "://ada:s3cret@127.0.0.1:1/shop"));
            let error = builder.clone().open().await.unwrap_err();
            let said = format!("{builder:?} {error:?} {error}");
            assert!(!said.contains("s3cret"), "{said}");
            assert!(error.to_string().contains(concat!($scheme, "://127.0.0.1/shop")), "{error}");
        }
    };
}
pub(crate) use suite;

/// Kills the server under load and starts it again.
pub(crate) async fn nothing_acknowledged_is_lost(store: Arc<dyn Store>, mut server: Server) {
    let engine = store.info().name;
    let enough = async |load: &Load| load.makes(100).await;
    let kill = async || {
        server.signal("KILL");
        server.restart();
    };
    let found = under_load(engine, "killed and started again", &store, enough, kill).await;
    match engine {
        "mysql" => found.nothing_answered_is_lost(),
        _ => found.nothing_is_lost(),
    }
    assert!(found.errors > 0, "killed under load: {found:?}");
}

/// Stops the server under load, and lets it go on.
pub(crate) async fn hangs_under_load(store: Arc<dyn Store>, server: &Server) {
    let stop = async |load: &Load| {
        server.signal("STOP");
        load.fails(8).await;
    };
    let go_on = async || server.signal("CONT");
    under_load(store.info().name, "hangs", &store, stop, go_on).await.nothing_is_lost();
}

/// Cuts the way to the server under load, and lets it take too long.
pub(crate) async fn the_way_is_bad(store: Arc<dyn Store>, proxy: Proxy) {
    let engine = store.info().name;
    connections_are_cut(engine, &store, &proxy).await;
    calls_are_slow(engine, &store, &proxy, HASTY).await;
}

/// Forbids the server to write under load, as if it had become a standby, and then
/// allows it again; `sql` says it.
pub(crate) async fn becomes_read_only(store: Arc<dyn Store>, sql: impl AsyncFn(bool)) {
    let forbid = async |load: &Load| {
        sql(true).await;
        load.fails(8).await;
    };
    let allow = async || sql(false).await;
    under_load(store.info().name, "becomes read-only", &store, forbid, allow)
        .await
        .nothing_is_lost();
}

/// Waits until a server that was started again answers through the store.
async fn serves_again(store: &dyn Store) {
    for _ in 0..200 {
        if store.epochs(None).await.is_ok() {
            return;
        }
    }
    panic!("the store does not find its server again");
}

/// A server that hangs, and then goes on: within the deadline there is an answer,
/// nobody is logged out, and afterwards all is as before.
pub(crate) async fn a_hung_server_is_a_timeout(store: Arc<dyn Store>, server: &Server) {
    let (key, record) = (locator(None), anonymous(NOW));
    put(&*store, &key, &record).await;
    server.signal("STOP");
    for error in [
        store.load(&key).await.unwrap_err(),
        store.replace(&key, record.version, next(&record, "late")).await.unwrap_err(),
        store.touch(&[Touch::new(key, NOW, NOW)]).await.unwrap_err(),
        store.epochs(None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error}");
    }
    server.signal("CONT");
    serves_again(&*store).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
}

/// A server that is not there.
pub(crate) async fn a_dead_server_is_unavailable(store: Arc<dyn Store>, mut server: Server) {
    let (key, record) = (locator(None), anonymous(NOW));
    put(&*store, &key, &record).await;
    server.signal("KILL");
    let mut errors = 0;
    while errors < 3 {
        if let Err(error) = store.load(&key).await {
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
            errors += 1;
        }
    }
    server.restart();
    serves_again(&*store).await;
    assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
}

/// The answer is lost, and what was asked has happened, wholly: the engine finds
/// it by what is there.
pub(crate) async fn a_lost_answer_leaves_a_whole_change(store: Arc<dyn Store>, proxy: Proxy) {
    let ada = user("ada");
    for round in 0..6 {
        let (old, record) = (locator(None), anonymous(NOW));
        put(&*store, &old, &record).await;
        proxy.cut_next_answer();
        let new = next(&record, "written");
        let _ = store.replace(&old, record.version, new.clone()).await;
        match store.load(&old).await.unwrap() {
            Loaded::Live(found) => assert!(found == new || found == record),
            other => panic!("an error logs nobody out: {other:?}"),
        }
        let key = locator(Some(&ada));
        let Loaded::Live(found) = store.load(&old).await.unwrap() else { panic!("live") };
        proxy.cut_next_answer();
        let admission = Admission::at(NOW);
        let _ = store.relocate(&old, found.version, &key, signed_in(&ada, NOW), admission).await;
        let pair = (store.load(&old).await.unwrap(), store.load(&key).await.unwrap());
        assert!(
            matches!(
                pair,
                (Loaded::Live(_), Loaded::Unknown)
                    | (Loaded::Ended(Cause::Replaced), Loaded::Live(_))
            ),
            "a login is whole: {pair:?}"
        );
        assert_eq!(proxy.cuts(), 2 * (round + 1), "the answers were lost");
    }
}

/// Logins that end sessions of two users meet in the worst order, again and
/// again: the server undoes one of two, and nobody notices.
pub(crate) async fn deadlocks_are_tried_again(store: Arc<dyn Store>) {
    let (ada, bob) = (user("ada"), user("bob"));
    let one = std::num::NonZeroU32::MIN;
    let limited = Admission::at(NOW).limited(Some(SessionLimit::new(one, WhenFull::EndOldest)));
    for _ in 0..10 {
        let (hers, his) = (locator(Some(&ada)), locator(Some(&bob)));
        let (a, b) = (signed_in(&ada, NOW), signed_in(&bob, NOW));
        for (key, record) in [(&hers, &a), (&his, &b)] {
            let made = store.insert(key, record.clone(), limited).await.unwrap();
            assert_eq!(made, Inserted::Ok);
        }
        let (to_bob, to_ada) = (locator(Some(&bob)), locator(Some(&ada)));
        let (one, other) = tokio::join!(
            store.relocate(&hers, a.version, &to_bob, b.clone(), limited),
            store.relocate(&his, b.version, &to_ada, a.clone(), limited),
        );
        for relocated in [one.unwrap(), other.unwrap()] {
            assert!(matches!(relocated, Relocated::Ok | Relocated::Gone(Some(_))), "{relocated:?}");
        }
        for user in [&ada, &bob] {
            assert!(store.list(Some(user), None, 10).await.unwrap().len() <= 1);
        }
    }
}
