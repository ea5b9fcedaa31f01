//! Laws of the `Cookie` request header.

use hardtack::cookie::{CookieHeader, find};

/// `find` answers what walking over all pairs does, and a pair has no byte that ends one.
pub(crate) fn pairs_are_found_as_they_are_listed(bytes: &[u8]) {
    let mut length = 0;
    for pair in CookieHeader::new(bytes) {
        assert!(!pair.name.contains(&b';') && !pair.name.contains(&b'='));
        assert!(!pair.value.contains(&b';'));
        assert!(!pair.name.is_empty() || !pair.value.is_empty() || bytes.contains(&b'='));
        length += pair.name.len() + pair.value.len();
    }
    assert!(length <= bytes.len());
    for pair in CookieHeader::new(bytes).take(8) {
        let listed = CookieHeader::new(bytes).filter(|other| other.name == pair.name);
        assert!(listed.map(|other| other.value).eq(find(bytes, pair.name)));
    }
}
