//! The store laws on the store that keeps nothing.

use hardtack::session::MemoryStore;

hardtack_testkit::store_suite!(memory, MemoryStore::new());
