//! The session store on Redis (6.2 or later) or Valkey: one server, a master that
//! sentinels watch, or a cluster.
//!
//! ```no_run
//! # fn main() -> Result<(), hardtack::session::StoreError> {
//! use hardtack_redis::{Durability, RedisStore};
//!
//! let store = RedisStore::open("redis://shop:password@127.0.0.1/0", Durability::Async)?;
//! # Ok(())
//! # }
//! ```
//!
//! | address | servers |
//! | --- | --- |
//! | `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` | one |
//! | `redis://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT],...` | some nodes of a cluster |
//! | `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],.../NAME[/DATABASE]` | sentinels, and the name of the master |
//! | `redis+unix:///PATH` | one, by its socket |
//!
//! `rediss` in place of `redis` is TLS (feature `tls`, by rustls). User and password
//! are those of the servers; sentinels are asked without.
//!
//! # Keys
//! All names begin with a prefix (`ht:`) and a hash tag of two hexadecimal digits,
//! the first byte of the locator: `{00}` to `{ff}`. Everything that belongs to a user
//! and to the user's sessions has one tag, so it is in one slot of a cluster.
//!
//! | key | what |
//! | --- | --- |
//! | `ht:{XX}` and the 18 bytes of a locator | string: a record, or the tombstone in its place |
//! | `ht:{XX}a0` to `a7` | sorted sets of the live without a user, by the second in which they may be over at the earliest |
//! | `ht:{XX}u0` to `u7` | the same of those with a user; all of one user are in one |
//! | `ht:{XX}n` | hash: user to epoch |
//! | `ht:{XX}g`, `ht:{XX}s` | the global epoch here, and the one that the sweeper is done with |
//! | `ht:{XX}e`, `ht:{XX}t` | sorted sets of ends: to be told, and told |
//! | `ht:{XX}l` | while a process has a near-cache: for how many milliseconds ends are held back |
//! | `ht:{XX}p` | what a near-cache writes to hear whether replicas follow |
//! | `ht:{XX}m` | hash of the sessions that a login is moving to another slot |
//! | `ht:{00}G` | the counter that global epochs are drawn from |
//!
//! Each verb that writes is one script, and names every key that it touches. A load is
//! one `MGET` of a record and of the global epoch. What requests ask for at the same time
//! goes to a server in one write, and up to 16 commits of theirs in one call of a script,
//! which judges and answers each by itself; on a cluster each goes by itself.
//!
//! A list of a user's sessions, the end of all of them, and a login under a limit look
//! through one of those sets: a 2048th of all who are signed in.
//!
//! # Epochs
//! Raising a user's epoch writes it into the records of all the user's sessions, in
//! one script: from then on each of them says by itself that it has ended. An insert
//! reads the epoch in its script, and they share a slot, so a login that began before
//! comes either before the script, and is marked by it, or after, and is refused.
//!
//! The global epoch is drawn from one counter and then written to every partition;
//! the raise is answered when all have it. A session that began before has a lower
//! number than the one in its partition, wherever it is: it is refused there, or
//! found outdated by the next load. While a raise is under way partitions may differ;
//! if it breaks off the sweeper completes it, and it heals a counter that fell behind.
//!
//! # Logins on a cluster
//! A login ends the visitor's session, which is in another slot than the user's. No
//! script sees both, so this takes a mark on the old session, the insert (which is the
//! moment of the login), and the end: three round trips in place of one. A caller that
//! goes away in between leaves a mark that others settle after half of the deadline.
//!
//! # Durability
//! | | a crash of the server | the loss of the master |
//! | --- | --- | --- |
//! | `appendfsync always` | takes nothing that was answered | - |
//! | `appendfsync everysec` | takes up to the last second, ends too | - |
//! | [`Durability::Wait`] | as `appendfsync` says | takes no login, end or epoch that was answered |
//! | [`Durability::Async`] | as `appendfsync` says | may take what the replica lags behind, ends too |
//!
//! Measured with a master killed under load and one replica: with `Wait(1)` in ten
//! runs no end and no login was lost; with `Async` mostly none, and in one run 1396 of
//! 1994 sessions that had been signed in within half a second. Served again after 1 to
//! 3 seconds, of which a third was how long the sentinel waited.
//!
//! Turn eviction off (`maxmemory-policy noeviction`): what Redis evicts is a logout,
//! which the sweeper finds and tells as `lost`. A server without memory refuses new
//! sessions and changes, and still ends sessions.
//!
//! # Memory
//! With 500 bytes of data, measured on Redis 7.0 with everything that belongs to it:
//!
//! | sessions | anonymous | of users with a name of 32 bytes |
//! | --- | --- | --- |
//! | 10,000 | 833 bytes | 836 bytes |
//! | 100,000 | 804 bytes | 805 bytes |
//!
//! The record is the data and its columns, 573 and 605 bytes. The indexes take little as
//! long as a set has no more than `zset-max-listpack-entries` members, which is 128 unless
//! set: up to some 200,000 sessions of a kind. For more, set it to a 1500th of them, up to
//! some thousand. Redis drops a record by itself 24 hours after the end of its lifetime, if
//! no sweeper was there; the tombstone of an end that nobody has confirmed stays.
//!
//! # Outages
//! Every call is answered within the deadline, one second unless said otherwise; list,
//! census and the steps of a sweep keep it step by step. After five calls in a row
//! without an answer a server is left alone, and tried again every half second. Those
//! that wait for replicas count by themselves: missing replicas stop no load. What may
//! have been done is never sent again: only redirections, and scripts that a server
//! does not know, are.
//!
//! # Near-cache
//! With [`Builder::near_cache`] a process remembers live records and answers loads
//! from there, without a round trip. Each master tells of every write on a connection
//! of its own (`CLIENT TRACKING`, broadcast for the prefix), and what was loaded over that
//! is used only while an answer has come there to a question that was sent less than the
//! lag ago (100 ms, [`Builder::near_lag`], less a tenth). Without that proof there is no
//! cache, and loads go to the servers.
//!
//! Before it remembers anything a process sets a key to its lag, in each partition, and
//! keeps it there. Whatever ends sessions (an end, a login, an insert that evicts, a raise,
//! a sweep that ended something) reads it in its script, and is answered that long after its
//! write, by whichever process: by then all who remember were told, or have no proof. So
//! an end that was answered is final for all of them.
//!
//! - An end costs the lag, and so does a login that ends a session or evicts one: for
//!   every process of the store, and until half a minute after the last near-cache is gone.
//!   Changes of data cost nothing. The first end may be answered later than the deadline
//!   by the lag: only its script tells.
//! - Data that another process wrote may be as old as the lag where it is read. No
//!   compare-and-set and no end is decided by it: a conflict reads the server again.
//! - Each process hears of each write to the store, some 150 bytes for a verb, and asks each
//!   master four times in a lag. The server keeps no table for it, so
//!   `tracking-table-max-keys` does not matter. Keys that expire or are evicted are
//!   told as well, and `FLUSHALL`.
//! - On a cluster a partition's records are used only while its owner is proven, which is
//!   the owner by the map in force and by its own; while its slot moves it is seldom used.
//!   Behind sentinels the connection follows the master that all who answer name.
//! - With [`Durability::Wait`] a proof counts only if as many replicas confirm it. With at
//!   least half of the replicas the law outlasts a master that was replaced and does not know
//!   it. With [`Durability::Async`] that one is believed until it, a sentinel, or the cluster's
//!   map says otherwise, as it is without a near-cache.
//!
//! # Access
//! A user who may do what the store does, and nothing else:
//!
//! ```text
//! ACL SETUSER shop on >a-long-password ~ht:* resetchannels -@all \
//!     +eval +evalsha +script|load +time +wait +asking +cluster|slots +role +select +pttl \
//!     +get +mget +set +setnx +getrange +setrange +exists +del +persist +pexpire +incr \
//!     +hello +ping +client|tracking \
//!     +hget +hset +hdel +hincrby +zadd +zrem +zrange +zrangebyscore +zunionstore
//! ```
//!
//! # Limits
//! - On a cluster a session's locator must begin with the slot tag of its user, as
//!   those of the engine do; one that does not is refused, on one server too.
//! - While a slot moves between nodes, calls for its sessions wait for each other, and
//!   if that takes longer than the deadline they are errors.
//! - A list of everybody and a census read the locators of 32 partitions at a time.
//! - Numbers are compared as doubles: exact up to 2^53.
//!
//! # What this does not protect
//! - Whoever may read the server has what is in it: users' keys, times, device labels.
//!   The data of a session is sealed by `hardtack`, not by this crate.
//! - Whoever may write to it can end sessions, and bring back a copy of one that was
//!   ended. Give it an access list, a network of its own, and TLS.
//! - A master that is cut off and does not know it yet answers loads with what it had.
//!   `min-replicas-to-write` stops its writes, not its reads.
//! - A near-cache believes the clock of its machine to run evenly. A process that is
//!   halted between looking at the clock and answering answers with what it saw.
//! - Without TLS whoever is on the way reads and changes everything, the password too.

mod address;
mod breaker;
mod builder;
mod cluster;
mod epochs;
mod error;
mod key;
mod link;
mod load;
mod moves;
mod near;
mod node;
mod record;
mod script;
mod store;
mod upkeep;
mod value;
mod wire;

pub use builder::{Builder, Durability};
pub use store::RedisStore;

#[cfg(test)]
mod tests;
