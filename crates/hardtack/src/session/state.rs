//! What is known of one request's session, and what it wants changed.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::change::{Change, apply_all};
use super::data::{Data, UNCOMMITTED};
use super::device;
use super::error::SessionError;
use super::id::SessionId;
use super::record::{Cause, Kind};
use super::transport::Candidates;
use super::url::Arrival;
use super::work::Work;

/// Nothing, until somebody asks for the session: a request that never does pays
/// for no more than this.
#[derive(Default)]
pub(crate) struct State(Option<Box<Known>>);

/// What is known and wanted so far.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) phase: Phase,
    /// What came with the request and may be ids.
    pub(crate) presented: Candidates,
    pub(crate) is_presented: bool,
    /// The live session, if there is one.
    pub(crate) base: Option<Base>,
    /// Why the session that the request named is no more.
    pub(crate) ended: Option<Cause>,
    /// The data with this request's changes.
    pub(crate) view: Data,
    pub(crate) changes: Vec<Change>,
    /// Keys that the request has read, by a hash of their names. Should two names
    /// share one, a `set` may be refused that need not have been. With each, in
    /// which data: one of `past`, or if it is none of those, the base's.
    pub(crate) read: Vec<(u64, usize)>,
    /// The base's data before commits in the middle of this request.
    pub(crate) past: Vec<Data>,
    /// Headers for the response: new ids, and ids to forget.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) device: Option<Arc<str>>,
    pub(crate) user_agent: Option<HeaderValue>,
    /// Who asks, as far as the adapter knows.
    pub(crate) client: Option<Box<str>>,
    pub(crate) passive: bool,
    pub(crate) discarded: bool,
    pub(crate) unsafe_method: bool,
    pub(crate) two_sessions: bool,
    /// Something of the session was put into the response or its database.
    pub(crate) used: bool,
    pub(crate) renew_due: bool,
    /// A signed-in session was there to be shown, if only for a while.
    pub(crate) signed_in: bool,
    /// What the URL says, where a parameter for that is configured.
    pub(crate) arrival: Option<Box<Arrival>>,
}

impl std::ops::Deref for State {
    type Target = Known;

    fn deref(&self) -> &Known {
        static NOTHING: std::sync::LazyLock<Known> = std::sync::LazyLock::new(Known::default);
        self.0.as_deref().unwrap_or_else(|| &NOTHING)
    }
}

impl std::ops::DerefMut for State {
    fn deref_mut(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }
}

impl State {
    /// Whether nobody has asked for anything.
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }
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

/// A live session as this request sees it.
pub(crate) struct Base {
    /// As it was loaded, or as it stands after this request's own commits.
    pub(crate) work: Box<Work>,
    /// The id that the client has, as far as it is known.
    pub(crate) presented: SessionId,
}

impl Known {
    /// The label of the device, should this request start a session.
    pub(crate) fn device(&self) -> Option<Arc<str>> {
        let said = || {
            self.user_agent
                .as_ref()
                .map(|ua| device::label(&String::from_utf8_lossy(ua.as_bytes())).into())
        };
        self.device.clone().or_else(said)
    }

    /// An unsafe request that carries two live sessions is refused however often
    /// it asks.
    pub(crate) fn if_one_session(&self) -> Result<(), SessionError> {
        if self.two_sessions && self.unsafe_method {
            Err(SessionError::TwoSessions)
        } else {
            Ok(())
        }
    }

    /// Takes a session as this request's own.
    pub(crate) fn adopt(&mut self, work: Box<Work>, presented: SessionId) {
        self.read.clear();
        self.past.clear();
        self.signed_in |= work.facts.kind == Kind::User;
        self.base = Some(Base { work, presented });
        self.look();
    }

    /// After a commit in the middle of the request it goes on with what came of it.
    pub(crate) fn rebase(&mut self, work: Box<Work>) {
        let Some(base) = &mut self.base else { return };
        let old = std::mem::replace(&mut base.work, work);
        if !self.read.is_empty() {
            self.past.push(old.data);
        }
        self.look();
    }

    /// The view is what was committed, and on top of it what the request still wants
    /// changed.
    fn look(&mut self) {
        let Some(newest) = self.base.as_ref().map(|base| base.work.data.clone()) else { return };
        self.view = match self.changes.is_empty() {
            true => newest,
            false => apply_all(&self.changes, &newest, UNCOMMITTED, true).unwrap_or(newest),
        };
    }

    /// The request knows the value of a key as it is now.
    pub(crate) fn has_seen(&mut self, key: &str) {
        let (name, now) = (hash(key), self.past.len());
        match self.read.iter_mut().find(|(read, _)| *read == name) {
            Some((_, at)) => *at = now,
            None => self.read.push((name, now)),
        }
    }

    /// Has no session any more; later changes are for a new one.
    pub(crate) fn let_go(&mut self, cause: Option<Cause>) {
        self.base = None;
        self.ended = cause;
        self.view = Data::default();
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

/// For the names of keys that were read.
pub(crate) fn hash(name: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
