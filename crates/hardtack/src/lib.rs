//! Placeholder.
mod entropy;
pub mod seal;
pub mod session;
pub mod time;
