//! The near-cache, with instants as arguments.

#![expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]

use std::time::{Duration, Instant};

use hardtack::seal::KeyId;
use hardtack::session::store::near::Near;
use hardtack::session::{Epochs, Kind, Locator, Record, Version};
use hardtack::time::UnixTime;

const TRUST: Duration = Duration::from_millis(90);

fn record(version: u64) -> Record {
    let now = UnixTime::from_millis(1_700_000_000_000);
    Record {
        version: Version::new(version),
        epochs: Epochs::default(),
        key: KeyId::from_bytes([1, 2, 3, 4]),
        kind: Kind::Anonymous,
        user: None,
        device: None,
        created: now,
        last_seen: now,
        expires: now,
        dies: now,
        data: vec![7; 100].into(),
    }
}

fn key(n: u8) -> Locator {
    Locator::from_bytes([n; Locator::LEN])
}

fn told(began: Instant) -> Near {
    let near = Near::new(1 << 20, TRUST, began);
    near.begin();
    near.proven(began);
    near
}

fn keep(near: &Near, key: &Locator, record: &Record) {
    near.fill(key, near.before(key).expect("it is told of writes"), record.clone());
}

#[test]
fn what_is_kept_is_used_only_while_a_proof_is_younger_than_the_trust() {
    let (began, old) = (Instant::now(), record(1));
    let at = |millis| began + Duration::from_millis(millis);
    let near = told(began);
    keep(&near, &key(1), &old);
    assert_eq!(near.find(&key(1), at(89)), Some(old.clone()));
    assert_eq!(near.find(&key(1), at(90)), None, "the question is too long ago");
    near.proven(at(50));
    assert_eq!(near.find(&key(1), at(139)), Some(old.clone()));
    near.proven(at(40));
    assert_eq!(near.find(&key(1), at(139)), Some(old.clone()), "an older one takes nothing");
    assert_eq!(near.find(&key(1), at(140)), None);
    near.proven(at(150));
    near.lost();
    assert_eq!(near.find(&key(1), at(151)), None);
    assert!(near.before(&key(1)).is_none(), "and nothing is kept");
    near.begin();
    near.proven(at(152));
    assert_eq!(near.find(&key(1), at(153)), None, "what was written meanwhile is not known");
}

#[test]
fn what_was_read_before_a_write_was_told_is_not_kept_after_it() {
    type Write = fn(&Near);
    let writes: [(&str, Write); 3] = [
        ("this one", |near| near.forget(&key(1))),
        ("any", Near::clear),
        ("nobody told", |near| {
            near.lost();
            near.begin();
        }),
    ];
    for (name, write) in writes {
        let began = Instant::now();
        let near = told(began);
        let since = near.before(&key(1)).unwrap();
        write(&near);
        near.fill(&key(1), since, record(1));
        near.proven(began);
        assert_eq!(near.find(&key(1), began), None, "{name}");
        keep(&near, &key(1), &record(2));
        assert_eq!(near.find(&key(1), began), Some(record(2)), "{name}");
        write(&near);
        near.proven(began);
        assert_eq!(near.find(&key(1), began), None, "{name}, after it was kept");
    }
}

#[test]
fn it_never_keeps_more_than_it_may() {
    let (began, most) = (Instant::now(), 1 << 18);
    let near = Near::new(most, TRUST, began);
    near.begin();
    for n in 0..10_000_u64 {
        let mut bytes = [0; Locator::LEN];
        bytes[2..10].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        keep(&near, &Locator::from_bytes(bytes), &record(1));
        assert!(near.bytes() <= most);
    }
    assert!(near.bytes() > most / 2);
}
