//! What a request wants changed, and how that is applied to the newest data.
//!
//! Changes are kept as intentions, not as a new state, so that requests of one
//! session can run at once: whoever commits second applies its changes to what
//! the first left (law 2). Changes of different keys never conflict; those that
//! are relative (`add`, `append`, `update`) all count; a `set` whose author has
//! read the key is refused if the key has changed since.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::data::{Data, Revision};
use super::record::Version;

/// One change of one key.
#[derive(Clone)]
pub(crate) struct Change {
    pub(crate) name: Arc<str>,
    pub(crate) act: Act,
}

#[derive(Clone)]
pub(crate) enum Act {
    /// Put a value. `seen`: the request had read the key, at this revision or absent.
    Set { value: Bytes, seen: Seen },
    /// Take the key away.
    Remove { seen: Seen },
    /// Derive the new value from the newest. Runs again at each attempt.
    Update(Updater),
}

/// A deferred update: from the newest value to the next.
pub(crate) type Updater = Arc<dyn Fn(Option<&[u8]>) -> Result<Bytes, Clash> + Send + Sync>;

/// Whether the request had read the key it writes, and which revision it saw
/// (`Some(None)`: that it was absent).
pub(crate) type Seen = Option<Option<Revision>>;

/// A change that cannot be applied to the newest data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clash;

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = match self.act {
            Act::Set { .. } => "set",
            Act::Remove { .. } => "remove",
            Act::Update(_) => "update",
        };
        write!(f, "{act}({})", self.name)
    }
}

impl Change {
    /// Puts a value, whatever is there.
    pub(crate) fn set(name: &str, value: Bytes) -> Self {
        Self { name: name.into(), act: Act::Set { value, seen: None } }
    }

    /// Adds to a number; absent counts as 0.
    pub(crate) fn add(name: &str, by: i64) -> Self {
        Self::update(name, move |old| {
            let old: i64 = old.map_or(Ok(0), serde_json::from_slice).map_err(|_| Clash)?;
            Ok(old.checked_add(by).ok_or(Clash)?.to_string().into())
        })
    }

    /// Puts a value at the end of a list; absent counts as empty.
    pub(crate) fn append(name: &str, value: Bytes) -> Self {
        Self::update(name, move |old| {
            // As text: decoding the other elements could change them (large numbers).
            let old = old.unwrap_or(b"[]").trim_ascii_end();
            let list: Vec<IgnoredAny> = serde_json::from_slice(old).map_err(|_| Clash)?;
            let comma: &[u8] = if list.is_empty() { b"" } else { b"," };
            let elements = old.strip_suffix(b"]").ok_or(Clash)?;
            Ok([elements, comma, &value, b"]"].concat().into())
        })
    }

    pub(crate) fn update(
        name: &str,
        step: impl Fn(Option<&[u8]>) -> Result<Bytes, Clash> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), act: Act::Update(Arc::new(step)) }
    }

    /// Whether it would overwrite what its author has not seen.
    pub(crate) fn overwrites(&self, before: &Data) -> bool {
        match &self.act {
            Act::Set { seen, .. } | Act::Remove { seen } => {
                seen.is_some_and(|seen| before.revision(&self.name) != seen)
            }
            Act::Update(_) => false,
        }
    }

    /// Applies this change to `data`. What was seen is held against `before`,
    /// the newest data before this request's own changes. With `later_wins` it
    /// is not.
    pub(crate) fn apply(
        &self,
        data: &mut Data,
        before: &Data,
        revision: Revision,
        later_wins: bool,
    ) -> Result<(), Clash> {
        if !later_wins && self.overwrites(before) {
            return Err(Clash);
        }
        let value = match &self.act {
            Act::Set { value, .. } => Some(value.clone()),
            Act::Remove { .. } => None,
            Act::Update(step) => Some(step(data.find(&self.name).map(|(value, _)| value))?),
        };
        data.put(self.name.clone(), value, revision);
        Ok(())
    }
}

/// All changes of one request, and what they come to on the data it has loaded:
/// where nobody was in between, that is what is committed.
pub(crate) struct Wanted {
    pub(crate) changes: Vec<Change>,
    pub(crate) view: Option<(Version, Arc<Data>)>,
}

impl Wanted {
    /// The data with all changes, or none of them. `alone`: `newest` is what is
    /// committed as `version`, without changes of others that go with ours.
    pub(crate) fn apply(
        &self,
        newest: &Data,
        version: Version,
        alone: bool,
        later_wins: bool,
    ) -> Result<Data, Clash> {
        let revision = version.next().number();
        match &self.view {
            Some((seen, view)) if alone && *seen == version => {
                let stale = |change: &Change| !later_wins && change.overwrites(newest);
                if self.changes.iter().any(stale) {
                    return Err(Clash);
                }
                Ok(view.committed(revision))
            }
            _ => apply_all(&self.changes, newest, revision, later_wins),
        }
    }
}

/// Applies all changes of one request, or none of them.
pub(crate) fn apply_all(
    changes: &[Change],
    newest: &Data,
    revision: Revision,
    later_wins: bool,
) -> Result<Data, Clash> {
    let mut data = newest.clone();
    for change in changes {
        change.apply(&mut data, newest, revision, later_wins)?;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str, seen: Seen) -> Change {
        Change {
            name: name.into(),
            act: Act::Set { value: Bytes::copy_from_slice(value.as_bytes()), seen },
        }
    }

    fn value<'a>(data: &'a Data, name: &str) -> Option<&'a str> {
        data.find(name).map(|(v, _)| std::str::from_utf8(v).expect("text"))
    }

    #[test]
    fn relative_changes_all_count() {
        let mut data = Data::default();
        for revision in 1..=5 {
            data = apply_all(
                &[Change::add("n", 2), Change::append("l", "7".into())],
                &data,
                revision,
                false,
            )
            .unwrap();
        }
        assert_eq!((value(&data, "n"), value(&data, "l")), (Some("10"), Some("[7,7,7,7,7]")));
    }

    #[test]
    fn a_set_that_saw_an_older_revision_is_refused_and_nothing_of_its_request_stays() {
        let one = apply_all(&[set("k", "1", None)], &Data::default(), 1, false).unwrap();
        let two = apply_all(&[set("k", "2", Some(Some(1)))], &one, 2, false).unwrap();
        let late = [Change::add("n", 1), set("k", "3", Some(Some(1)))];
        assert_eq!(apply_all(&late, &two, 3, false).err(), Some(Clash));
        assert_eq!(value(&two, "n"), None);
        assert_eq!(
            value(&apply_all(&late, &two, 3, true).unwrap(), "k"),
            Some("3"),
            "where so configured"
        );
        assert_eq!(
            apply_all(&[set("k", "3", Some(None))], &two, 3, false).err(),
            Some(Clash),
            "it saw the key absent"
        );
        assert_eq!(
            value(&apply_all(&[set("k", "3", None)], &two, 3, false).unwrap(), "k"),
            Some("3"),
            "blind"
        );
    }

    #[test]
    fn a_request_may_set_what_it_read_more_than_once() {
        let one = apply_all(&[set("k", "1", None)], &Data::default(), 1, false).unwrap();
        let twice =
            [Change::add("k", 1), set("k", "5", Some(Some(1))), set("k", "6", Some(Some(1)))];
        assert_eq!(value(&apply_all(&twice, &one, 2, false).unwrap(), "k"), Some("6"));
    }

    #[test]
    fn a_number_that_would_overflow_or_is_none_is_a_clash() {
        let data = apply_all(
            &[set("n", &i64::MAX.to_string(), None), set("t", "\"x\"", None)],
            &Data::default(),
            1,
            false,
        )
        .unwrap();
        for change in [Change::add("n", 1), Change::add("t", 1), Change::append("n", "1".into())] {
            assert_eq!(
                apply_all(std::slice::from_ref(&change), &data, 2, false).err(),
                Some(Clash),
                "{change:?}"
            );
        }
    }
}
