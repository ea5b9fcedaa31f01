//! Records and tombstones as Redis keeps them: one string each.
//!
//! | bytes | of a record |
//! | --- | --- |
//! | 1 | format: 1 |
//! | 8 | version; its highest bit while a login moves the session to another slot |
//! | 8 | the user's epoch as it holds now; the scripts keep it |
//! | 8 + 8 | the record's own epochs: user, global |
//! | 8 + 8 + 8 | last seen, expires, dies |
//! | 1 | kind |
//! | 1 + n | user |
//! | 4 | key id |
//! | 8 | created |
//! | 2 + n | device: 0, or its length and 1 |
//! | rest | data |
//!
//! | bytes | of a tombstone |
//! | --- | --- |
//! | 1 | format: 2 |
//! | 1 | cause |
//! | 8 | when |
//! | 1 | whether its event was delivered |
//! | 1 | kind |
//! | 1 + n | user |
//!
//! Numbers are big-endian. `common.lua` knows the same offsets.

use bytes::{Buf, Bytes};
use hardtack::seal::KeyId;
use hardtack::session::store::EndEvent;
use hardtack::session::{Cause, Epochs, Kind, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;

const LIVE: u8 = 1;
const ENDED: u8 = 2;

/// The bit of a version that says so; no record is changed that often.
const MARK: u64 = 1 << 63;

/// What stands under the key of a locator.
pub(crate) enum Stored {
    Live {
        record: Record,
        /// The epoch of its user.
        user_now: u64,
        /// Whether a login is moving it to another slot.
        moving: bool,
    },
    Ended {
        event: EndEvent,
    },
}

/// A record as a string.
pub(crate) fn encode(record: &Record) -> Vec<u8> {
    let user = record.user.as_ref().map_or(&[][..], UserKey::as_bytes);
    let device = record.device.as_deref().map(str::as_bytes);
    let length = 73 + user.len() + device.map_or(0, <[u8]>::len) + record.data.len();
    let mut out = Vec::with_capacity(length);
    out.push(LIVE);
    let times = [record.last_seen, record.expires, record.dies].map(UnixTime::as_millis);
    // The user's epoch is put right by the script that creates the session. One that
    // replaces a session finds it equal to the record's own, or the session outdated.
    let epochs = [record.epochs.user, record.epochs.user, record.epochs.global];
    let numbers = [record.version.number()].into_iter().chain(epochs);
    for number in numbers.chain(times) {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.push(record.kind.code());
    out.push(user.len() as u8); // a user key has at most 255 bytes
    out.extend_from_slice(user);
    out.extend_from_slice(record.key.as_bytes());
    out.extend_from_slice(&record.created.as_millis().to_be_bytes());
    // A device has at most 256 bytes, so its length and 1 fit.
    let mark = device.map_or(0, |device| device.len().min(usize::from(u16::MAX) - 1) as u16 + 1);
    out.extend_from_slice(&mark.to_be_bytes());
    out.extend_from_slice(device.unwrap_or_default());
    out.extend_from_slice(&record.data);
    out
}

/// How the string of a live record begins in which all is as in `record` but the version.
pub(crate) fn beginning(version: Version, record: &Record) -> [u8; 33] {
    let mut bytes = [LIVE; 33];
    let Epochs { user, global } = record.epochs;
    let numbers = [version.number(), user, user, global].map(u64::to_be_bytes);
    bytes[1..].copy_from_slice(numbers.as_flattened());
    bytes
}

/// Where the user ends in the string of a record: its last byte, from 0.
pub(crate) fn user_ends(record: &Record) -> usize {
    58 + record.user.as_ref().map_or(0, |user| user.as_bytes().len())
}

/// What stands in a string; `None` if it is not ours, or damaged.
pub(crate) fn decode(key: &Locator, mut bytes: Bytes) -> Option<Stored> {
    let mut rest = Reader(&bytes);
    match rest.byte()? {
        LIVE => {
            let version = rest.number()?;
            let (version, moving) = (Version::new(version & !MARK), version & MARK != 0);
            let user_now = rest.number()?;
            let epochs = Epochs { user: rest.number()?, global: rest.number()? };
            let (last_seen, expires, dies) = (rest.time()?, rest.time()?, rest.time()?);
            let kind = Kind::from_code(rest.byte()?)?;
            let user = rest.user()?;
            let id = KeyId::from_bytes(rest.take(4)?.try_into().ok()?);
            let created = rest.time()?;
            let device = match rest.take(2)? {
                [0, 0] => None,
                [a, b] => {
                    let length = usize::from(u16::from_be_bytes([*a, *b])) - 1;
                    Some(std::str::from_utf8(rest.take(length)?).ok()?.into())
                }
                _ => return None,
            };
            // Cut off in place: a slice would be a second owner, which has to be counted.
            let data_at = bytes.len() - rest.0.len();
            bytes.advance(data_at);
            let record = Record {
                version,
                kind,
                key: id,
                user,
                epochs,
                created,
                last_seen,
                expires,
                dies,
                device,
                data: bytes,
            };
            Some(Stored::Live { record, user_now, moving })
        }
        ENDED => {
            let cause = Cause::from_code(rest.byte()?)?;
            let at = rest.time()?;
            rest.byte()?;
            let kind = Kind::from_code(rest.byte()?)?;
            let event = EndEvent::new(*key, rest.user()?, kind, cause, at);
            Some(Stored::Ended { event })
        }
        _ => None,
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn time(&mut self) -> Option<UnixTime> {
        self.number().map(UnixTime::from_millis)
    }

    /// `Some(None)` for nobody.
    #[expect(clippy::option_option, reason = "damaged, nobody, somebody")]
    fn user(&mut self) -> Option<Option<UserKey>> {
        let length = usize::from(self.byte()?);
        Some(UserKey::new(self.take(length)?))
    }
}

#[cfg(test)]
mod tests {
    use hardtack_testkit::records::{locator, signed_in, user};

    use super::*;

    #[test]
    fn no_string_makes_it_panic_and_a_cut_one_is_damaged() {
        let (ada, key) = (user("ada"), locator(None));
        let mut record = signed_in(&ada, UnixTime::from_secs(9));
        (record.device, record.data) = (Some("a telephone".into()), Bytes::new());
        let whole = encode(&record);
        assert!(
            matches!(decode(&key, whole.clone().into()), Some(Stored::Live { record: r, .. }) if r == record)
        );
        for length in 0..whole.len() {
            assert!(
                decode(&key, Bytes::copy_from_slice(&whole[..length])).is_none(),
                "{length} of {}",
                whole.len()
            );
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 2, 3, 0x7f, 0xff] {
                let mut odd = whole.clone();
                odd[at] = byte;
                let _ = decode(&key, odd.into());
            }
        }
    }

    /// Records outlive releases: this is what the first one wrote.
    #[test]
    fn the_first_format_is_still_read() {
        let mut record = signed_in(&user("ada"), UnixTime::from_millis(0x0102));
        record.device = Some("d".into());
        let hex: String = encode(&record).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "01",
                "0000000000000001",
                "0000000000000000",
                "0000000000000000",
                "0000000000000000",
                "0000000000000102",
                "00000000001b7842",
                "0000000002932f02",
                "01",
                "03616461",
                "01020304",
                "0000000000000102",
                "000264",
                "6669727374"
            )
        );
    }
}
