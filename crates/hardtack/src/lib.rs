//! Placeholder.

pub mod cookie;
pub mod time;
