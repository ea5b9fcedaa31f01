//! The data of a session: names and JSON values, each with the revision in which
//! it was last written.
//!
//! Nothing is decoded before it is asked for: a look-up walks the encoded
//! entries, so a key that no longer decodes is that key's error and nobody
//! else's (law 9), and reading one value of many allocates nothing.
//!
//! Entry: name length (1), name, revision (8), value length (4), value.

use std::sync::Arc;

use bytes::Bytes;

/// A revision: the version of the record in which a key was last written.
pub(crate) type Revision = u64;

/// The revision that a value has in a request's own view before its commit.
pub(crate) const UNCOMMITTED: Revision = u64::MAX;

/// Encoded entries, and what has been changed since.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    encoded: Bytes,
    edits: Vec<Edit>,
}

#[derive(Clone, Debug)]
struct Edit {
    name: Arc<str>,
    revision: Revision,
    value: Option<Bytes>,
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b): (Vec<_>, Vec<_>) = (self.iter().collect(), other.iter().collect());
        a.sort_unstable();
        b.sort_unstable();
        a == b
    }
}

impl Data {
    pub(crate) const NONE: Self = Self { encoded: Bytes::new(), edits: Vec::new() };

    /// Checks that the bytes are whole entries; looks at no value.
    pub(crate) fn decode(encoded: Bytes) -> Option<Self> {
        let mut rest = &encoded[..];
        while !rest.is_empty() {
            rest = Entry::split(rest)?.1;
        }
        Some(Self::written(encoded))
    }

    /// Of what [`encode`](Self::encode) wrote.
    pub(crate) fn written(encoded: Bytes) -> Self {
        Self { encoded, edits: Vec::new() }
    }

    /// The same, encoded anew if it has been changed.
    pub(crate) fn flat(&self) -> Self {
        if self.edits.is_empty() {
            return self.clone();
        }
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode(&mut out);
        Self::written(Bytes::from(out))
    }

    /// The value and revision of `name`.
    pub(crate) fn find(&self, name: &str) -> Option<(&[u8], Revision)> {
        if let Some(edit) = self.edits.iter().find(|e| *e.name == *name) {
            return edit.value.as_deref().map(|v| (v, edit.revision));
        }
        let entry = Entries(&self.encoded).find(|e| e.name == name.as_bytes())?;
        Some((entry.value, entry.revision))
    }

    pub(crate) fn revision(&self, name: &str) -> Option<Revision> {
        self.find(name).map(|(_, revision)| revision)
    }

    /// Puts or removes a value.
    pub(crate) fn put(
        &mut self,
        name: impl Into<Arc<str>>,
        value: Option<Bytes>,
        revision: Revision,
    ) {
        let name = name.into();
        match self.edits.iter_mut().find(|edit| edit.name == name) {
            Some(edit) => (edit.value, edit.revision) = (value, revision),
            None => {
                if self.edits.is_empty() {
                    self.edits.reserve_exact(1); // mostly there is one
                }
                self.edits.push(Edit { name, revision, value });
            }
        }
    }

    /// Name, value and revision of every key that is there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8], Revision)> {
        let untouched = Entries(&self.encoded)
            .filter(|e| !self.edits.iter().any(|edit| edit.name.as_bytes() == e.name))
            .filter_map(|e| Some((std::str::from_utf8(e.name).ok()?, e.value, e.revision)));
        untouched.chain(
            self.edits.iter().filter_map(|e| Some((&*e.name, e.value.as_deref()?, e.revision))),
        )
    }

    /// As it is once its uncommitted values are committed, encoded.
    pub(crate) fn committed(&self, revision: Revision) -> Self {
        let mut out = Vec::with_capacity(self.size().0);
        for (name, value, of) in self.iter() {
            write(name, value, if of == UNCOMMITTED { revision } else { of }, &mut out);
        }
        Self::written(Bytes::from(out))
    }

    /// How many bytes it takes, and how many keys there are.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.iter().fold((0, 0), |(bytes, keys), (name, value, _)| {
            (bytes + ENTRY + name.len() + value.len(), keys + 1)
        })
    }

    pub(crate) fn encoded_len(&self) -> usize {
        if self.edits.is_empty() { self.encoded.len() } else { self.size().0 }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        if self.edits.is_empty() {
            return out.extend_from_slice(&self.encoded);
        }
        for (name, value, revision) in self.iter() {
            write(name, value, revision, out);
        }
    }
}

fn write(name: &str, value: &[u8], revision: Revision, out: &mut Vec<u8>) {
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&revision.to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

/// Bytes of an entry beside its name and value.
const ENTRY: usize = 1 + 8 + 4;

struct Entry<'a> {
    name: &'a [u8],
    revision: Revision,
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (len, rest) = bytes.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*len))?;
        let (revision, rest) = rest.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        Some((Self { name, revision: u64::from_le_bytes(*revision), value }, rest))
    }
}

struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (entry, rest) = Entry::split(self.0)?;
        self.0 = rest;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_found_and_survives_encoding(
            steps in prop::collection::vec(("[a-d]", prop::option::of(prop::collection::vec(any::<u8>(), 0..9))), 0..20),
        ) {
            let mut model = std::collections::BTreeMap::new();
            let mut data = Data::default();
            for (revision, (name, value)) in (1..).zip(steps) {
                data.put(name.as_str(), value.clone().map(Bytes::from), revision);
                match value {
                    Some(v) => { model.insert(name, (v, revision)); }
                    None => { model.remove(&name); }
                }
                if revision % 3 == 0 {
                    let mut out = Vec::new();
                    data.encode(&mut out);
                    prop_assert_eq!(out.len(), data.encoded_len());
                    data = Data::decode(Bytes::from(out)).expect("what encode wrote");
                }
            }
            let mut found: Vec<_> = data.iter().map(|(n, v, r)| (n.to_owned(), (v.to_vec(), r))).collect();
            found.sort();
            prop_assert_eq!(found, model.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(data) = Data::decode(Bytes::from(bytes)) {
                let _ = data.iter().count();
            }
        }
    }
}
