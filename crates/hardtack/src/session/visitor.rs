//! What is kept for a visitor without a session: sealed cookies of their own, so that
//! nobody has to have a session, and nothing is written to a store, for a form or a
//! message.
//!
//! They are set at the end of the request that wants them, and looked at where they are
//! asked for. Where two genuine ones of one name disagree, neither counts: one of them
//! is somebody else's. With header transport there are none.
//!
//! # What this does not protect
//! What is in a cookie stands until it expires: a copy can be played back, and an answer
//! that arrives late puts an old one in place of a newer.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

use super::commits::entropy_failed;
use super::error::{SessionError, ValueError};
use super::flash::Flash;
use super::session::Session;
use super::sessions::Engine;
use super::state::{Known, Phase};
use super::store::{StoreError, StoreErrorKind};
use super::transport::{CANDIDATES, VisitorCookies};
use super::values;
use crate::cookie::{CookieHeader, CookieSpec};
use crate::entropy;
use crate::seal::{Sealer, Unsealed};

/// How long a pre-session lasts: a form that was left open over a meal can still be
/// sent, and it lasts no longer than an anonymous session by default.
const PRE_LASTS: Duration = Duration::from_secs(4 * 3600);

const PRE_PURPOSE: &str = "hardtack pre-session";

/// How long messages last: they are for the page that the answer leads to, and nobody
/// wants to read them in another visit.
const MESSAGES_LAST: Duration = Duration::from_secs(5 * 60);

/// The most bytes of messages. Sealed they fit into one cookie of any sensible name, and
/// leave room in the 8 KiB that servers take of all cookies together.
const MESSAGES_MOST: usize = 2048;

const MESSAGES_PURPOSE: &str = "hardtack messages for the next page";

/// What tokens of a visitor without a session are bound to: 128 random bits.
pub(crate) type Seed = Zeroizing<[u8; 16]>;

/// What one request knows of these cookies, and does to them.
#[derive(Default)]
pub(crate) struct Visitor {
    /// The request's cookies, if any of these is among them.
    lines: Vec<HeaderValue>,
    pre: Option<Pre>,
    /// The pre-session that came has ended.
    pre_ended: bool,
    /// The messages that this request leaves.
    left: Vec<Flash>,
    /// Those that came are shown.
    taken: bool,
}

struct Pre {
    seed: Seed,
    /// The answer sets the cookie.
    set: bool,
}

impl Visitor {
    /// What came with a request.
    pub(crate) fn came(headers: &HeaderMap) -> Self {
        Self { lines: headers.get_all(COOKIE).iter().cloned().collect(), ..Self::default() }
    }

    /// As if none of them had come.
    pub(crate) fn forget(&mut self) {
        self.lines.clear();
        self.pre.take_if(|pre| !pre.set);
    }

    /// Somebody signs in: what came before that is worth nothing after it.
    pub(crate) fn signed_in(&mut self) {
        self.pre = None;
        self.pre_ended = true;
    }
}

impl Session {
    /// The seed of this visitor's pre-session: the one that came, or a new one.
    pub(crate) fn pre_session(&self) -> Result<Seed, SessionError> {
        let engine = self.engine();
        let mut state = self.loaded()?;
        let cookies = engine.transport.visitor().ok_or(SessionError::NotSignedIn)?;
        let closed = state.phase == Phase::Closed;
        let visitor = state.visitor();
        if let Some(pre) = &visitor.pre {
            return Ok(pre.seed.clone());
        }
        let came = engine.open_pre(&cookies.pre, &visitor.lines);
        let pre = match came.filter(|_| !visitor.pre_ended) {
            Some(came) => {
                let left = came.expires.since(engine.clock.now());
                Pre { set: came.reseal || left < PRE_LASTS / 2, seed: came.value }
            }
            None if closed => return Err(ValueError::Closed.into()),
            None => {
                let mut seed = Seed::default();
                entropy::fill(seed.as_mut()).map_err(entropy_failed)?;
                Pre { seed, set: true }
            }
        };
        let seed = pre.seed.clone();
        visitor.pre = Some(pre);
        Ok(seed)
    }

    /// The seed of the pre-session that came with this request.
    pub(crate) fn presented_pre_session(&self) -> Option<Seed> {
        let engine = self.engine();
        let state = self.state();
        let opened =
            engine.open_pre(&engine.transport.visitor()?.pre, &state.visitor.as_ref()?.lines)?;
        Some(opened.value)
    }

    /// Keeps a message in the cookie, beside those that are there.
    pub(crate) fn leave(&self, message: Flash) -> Result<(), ValueError> {
        let mut state = self.loaded()?;
        if state.phase == Phase::Closed {
            return Err(ValueError::Closed);
        }
        let visitor = state.visitor();
        visitor.left.push(message);
        let size = values::json("flash", &self.engine().messages(visitor))?.len();
        if size > MESSAGES_MOST {
            visitor.left.pop();
            return Err(ValueError::Messages { size, most: MESSAGES_MOST });
        }
        Ok(())
    }

    /// Takes the messages that came in the cookie, which the answer removes.
    pub(crate) fn take_left(&self) -> Vec<Flash> {
        let mut state = self.state();
        let closed = state.phase == Phase::Closed;
        let Some(visitor) = state.visitor.as_deref_mut().filter(|v| !closed && !v.taken) else {
            return Vec::new();
        };
        let came = self.engine().open_messages(&visitor.lines);
        visitor.taken = !came.is_empty();
        came
    }

    /// Adds to the answer what the request does to these cookies.
    pub(crate) fn answer_visitor(&self, state: &mut Known) -> Result<(), SessionError> {
        let (engine, Some(visitor)) = (self.engine(), &state.visitor) else { return Ok(()) };
        let Some(VisitorCookies { pre: spec, messages }) = engine.transport.visitor() else {
            return Ok(());
        };
        let pre = match &visitor.pre {
            Some(pre) if pre.set => {
                Some(engine.seal_into(spec, PRE_PURPOSE, pre.seed.as_ref(), PRE_LASTS)?)
            }
            None if visitor.pre_ended && sent_in(spec, &visitor.lines).next().is_some() => {
                Some(spec.removal())
            }
            _ => None,
        };
        let messages = if !visitor.left.is_empty() && !state.discarded {
            let text = values::json("flash", &engine.messages(visitor))?;
            Some(engine.seal_into(messages, MESSAGES_PURPOSE, &text, MESSAGES_LAST)?)
        } else {
            visitor.taken.then(|| messages.removal())
        };
        for header in [pre, messages] {
            state.answer_with(header.map(|header| (SET_COOKIE, header)));
        }
        Ok(())
    }
}

impl Engine {
    fn open_pre(&self, spec: &CookieSpec, lines: &[HeaderValue]) -> Option<Unsealed<Seed>> {
        let opened = self.open_of(spec, PRE_PURPOSE, lines)?;
        let Unsealed { value, expires, reseal } = opened;
        let value = Seed::new(value.as_slice().try_into().ok()?);
        Some(Unsealed { value, expires, reseal })
    }

    /// The messages for the next page: those that came and were not shown, and those
    /// that the request leaves.
    fn messages(&self, visitor: &Visitor) -> Vec<Flash> {
        let came = if visitor.taken { Vec::new() } else { self.open_messages(&visitor.lines) };
        came.into_iter().chain(visitor.left.iter().cloned()).collect()
    }

    fn open_messages(&self, lines: &[HeaderValue]) -> Vec<Flash> {
        let cookie = self.transport.visitor().map(|cookies| &cookies.messages);
        let opened = cookie.and_then(|spec| self.open_of(spec, MESSAGES_PURPOSE, lines));
        opened.and_then(|text| serde_json::from_slice(&text.value).ok()).unwrap_or_default()
    }

    /// What is sealed in the cookie of this name.
    fn open_of(
        &self,
        spec: &CookieSpec,
        purpose: &str,
        lines: &[HeaderValue],
    ) -> Option<Unsealed<Zeroizing<Vec<u8>>>> {
        let (sealer, now) = (Sealer::new(&self.keys, purpose), self.clock.now());
        let name = spec.name();
        let mut opened = sent_in(spec, lines).take(CANDIDATES).filter_map(|value| {
            let Unsealed { value, expires, reseal } = sealer.open(name, Some(value), now).ok()?;
            Some(Unsealed { value: Zeroizing::new(value), expires, reseal })
        });
        let first = opened.next()?;
        opened.all(|other| other.value == first.value).then_some(first)
    }

    /// The header that sets the cookie of this name.
    fn seal_into(
        &self,
        spec: &CookieSpec,
        purpose: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<HeaderValue, SessionError> {
        let (sealer, now) = (Sealer::new(&self.keys, purpose), self.clock.now());
        let sealed = sealer.encrypt(spec.name(), value, now.saturating_add(lasts), now);
        let sealed = sealed.map_err(|error| failed(spec, error))?;
        spec.set(&sealed, Some(lasts), now).map_err(|error| failed(spec, error))
    }
}

/// What came in the cookie of this name.
fn sent_in<'h>(spec: &'h CookieSpec, lines: &'h [HeaderValue]) -> impl Iterator<Item = &'h [u8]> {
    let lines = lines.iter().map(|line| CookieHeader::new(line.as_bytes()));
    lines.flat_map(|line| line.values_of(spec.name().as_bytes()))
}

fn failed(spec: &CookieSpec, error: impl Error + Send + Sync + 'static) -> SessionError {
    let what = format!("the cookie {} cannot be set", spec.name());
    StoreError::new(StoreErrorKind::Unavailable, what).caused_by(error).into()
}
