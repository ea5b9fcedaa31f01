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
//! | [`near_suite!`] | what a store with a near-cache must keep, too, one named test each |
//! | [`adapter_suite!`] | what browsers and thieves do to an adapter over HTTP, one named test each |
//! | [`explore`] | the engine in every order in which a few requests can meet |
//! | [`FakeClock`] | time that passes when a test says so |
//! | [`FaultyStore`] | errors, delays, lost answers and partial batches at chosen calls |
//! | [`StoreCalls`] | how often each verb is called |
//! | [`records`] | locators and records to put into a store |
//! | [`history`] | calls at random, recorded, and whether any order explains them |
//! | [`laws`] | which tests hold which law, and the table of laws by engines |
//! | [`load`] | writers on a store, and what is left of what they were answered |
//! | [`faults`], [`proxy`] | servers that are hurt under load, and ways to them |
//! | [`together()`] | the tests of a suite on one server |
//! | [`process`] | the process of a server, which ends with the test |
//! | [`redis`], [`database`] | real servers |
//!
//! Everything here panics where a law is broken: it is for tests.

pub mod adapter;
mod calls;
mod clock;
pub mod database;
#[cfg(test)]
mod deadline_tests;
pub mod explore;
pub mod faults;
mod faulty;
pub mod history;
pub mod laws;
pub mod load;
#[cfg(test)]
mod moving_tests;
pub mod near;
pub mod process;
pub mod proxy;
pub mod records;
pub mod redis;
mod report;
#[cfg(test)]
mod steps;
pub mod store;
mod together;
mod wrap;

pub use calls::StoreCalls;
pub use clock::FakeClock;
pub use faulty::{Fault, FaultyStore, Gate};
pub use together::together;
pub use wrap::Verb;
