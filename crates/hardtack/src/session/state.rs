//! What is known of one request's session, and what it wants changed.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::change::{Change, apply_all};
use super::data::{Data, UNCOMMITTED};
use super::device;
use super::error::SessionError;
use super::record::{Cause, Kind};
use super::request::Found;
use super::session::About;
use super::transport::Candidates;
use super::url::Arrival;
use super::visitor::Visitor;
use super::work::Work;

/// What came with a request; said once.
pub(crate) struct Presented {
    /// What may be ids.
    pub(crate) candidates: Candidates,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) unsafe_method: bool,
}

/// What is known and wanted so far.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) phase: Phase,
    pub(crate) presented: Option<Presented>,
    /// The live session, if there is one: as it was loaded, or as it stands after this
    /// request's own commits.
    pub(crate) base: Option<Work>,
    /// Why the session that the request named is no more.
    pub(crate) ended: Option<Cause>,
    /// The data with this request's changes, if there are any.
    changed: Option<Arc<Data>>,
    pub(crate) changes: Vec<Change>,
    /// Keys that the request has read, by a hash of their names. Should two names
    /// share one, a `set` may be refused that need not have been. With each, in
    /// which data: one of `past`, or if it is none of those, the base's.
    pub(crate) read: Reads,
    /// The base's data before commits in the middle of this request.
    pub(crate) past: Vec<Data>,
    /// Headers for the response: new ids, and ids to forget.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What the application calls the device.
    pub(crate) device: Option<Box<str>>,
    /// Who asks, as far as the adapter knows.
    pub(crate) client: Option<Box<str>>,
    pub(crate) passive: bool,
    pub(crate) discarded: bool,
    pub(crate) two_sessions: bool,
    /// Something of the session was put into the response or its database.
    pub(crate) used: bool,
    pub(crate) renew_due: bool,
    /// A signed-in session was there to be shown, if only for a while.
    pub(crate) signed_in: bool,
    /// What the URL says, where a parameter for that is configured.
    pub(crate) arrival: Option<Box<Arrival>>,
    /// What has to do with the cookies of visitors without a session.
    pub(crate) visitor: Option<Box<Visitor>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody has loaded it.
    #[default]
    Untouched,
    Loaded,
    /// Committed, or given up.
    Closed,
}

impl Known {
    /// Takes what came with the request.
    pub(crate) fn present(&mut self, candidates: Candidates, headers: &HeaderMap, about: About) {
        let user_agent = headers.get(http::header::USER_AGENT).cloned();
        let unsafe_method = about.unsafe_method;
        if candidates.of_visitor {
            self.visitor = Some(Box::new(Visitor::came(headers)));
        }
        self.passive |= about.passive;
        self.presented = Some(Presented { candidates, user_agent, unsafe_method });
    }

    /// An unsafe request that carries two live sessions is refused however often
    /// it asks.
    pub(crate) fn if_one_session(&self) -> Result<(), SessionError> {
        let is_unsafe = self.presented.as_ref().is_some_and(|presented| presented.unsafe_method);
        if self.two_sessions && is_unsafe { Err(SessionError::TwoSessions) } else { Ok(()) }
    }

    /// What is kept of the device and the client, should this request start a session.
    /// `before`: what was kept of the device, if the request does not say.
    pub(crate) fn device(&self, before: Option<&str>) -> Option<Arc<str>> {
        let said = self.presented.as_ref().and_then(|presented| presented.user_agent.as_ref());
        let label = |said: &HeaderValue| device::label(&String::from_utf8_lossy(said.as_bytes()));
        let own = self.device.as_deref().map(str::to_owned);
        let known = || Some(device::parts(before?).0?.to_owned());
        let label = own.or_else(|| said.map(label)).or_else(known);
        device::with_client(label, self.client.as_deref())
    }

    /// Takes over what the request's ids name.
    pub(crate) fn take_found(&mut self, found: Found) {
        self.phase = Phase::Loaded;
        self.used = true;
        self.ended = found.ended;
        self.two_sessions = found.two;
        if let Some(work) = found.live {
            self.take_live(work, found.renew);
        }
    }

    /// Takes over the live session that the request's ids name.
    pub(crate) fn take_live(&mut self, work: Work, renew_due: bool) {
        self.phase = Phase::Loaded;
        self.used = true;
        self.renew_due = renew_due;
        self.adopt(work);
    }

    /// Takes a session as this request's own.
    pub(crate) fn adopt(&mut self, work: Work) {
        self.read.clear();
        self.past.clear();
        self.signed_in |= work.facts.kind == Kind::User;
        self.base = Some(work);
        self.look();
    }

    /// After a commit in the middle of the request it goes on with what came of it.
    pub(crate) fn rebase(&mut self, mut work: Work) {
        let Some(base) = &mut self.base else { return };
        work.presented_by(base.presented());
        let old = std::mem::replace(base, work);
        if !self.read.is_empty() && self.phase != Phase::Closed {
            self.past.push(old.data.clone());
        }
        self.look();
    }

    /// The data as this request sees it.
    pub(crate) fn view(&self) -> &Data {
        static NONE: Data = Data::NONE;
        self.changed
            .as_deref()
            .unwrap_or_else(|| self.base.as_ref().map_or(&NONE, |work| &work.data))
    }

    /// Adds a change, and what the data is with it.
    pub(crate) fn change(&mut self, change: Change, data: Data) {
        self.changed = Some(Arc::new(data));
        if self.changes.is_empty() {
            self.changes.reserve_exact(1); // mostly there is one
        }
        self.changes.push(change);
    }

    /// Takes what is to be committed: the changes, and what they come to.
    pub(crate) fn take_changes(&mut self) -> (Vec<Change>, Option<Arc<Data>>) {
        (std::mem::take(&mut self.changes), self.changed.clone())
    }

    /// The view is what was committed, and on top of it what the request still wants
    /// changed.
    fn look(&mut self) {
        self.changed = None;
        if !self.changes.is_empty() {
            self.changed =
                apply_all(&self.changes, self.view(), UNCOMMITTED, true).ok().map(Arc::new);
        }
    }

    /// The request knows the value of a key as it is now.
    pub(crate) fn has_seen(&mut self, key: &str) {
        self.read.note(hash(key), self.past.len());
    }

    /// In which data the request has read a key, if it has.
    pub(crate) fn seen(&self, key: &str) -> Option<&Data> {
        let at = self.read.find(hash(key))?;
        self.past.get(at).or(self.base.as_ref().map(|work| &work.data))
    }

    /// What has to do with the cookies of visitors without a session.
    pub(crate) fn visitor(&mut self) -> &mut Visitor {
        self.visitor.get_or_insert_default()
    }

    /// Has no session any more; later changes are for a new one.
    pub(crate) fn let_go(&mut self, cause: Option<Cause>) {
        self.base = None;
        self.ended = cause;
        self.changed = None;
        self.changes.clear();
        self.read.clear();
        self.past.clear();
        self.headers.clear();
    }

    /// Adds a header to the answer, in place of one for the same cookie.
    pub(crate) fn answer_with(&mut self, header: Option<(HeaderName, HeaderValue)>) {
        let Some((name, value)) = header else { return };
        let cookie =
            |v: &HeaderValue| v.as_bytes().split(|b| *b == b'=').next().map(<[u8]>::to_vec);
        let same = |n: &HeaderName, v: &HeaderValue| {
            *n == name && (*n != http::header::SET_COOKIE || cookie(v) == cookie(&value))
        };
        self.headers.retain(|(n, v)| !same(n, v));
        self.headers.push((name, value));
    }
}

/// The keys that were read: mostly one, which needs no allocation.
#[derive(Default)]
pub(crate) struct Reads {
    first: Option<(u64, usize)>,
    more: Vec<(u64, usize)>,
}

impl Reads {
    fn note(&mut self, name: u64, at: usize) {
        let (first, more) = (&mut self.first, &mut self.more);
        match first {
            None => *first = Some((name, at)),
            Some(first) => {
                let mut known = std::iter::once(first).chain(more.iter_mut());
                match known.find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = at,
                    None => more.push((name, at)),
                }
            }
        }
    }

    fn find(&self, name: u64) -> Option<usize> {
        self.first.iter().chain(&self.more).find(|(known, _)| *known == name).map(|(_, at)| *at)
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// For the names of keys that were read; FNV-1a.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
