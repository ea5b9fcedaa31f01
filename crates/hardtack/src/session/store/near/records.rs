//! A bounded number of bytes of records; the hand of a clock goes round and
//! takes out those that nobody has asked for since it last came by.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::session::id::LocatorHash;
use crate::session::{Locator, Record};

/// What an entry takes beside the bytes it points to: itself, its place in the
/// table (of which up to half is empty), and what the allocator adds.
const OVERHEAD: usize = size_of::<Entry>() + 2 * size_of::<(Locator, usize)>() + 3 * 32;

/// Records by locator, at most so many bytes of them.
#[derive(Debug)]
pub struct Records {
    places: HashMap<Locator, usize, LocatorHash>,
    entries: Vec<Entry>,
    hand: usize,
    bytes: usize,
    most: usize,
}

#[derive(Debug)]
struct Entry {
    key: Locator,
    record: Record,
    asked: AtomicBool,
}

impl Records {
    /// Keeps at most about `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { places: HashMap::default(), entries: Vec::new(), hand: 0, bytes: 0, most }
    }

    /// The record under `key`, which has been asked for now.
    pub fn find(&self, key: &Locator) -> Option<Record> {
        let entry = &self.entries[*self.places.get(key)?];
        if !entry.asked.load(Relaxed) {
            entry.asked.store(true, Relaxed);
        }
        Some(entry.record.clone())
    }

    /// The same, to be changed; its size must stay.
    pub fn find_mut(&mut self, key: &Locator) -> Option<&mut Record> {
        let place = *self.places.get(key)?;
        Some(&mut self.entries[place].record)
    }

    /// Keeps a record, in place of others if it must be.
    pub fn put(&mut self, key: Locator, record: Record) {
        let new = cost(&record);
        if new > self.most {
            self.remove(&key);
            return;
        }
        if let Some(place) = self.places.get(&key) {
            let entry = &mut self.entries[*place];
            self.bytes = self.bytes + new - cost(&entry.record);
            entry.record = record;
        } else {
            self.places.insert(key, self.entries.len());
            self.entries.push(Entry { key, record, asked: AtomicBool::new(true) });
            self.bytes += new;
        }
        while self.bytes > self.most {
            self.advance();
        }
    }

    /// Forgets one.
    pub fn remove(&mut self, key: &Locator) {
        let Some(place) = self.places.remove(key) else { return };
        let gone = self.entries.swap_remove(place);
        self.bytes -= cost(&gone.record);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.key, place);
        }
    }

    /// Forgets those whose locators begin with `slot`. Looks at all.
    pub fn remove_slot(&mut self, slot: [u8; 2]) {
        let keys = self.entries.iter().map(|entry| entry.key);
        let gone: Vec<_> = keys.filter(|key| key.slot() == slot).collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// One step of the hand. Every second round at the latest takes something out.
    fn advance(&mut self) {
        if self.hand >= self.entries.len() {
            self.hand = 0;
        }
        let entry = &self.entries[self.hand];
        if entry.asked.swap(false, Relaxed) {
            self.hand += 1;
        } else {
            let key = entry.key;
            self.remove(&key);
        }
    }
}

fn cost(record: &Record) -> usize {
    let user = record.user.as_ref().map_or(0, |u| u.as_bytes().len());
    let device = record.device.as_ref().map_or(0, |d| d.len());
    OVERHEAD + record.data.len() + user + device
}
