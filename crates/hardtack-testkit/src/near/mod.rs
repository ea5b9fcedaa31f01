//! The laws of a near-cache; see [`near_suite!`](crate::near_suite).
//!
//! What a process remembers is used only while it is proven, and who ends a session is
//! answered when nobody uses it any more. Lags are real here, and waited for; nothing is
//! expected to be fast.

mod laws;
mod nodes;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{Loaded, Store};
use hardtack::session::{Locator, Record};
use tokio::time::{Instant, sleep};

#[doc(hidden)]
pub use laws::*;
pub use nodes::recorded;

/// A server of a test's own, and the nodes that share it.
pub trait Place {
    /// A node that reaches the server by a port, which may be a proxy's: with a near-cache
    /// of this lag, or with none.
    fn open(&self, port: u16, lag: Option<Duration>) -> impl Future<Output = Arc<dyn Store>>;

    /// The server's own port.
    fn port(&self) -> u16;

    /// Sends the server a signal: STOP, CONT, KILL.
    fn signal(&self, signal: &str);

    /// Starts it again after it was killed, on its port and with what it has kept.
    fn restart(&mut self);

    /// Cuts all connections of nodes.
    fn cut(&self) -> impl Future<Output = ()>;
}

/// How long ends are held back.
pub(crate) const LAG: Duration = Duration::from_millis(100);

/// For what comes for certain, however slow the machine is.
const LONG: Duration = Duration::from_secs(20);

/// The answer that is there without asking the server.
///
/// # Panics
/// If a near-cache answers from memory that a session is not live.
pub fn remembered(store: &dyn Store, key: &Locator) -> Option<Record> {
    match store.load(key).into_ready() {
        Ok(Ok(Loaded::Live(record))) => Some(record),
        Ok(other) => panic!("only live records are remembered, and not {other:?}"),
        Err(_) => None,
    }
}

/// Loads a live session until the record is remembered.
///
/// # Panics
/// If it never is, or the session is not live.
pub async fn warm(store: &dyn Store, key: &Locator) {
    let began = Instant::now();
    while remembered(store, key).is_none() {
        assert!(matches!(store.load(key).await.expect("an answer"), Loaded::Live(_)));
        assert!(began.elapsed() < LONG, "it is never remembered");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Loads until there is an answer, and says how long that took.
///
/// # Panics
/// If there never is.
pub async fn recovers(store: &dyn Store, key: &Locator) -> Duration {
    let began = Instant::now();
    while let Err(error) = store.load(key).await {
        assert!(began.elapsed() < LONG, "{error:?}");
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// Tests that a store with a near-cache keeps its laws, beside those of
/// [`store_suite!`](crate::store_suite): one named test each.
///
/// The first argument names the module that the tests go into, the second is an
/// expression that makes a [`Place`](crate::near::Place), a server of the test's own. It is
/// evaluated once for each test, within an async block on a tokio runtime.
#[macro_export]
macro_rules! near_suite {
    ($suite:ident, $place:expr) => {
        mod $suite {
            #[allow(unused_imports)]
            use super::*;

            $crate::near_suite! { @tests $place;
                without_a_proof_nothing_remembered_is_used_and_with_one_it_is_again
                a_connection_that_was_cut_takes_everything_with_it
                an_end_is_final_for_a_process_that_is_told_late
                an_end_on_one_node_is_seen_by_another_at_once
                no_read_that_begins_after_an_end_was_answered_finds_it_live
                raises_evictions_and_logins_end_what_others_remember
                who_is_told_that_it_is_behind_reads_the_newest
                a_load_that_races_a_write_never_brings_the_old_back
                who_has_no_near_cache_waits_for_those_who_have
                who_finds_that_a_session_has_ended_waits_as_well
                what_nodes_are_answered_can_be_put_in_an_order
            }
        }
    };
    (@tests $place:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::store::block_on(async { $crate::near::$law($place).await });
            }
        )*
    };
}
