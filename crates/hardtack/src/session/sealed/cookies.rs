//! The cookies that a sealed session travels in.
//!
//! What fits is one cookie, `…ses`. What does not is cut into pieces, `…ses.0` to
//! `…ses.7`, each of which begins with the number of pieces (one digit) and the
//! generation (11 characters, random for each response). Pieces are put together
//! only if all are there and have the same beginning; whether that gives what was
//! cut is for the seal over the whole to say.
//!
//! # What this does not protect
//! Servers and proxies refuse long headers, often beyond 8 KiB for all cookies of
//! a request together. That is what the default of
//! [`most_data`](super::SealedSessionsBuilder::most_data) leaves room for.

use base64_simd::URL_SAFE_NO_PAD;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cookie::{BuildError, CookieHeader, CookieSpec, MAX_PAIR_BYTES, SameSite};
use crate::entropy;
use crate::session::commits::entropy_failed;
use crate::session::{ConfigError, SessionError, ValueError};
use crate::time::UnixTime;

/// The most pieces. Browsers would take more; servers' header limits do not.
pub(super) const MOST_PIECES: usize = 8;

/// Texts that are looked at. A browser sends one, or two after a race.
const COPIES: usize = 16;

/// Pieces that are looked at.
const PIECES: usize = 4 * MOST_PIECES;

/// What each piece begins with: how many there are, and the generation.
const BEGINNING: usize = 1 + 11;

type Header = (HeaderName, HeaderValue);

/// The cookies, checked and prepared.
#[derive(Clone, Debug)]
pub(super) struct Cookies {
    whole: CookieSpec,
    pieces: Vec<CookieSpec>,
}

impl Cookies {
    pub(super) fn build(
        name: Option<&str>,
        same_site: SameSite,
        insecure: bool,
    ) -> Result<Self, ConfigError> {
        let prefix = if insecure { "" } else { "__Host-Http-" };
        let base = name.map_or_else(|| format!("{prefix}ses"), |n| format!("{prefix}{n}-ses"));
        let spec = |name: String| {
            let mut builder = CookieSpec::builder(name.clone()).same_site(same_site);
            if insecure {
                builder = builder.danger_sent_over_plain_http();
            }
            builder.build().map_err(|rule: BuildError| ConfigError::Cookie { name, rule })
        };
        let pieces = (0..MOST_PIECES).map(|n| spec(format!("{base}.{n}")));
        Ok(Self { pieces: pieces.collect::<Result<_, _>>()?, whole: spec(base)? })
    }

    /// The name of the cookie that is not cut.
    pub(super) fn name(&self) -> &str {
        self.whole.name()
    }

    /// How many bytes of sealed text one piece carries.
    fn room(&self) -> usize {
        let name = self.name().len() + ".0".len();
        MAX_PAIR_BYTES.saturating_sub(name + BEGINNING)
    }

    /// How many bytes of sealed text all pieces together carry.
    pub(super) fn capacity(&self) -> usize {
        MOST_PIECES * self.room()
    }

    /// What came with a request.
    pub(super) fn read(&self, headers: &HeaderMap) -> Presented {
        let mut presented = Presented::default();
        let mut pieces: Vec<Piece<'_>> = Vec::new();
        for pair in CookieHeader::from_headers(headers) {
            match pair.name.strip_prefix(self.name().as_bytes()) {
                Some([]) => {
                    presented.names.add(Names::WHOLE);
                    presented.add(pair.value.to_vec());
                }
                Some([b'.', digit @ b'0'..=b'7']) => {
                    let index = usize::from(digit - b'0');
                    presented.names.add(Names::piece(index));
                    match Piece::parse(index, pair.value) {
                        Some(piece) if pieces.len() < PIECES => pieces.push(piece),
                        _ => presented.malformed += 1,
                    }
                }
                _ => {}
            }
        }
        for first in pieces.iter().filter(|piece| piece.index == 0) {
            match first.complete(&pieces) {
                Some(text) => presented.add(text),
                None => presented.malformed += 1,
            }
        }
        presented
    }

    /// The headers that give `sealed` to the browser and make it forget those
    /// cookies of `came` that are not written now.
    pub(super) fn write(
        &self,
        sealed: &str,
        came: Names,
        now: UnixTime,
    ) -> Result<Vec<Header>, SessionError> {
        let too_large = || {
            let (size, most) = (sealed.len(), self.capacity());
            SessionError::Value(ValueError::TooLarge { size, most, unit: "bytes" })
        };
        let set = |spec: &CookieSpec, value: &str| {
            spec.set(value, None, now).map(|value| (SET_COOKIE, value)).map_err(|_| too_large())
        };
        if self.name().len() + sealed.len() <= MAX_PAIR_BYTES {
            let mut headers = vec![set(&self.whole, sealed)?];
            headers.extend(self.remove(came.without(Names::WHOLE)));
            return Ok(headers);
        }
        if sealed.len() > self.capacity() {
            return Err(too_large());
        }
        let mut generation = [0; 8];
        entropy::fill(&mut generation).map_err(entropy_failed)?;
        let generation = URL_SAFE_NO_PAD.encode_to_string(generation);
        let count = sealed.len().div_ceil(self.room());
        let (mut headers, mut written, mut rest) = (Vec::with_capacity(count), Names::NONE, sealed);
        for (index, spec) in self.pieces.iter().enumerate().take(count) {
            let (text, next) = rest.split_at(rest.len().min(self.room()));
            headers.push(set(spec, &format!("{count}{generation}{text}"))?);
            written.add(Names::piece(index));
            rest = next;
        }
        headers.extend(self.remove(came.without(written)));
        Ok(headers)
    }

    /// The headers that make the browser forget these cookies.
    pub(super) fn remove(&self, names: Names) -> impl Iterator<Item = Header> {
        let specs = std::iter::once(&self.whole).chain(&self.pieces);
        let named = specs.enumerate().filter(move |(place, _)| names.0 & 1 << place != 0);
        named.map(|(_, spec)| (SET_COOKIE, spec.removal()))
    }
}

/// Sealed texts as they came, each once; genuine or not.
#[derive(Default)]
pub(super) struct Presented {
    pub(super) texts: Vec<Vec<u8>>,
    pub(super) names: Names,
    /// Pieces that belong to nothing whole.
    pub(super) malformed: u64,
}

impl Presented {
    fn add(&mut self, text: Vec<u8>) {
        if self.texts.len() < COPIES && !self.texts.contains(&text) {
            self.texts.push(text);
        }
    }
}

/// A set of our cookies' names: bit 0 the whole, then the pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Names(u16);

impl Names {
    const NONE: Names = Names(0);
    const WHOLE: Names = Names(1);

    fn piece(index: usize) -> Names {
        Names(2 << index)
    }

    fn add(&mut self, other: Names) {
        self.0 |= other.0;
    }

    fn without(self, other: Names) -> Names {
        Names(self.0 & !other.0)
    }
}

struct Piece<'a> {
    index: usize,
    beginning: [u8; BEGINNING],
    text: &'a [u8],
}

impl<'a> Piece<'a> {
    fn parse(index: usize, value: &'a [u8]) -> Option<Self> {
        let (beginning, text) = value.split_first_chunk()?;
        let piece = Self { index, beginning: *beginning, text };
        ((2..=MOST_PIECES).contains(&piece.count()) && index < piece.count()).then_some(piece)
    }

    fn count(&self) -> usize {
        usize::from(self.beginning[0].wrapping_sub(b'0'))
    }

    /// The text that begins with this piece, if all of its generation is there.
    fn complete(&self, pieces: &[Piece<'_>]) -> Option<Vec<u8>> {
        let mut text = self.text.to_vec();
        for index in 1..self.count() {
            let next = pieces.iter().find(|p| p.index == index && p.beginning == self.beginning)?;
            text.extend_from_slice(next.text);
        }
        Some(text)
    }
}
