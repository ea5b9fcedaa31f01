//! A bounded number of bytes of records; the hand of a clock goes round and
//! takes out those that nobody has asked for since it last came by.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hardtack::session::{Locator, Record};

use crate::cache::ByLocator;

/// What an entry takes beside the bytes it points to: itself, its place in the
/// table (of which up to half is empty), and what the allocator adds.
const OVERHEAD: usize = size_of::<Entry>() + 2 * size_of::<(Locator, usize)>() + 3 * 32;

pub(crate) struct Records {
    places: ByLocator<usize>,
    entries: Vec<Entry>,
    hand: usize,
    bytes: usize,
    most: usize,
}

struct Entry {
    key: Locator,
    record: Record,
    asked: AtomicBool,
}

impl Records {
    pub(crate) fn new(most: usize) -> Self {
        Self { places: ByLocator::default(), entries: Vec::new(), hand: 0, bytes: 0, most }
    }

    pub(crate) fn find(&self, key: &Locator) -> Option<Record> {
        let entry = &self.entries[*self.places.get(key)?];
        if !entry.asked.load(Relaxed) {
            entry.asked.store(true, Relaxed);
        }
        Some(entry.record.clone())
    }

    pub(crate) fn find_mut(&mut self, key: &Locator) -> Option<&mut Record> {
        let place = *self.places.get(key)?;
        Some(&mut self.entries[place].record)
    }

    pub(crate) fn put(&mut self, key: Locator, record: Record) {
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

    pub(crate) fn remove(&mut self, key: &Locator) {
        let Some(place) = self.places.remove(key) else { return };
        let gone = self.entries.swap_remove(place);
        self.bytes -= cost(&gone.record);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.key, place);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
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
