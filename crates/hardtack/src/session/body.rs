//! What is inside a record's `data`: a head in clear and a body that is sealed
//! wherever records leave the process.
//!
//! Head: format version (1), flags (1), verifier (16), commit tags (1 + 8 each),
//! and during or after a renewal its nonce (16), the verifier (16) and key id (4)
//! before it, and until when those are good (8; 0 while the new id has not been
//! seen), and the locator of a remember-me token (18). Body: a nonce (12), the sealed bytes and their tag (16), or the plain
//! bytes. All numbers are little-endian.
//!
//! The body's associated data are key id, locator and the whole head, so a record
//! can be copied between stores, cannot be passed off as another's, and its head
//! cannot be changed. Where bodies are sealed, one in clear is refused.
//!
//! # What this does not protect
//! Somebody who can write to the store can put an older body of the same session
//! back, and can end sessions. Somebody who can read it learns who has sessions,
//! since when, on which device and from which address (where that is known), and how
//! large they are.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bytes::{Buf, Bytes};

use super::data::Data;
use super::id::{Locator, SessionId, Verifier};
use super::record::{Epochs, Kind, Record, Version};
use crate::entropy::{self, EntropyError};
use crate::seal::KeyId;
use crate::time::UnixTime;
use std::time::Duration;

const FORMAT: u8 = 1;
const SEALED: u8 = 1;
const RENEWED: u8 = 2;
const TOKEN: u8 = 4;
/// Where the commit tags begin.
const TAGS_AT: usize = 1 + 1 + 16 + 1;
pub(crate) const TAGS_KEPT: usize = 16;

/// The part of `data` that is needed before the body can be opened.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) verifier: Verifier,
    pub(crate) tags: Tags,
    /// Rare and large, so kept aside.
    pub(crate) renewal: Option<Box<Renewal>>,
    /// The remember-me token that would bring the user back; a copy of the body's,
    /// for who ends a session without being able to open it.
    pub(crate) token: Option<Locator>,
    pub(crate) sealed: bool,
    body_at: usize,
}

/// The last commits of a record, newest last: how a commit whose answer was lost
/// finds out whether it happened. As they are encoded: few requests look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags {
    kept: Bytes,
    new: Option<u64>,
}

impl Tags {
    fn kept(&self) -> impl Iterator<Item = u64> {
        self.kept.as_chunks::<8>().0.iter().map(|tag| u64::from_le_bytes(*tag))
    }

    pub(crate) fn contains(&self, tag: u64) -> bool {
        self.new == Some(tag) || self.kept().any(|kept| kept == tag)
    }

    pub(crate) fn push(&mut self, tag: u64) {
        if self.new.is_some() {
            let mut out = Vec::with_capacity(8 * TAGS_KEPT + 1);
            self.write(&mut out);
            self.kept = Bytes::from(out).slice(1..);
        }
        self.new = Some(tag);
    }

    /// How many there are, of which [`TAGS_KEPT`] are written.
    fn count(&self) -> usize {
        self.kept.len() / 8 + usize::from(self.new.is_some())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let kept = &self.kept[8 * self.count().saturating_sub(TAGS_KEPT)..];
        out.push(self.count().min(TAGS_KEPT) as u8);
        out.extend_from_slice(kept);
        if let Some(tag) = self.new {
            out.extend_from_slice(&tag.to_le_bytes());
        }
    }
}

/// The last renewal of the secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renewal {
    pub(crate) nonce: [u8; 16],
    pub(crate) previous: Verifier,
    pub(crate) previous_key: KeyId,
    /// Until when the previous secret is good; `None` while the new one has not
    /// been presented.
    pub(crate) until: Option<UnixTime>,
}

/// The authoritative facts of a session, beside its data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    pub(crate) created: UnixTime,
    /// When credentials were checked; `None` for anonymous and remembered ones.
    pub(crate) authenticated: Option<UnixTime>,
    /// When the present secret was made.
    pub(crate) issued: UnixTime,
    pub(crate) epochs: Epochs,
    pub(crate) idle: Duration,
    pub(crate) lifetime: Duration,
    /// The remember-me token that this session came from or belongs to.
    pub(crate) remember: Option<Locator>,
    /// The user, as text; empty while anonymous.
    pub(crate) user: Bytes,
}

impl Facts {
    pub(crate) fn user(&self) -> Option<&str> {
        std::str::from_utf8(&self.user).ok().filter(|u| !u.is_empty())
    }

    /// The end of the lifetime.
    pub(crate) fn dies(&self) -> UnixTime {
        self.created.saturating_add(self.lifetime)
    }
}

/// Why `data` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Not what was put there.
    Tampered,
    /// Written by a newer release: another node can read it, so it is left alone.
    Newer,
}

impl Head {
    pub(crate) fn new(verifier: Verifier, sealed: bool) -> Self {
        Self { verifier, tags: Tags::default(), renewal: None, token: None, sealed, body_at: 0 }
    }

    pub(crate) fn read(data: &Bytes) -> Result<Self, Unreadable> {
        let mut r = Reader(data);
        if r.u8()? != FORMAT {
            return Err(Unreadable::Newer);
        }
        let flags = r.u8()?;
        let verifier = r.array()?;
        let count = usize::from(r.u8()?);
        r.take(8 * count)?;
        let tags = Tags { kept: data.slice(TAGS_AT..TAGS_AT + 8 * count), new: None };
        let renewal = if flags & RENEWED == 0 {
            None
        } else {
            let (nonce, previous) = (r.array()?, r.array()?);
            let previous_key = KeyId::from_bytes(r.array()?);
            let until = Some(UnixTime::from_millis(r.u64()?)).filter(|t| t.as_millis() != 0);
            Some(Box::new(Renewal { nonce, previous, previous_key, until }))
        };
        let token = if flags & TOKEN == 0 { None } else { Some(Locator::from_bytes(r.array()?)) };
        let body_at = data.len() - r.0.len();
        Ok(Self { verifier, tags, renewal, token, sealed: flags & SEALED != 0, body_at })
    }

    /// It was written at the beginning of `data`.
    pub(crate) fn was_written(&mut self, data: &Bytes) {
        let kept = 8 * self.tags.count().min(TAGS_KEPT);
        self.tags = Tags { kept: data.slice(TAGS_AT..TAGS_AT + kept), new: None };
    }

    fn encoded_len(&self, token: bool) -> usize {
        let renewal = if self.renewal.is_some() { 16 + 16 + 4 + 8 } else { 0 };
        let token = if token { Locator::LEN } else { 0 };
        2 + 16 + 1 + 8 * self.tags.count().min(TAGS_KEPT) + renewal + token
    }

    fn write(&self, token: Option<Locator>, out: &mut Vec<u8>) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(self.sealed, SEALED)
            | flag(self.renewal.is_some(), RENEWED)
            | flag(token.is_some(), TOKEN);
        out.extend_from_slice(&[FORMAT, flags]);
        out.extend_from_slice(&self.verifier);
        self.tags.write(out);
        if let Some(renewal) = &self.renewal {
            out.extend_from_slice(&renewal.nonce);
            out.extend_from_slice(&renewal.previous);
            out.extend_from_slice(renewal.previous_key.as_bytes());
            out.extend_from_slice(&renewal.until.map_or(0, UnixTime::as_millis).to_le_bytes());
        }
        if let Some(token) = token {
            out.extend_from_slice(token.as_bytes());
        }
    }
}

/// Reads the body of a record with the key that belongs to its id, and holds its
/// columns against it.
pub(crate) fn open(
    head: &Head,
    record: &Record,
    id: &SessionId,
) -> Result<(Facts, Data), Unreadable> {
    let data = &record.data;
    let body = if head.sealed {
        let sealed = &data[head.body_at..];
        let (nonce, sealed) =
            sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unreadable::Tampered)?;
        let mut buffer = sealed.to_vec();
        let aad = associated(record.key, &id.locator(), &data[..head.body_at]);
        let plain = aead(id)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut buffer)
            .map_err(|_| Unreadable::Tampered)?
            .len();
        buffer.truncate(plain);
        Bytes::from(buffer)
    } else {
        data.slice(head.body_at..)
    };
    let (facts, data) = read_body(body)?;
    if agree(record, &facts, id) { Ok((facts, data)) } else { Err(Unreadable::Tampered) }
}

/// Whether a record's columns say what its body says.
pub(crate) fn agree(record: &Record, facts: &Facts, id: &SessionId) -> bool {
    facts.kind == record.kind
        && facts.kind == id.kind()
        && facts.created == record.created
        && facts.epochs == record.epochs
        && facts.dies() == record.dies
        && record.key == id.key_id()
}

/// Writes head and body.
pub(crate) fn seal(
    head: &Head,
    facts: &Facts,
    data: &Data,
    id: &SessionId,
) -> Result<Bytes, EntropyError> {
    // To the byte: stores keep what is allocated.
    let length = head.encoded_len(facts.remember.is_some()) + body_len(facts, data);
    let sealing = if head.sealed { NONCE_LEN + AES_256_GCM.tag_len() } else { 0 };
    let mut out = Vec::with_capacity(length + sealing);
    head.write(facts.remember, &mut out);
    if !head.sealed {
        write_body(facts, data, &mut out);
        return Ok(Bytes::from(out));
    }
    let aad = Aad::from(associated(id.key_id(), &id.locator(), &out));
    let mut nonce = [0; NONCE_LEN];
    entropy::fill(&mut nonce)?;
    out.extend_from_slice(&nonce);
    let at = out.len();
    write_body(facts, data, &mut out);
    let tag = aead(id)
        .ok()
        .and_then(|key| {
            key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut out[at..])
                .ok()
        })
        .expect("AES-256-GCM seals anything shorter than 64 GiB");
    out.extend_from_slice(tag.as_ref());
    Ok(Bytes::from(out))
}

fn aead(id: &SessionId) -> Result<LessSafeKey, Unreadable> {
    let key = UnboundKey::new(&AES_256_GCM, &*id.body_key()).map_err(|_| Unreadable::Tampered)?;
    Ok(LessSafeKey::new(key))
}

fn associated(key: KeyId, locator: &Locator, head: &[u8]) -> Vec<u8> {
    [&key.as_bytes()[..], locator.as_bytes(), head].concat()
}

/// The session's data in what [`seal`] wrote, if that is readable.
pub(crate) fn plain_data(head: &Head, facts: &Facts, written: &Bytes) -> Option<Bytes> {
    let at = head.encoded_len(facts.remember.is_some()) + facts_len(facts);
    (!head.sealed).then(|| written.slice(at..))
}

fn body_len(facts: &Facts, data: &Data) -> usize {
    facts_len(facts) + data.encoded_len()
}

fn facts_len(facts: &Facts) -> usize {
    let token = if facts.remember.is_some() { Locator::LEN } else { 0 };
    1 + 7 * 8 + 1 + token + 1 + facts.user.len()
}

pub(crate) fn write_body(facts: &Facts, data: &Data, out: &mut Vec<u8>) {
    let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    out.push(facts.kind.code());
    for number in [
        facts.created.as_millis(),
        facts.authenticated.map_or(0, UnixTime::as_millis),
        facts.issued.as_millis(),
        facts.epochs.user,
        facts.epochs.global,
        millis(facts.idle),
        millis(facts.lifetime),
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.push(u8::from(facts.remember.is_some()));
    if let Some(token) = &facts.remember {
        out.extend_from_slice(token.as_bytes());
    }
    out.push(facts.user.len() as u8);
    out.extend_from_slice(&facts.user);
    data.encode(out);
}

pub(crate) fn read_body(mut body: Bytes) -> Result<(Facts, Data), Unreadable> {
    let mut r = Reader(&body);
    let kind = Kind::from_code(r.u8()?).ok_or(Unreadable::Tampered)?;
    let created = UnixTime::from_millis(r.u64()?);
    let authenticated = Some(UnixTime::from_millis(r.u64()?)).filter(|t| t.as_millis() != 0);
    let issued = UnixTime::from_millis(r.u64()?);
    let epochs = Epochs { user: r.u64()?, global: r.u64()? };
    let (idle, lifetime) = (Duration::from_millis(r.u64()?), Duration::from_millis(r.u64()?));
    let remember = if r.u8()? == 0 { None } else { Some(Locator::from_bytes(r.array()?)) };
    let user_len = usize::from(r.u8()?);
    let at = body.len() - r.0.len();
    r.take(user_len)?;
    let user = body.slice(at..at + user_len);
    body.advance(at + user_len);
    let data = Data::decode(body).ok_or(Unreadable::Tampered)?;
    Ok((
        Facts { kind, created, authenticated, issued, epochs, idle, lifetime, remember, user },
        data,
    ))
}

/// Builds the record that a store keeps.
#[allow(clippy::too_many_arguments, reason = "each is one column")]
pub(crate) fn record(
    version: Version,
    head: &Head,
    facts: &Facts,
    data: &Data,
    id: &SessionId,
    times: (UnixTime, UnixTime),
    user: Option<super::UserKey>,
    device: Option<std::sync::Arc<str>>,
) -> Result<Record, EntropyError> {
    Ok(Record {
        version,
        kind: facts.kind,
        key: id.key_id(),
        user,
        epochs: facts.epochs,
        created: facts.created,
        last_seen: times.0,
        expires: times.1,
        dies: facts.dies(),
        device,
        data: seal(head, facts, data, id)?,
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Unreadable::Tampered)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable::Tampered)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[b]| b)
    }

    fn u64(&mut self) -> Result<u64, Unreadable> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_has_the_length_that_was_reserved() {
        let token = Locator::from_bytes([1; Locator::LEN]);
        let renewal = Renewal {
            nonce: [0; 16],
            previous: [0; 16],
            previous_key: KeyId::from_bytes([0; 4]),
            until: None,
        };
        for (tags, renewal, remember) in [
            (0, None, None),
            (1, Some(renewal), None),
            (TAGS_KEPT, None, Some(token)),
            (40, Some(renewal), Some(token)),
        ] {
            let mut head = Head::new([0; 16], false);
            (0..tags as u64).for_each(|tag| head.tags.push(tag));
            head.renewal = renewal.map(Box::new);
            let facts = Facts {
                kind: Kind::User,
                created: UnixTime::from_secs(1),
                authenticated: None,
                issued: UnixTime::from_secs(1),
                epochs: Epochs::default(),
                idle: Duration::from_secs(1),
                lifetime: Duration::from_secs(1),
                remember,
                user: "alice".into(),
            };
            let mut data = Data::default();
            data.put("n", Some("7".into()), 1);
            let mut out = Vec::new();
            head.write(facts.remember, &mut out);
            assert_eq!(out.len(), head.encoded_len(remember.is_some()), "{tags} tags");
            out.clear();
            write_body(&facts, &data, &mut out);
            assert_eq!(out.len(), body_len(&facts, &data));
        }
    }
}
