//! Temporary.
#![allow(missing_docs)]
use std::sync::{Arc, RwLock};
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);
impl KeyId {
    pub const fn from_bytes(b: [u8; 4]) -> Self {
        Self(b)
    }
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}
#[derive(Clone, Copy)]
pub(crate) enum Use {
    SessionId,
    Renewal,
}
pub struct Key {
    id: KeyId,
    sub: [[u8; 32]; 2],
}
impl Key {
    pub fn from_bytes(b: &[u8]) -> Result<Self, ()> {
        let h = blake3::hash(b);
        Ok(Self {
            id: KeyId([h.as_bytes()[0], h.as_bytes()[1], h.as_bytes()[2], h.as_bytes()[3]]),
            sub: [blake3::derive_key("a", b), blake3::derive_key("b", b)],
        })
    }
    pub fn generate() -> Result<Self, ()> {
        let mut b = [0; 32];
        crate::entropy::fill(&mut b).map_err(|_| ())?;
        Self::from_bytes(&b)
    }
    pub fn id(&self) -> KeyId {
        self.id
    }
    pub(crate) fn subkey(&self, u: Use) -> &[u8; 32] {
        &self.sub[u as usize]
    }
}
#[derive(Clone)]
pub struct Keyring(Arc<RwLock<Vec<Arc<Key>>>>);
impl Keyring {
    pub fn new(k: Key) -> Self {
        Self(Arc::new(RwLock::new(vec![Arc::new(k)])))
    }
    pub fn sealing(&self) -> Arc<Key> {
        self.0.read().unwrap()[0].clone()
    }
    pub fn find(&self, id: KeyId) -> Option<Arc<Key>> {
        self.0.read().unwrap().iter().find(|k| k.id == id).cloned()
    }
}
