//! What both cookie headers are taken apart with. Bytes beyond ASCII are never white space.

use memchr::memchr;

/// Splits at the first `separator`, which belongs to neither side.
pub(super) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(separator, bytes);
    #[cfg(test)]
    steps::count(at.unwrap_or(bytes.len()) + 1);
    at.map(|at| (&bytes[..at], &bytes[at + 1..]))
}

/// Takes SP and HTAB off both ends, and nothing else: a server that also took off U+2000 or U+00A0
/// would read a cookie that any sibling host may set as one with a `__Host-` prefix.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    #[cfg(test)]
    let untrimmed = bytes.len();
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    #[cfg(test)]
    steps::count(untrimmed - bytes.len() + 1);
    bytes
}

/// Counts the bytes that parsers look at, so that tests can tell whether their work is linear.
#[cfg(test)]
pub(super) mod steps {
    use std::cell::Cell;

    thread_local! { static STEPS: Cell<usize> = const { Cell::new(0) }; }

    pub(in crate::cookie) fn count(steps: usize) {
        STEPS.set(STEPS.get() + steps);
    }

    pub(in crate::cookie) fn of(work: impl FnOnce()) -> usize {
        STEPS.set(0);
        work();
        STEPS.get()
    }
}
