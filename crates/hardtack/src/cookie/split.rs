//! What both cookie headers, and dates, are taken apart with. Bytes beyond ASCII are never white space.

use memchr::{memchr, memchr2};

/// Splits at the first `separator`, which belongs to neither side.
pub(super) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(separator, bytes);
    #[cfg(test)]
    steps::count(at.unwrap_or(bytes.len()) + 1);
    at.map(|at| (&bytes[..at], &bytes[at + 1..]))
}

/// The first of either byte. The same as `memchr2`, but quicker where it is near, as it is within
/// an attribute: what a call of that costs would then be most of the work.
#[inline]
pub(super) fn find_either(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    const WORDS: usize = 6;
    let (words, _) = bytes.as_chunks::<8>();
    let near = &words[..words.len().min(WORDS)];
    for (index, word) in near.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ repeated(one)) | zero_bytes(word ^ repeated(other));
        if found != 0 {
            let at = index * 8 + found.trailing_zeros() as usize / 8;
            #[cfg(test)]
            steps::count(at + 1);
            return Some(at);
        }
    }
    let searched = near.len() * 8;
    let rest = &bytes[searched..];
    let at = if rest.len() < 8 {
        rest.iter().position(|&byte| byte == one || byte == other)
    } else {
        memchr2(one, other, rest)
    };
    let at = at.map(|at| searched + at);
    #[cfg(test)]
    steps::count(at.unwrap_or(bytes.len()) + 1);
    at
}

/// The highest bit of every byte that is zero; only the lowest of them is to be trusted.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(repeated(0x01)) & !word & repeated(0x80)
}

const fn repeated(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Takes SP and HTAB off both ends, and nothing else: a server that also took off U+2000 or U+00A0
/// would read a cookie that any sibling host may set as one with a `__Host-` prefix.
#[inline(always)]
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    #[cfg(test)]
    steps::count(2);
    // Nearly always there is nothing to take off, or one space in front.
    let bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if *first > b' ' && *last > b' ' => bytes,
        _ => trim_more(bytes),
    }
}

#[cold]
fn trim_more(mut bytes: &[u8]) -> &[u8] {
    #[cfg(test)]
    let untrimmed = bytes.len();
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    #[cfg(test)]
    steps::count(untrimmed - bytes.len());
    bytes
}

/// The number that these digits write, at most `u32::MAX`.
pub(super) fn value_of(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number: u32, digit| {
        number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    })
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
