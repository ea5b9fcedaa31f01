//! What needs the program redis-server.

mod access;
mod failover;
mod keeping;
mod laws;
mod memory;
mod outages;
mod resharding;
mod told;
