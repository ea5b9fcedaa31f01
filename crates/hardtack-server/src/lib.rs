//! The parts of the program `hardtack`.
//!
//! * [`demo`] is a small shop on this computer, to see sessions and cookies at work.
//! * [`dump`] writes sessions as JSON lines, and reads them.
//! * [`explain`] tells what browsers do with a cookie.
//! * [`har`] reads the cookies out of a browser's recording.
//! * [`lint`] looks at the cookies of a page.
//! * [`migrate`] takes the sessions of a running application to another store.
//! * [`replay`] holds the jar against recorded browsers.
//! * [`stores`] opens a store by its address.
//! * [`terminal`] lays out what the commands print for people.

pub mod demo;
pub mod dump;
pub mod explain;
pub mod har;
pub mod lint;
pub mod migrate;
mod pages;
pub mod replay;
pub mod stores;
pub mod terminal;
