//! What needs the program redis-server.

mod laws;
mod outages;
