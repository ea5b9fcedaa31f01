//! The scenarios that hold an adapter to the laws; see
//! [`adapter_suite!`](crate::adapter_suite).

mod browser;
mod http;
mod list;
mod scenarios;
mod server;
mod site;

use std::future::Future;
use std::time::Duration;

#[doc(hidden)]
pub use hardtack::session::MemoryStore;
#[doc(hidden)]
pub use list::run;
pub use server::Adapter;
pub use site::{Page, Rest, Site};

/// Runs a scenario on a runtime of its own, and gives up on one that hangs.
#[doc(hidden)]
pub fn block_on(scenario: impl Future<Output = ()>) {
    let minutes = if soaking() { 20 } else { 2 };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(Duration::from_secs(60 * minutes), scenario).await
    });
    done.expect("the scenario did not come to its end: does the adapter hang?");
}

/// Whether the long loops run at their full length.
fn soaking() -> bool {
    std::env::var_os("HARDTACK_SOAK").is_some()
}

/// Tests that an adapter keeps the laws of a session over real HTTP: one named
/// test for each scenario.
///
/// The first argument names the module that the tests go into. The second is an
/// async function that takes a [`Site`](crate::adapter::Site), starts a server on
/// a free port of 127.0.0.1 and answers its address; each test calls it, on a
/// tokio runtime of its own with two threads. A third, if it is there, is an
/// expression that makes a new, empty store, as for
/// [`store_suite!`](crate::store_suite); otherwise it is a store in memory.
///
/// The suite owns the store, the clock and the client. The server has two
/// session layers, one over [`Site::sessions`](crate::adapter::Site::sessions)
/// (its login page is `/login`) and one over `Site::admin`, both around all of
/// these routes, and a check against cross-site requests around both:
///
/// | route | what it does |
/// | --- | --- |
/// | `/ign` | `ok`, without looking at a session |
/// | `/s/{act}`, any method | loads the session; [`Site::act`](crate::adapter::Site::act) with it |
/// | `/lazy/{act}` | the same with a session that is loaded only now, unless `act` is `none`: then `ok` |
/// | `/admin/{act}` | the same with the session of the second layer |
/// | `/both` | adds 1 to `n` in both sessions; `ok` |
/// | `/user` | the signed-in user's id, or `nobody` |
/// | `/members` | `members`, for signed-in users only |
/// | `/stream/{act}` | loads the session; a body whose one chunk is what [`Site::stream`](crate::adapter::Site::stream) gives |
/// | `/ws` | adds 1 to `n` and accepts a websocket, which closes at once |
///
/// `Err` of `act` and `stream` is answered as the adapter answers it always, a
/// [`Page`](crate::adapter::Page) as plain text.
///
/// Clients that go away in the middle of a request close their half of the
/// connection and wait until the server has closed its own, or answers: the server
/// must not go on serving half a connection.
///
/// Scenarios in the module `soak` are loops, which run at their full length
/// where the environment has `HARDTACK_SOAK`.
#[macro_export]
macro_rules! adapter_suite {
    ($suite:ident, $spawn:expr) => {
        $crate::adapter_suite! { $suite, $spawn, $crate::adapter::MemoryStore::new() }
    };
    ($suite:ident, $spawn:expr, $store:expr) => {
        mod $suite {
            #[allow(unused_imports)]
            use super::*;

            $crate::__adapter_scenarios! { __adapter_tests { $spawn, $store } }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_tests {
    ({ $spawn:expr, $store:expr } $($group:ident { $($scenario:ident $laws:tt)* })*) => {$(
        mod $group {
            #[allow(unused_imports)]
            use super::*;

            $(
                #[test]
                fn $scenario() {
                    let adapter = $crate::adapter::Adapter::new($spawn, || async {
                        $crate::store::Fixture::from($store)
                    });
                    $crate::adapter::block_on($crate::adapter::run::$group::$scenario(adapter));
                }
            )*
        }
    )*};
}
