//! What ids have opened lately.
//!
//! The requests of one page come in bursts and carry one id. So what it has opened is
//! kept for a minute, and of the next request only has to be seen that its id is the
//! same, and that the store still has the same record.
//!
//! # Why that weakens nothing
//! - It answers no question that the store has not been asked: each request loads the
//!   record, and one that has ended, was replaced or differs in any column is judged anew.
//! - Only an id whose tag was checked and that opened a live session is kept. What is
//!   presented is compared with its whole text, and that takes as long whichever
//!   characters differ. Only who has sessions can push others out, and those are then
//!   checked as if they were new, which is all.
//! - A key that was taken off the ring opens nothing, as before.
//!
//! # What this does not protect
//! Whoever reads the process's memory finds ids, and what is in their sessions, not only
//! of requests under way but of the last minute, until the next housekeeping; of at most
//! [`SLOTS`] sessions. The texts and secrets of ids are zeroized when they are given up.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::record::Kind;
use super::transport::IdText;
use super::work::Work;
use crate::time::UnixTime;

/// Sessions that are kept; each in the one place that its id says.
const SLOTS: usize = 1024;

/// What is larger is not kept, so that all of it stays below 16 MB.
const LARGEST: usize = 8 * 1024;

const KEPT: Duration = Duration::from_secs(60);

pub(crate) struct Recent(Box<[Mutex<Option<Seen>>]>);

struct Seen {
    text: Zeroizing<IdText>,
    work: Work,
}

impl Default for Recent {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| Mutex::default()).collect())
    }
}

impl Recent {
    /// What this very id has opened.
    pub(crate) fn find(&self, kind: Kind, text: &IdText, now: UnixTime) -> Option<Work> {
        // Whoever would have to wait is faster alone.
        let slot = match self.slot(text).try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let seen = slot.as_ref()?;
        let same = seen.work.id.kind() == kind && is_same(&seen.text, text);
        (same && seen.is_recent(now)).then(|| seen.work.clone())
    }

    /// Keeps what the id of this text has opened.
    pub(crate) fn keep(&self, text: &IdText, work: &Work) {
        if fits(work) {
            let seen = Seen { text: Zeroizing::new(*text), work: work.clone() };
            *self.slot(text).lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        }
    }

    /// Keeps what is now behind an id that is kept: it was just written, and need not be read
    /// to be known.
    pub(crate) fn renew(&self, work: &Work) {
        let Ok(mut slot) = self.0[index(work.id.locator_text())].try_lock() else { return };
        if let Some(seen) = slot.as_mut().filter(|seen| seen.work.id.is(&work.id) && fits(work)) {
            seen.work = work.clone();
        }
    }

    /// Gives up what has been kept for long enough.
    pub(crate) fn forget(&self, now: UnixTime) {
        for slot in &self.0 {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            drop(slot.take_if(|seen| !seen.is_recent(now)));
        }
    }

    fn slot(&self, text: &IdText) -> &Mutex<Option<Seen>> {
        &self.0[index(text.as_chunks().0[3])]
    }
}

/// Whether it may be kept.
fn fits(work: &Work) -> bool {
    work.older.is_none() && work.source.as_ref().is_some_and(|source| source.len() <= LARGEST)
}

/// Where an id is kept, by the last characters of its locator: random, and no secret.
fn index(text: [u8; 8]) -> usize {
    // What varies in them is spread over the number, and its upper bits are taken.
    let spread = u64::from_ne_bytes(text).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (u64::BITS - SLOTS.ilog2())) as usize
}

impl Seen {
    fn is_recent(&self, now: UnixTime) -> bool {
        now.since(self.work.looked_at) < KEPT
    }
}

/// In the same time, whichever characters differ.
fn is_same(one: &IdText, other: &IdText) -> bool {
    let pairs = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    let differences = pairs
        .fold(0, |all, (one, other)| all | (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other)));
    differences.ct_eq(&0).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::id::SessionId;
    use super::super::look::Look;
    use super::super::store::{Loaded, Store};
    use super::super::tests::{Browser, Site, now, plain};
    use super::super::transport::Candidate;
    use super::super::{Epochs, Record, Session, Sessions, UserKey, Version};
    use super::*;
    use crate::seal::{Key, KeyUsage};

    /// A session that has just been read, the text of its id, and its record.
    fn read(site: &Site) -> (Browser, IdText, Work, Record) {
        let mut browser = Browser::default();
        site.visit(&mut browser, |s| s.add("n", 1).unwrap());
        let text = IdText::try_from(browser.0[0].1.as_bytes()).unwrap();
        let engine = &site.sessions.0;
        let id = SessionId::parse(&text, Kind::Anonymous, engine.settings.scope, &engine.keys);
        let Ok(Look::Live(work)) = now(engine.look(&id.unwrap().into())) else {
            panic!("not live")
        };
        let Ok(Loaded::Live(record)) = now(site.store.load(&work.id.locator())) else {
            panic!("not in the store")
        };
        (browser, text, work, record)
    }

    #[test]
    fn only_the_whole_text_in_its_own_cookie_is_found() {
        let site = plain();
        let (_, text, work, _) = read(&site);
        let (recent, at) = (Recent::default(), work.looked_at);
        assert!(recent.find(Kind::Anonymous, &text, at).is_none());
        recent.keep(&text, &work);
        assert!(recent.find(Kind::Anonymous, &text, at).is_some());
        assert!(recent.find(Kind::User, &text, at).is_none());
        for place in 0..text.len() {
            let mut other = text;
            other[place] ^= 1;
            assert!(!is_same(&text, &other) && is_same(&other, &other));
            assert!(recent.find(Kind::Anonymous, &other, at).is_none(), "{place}");
        }
    }

    #[test]
    fn nothing_is_held_for_longer_than_a_minute_nor_if_it_is_large() {
        let site = plain();
        let (_, text, work, _) = read(&site);
        let (recent, opened) = (Recent::default(), work.looked_at);
        let held = |secs: u64| {
            let at = opened.saturating_add(Duration::from_secs(secs));
            let found = recent.find(Kind::Anonymous, &text, at).is_some();
            recent.forget(at);
            let kept = recent.0.iter().any(|slot| slot.lock().unwrap().is_some());
            (found, kept)
        };
        recent.keep(&text, &work);
        assert_eq!((held(59), held(60)), ((true, true), (false, false)));

        let mut browser = Browser::default();
        site.visit(&mut browser, |s| s.set("text", &"x".repeat(LARGEST)).unwrap());
        site.open(&browser);
        let of_large = |slot: &Mutex<Option<Seen>>| {
            slot.lock().unwrap().as_ref().is_some_and(|s| &s.text[..] == browser.0[0].1.as_bytes())
        };
        assert!(!site.sessions.0.recent.0.iter().any(of_large));
    }

    #[test]
    fn what_was_just_written_is_known() {
        known_after_writing(true);
    }

    #[test]
    fn what_was_just_written_is_known_where_the_store_takes_its_time() {
        known_after_writing(false);
    }

    fn known_after_writing(at_once: bool) {
        let mut site = plain();
        Arc::get_mut(&mut site.sessions.0).unwrap().at_once = at_once;
        let (mut browser, text, work, _) = read(&site);
        let key = work.id.locator();
        for _ in 0..40 {
            site.visit(&mut browser, |s| s.add("n", 1).unwrap());
            let engine = &site.sessions.0;
            let kept = engine.recent.find(Kind::Anonymous, &text, work.looked_at).unwrap();
            let Ok(Loaded::Live(record)) = now(site.store.load(&key)) else { panic!("it lives") };
            let reopened = kept.reopen(&record, work.looked_at).expect("the same bytes");
            let Ok(Look::Live(read)) = now(engine.look(&work.id.clone().into())) else { panic!() };
            assert_eq!(reopened.data, read.data);
            assert_eq!(reopened.record().unwrap(), read.record().unwrap());
            assert_eq!(read.record().unwrap(), record);
        }
    }

    #[test]
    fn what_another_node_has_written_takes_the_place_of_what_was_known() {
        let site = plain();
        let (mut browser, text, work, _) = read(&site);
        let (engine, key) = (&site.sessions.0, work.id.locator());
        let look = || {
            let named = engine.named(&Candidate { kind: Kind::Anonymous, text: Some(text) });
            let Ok(Look::Live(work)) = now(engine.look(&named.unwrap())) else { panic!() };
            let kept = engine.recent.find(Kind::Anonymous, &text, work.looked_at).unwrap();
            let Ok(Loaded::Live(record)) = now(site.store.load(&key)) else { panic!("it lives") };
            assert!(kept.reopen(&record, work.looked_at).is_some());
            work.version
        };
        let before = look();
        let other = Sessions::builder(site.store.clone(), engine.keys.clone());
        let sessions = other.clock(site.clock.clone()).build().unwrap();
        let other = Site { sessions, store: site.store.clone(), clock: site.clock.clone() };
        other.visit(&mut browser, |s| s.add("n", 1).unwrap());
        assert_ne!(look(), before);
    }

    #[test]
    fn a_record_that_differs_in_anything_but_activity_is_read_again() {
        let site = plain();
        let (_, _, work, record) = read(&site);
        let opened = work.looked_at;
        let later = opened.saturating_add(Duration::from_secs(1));
        let touched = Record { last_seen: later, expires: later, ..record.clone() };
        assert_eq!(
            work.reopen(&touched, later).map(|w| (w.last_seen, w.looked_at)),
            Some((later, later))
        );
        let copy = |data: &[u8]| Record { data: data.to_vec().into(), ..record.clone() };
        assert!(work.reopen(&copy(&record.data), later).is_some(), "read again, and the same");
        let (mut last, at) = (record.data.to_vec(), record.data.len() - 1);
        last[at] ^= 1;
        for (what, other) in [
            ("version", Record { version: Version::new(7), ..record.clone() }),
            ("kind", Record { kind: Kind::User, ..record.clone() }),
            ("key", Record { key: Key::generate().unwrap().id(), ..record.clone() }),
            ("user", Record { user: UserKey::new(b"eve"), ..record.clone() }),
            ("epochs", Record { epochs: Epochs { user: 1, global: 0 }, ..record.clone() }),
            ("created", Record { created: later, ..record.clone() }),
            ("dies", Record { dies: later, ..record.clone() }),
            ("device", Record { device: Some("a".into()), ..record.clone() }),
            ("data", copy(&last)),
            ("part of the data", Record { data: record.data.slice(1..), ..record.clone() }),
        ] {
            assert!(work.reopen(&other, later).is_none(), "{what}");
        }
        let mut changed = work.clone();
        changed.edit();
        assert!(changed.reopen(&record, later).is_none(), "it was to be changed");
    }

    #[test]
    fn a_key_that_was_taken_off_the_ring_opens_nothing_at_once() {
        let site = plain();
        let (browser, _, work, _) = read(&site);
        let keys = &site.sessions.0.keys;
        let value = |session: Session| session.get::<i64>("n").unwrap();
        assert_eq!((value(site.open(&browser)), value(site.open(&browser))), (Some(1), Some(1)));
        let next = Key::generate().unwrap();
        let id = next.id();
        keys.add(next).unwrap();
        keys.promote(id).unwrap();
        assert_eq!(value(site.open(&browser)), Some(1));
        keys.retire(KeyUsage::counted(work.id.key_id(), 0, UnixTime::default()), work.looked_at)
            .unwrap();
        assert_eq!(value(site.open(&browser)), None);
        assert_eq!(site.sessions.counts().unknown_key, 1);
    }
}
