//! The laws of a session as test suites, for whoever writes a store or an
//! adapter of [`hardtack`], and the tools that those suites are made of.
//!
//! ```
//! use hardtack::session::MemoryStore;
//!
//! hardtack_testkit::store_suite!(memory, MemoryStore::new());
//! ```
//!
//! | what | for |
//! | --- | --- |
//! | [`store_suite!`] | every law that a store can break, one named test each |
//! | [`adapter_suite!`] | what browsers and thieves do to an adapter over HTTP, one named test each |
//! | [`explore`] | the engine in every order in which a few requests can meet |
//! | [`FakeClock`] | time that passes when a test says so |
//! | [`FaultyStore`] | errors, delays, lost answers and partial batches at chosen calls |
//! | [`StoreCalls`] | how often each verb is called |
//! | [`records`] | locators and records to put into a store |
//! | [`load`] | writers on a store, and what is left of what they were answered |
//! | [`process`] | the process of a server, which ends with the test |
//! | [`redis`], [`database`] | real servers |
//!
//! Everything here panics where a law is broken: it is for tests.

pub mod adapter;
mod calls;
mod clock;
pub mod database;
pub mod explore;
mod faulty;
pub mod load;
pub mod process;
pub mod records;
pub mod redis;
pub mod store;
mod wrap;

pub use calls::StoreCalls;
pub use clock::FakeClock;
pub use faulty::{Fault, FaultyStore, Gate};
pub use wrap::Verb;
