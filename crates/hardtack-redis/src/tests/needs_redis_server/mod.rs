//! What needs the program redis-server.

mod failover;
mod keeping;
mod laws;
mod memory;
mod outages;
mod resharding;
mod told;
