//! Two copies of a jar that were one, made one again.

use std::collections::HashMap;

use super::{Cookie, Format, Jar, netscape};
use crate::cookie::{Priority, SameSite};
use crate::time::UnixTime;

/// What a merge brought into the jar from the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// Cookies that others added or changed.
    pub taken: usize,
    /// Cookies that others removed.
    pub removed: usize,
    /// Cookies that both sides had changed; the later one stayed.
    pub conflicts: usize,
}

/// What file and jar had in common when they were last the same: for each cookie a digest of its
/// identity and one of the rest. 32 bytes a cookie, and no secrets.
#[derive(Default)]
pub(super) struct Base(HashMap<Digest, Digest>);

type Digest = [u8; 16];

impl Base {
    /// What a file in this format has of these cookies.
    pub(super) fn of<'a>(cookies: impl IntoIterator<Item = &'a Cookie>, format: Format) -> Base {
        let held = cookies.into_iter().filter(|cookie| format.holds(cookie));
        Base(held.map(|cookie| (identity(cookie), contents(cookie, format))).collect())
    }
}

/// Brings into `jar` what others did to `theirs` since both were `base`.
///
/// | here since | there since | stays |
/// | --- | --- | --- |
/// | nothing | anything | what is there: added, changed or removed |
/// | anything | nothing | what is here |
/// | removed | changed | the changed one; a removal has no time to compare |
/// | changed | removed | the changed one |
/// | set | set | the one set later; if the same time, or in a format without times: ours |
///
/// When it was last sent counts as no change; the later time stays. One step a cookie. `base` becomes
/// `theirs`.
pub(super) fn merge(jar: &mut Jar, base: &mut Base, theirs: Vec<Cookie>, format: Format) -> Merged {
    let mut merged = Merged::default();
    let mut seen = HashMap::with_capacity(theirs.len());
    for cookie in theirs {
        let id = identity(&cookie);
        let before = base.0.get(&id);
        let there = contents(&cookie, format);
        let again = seen.insert(id, there).is_some();
        let take = match jar.index.find(cookie.partition(), cookie.key()) {
            // They removed nothing, so it was removed here, unless it is new or changed there.
            None => before != Some(&there) || again,
            Some(ours) => {
                let here = contents(ours, format);
                if here == there {
                    ours.touch(cookie.last_access());
                    false
                } else if before == Some(&there) {
                    false
                } else if before == Some(&here) || again {
                    true
                } else {
                    merged.conflicts += 1;
                    format.keeps_times() && cookie.changed() > ours.changed()
                }
            }
        };
        if take {
            merged.taken += 1;
            jar.restore(cookie);
        }
    }
    merged.removed = jar.remove_if(|ours| {
        let id = identity(ours);
        !seen.contains_key(&id)
            && base.0.get(&id).is_some_and(|&base| base == contents(ours, format))
    });
    base.0 = seen;
    merged
}

fn identity(cookie: &Cookie) -> Digest {
    let mut hash = Fields::default();
    if let Some(partition) = cookie.partition() {
        hash.bytes(partition.top_level.domain().as_bytes());
        hash.number(u64::from(partition.top_level.is_secure()));
        hash.number(u64::from(partition.cross_site_ancestor));
    }
    hash.number(u64::from(cookie.host_only()));
    for field in [cookie.domain().as_bytes(), cookie.path(), cookie.name()] {
        hash.bytes(field);
    }
    hash.digest()
}

/// All that is not identity, as far as the format holds it.
fn contents(cookie: &Cookie, format: Format) -> Digest {
    let mut hash = Fields::default();
    hash.bytes(cookie.value());
    hash.number(u64::from(cookie.secure()));
    hash.number(u64::from(cookie.http_only()));
    if format == Format::Netscape {
        hash.number(netscape::expiry(cookie));
        return hash.digest();
    }
    hash.number(cookie.expires().unwrap_or(UnixTime::MAX).as_millis());
    hash.number(match cookie.same_site() {
        None => 0,
        Some(SameSite::Strict) => 1,
        Some(SameSite::Lax) => 2,
        Some(SameSite::None) => 3,
    });
    hash.number(match cookie.priority() {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    });
    hash.number(u64::from(cookie.source_secure()));
    hash.number(cookie.created().as_millis());
    hash.number(cookie.changed().as_millis());
    hash.digest()
}

/// A hash of fields, each with its length in front, so that no two lists of fields are one text.
#[derive(Default)]
struct Fields(blake3::Hasher);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn digest(self) -> Digest {
        let mut digest = [0; 16];
        self.0.finalize_xof().fill(&mut digest);
        digest
    }
}

#[cfg(test)]
mod tests;
