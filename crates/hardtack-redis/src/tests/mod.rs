//! The store on real servers: each test starts its own.

mod needs_redis_server;
