//! The names of keys.

use std::sync::Arc;

use hardtack::session::{Locator, UserKey};

/// What shares a slot of a cluster: all that belongs to the locators whose slot
/// tag begins with this byte, and to their users.
pub(crate) type Partition = u8;

/// How many there are.
pub(crate) const PARTITIONS: usize = 256;

/// The partition of a session.
pub(crate) fn of(key: &Locator) -> Partition {
    key.slot()[0]
}

/// The partition of a user: that of the locators of their sessions.
pub(crate) fn of_user(user: &UserKey) -> Partition {
    user.slot()[0]
}

/// In how many parts the live sessions of a partition are kept, by what comes next in the
/// slot tag. All of a user's are in one; and a part stays so small for long that Redis
/// needs no entry of its own for each member.
pub(crate) const PARTS: u8 = 8;

/// The indexes of a partition; their letters are part of the layout.
#[derive(Clone, Copy)]
pub(crate) enum Index {
    /// Sorted sets: locators of the live that have no user, by the second in which they
    /// may be over at the earliest; one for each part.
    Due,
    /// The same of those that have one.
    Users,
    /// Hash: user to epoch.
    Epochs,
    /// The global epoch as it holds in this partition.
    Global,
    /// The global epoch that the sweeper has looked at every session for.
    Swept,
    /// Sorted set: locators of ends that are not delivered, by time.
    Ends,
    /// Hash: sessions that a login moves to another slot, and where to.
    Moves,
    /// Sorted set: locators of ends that are, by when they may be forgotten.
    Told,
    /// For how long an end here is held back, while a process remembers.
    Lag,
    /// What a near-cache writes to hear whether replicas follow.
    Asked,
}

/// What a near-cache makes of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A record, or the tombstone in its place.
    Record(Locator),
    /// The global epoch of a partition.
    Epoch,
    /// For how long ends are held back.
    Lag,
    Other,
}

/// Makes keys: PREFIX{XX} and either a locator or the letter of an index.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Arc<[u8]>);

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self(prefix.as_bytes().into())
    }

    pub(crate) fn record(&self, key: &Locator) -> Name {
        self.in_partition(of(key), key.as_bytes())
    }

    /// The index of a session's partition, and the part of it that the session is in.
    pub(crate) fn index_of(&self, key: &Locator, index: Index) -> Name {
        match index {
            Index::Due | Index::Users => self.part(of(key), index, key.slot()[1] >> 5),
            _ => self.index(of(key), index),
        }
    }

    /// A part of the live sessions.
    pub(crate) fn part(&self, partition: Partition, index: Index, part: u8) -> Name {
        self.in_partition(partition, &[letter(index), b'0' + part])
    }

    pub(crate) fn index(&self, partition: Partition, index: Index) -> Name {
        self.in_partition(partition, &[letter(index)])
    }

    /// The counter that the global epoch is drawn from, and its partition.
    pub(crate) fn counter(&self) -> (Partition, Name) {
        (0, self.in_partition(0, b"G"))
    }

    /// What all of them begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.0
    }

    /// What a key is that was written.
    pub(crate) fn told(&self, name: &[u8]) -> Told {
        let Some(rest) = name.strip_prefix(&*self.0).and_then(|rest| rest.get(4..)) else {
            return Told::Other;
        };
        match (<[u8; Locator::LEN]>::try_from(rest), rest) {
            (Ok(key), _) => Told::Record(Locator::from_bytes(key)),
            (_, b"g") => Told::Epoch,
            (_, b"l") => Told::Lag,
            _ => Told::Other,
        }
    }

    fn in_partition(&self, partition: Partition, rest: &[u8]) -> Name {
        Name::of([&self.0, b"{", &tag(partition), b"}", rest])
    }
}

fn letter(index: Index) -> u8 {
    match index {
        Index::Due => b'a',
        Index::Users => b'u',
        Index::Epochs => b'n',
        Index::Global => b'g',
        Index::Swept => b's',
        Index::Ends => b'e',
        Index::Moves => b'm',
        Index::Told => b't',
        Index::Lag => b'l',
        Index::Asked => b'p',
    }
}

/// A key. Of a prefix of up to 18 bytes it takes no memory of its own: every call has some.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Short([u8; SHORT], usize),
    Long(Vec<u8>),
}

const SHORT: usize = 40;

impl Name {
    fn of(parts: [&[u8]; 5]) -> Self {
        let length = parts.iter().map(|part| part.len()).sum();
        if length > SHORT {
            return Self::Long(parts.concat());
        }
        let (mut bytes, mut at) = ([0; SHORT], 0);
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        Self::Short(bytes, length)
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Short(bytes, length) => &bytes[..*length],
            Self::Long(bytes) => bytes,
        }
    }
}

/// The hash tag of a partition.
fn tag(partition: Partition) -> [u8; 2] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    [HEX[usize::from(partition >> 4)], HEX[usize::from(partition & 15)]]
}

/// The slot of a cluster that a partition is in: CRC-16 (XMODEM) of its tag,
/// modulo 16384, as the cluster specification says.
pub(crate) fn slot(partition: Partition) -> u16 {
    let mut crc: u16 = 0;
    for byte in tag(partition) {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    crc % 16384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_belongs_to_a_user_has_one_hash_tag() {
        let keys = Keys::new("shop:");
        let user = UserKey::new(b"ada").unwrap();
        let key = hardtack_testkit::records::locator(Some(&user));
        let tag = |key: Name| key.as_ref()[5..9].to_vec();
        let ours = tag(keys.record(&key));
        assert_eq!((ours[0], ours[3]), (b'{', b'}'));
        for index in [Index::Due, Index::Users, Index::Epochs, Index::Global, Index::Ends] {
            assert_eq!(tag(keys.index_of(&key, index)), ours);
        }
        let another = hardtack_testkit::records::locator(Some(&user));
        let index = |key| keys.index_of(key, Index::Users).as_ref().to_vec();
        assert_eq!(index(&key), index(&another));
    }

    #[test]
    fn a_key_is_the_same_with_a_short_prefix_and_a_long_one() {
        let key = hardtack_testkit::records::locator(None);
        for length in 0..40 {
            let prefix = "p".repeat(length);
            let name = Keys::new(&prefix).record(&key);
            let tag = format!("{prefix}{{{:02x}}}", key.slot()[0]);
            assert_eq!(name.as_ref(), [tag.as_bytes(), key.as_bytes()].concat());
        }
    }

    #[test]
    fn a_key_that_was_written_is_known_by_its_name() {
        let keys = Keys::new("shop:");
        let key = hardtack_testkit::records::locator(None);
        let (told, partition) = (|name: Name| keys.told(name.as_ref()), of(&key));
        assert_eq!(told(keys.record(&key)), Told::Record(key));
        assert_eq!(told(keys.index(partition, Index::Global)), Told::Epoch);
        assert_eq!(told(keys.index(partition, Index::Lag)), Told::Lag);
        assert_eq!(told(keys.index(partition, Index::Due)), Told::Other);
        assert_eq!(told(Keys::new("other:").record(&key)), Told::Other);
        assert_eq!(keys.told(b"shop:"), Told::Other);
    }

    #[test]
    fn slots_are_those_of_the_specification_and_lie_evenly() {
        // CLUSTER KEYSLOT of a server: 00, 7f, ff.
        assert_eq!([slot(0), slot(0x7f), slot(0xff)], [13254, 4194, 11756]);
        let mut thirds = [0; 3];
        for partition in 0..=u8::MAX {
            thirds[usize::from(slot(partition)) * 3 / 16384] += 1;
        }
        assert!(thirds.iter().all(|n| (70..100).contains(n)), "{thirds:?}");
    }
}
