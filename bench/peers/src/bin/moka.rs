//! A plain map in memory under the load of a store.

use bytes::Bytes;
use harness::inputs::{body, mix};
use harness::store::{SESSIONS, Target, serve};
use moka::sync::Cache;

struct Map(Cache<[u8; 18], (u64, Bytes), ahash::RandomState>);

fn key(n: u64) -> [u8; 18] {
    let mut key = [0; 18];
    key[..8].copy_from_slice(&mix(n).to_le_bytes());
    key[8..16].copy_from_slice(&mix(!n).to_le_bytes());
    key
}

impl Target for Map {
    async fn create(&self, n: u64) {
        self.0.insert(key(n), (1, body(n).into()));
    }

    async fn load(&self, n: u64) -> Option<u64> {
        let (version, body) = self.0.get(&key(n))?;
        std::hint::black_box(body);
        Some(version)
    }

    async fn touch(&self, n: u64) {
        self.0.get(&key(n));
    }

    async fn replace(&self, n: u64) {
        if let Some((version, _)) = self.0.get(&key(n)) {
            self.0.insert(key(n), (version + 1, body(n ^ version << 40).into()));
        }
    }

    async fn end(&self, n: u64) {
        self.0.invalidate(&key(n));
    }
}

fn main() {
    serve(SESSIONS, async {
        Map(Cache::builder().max_capacity(4_000_000).build_with_hasher(Default::default()))
    });
}
