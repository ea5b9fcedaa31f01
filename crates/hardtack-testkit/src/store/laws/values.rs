//! What can stand in a record comes back bit for bit.

use std::collections::BTreeSet;

use hardtack::seal::KeyId;
use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

use crate::records::{anonymous, locator, next, signed_in, spread, user};
use crate::store::fixture::{Fixture, NOW, at};

/// Inserts, loads, lists, replaces and loads again.
async fn round_trip(store: &Fixture, record: Record) {
    let key = locator(record.user.as_ref());
    store.put(&key, &record).await;
    assert!(store.live(&key).await == record, "not as inserted: {record:?}");
    let listed = store.list(record.user.as_ref(), None, 1000).await;
    let (_, listed) = listed.into_iter().find(|(k, _)| *k == key).expect("it is in the list");
    assert!(listed == Record { data: Default::default(), ..record.clone() }, "in the list");
    let second = next(&record, record.data.clone());
    let replaced = store.replace(&key, record.version, second.clone()).await;
    assert_eq!(replaced, Replaced::Ok);
    assert!(store.live(&key).await == second, "not as replaced: {record:?}");
    assert_eq!(store.end(&key, Cause::Logout, NOW).await, Ended::Now);
}

pub(crate) async fn data_is_kept_bit_for_bit(store: Fixture) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let noise: Vec<u8> = (0..4096).map(|n| spread(n) as u8).collect();
    let odd: [&[u8]; 8] = [
        b"",
        b"\0",
        b"\0\0\xff",
        b"'; DROP TABLE sessions; --",
        b"\r\n$3\r\nfoo\r\n",
        b"\xef\xbb\xbf",
        &every_byte,
        &noise,
    ];
    for data in odd {
        round_trip(&store, Record { data: data.to_vec().into(), ..anonymous(NOW) }).await;
    }
}

pub(crate) async fn a_mebibyte_of_data_is_kept(store: Fixture) {
    let data: Vec<u8> = (0..1 << 20).map(|n| spread(n / 8) as u8).collect();
    round_trip(&store, Record { data: data.into(), ..anonymous(NOW) }).await;
}

pub(crate) async fn a_device_is_kept_bit_for_bit(store: Fixture) {
    let longest = "\u{1f36a}".repeat(Record::DEVICE_MAX / 4);
    let mixed = format!("{}é", "x".repeat(Record::DEVICE_MAX - 2));
    let odd = ["", " ", " padded ", "\0", "a\0b", "O'Neill \"%s\" \\", "\u{202e}\u{feff}", "null"];
    let labels = odd.into_iter().chain([longest.as_str(), mixed.as_str()]);
    for device in labels.map(Some).chain([None]) {
        round_trip(&store, Record { device: device.map(Into::into), ..anonymous(NOW) }).await;
    }
}

pub(crate) async fn a_user_key_is_kept_bit_for_bit(store: Fixture) {
    let every: Vec<u8> = (1..=255).collect();
    let odd: [&[u8]; 6] = [b"\0", b"\xff", b" ", b"'", &every, &[0xff; UserKey::MAX]];
    for name in odd {
        let user = UserKey::new(name).expect("1 to 255 bytes");
        round_trip(&store, signed_in(&user, NOW)).await;
        assert_eq!(store.raise(Some(&user), NOW).await, 1);
    }
    let told: BTreeSet<_> = store.undelivered(100).await.into_iter().map(|e| e.user).collect();
    assert_eq!(told.len(), odd.len());
}

pub(crate) async fn locators_of_odd_bytes_are_kept_apart(store: Fixture) {
    let odd = [[0; 18], [0xff; 18], [b'\''; 18], [b' '; 18], [0x80; 18]];
    for (n, bytes) in odd.into_iter().enumerate() {
        let record = Record { data: vec![n as u8].into(), ..anonymous(at(n as u64)) };
        store.put(&Locator::from_bytes(bytes), &record).await;
    }
    let mut sorted = odd;
    sorted.sort_unstable();
    let listed: Vec<_> = store.everything(None, 2).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(listed, sorted.map(Locator::from_bytes), "in the order of their bytes, unsigned");
    for (n, bytes) in odd.into_iter().enumerate() {
        assert_eq!(store.live(&Locator::from_bytes(bytes)).await.data[..], [n as u8]);
    }
}

/// Columns that are signed, floating or of 32 bits lose these.
pub(crate) async fn numbers_are_kept_up_to_the_last_bit(store: Fixture) {
    let ada = user("ada");
    let beyond_a_double = (1 << 53) + 1;
    let times = [UnixTime::default(), UnixTime::from_millis(beyond_a_double), UnixTime::MAX];
    for time in times {
        let record = Record { dies: UnixTime::MAX, expires: time, ..anonymous(NOW) };
        round_trip(&store, record.clone()).await;
        round_trip(&store, Record { created: time, last_seen: time, ..record }).await;
    }
    for number in [beyond_a_double, u64::from(u32::MAX) + 1] {
        let epochs = Epochs { user: number, global: number };
        let version = Version::new(number);
        round_trip(&store, Record { epochs, version, ..signed_in(&ada, NOW) }).await;
    }
    for key in [[0; 4], [0xff; 4], [0x80, 0, 0, 0], *b"'  '"] {
        round_trip(&store, Record { key: KeyId::from_bytes(key), ..anonymous(NOW) }).await;
    }
}

/// [`UnixTime::MAX`] means never.
pub(crate) async fn what_never_expires_is_never_swept(store: Fixture) {
    let key = locator(None);
    let record = Record { expires: UnixTime::MAX, dies: UnixTime::MAX, ..anonymous(NOW) };
    store.put(&key, &record).await;
    store.touch(&[Touch::new(key, at(1), at(2))]).await;
    let ages = NOW.saturating_add(std::time::Duration::from_secs(1 << 33));
    assert_eq!(store.sweep_all(ages).await, (0, 0));
    assert_eq!(store.end(&key, Cause::Idle, ages).await, Ended::NotDue);
    let want = Record { last_seen: at(1), ..record };
    assert_eq!(store.live(&key).await, want);
}

pub(crate) async fn every_kind_and_cause_is_told_as_it_was(store: Fixture) {
    let causes = (0..=u8::MAX).filter_map(Cause::from_code);
    let ada = user("ada");
    for (n, cause) in causes.enumerate() {
        for kind in Kind::ALL {
            let owner = (kind != Kind::Anonymous).then_some(&ada);
            let (key, when) = (locator(owner), UnixTime::from_millis(NOW.as_millis() + n as u64));
            let record = Record { kind, user: owner.cloned(), expires: NOW, ..anonymous(NOW) };
            store.put(&key, &record).await;
            assert_eq!(store.live(&key).await.kind, kind);
            assert_eq!(store.end(&key, cause, when).await, Ended::Now);
            assert_eq!(store.cause(&key).await, cause);
            let events = store.undelivered(10).await;
            assert_eq!(events, [EndEvent::new(key, owner.cloned(), kind, cause, when)]);
            store.delivered(&[key]).await;
        }
    }
}
