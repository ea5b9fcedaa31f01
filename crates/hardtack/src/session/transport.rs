//! How the id travels: which cookies (or which header) it is read from and
//! written to.
//!
//! Anonymous and signed-in sessions and remember-me tokens have cookies of
//! different names, so that a late answer to an anonymous request can never
//! overwrite a login; where both are there, the signed-in one counts.
//!
//! | cookie | written by | counts |
//! | --- | --- | --- |
//! | `aid` | a new anonymous session | where no signed-in one is live |
//! | `sid` | a sign-in, and nothing else | always |
//! | `sid2` | renewals of a signed-in session | only beside a `sid` of the same session, then first |
//! | `rem` | a remember-me token | where no session is live |
//! | `out` | a sign-out | never |
//! | `pre` | a page that asks for a token without a session | for tokens, where nobody is signed in (`csrf.rs`) |
//! | `msg` | who leaves a message without a session | until it is shown (`flash.rs`) |
//!
//! So the answer to a renewal that arrives after the answer to a newer sign-in cannot
//! take its cookie away: it names a session that no `sid` names any more.
//!
//! # What this does not protect
//! A cookie named by `__Host-Http-` can be neither read nor set by scripts, nor
//! set by a sibling host, in browsers that know the prefix (older ones enforce
//! `__Host-`). Without the prefix a sibling host can plant cookies: they name
//! nothing that we did not issue, but they can be sessions of the attacker's.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::config::ConfigError;
use super::id::{ID_CHARS, LOCATOR_CHARS, SessionId};
use super::record::Kind;
use crate::cookie::{BuildError, CookieHeader, CookieSpec, SameSite};
use crate::time::UnixTime;

/// Cookies of our name that are looked at. More than one is an accident or an
/// attack; of those that we issued, [`CANDIDATES`] are tried.
const COPIES: usize = 16;

/// Ids of one kind that are tried.
pub(crate) const CANDIDATES: usize = 4;

/// How long the cookie lasts that tells of a sign-out.
const SIGNED_OUT_LASTS: Duration = Duration::from_secs(60);

/// As configured.
#[derive(Clone, Debug)]
pub(crate) struct TransportPlan {
    pub(crate) name: Option<String>,
    pub(crate) same_site: SameSite,
    pub(crate) header: Option<HeaderName>,
    pub(crate) domain: Option<String>,
    pub(crate) path: String,
    pub(crate) prefix: &'static str,
    pub(crate) insecure: bool,
}

impl Default for TransportPlan {
    fn default() -> Self {
        Self {
            name: None,
            same_site: SameSite::Lax,
            header: None,
            domain: None,
            path: "/".to_owned(),
            prefix: "__Host-Http-",
            insecure: false,
        }
    }
}

/// As checked.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    Cookies(Box<Cookies>),
    Header(HeaderName),
}

#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    /// What all names begin with.
    base: Box<str>,
    /// Those of ids, by kind.
    ids: [CookieSpec; Kind::ALL.len()],
    /// That of a signed-in session's id since it was renewed.
    renewed: CookieSpec,
    /// The one that tells of a sign-out.
    out: CookieSpec,
    visitor: VisitorCookies,
}

/// Those of visitors without a session.
#[derive(Clone, Debug)]
pub(crate) struct VisitorCookies {
    /// Pre-session.
    pub(crate) pre: CookieSpec,
    /// Messages for the next page.
    pub(crate) messages: CookieSpec,
}

impl Cookies {
    /// Which of our cookies has this name, if it is one that is read.
    fn slot(&self, name: &[u8]) -> Option<Slot> {
        match name.strip_prefix(self.base.as_bytes())? {
            b"aid" => Some(Slot::Of(Kind::Anonymous)),
            b"sid" => Some(Slot::Of(Kind::User)),
            b"rem" => Some(Slot::Of(Kind::Remember)),
            b"sid2" => Some(Slot::Renewed),
            b"pre" | b"msg" => Some(Slot::OfVisitor),
            _ => None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &CookieSpec> {
        let VisitorCookies { pre, messages } = &self.visitor;
        self.ids.iter().chain([&self.renewed, &self.out, pre, messages])
    }
}

/// A cookie of ours that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// That of an id.
    Of(Kind),
    /// That of a renewed id.
    Renewed,
    /// One that visitors without a session have, too.
    OfVisitor,
}

impl Slot {
    const COUNT: usize = Kind::ALL.len() + 2;

    fn index(self) -> usize {
        match self {
            Self::Of(kind) => kind.index(),
            Self::Renewed => Kind::ALL.len(),
            Self::OfVisitor => Kind::ALL.len() + 1,
        }
    }
}

/// The id that is tried first, where it is the only one of its kind.
pub(crate) struct Only<'h> {
    pub(crate) kind: Kind,
    pub(crate) text: &'h IdText,
    /// A cookie of visitors without a session came, too.
    pub(crate) of_visitor: bool,
}

impl Transport {
    pub(crate) fn build(plan: &TransportPlan) -> Result<Self, ConfigError> {
        if let Some(header) = &plan.header {
            return Ok(Self::Header(header.clone()));
        }
        let prefix = if plan.insecure { "" } else { plan.prefix };
        let base = match &plan.name {
            Some(name) => format!("{prefix}{name}-"),
            None => prefix.to_owned(),
        };
        let spec = |short: &str| {
            let name = format!("{base}{short}");
            let mut builder =
                CookieSpec::builder(name.clone()).same_site(plan.same_site).path(plan.path.clone());
            if let Some(domain) = &plan.domain {
                builder = builder.domain(domain.clone());
            }
            if plan.insecure {
                builder = builder.danger_sent_over_plain_http();
            }
            builder.build().map_err(|rule: BuildError| ConfigError::Cookie { name, rule })
        };
        let ids = [spec("aid")?, spec("sid")?, spec("rem")?];
        let visitor = VisitorCookies { pre: spec("pre")?, messages: spec("msg")? };
        let (renewed, out) = (spec("sid2")?, spec("out")?);
        Ok(Self::Cookies(Box::new(Cookies { base: base.into(), ids, renewed, out, visitor })))
    }

    /// The names of the cookies, by kind; none with header transport.
    pub(crate) fn cookie(&self, kind: Kind) -> Option<&CookieSpec> {
        match self {
            Self::Cookies(cookies) => Some(&cookies.ids[kind.index()]),
            Self::Header(_) => None,
        }
    }

    /// What in `headers` may be ids; those of one kind in the order in which they are to
    /// be tried.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Candidates {
        let (mut found, mut renewed) = (Candidates::default(), Vec::new());
        self.each(headers, |slot, value| match slot {
            Slot::Of(kind) => found.add(kind, value),
            Slot::Renewed => renewed.push(value),
            Slot::OfVisitor => found.of_visitor = true,
        });
        found.put_renewed_first(&renewed);
        found
    }

    /// Of those the one that is tried first, if it is the only one of its kind.
    pub(crate) fn only<'h>(&self, headers: &'h HeaderMap) -> Option<Only<'h>> {
        let mut found: [Option<&[u8]>; Slot::COUNT] = [None; Slot::COUNT];
        let mut several = [false; Slot::COUNT];
        self.each(headers, |slot, value| {
            let first = found[slot.index()].get_or_insert(value);
            several[slot.index()] |= *first != value;
        });
        let only = |slot: Slot| match several[slot.index()] {
            true => None,
            false => <&IdText>::try_from(found[slot.index()]?).ok(),
        };
        let kind =
            [Kind::User, Kind::Anonymous].into_iter().find(|k| found[k.index()].is_some())?;
        let text = only(Slot::Of(kind))?;
        let of_visitor = found[Slot::OfVisitor.index()].is_some();
        if kind == Kind::Anonymous || found[Slot::Renewed.index()].is_none() {
            return Some(Only { kind, text, of_visitor });
        }
        let renewed = only(Slot::Renewed)?;
        let text = if session_of(renewed) == session_of(text) { renewed } else { text };
        Some(Only { kind, text, of_visitor })
    }

    fn each<'h>(&self, headers: &'h HeaderMap, mut found: impl FnMut(Slot, &'h [u8])) {
        match self {
            Self::Cookies(cookies) => {
                let mut copies = [0; Slot::COUNT];
                for pair in CookieHeader::from_headers(headers) {
                    let Some(slot) = cookies.slot(pair.name) else { continue };
                    let copies = &mut copies[slot.index()];
                    if *copies < COPIES {
                        *copies += 1;
                        found(slot, pair.value);
                    }
                }
            }
            Self::Header(name) => {
                for value in headers.get_all(name).iter().take(COPIES) {
                    Kind::ALL.into_iter().for_each(|kind| found(Slot::Of(kind), value.as_bytes()));
                }
            }
        }
    }

    /// The header that gives the id of a new session to the client, lasting `max_age` or
    /// as long as the browser runs.
    pub(crate) fn write(
        &self,
        id: &SessionId,
        max_age: Option<Duration>,
        now: UnixTime,
    ) -> Option<(HeaderName, HeaderValue)> {
        self.write_in(|cookies| &cookies.ids[id.kind().index()], id, max_age, now)
    }

    /// The header that gives the client the id that a session has since it was renewed.
    pub(crate) fn write_renewed(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Option<(HeaderName, HeaderValue)> {
        self.write_in(
            |cookies| match id.kind() {
                Kind::User => &cookies.renewed,
                kind => &cookies.ids[kind.index()],
            },
            id,
            None,
            now,
        )
    }

    fn write_in(
        &self,
        spec: impl FnOnce(&Cookies) -> &CookieSpec,
        id: &SessionId,
        max_age: Option<Duration>,
        now: UnixTime,
    ) -> Option<(HeaderName, HeaderValue)> {
        let text = id.text();
        match self {
            Self::Cookies(cookies) => {
                // The text of an id is cookie-octets and far below 4096 bytes.
                let value = spec(cookies).set(&text, max_age, now).ok()?;
                Some((http::header::SET_COOKIE, value))
            }
            Self::Header(name) => {
                let mut value = HeaderValue::try_from(text).ok()?;
                value.set_sensitive(true);
                Some((name.clone(), value))
            }
        }
    }

    /// The header that makes a browser drop the pages that it keeps in memory for its
    /// back button: it keeps even those that are `no-store`, until an HttpOnly cookie
    /// of theirs changes. The cookie says when, lasts a minute, and is never read.
    pub(crate) fn signed_out(&self, now: UnixTime) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Cookies(cookies) => {
                let value = now.as_millis().to_string();
                let value = cookies.out.set(&value, Some(SIGNED_OUT_LASTS), now).ok()?;
                Some((http::header::SET_COOKIE, value))
            }
            Self::Header(_) => None,
        }
    }

    /// The headers that make the client forget all of our cookies.
    pub(crate) fn removals(&self) -> Vec<(HeaderName, HeaderValue)> {
        let removal = |spec: &CookieSpec| (http::header::SET_COOKIE, spec.removal());
        self.cookies().map(removal).collect()
    }

    /// All of our cookies; none with header transport.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &CookieSpec> {
        let cookies = match self {
            Self::Cookies(cookies) => Some(cookies.all()),
            Self::Header(_) => None,
        };
        cookies.into_iter().flatten()
    }

    /// The cookies of visitors without a session; none with header transport.
    pub(crate) fn visitor(&self) -> Option<&VisitorCookies> {
        match self {
            Self::Cookies(cookies) => Some(&cookies.visitor),
            Self::Header(_) => None,
        }
    }
}

/// A text that may be an id.
pub(crate) type IdText = [u8; ID_CHARS];

/// The session that an id names: the text of its locator, which stays through renewal.
fn session_of(id: &IdText) -> &[u8] {
    &id[LOCATOR_CHARS]
}

/// What a cookie of ours holds.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) kind: Kind,
    /// `None`: it has not the length of an id.
    pub(crate) text: Option<IdText>,
}

/// What the cookies of a request hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    ids: Vec<Candidate>,
    /// A cookie of visitors without a session came, which is read where it is asked for.
    pub(crate) of_visitor: bool,
}

impl Candidates {
    /// None that need to be tried.
    pub(crate) fn none(of_visitor: bool) -> Self {
        Self { ids: Vec::new(), of_visitor }
    }

    fn add(&mut self, kind: Kind, value: &[u8]) {
        let text = IdText::try_from(value).ok();
        if text.is_none() || !self.of(kind).any(|known| known.text == text) {
            // Mostly there is one.
            self.ids.reserve_exact(1);
            self.ids.push(Candidate { kind, text });
        }
    }

    /// Adds what came in the cookie of renewed ids: what names the session of a signed-in
    /// id is put before that one, the rest counts for nothing.
    fn put_renewed_first(&mut self, renewed: &[&[u8]]) {
        let texts = renewed.iter().filter_map(|value| IdText::try_from(*value).ok());
        for text in texts {
            let of_this = |known: &IdText| session_of(known) == session_of(&text);
            let place = self.ids.iter().position(|candidate| {
                candidate.kind == Kind::User && candidate.text.as_ref().is_some_and(of_this)
            });
            if let Some(place) = place {
                self.ids.insert(place, Candidate { kind: Kind::User, text: Some(text) });
            }
        }
    }

    /// Those of one kind.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Candidate> {
        self.ids.iter().filter(move |candidate| candidate.kind == kind)
    }
}
