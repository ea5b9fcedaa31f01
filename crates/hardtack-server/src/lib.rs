//! The parts of the program `hardtack`.
//!
//! [`demo`] is a small shop on this computer, to see sessions and cookies at work.

pub mod demo;
