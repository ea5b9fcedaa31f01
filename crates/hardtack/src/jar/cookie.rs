//! A stored cookie.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{CookieParts, PartsError, Site};
use crate::cookie::{Priority, SameSite};
use crate::time::UnixTime;

/// A cookie in the jar. Read-only; [`to_parts`](Cookie::to_parts) copies it out.
#[derive(Clone)]
pub struct Cookie {
    /// `name=value` as it is sent (without the `=` if there is no name), then the path: one
    /// allocation a cookie.
    text: Box<[u8]>,
    name: u32,
    pair: u32,
    pub(super) domain: Arc<str>,
    partition: Option<Arc<Partition>>,
    created: UnixTime,
    expires: UnixTime,
    last_access: Moment,
    /// Order of storing within one millisecond.
    pub(super) sequence: u64,
    same_site: Option<SameSite>,
    priority: Priority,
    host_only: bool,
    secure: bool,
    http_only: bool,
    source_secure: bool,
}

impl Cookie {
    /// A cookie from its parts.
    ///
    /// # Errors
    ///
    /// Parts that no `Set-Cookie` could have made, such as a name with a `;`.
    pub fn from_parts(parts: CookieParts) -> Result<Cookie, PartsError> {
        parts.check()?;
        let draft = Draft {
            name: &parts.name,
            value: &parts.value,
            path: &parts.path,
            created: parts.created,
            expires: parts.expires.unwrap_or(UnixTime::MAX),
            same_site: parts.same_site,
            priority: parts.priority,
            host_only: parts.host_only,
            secure: parts.secure,
            http_only: parts.http_only,
            source_secure: parts.source_secure,
        };
        let partition = parts.partition.map(Arc::new);
        Ok(Cookie::new(&draft, parts.domain.into(), partition, parts.last_access))
    }

    pub(super) fn new(
        draft: &Draft<'_>,
        domain: Arc<str>,
        partition: Option<Arc<Partition>>,
        last_access: UnixTime,
    ) -> Cookie {
        Cookie {
            text: draft.text(),
            // The parts are bounded by `CookieParts::check` and by the parser.
            name: draft.name.len() as u32,
            pair: draft.pair_len() as u32,
            domain,
            partition,
            created: draft.created,
            expires: draft.expires,
            last_access: Moment(AtomicU64::new(last_access.as_millis())),
            sequence: 0,
            same_site: draft.same_site,
            priority: draft.priority,
            host_only: draft.host_only,
            secure: draft.secure,
            http_only: draft.http_only,
            source_secure: draft.source_secure,
        }
    }

    /// Becomes another cookie of the same identity; in another place of the order if a `sequence`
    /// is given.
    pub(super) fn take_over(&mut self, draft: &Draft<'_>, sequence: Option<u64>) {
        let value = self.value().len();
        let pair = self.pair as usize;
        if value == draft.value.len() {
            self.text[pair - value..pair].copy_from_slice(draft.value);
        } else {
            self.text = draft.text();
            self.pair = draft.pair_len() as u32;
        }
        if let Some(sequence) = sequence {
            self.sequence = sequence;
            self.created = draft.created;
        }
        self.expires = draft.expires;
        self.last_access.store(draft.created);
        self.same_site = draft.same_site;
        self.priority = draft.priority;
        self.secure = draft.secure;
        self.http_only = draft.http_only;
        self.source_secure = draft.source_secure;
    }

    /// The same as plain fields.
    pub fn to_parts(&self) -> CookieParts {
        CookieParts {
            name: self.name().to_vec(),
            value: self.value().to_vec(),
            domain: self.domain().to_owned(),
            host_only: self.host_only,
            path: self.path().to_vec(),
            secure: self.secure,
            http_only: self.http_only,
            same_site: self.same_site,
            priority: self.priority,
            partition: self.partition().cloned(),
            created: self.created,
            last_access: self.last_access(),
            expires: self.expires(),
            source_secure: self.source_secure,
        }
    }

    /// What tells this cookie from all others in a jar.
    pub fn identity(&self) -> Identity {
        Identity {
            partition: self.partition().cloned(),
            domain: self.domain().to_owned(),
            host_only: self.host_only,
            path: self.path().to_vec(),
            name: self.name().to_vec(),
        }
    }

    /// The name; empty for a value without a name.
    pub fn name(&self) -> &[u8] {
        &self.text[..self.name as usize]
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        let start = if self.name == 0 { 0 } else { self.name as usize + 1 };
        &self.text[start..self.pair as usize]
    }

    /// What a `Cookie` header says of it: `name=value`, or the value alone if there is no name.
    pub fn pair(&self) -> &[u8] {
        &self.text[..self.pair as usize]
    }

    /// The host that it belongs to, in canonical form without a leading dot.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether it goes to [`domain`](Cookie::domain) only and not to the hosts below.
    pub fn host_only(&self) -> bool {
        self.host_only
    }

    /// The path below which it is sent.
    pub fn path(&self) -> &[u8] {
        &self.text[self.pair as usize..]
    }

    /// Whether it goes over secure connections only.
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// Whether scripts do not see it.
    pub fn http_only(&self) -> bool {
        self.http_only
    }

    /// Its SameSite attribute; `None` if it had none, or one that is not known.
    pub fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// Chromium's Priority attribute: what is evicted first.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// The partition that it is kept in, if any.
    pub fn partition(&self) -> Option<&Partition> {
        self.partition.as_deref()
    }

    pub(super) fn partition_arc(&self) -> Option<&Arc<Partition>> {
        self.partition.as_ref()
    }

    /// Sorts by age, the oldest first; no two cookies of a jar are equal in it.
    pub(super) fn age_order(&self) -> (UnixTime, u64) {
        (self.created, self.sequence)
    }

    /// When it was stored first.
    pub fn created(&self) -> UnixTime {
        self.created
    }

    /// When it was last set or sent, to the minute.
    pub fn last_access(&self) -> UnixTime {
        self.last_access.load()
    }

    /// When it ends; `None` for a session cookie.
    pub fn expires(&self) -> Option<UnixTime> {
        (self.expires != UnixTime::MAX).then_some(self.expires)
    }

    /// Whether it has ended.
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.expires <= now
    }

    /// Whether it was set over a secure connection.
    pub fn source_secure(&self) -> bool {
        self.source_secure
    }

    /// Notes that it was sent. Coarse, so that a hundred requests a second write nothing.
    pub(super) fn touch(&self, now: UnixTime) {
        if now.as_millis() >= self.last_access().as_millis().saturating_add(TOUCH_MILLIS) {
            self.last_access.store(now);
        }
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &String::from_utf8_lossy(self.name()))
            .field("domain", &self.domain)
            .field("path", &String::from_utf8_lossy(self.path()))
            .finish_non_exhaustive()
    }
}

/// A cookie about to be made.
pub(super) struct Draft<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) path: &'a [u8],
    pub(super) created: UnixTime,
    /// `MAX` for a session cookie.
    pub(super) expires: UnixTime,
    pub(super) same_site: Option<SameSite>,
    pub(super) priority: Priority,
    pub(super) host_only: bool,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) source_secure: bool,
}

impl Draft<'_> {
    fn separator(&self) -> &'static [u8] {
        if self.name.is_empty() { b"" } else { b"=" }
    }

    fn pair_len(&self) -> usize {
        self.name.len() + self.separator().len() + self.value.len()
    }

    fn text(&self) -> Box<[u8]> {
        [self.name, self.separator(), self.value, self.path].concat().into()
    }
}

/// What tells one cookie from another. Two processes merge their jars by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Identity {
    /// The partition.
    pub partition: Option<Partition>,
    /// The host, canonical, without a leading dot.
    pub domain: String,
    /// Whether it goes to that host only.
    pub host_only: bool,
    /// The path.
    pub path: Vec<u8>,
    /// The name.
    pub name: Vec<u8>,
}

/// A jar of its own for cookies that were set in pages of one site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Partition {
    /// The site of the tab's page.
    pub top_level: Site,
    /// Whether a document of another site stands between that page and the one that set the
    /// cookie, itself included.
    pub cross_site_ancestor: bool,
}

impl Partition {
    /// The partition of pages of `top_level`.
    pub fn new(top_level: Site, cross_site_ancestor: bool) -> Partition {
        Partition { top_level, cross_site_ancestor }
    }
}

/// A time that can be set through a shared reference.
struct Moment(AtomicU64);

impl Moment {
    fn load(&self) -> UnixTime {
        UnixTime::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn store(&self, at: UnixTime) {
        self.0.store(at.as_millis(), Ordering::Relaxed);
    }
}

impl Clone for Moment {
    fn clone(&self) -> Moment {
        Moment(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

/// A minute, as Chromium has it.
const TOUCH_MILLIS: u64 = 60_000;
