//! How the id travels: which cookies (or which header) it is read from and
//! written to.
//!
//! Anonymous and signed-in sessions and remember-me tokens have cookies of
//! different names, so that a late answer to an anonymous request can never
//! overwrite a login; where both are there, the signed-in one counts.
//!
//! # What this does not protect
//! A cookie named by `__Host-Http-` can be neither read nor set by scripts, nor
//! set by a sibling host, in browsers that know the prefix (older ones enforce
//! `__Host-`). Without the prefix a sibling host can plant cookies: they name
//! nothing that we did not issue, but they can be sessions of the attacker's.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::config::ConfigError;
use super::id::{ID_CHARS, SessionId};
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
    /// The cookies of ids by kind, and the one that tells of a sign-out.
    Cookies {
        ids: Box<[CookieSpec; 3]>,
        out: CookieSpec,
    },
    Header(HeaderName),
}

impl Transport {
    pub(crate) fn build(plan: &TransportPlan) -> Result<Self, ConfigError> {
        if let Some(header) = &plan.header {
            return Ok(Self::Header(header.clone()));
        }
        let spec = |short: &str| {
            let name = match &plan.name {
                Some(name) => format!("{name}-{short}"),
                None => short.to_owned(),
            };
            let name = if plan.insecure { name } else { format!("{}{name}", plan.prefix) };
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
        Ok(Self::Cookies {
            ids: Box::new([spec("aid")?, spec("sid")?, spec("rem")?]),
            out: spec("out")?,
        })
    }

    /// The names of the cookies, by kind; none with header transport.
    pub(crate) fn cookie(&self, kind: Kind) -> Option<&CookieSpec> {
        match self {
            Self::Cookies { ids, .. } => Some(&ids[kind.index()]),
            Self::Header(_) => None,
        }
    }

    /// What in `headers` may be ids; those of one kind in the order in which they are to
    /// be tried.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Candidates {
        let mut found = Candidates::default();
        self.each(headers, |kind, value| found.add(kind, value));
        found
    }

    /// Of those the one that is tried first, if it is the only one of its kind.
    pub(crate) fn only<'h>(&self, headers: &'h HeaderMap) -> Option<(Kind, &'h IdText)> {
        let mut found: [Option<&[u8]>; Kind::ALL.len()] = [None; Kind::ALL.len()];
        let mut several = [false; Kind::ALL.len()];
        self.each(headers, |kind, value| {
            let first = found[kind.index()].get_or_insert(value);
            several[kind.index()] |= *first != value;
        });
        let kind =
            [Kind::User, Kind::Anonymous].into_iter().find(|k| found[k.index()].is_some())?;
        let text = found[kind.index()].filter(|_| !several[kind.index()])?.try_into().ok()?;
        Some((kind, text))
    }

    fn each<'h>(&self, headers: &'h HeaderMap, mut found: impl FnMut(Kind, &'h [u8])) {
        match self {
            Self::Cookies { ids, .. } => {
                let mut copies = [0; Kind::ALL.len()];
                for pair in CookieHeader::from_headers(headers) {
                    for kind in Kind::ALL {
                        let (copies, spec) = (&mut copies[kind.index()], &ids[kind.index()]);
                        if pair.name == spec.name().as_bytes() && *copies < COPIES {
                            *copies += 1;
                            found(kind, pair.value);
                        }
                    }
                }
            }
            Self::Header(name) => {
                for value in headers.get_all(name).iter().take(COPIES) {
                    Kind::ALL.into_iter().for_each(|kind| found(kind, value.as_bytes()));
                }
            }
        }
    }

    /// The header that gives an id to the client, lasting `max_age` or as long as
    /// the browser runs.
    pub(crate) fn write(
        &self,
        id: &SessionId,
        max_age: Option<Duration>,
        now: UnixTime,
    ) -> Option<(HeaderName, HeaderValue)> {
        let text = id.text();
        match self {
            Self::Cookies { ids, .. } => {
                // The text of an id is cookie-octets and far below 4096 bytes.
                let value = ids[id.kind().index()].set(&text, max_age, now).ok()?;
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
            Self::Cookies { out, .. } => {
                let value =
                    out.set(&now.as_millis().to_string(), Some(SIGNED_OUT_LASTS), now).ok()?;
                Some((http::header::SET_COOKIE, value))
            }
            Self::Header(_) => None,
        }
    }

    /// The headers that make the client forget all of our cookies.
    pub(crate) fn removals(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::Cookies { ids, out } => {
                let removal = |spec: &CookieSpec| (http::header::SET_COOKIE, spec.removal());
                ids.iter().chain([out]).map(removal).collect()
            }
            Self::Header(_) => Vec::new(),
        }
    }
}

/// A text that may be an id.
pub(crate) type IdText = [u8; ID_CHARS];

/// What a cookie of ours holds.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) kind: Kind,
    /// `None`: it has not the length of an id.
    pub(crate) text: Option<IdText>,
}

/// What the cookies of a request hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates(Vec<Candidate>);

impl Candidates {
    fn add(&mut self, kind: Kind, value: &[u8]) {
        let text = IdText::try_from(value).ok();
        if text.is_none() || !self.of(kind).any(|known| known.text == text) {
            self.0.push(Candidate { kind, text });
        }
    }

    /// Those of one kind.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Candidate> {
        self.0.iter().filter(move |candidate| candidate.kind == kind)
    }
}
