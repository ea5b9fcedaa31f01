//! The parts of the program `hardtack`.
//!
//! [`demo`] is a small shop on this computer, to see sessions and cookies at work;
//! [`explain`] tells what browsers do with a cookie.

pub mod demo;
pub mod explain;
