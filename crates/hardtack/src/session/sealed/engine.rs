//! What all requests share, and what is inside the seal.
//!
//! Body: format version (1), locator (18), then facts and data as in a record's
//! body. `issued` is the time of the response that carried it, which is the
//! activity that idle time counts from.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::config::{Rules, SealedSessionsBuilder};
use super::cookies::Cookies;
use super::session::SealedSession;
use super::until_expiry::UntilExpiry;
use crate::seal::{Keyring, SealError, Sealer, UnsealError};
use crate::session::body::{self, Facts};
use crate::session::commits::entropy_failed;
use crate::session::data::Data;
use crate::session::events::{Counters, Counts, Event, Events};
use crate::session::lifetime::{self, Verdict};
use crate::session::{
    Cause, Epochs, Kind, Locator, SessionError, StoreError, StoreErrorKind, UserKey,
};
use crate::time::{Clock, UnixTime};

/// Sealed sessions of one application: a keyring and rules. Cheap to clone; all
/// clones are one engine.
///
/// The type says what can be taken back: `SealedSessions` ([`UntilExpiry`])
/// nothing, `SealedSessions<`[`Revocable`](super::Revocable)`>` every login.
///
/// ```
/// use hardtack::seal::{Key, Keyring};
/// use hardtack::session::SealedSessions;
///
/// let sessions = SealedSessions::builder(Keyring::new(Key::generate()?)).build()?;
/// eprintln!("{}", sessions.promises());
///
/// let session = sessions.session();
/// session.present(&http::HeaderMap::new()); // the request's
/// session.load()?;
/// session.set("theme", "dark")?;
/// let outcome = session.finish();
/// assert!(outcome.headers[0].1.to_str()?.starts_with("__Host-Http-ses="));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SealedSessions<R = UntilExpiry>(pub(super) Arc<Engine<R>>);

pub(super) struct Engine<R> {
    pub(super) sealer: Sealer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
    pub(super) rules: Rules,
    pub(super) cookies: Cookies,
    pub(super) counters: Counters,
    pub(super) promises: &'static str,
    pub(super) revocation: R,
}

/// A sealed session without its data.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// Its public handle; with revocation the record's, too.
    pub(super) locator: Locator,
    pub(super) facts: Facts,
}

/// What one genuine and live sealed text held.
pub(super) struct Opened {
    pub(super) base: Base,
    pub(super) data: Data,
    /// It was sealed by a key that does not seal any more.
    pub(super) reseal: bool,
}

impl SealedSessions {
    /// Begins to set up sealed sessions under `keys`, without revocation.
    pub fn builder(keys: Keyring) -> SealedSessionsBuilder {
        SealedSessionsBuilder::new(keys)
    }
}

impl<R> SealedSessions<R> {
    pub(super) fn new(engine: Engine<R>) -> Self {
        Self(Arc::new(engine))
    }

    /// The session of one request. Costs nothing before it is used.
    pub fn session(&self) -> SealedSession<R> {
        SealedSession::new(self.0.clone())
    }

    /// What these sessions promise and what they do not: one sentence for the log,
    /// once at start.
    pub fn promises(&self) -> &'static str {
        self.0.promises
    }

    /// What has been counted.
    pub fn counts(&self) -> Counts {
        self.0.counters.counts()
    }

    /// The time by this engine's clock.
    pub fn now(&self) -> UnixTime {
        self.0.clock.now()
    }

    /// The name of the cookie; of its pieces, where it is cut, what comes before
    /// `.0` to `.7`.
    pub fn cookie_name(&self) -> &str {
        self.0.cookies.name()
    }
}

impl<R> fmt::Debug for SealedSessions<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSessions")
            .field("cookie", &self.cookie_name())
            .finish_non_exhaustive()
    }
}

impl<R> Engine<R> {
    /// Opens and judges one sealed text. All failures are for the client the same.
    pub(super) fn open(&self, text: &[u8], now: UnixTime) -> Option<Opened> {
        let opened = match self.sealer.open(self.cookies.name(), Some(text), now) {
            Ok(opened) => opened,
            Err(error) => {
                match error {
                    UnsealError::UnknownKey(_) => self.counters.unknown_key.up(),
                    UnsealError::Invalid => self.counters.forged.up(),
                    UnsealError::Missing | UnsealError::Expired => {}
                }
                return None;
            }
        };
        let (base, data) = decode(opened.value.into())?;
        let verdict = lifetime::judge(&base.facts, base.facts.issued, None, now);
        matches!(verdict, Verdict::Live { .. }).then_some(Opened {
            base,
            data,
            reseal: opened.reseal,
        })
    }

    /// Seals a session until it is over if nothing more happens.
    pub(super) fn seal(
        &self,
        base: &Base,
        data: &Data,
        now: UnixTime,
    ) -> Result<String, SessionError> {
        let expires = lifetime::expires(&base.facts, base.facts.issued);
        let body = encode(base, data);
        self.sealer.encrypt(self.cookies.name(), &body, expires, now).map_err(|error| match error {
            SealError::Expiry => SessionError::Ended(Some(Cause::Lifetime)),
            SealError::Entropy(error) => entropy_failed(error).into(),
            other => StoreError::new(StoreErrorKind::Unavailable, other.to_string()).into(),
        })
    }

    /// A new session; of `user`, or of nobody.
    pub(super) fn make(
        &self,
        user: Option<&str>,
        key: Option<&UserKey>,
        epochs: Epochs,
    ) -> Result<Base, SessionError> {
        let now = self.clock.now();
        let facts = Facts {
            kind: if user.is_some() { Kind::User } else { Kind::Anonymous },
            created: now,
            authenticated: user.map(|_| now),
            issued: now,
            epochs,
            idle: self.rules.idle,
            lifetime: self.rules.lifetime,
            remember: None,
            user: user.map_or_else(Bytes::new, |user| user.to_owned().into()),
        };
        let locator = Locator::random(key.map(UserKey::as_bytes)).map_err(entropy_failed)?;
        Ok(Base { locator, facts })
    }

    /// Counts and tells that a session started.
    pub(super) fn started(&self, base: &Base) {
        self.counters.started.up();
        self.events.tell(&Event::Started {
            session: base.locator,
            kind: base.facts.kind,
            user: base.facts.user().map(str::to_owned),
            at: base.facts.created,
        });
    }
}

const FORMAT: u8 = 1;

/// What a body has beside the user and the data.
const FIXED: usize = 1 + Locator::LEN + 1 + 7 * 8 + 1 + 1;

/// What a seal adds to a body, before base64url.
const SEAL: usize = 1 + 4 + 24 + 16 + 16;

/// How much data always fits, with the longest user, into so many bytes of
/// sealed text.
pub(super) fn most_data_in(sealed: usize) -> usize {
    (sealed / 4 * 3).saturating_sub(SEAL + FIXED + UserKey::MAX)
}

fn encode(base: &Base, data: &Data) -> Zeroizing<Vec<u8>> {
    let length = FIXED + base.facts.user.len() + data.encoded_len();
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    out.push(FORMAT);
    out.extend_from_slice(base.locator.as_bytes());
    body::write_body(&base.facts, data, &mut out);
    out
}

/// `None` for what another release wrote in another format.
fn decode(body: Bytes) -> Option<(Base, Data)> {
    let (&[FORMAT], rest) = body.split_first_chunk()? else { return None };
    let (locator, rest) = rest.split_first_chunk()?;
    let (facts, data) = body::read_body(body.slice_ref(rest)).ok()?;
    Some((Base { locator: Locator::from_bytes(*locator), facts }, data))
}
