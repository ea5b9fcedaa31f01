//! The laws of a store; see [`store_suite!`](crate::store_suite).

mod fixture;
mod laws;
mod list;

use std::future::Future;
use std::time::Duration;

pub use fixture::Fixture;
pub(crate) use fixture::Told;
#[doc(hidden)]
pub use list::run;

/// Runs a law on a runtime of its own, so that whoever uses the suite needs
/// none, and gives up on one that hangs.
#[doc(hidden)]
pub fn block_on(law: impl Future<Output = ()>) {
    const PATIENCE: Duration = Duration::from_secs(120);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let done =
        runtime.expect("a runtime").block_on(async { tokio::time::timeout(PATIENCE, law).await });
    done.expect("the law was not decided within two minutes: does the store hang?");
}

/// Tests that a store keeps the contract of [`Store`]: one named test for each law.
///
/// The first argument names the module that the tests go into, the second is an
/// expression that makes a new, empty store. It is evaluated once for each test,
/// within an async block on a tokio runtime with four threads, and may be of any
/// type that implements [`Store`], or a [`Fixture`](crate::store::Fixture) if
/// the store can be opened again, or needs something kept alive beside it.
///
/// [`Store`]: hardtack::session::store::Store
///
/// ```
/// use hardtack::session::MemoryStore;
/// use hardtack_testkit::store::Fixture;
///
/// hardtack_testkit::store_suite!(memory, MemoryStore::new());
///
/// async fn open() -> Fixture {
///     Fixture::new(MemoryStore::new()).keeping("a folder, for instance")
/// }
/// hardtack_testkit::store_suite!(memory_in_a_folder, open().await);
/// ```
#[macro_export]
macro_rules! store_suite {
    ($suite:ident, $make:expr) => {
        mod $suite {
            #[allow(unused_imports)]
            use super::*;

            $crate::__store_laws! { __store_tests { $make } }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    ({ $make:expr } $($group:ident { $($law:ident $laws:tt)* })*) => {$($(
        #[test]
        fn $law() {
            $crate::store::block_on(async {
                $crate::store::run::$law($crate::store::Fixture::from($make)).await
            });
        }
    )*)*};
}
