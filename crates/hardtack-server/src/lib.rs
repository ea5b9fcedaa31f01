//! The parts of the program `hardtack`.
//!
//! * [`demo`] is a small shop on this computer, to see sessions and cookies at work.
//! * [`replay`] holds the jar against recorded browsers.
//! * [`terminal`] lays out what the commands print for people.

pub mod demo;
pub mod replay;
pub mod terminal;
