//! The jar itself: what is asked of it from outside.

use std::fmt;
use std::sync::Arc;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};

use super::index::{Index, Key, Place};
use super::log::{Cause, Change, Log};
use super::{Cookie, Identity, Outcome, Partition, RequestContext, Suffixes};
use crate::cookie::{Limits, Profile};
use crate::time::UnixTime;

/// A client's cookies.
///
/// Setting takes `&mut self`, sending `&self`: behind a `RwLock`, look-ups run in parallel. A clone
/// is a jar of its own with the same cookies, the same watcher included.
#[derive(Clone)]
pub struct Jar {
    pub(super) profile: &'static Profile,
    pub(super) limits: Limits,
    pub(super) suffixes: Suffixes,
    pub(super) index: Index,
    pub(super) log: Log,
}

impl Jar {
    /// An empty jar with this profile's limits and the public suffix list of this build.
    pub fn new(profile: &'static Profile) -> Jar {
        Jar::builder().profile(profile).build()
    }

    /// A jar with other settings than the usual.
    pub fn builder() -> JarBuilder {
        JarBuilder { profile: &Profile::CHROMIUM, limits: None, suffixes: Suffixes::BUILT_IN }
    }

    /// The profile.
    pub fn profile(&self) -> &'static Profile {
        self.profile
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The public suffix list.
    pub fn suffixes(&self) -> &Suffixes {
        &self.suffixes
    }

    /// Takes another public suffix list for what is set and asked from now on. Cookies that stand
    /// under a name that has become a public suffix stay, and go to no host below it.
    pub fn replace_suffixes(&mut self, suffixes: Suffixes) {
        let cookies = std::mem::take(&mut self.index).extract(Place::Everywhere, |_| true);
        self.suffixes = suffixes;
        for cookie in cookies {
            self.index.insert(cookie, &self.suffixes);
        }
    }

    /// Stores what all `Set-Cookie` headers of a response say, in their order.
    pub fn set_all(
        &mut self,
        headers: &HeaderMap,
        context: &RequestContext<'_>,
        now: UnixTime,
    ) -> Vec<Outcome> {
        let lines = headers.get_all(SET_COOKIE).iter();
        lines.map(|line| self.set(line.as_bytes(), context, now)).collect()
    }

    /// The value of the request's `Cookie` header; `None` if there is nothing to send.
    pub fn header(&self, context: &RequestContext<'_>, now: UnixTime) -> Option<HeaderValue> {
        let mut value = Vec::new();
        self.write_header(context, now, &mut value);
        if value.is_empty() {
            return None;
        }
        // Nothing in the jar has a control character but TAB, so this cannot fail.
        HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
    }

    /// All cookies, the oldest first; expired ones that nobody has cleared among them.
    pub fn iter(&self) -> impl Iterator<Item = &Cookie> {
        let mut cookies: Vec<&Cookie> = self.index.iter().collect();
        cookies.sort_unstable_by_key(|cookie| cookie.age_order());
        cookies.into_iter()
    }

    /// How many cookies there are, expired ones included.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a cookie in as it is, in place of the one with its identity: for loading a jar that was
    /// kept elsewhere. Only the limits hold, and a cookie of a public suffix goes to no host below.
    /// Of cookies created in the same millisecond, the one restored first counts as the older.
    pub fn restore(&mut self, cookie: Cookie) {
        let identity = cookie.identity();
        self.take(identity.partition.as_ref(), identity.key(), Cause::Overwritten);
        self.admit(cookie, UnixTime::from_millis(0));
    }

    /// The cookie of this identity.
    pub fn find(&self, identity: &Identity) -> Option<&Cookie> {
        self.index.find(identity.partition.as_ref(), identity.key())
    }

    /// Takes the cookie of this identity out.
    pub fn remove(&mut self, identity: &Identity) -> Option<Cookie> {
        self.take(identity.partition.as_ref(), identity.key(), Cause::Removed)
    }

    /// Takes out every cookie that `gone` says yes to, and tells how many.
    pub fn remove_if(&mut self, gone: impl FnMut(&Cookie) -> bool) -> usize {
        let taken = self.index.extract(Place::Everywhere, gone);
        self.log.gone(&taken, Cause::Removed);
        taken.len()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.remove_if(|_| true);
    }

    /// Removes what has expired, and tells how many. They are never sent; this frees their memory.
    pub fn clear_expired(&mut self, now: UnixTime) -> usize {
        let taken = self.index.extract(Place::Everywhere, |cookie| cookie.is_expired(now));
        self.log.gone(&taken, Cause::Expired);
        taken.len()
    }

    /// Removes the session cookies, as a browser does when it is closed, and tells how many.
    pub fn end_session(&mut self) -> usize {
        self.remove_if(|cookie| cookie.expires().is_none())
    }

    /// A number that grows with every change but last access; equal numbers of one jar mean equal
    /// cookies.
    pub fn revision(&self) -> u64 {
        self.log.revision()
    }

    /// Calls `watcher` on every change from now on, in place of the watcher before.
    pub fn watch(&mut self, watcher: impl Fn(&Change<'_>) + Send + Sync + 'static) {
        self.log.watch(Arc::new(watcher));
    }

    /// Puts a cookie in that has no elder, and holds the limits. Tells how many had to go.
    pub(super) fn admit(&mut self, mut cookie: Cookie, now: UnixTime) -> usize {
        cookie.sequence = self.log.next_sequence();
        self.log.changed(&Change::Stored { cookie: &cookie, before: None });
        let (partition, domain) = (cookie.partition_arc().cloned(), cookie.domain.clone());
        self.index.insert(cookie, &self.suffixes);
        self.evict(partition.as_deref(), &domain, now)
    }

    /// Takes one cookie out.
    pub(super) fn take(
        &mut self,
        partition: Option<&Partition>,
        key: Key<'_>,
        cause: Cause,
    ) -> Option<Cookie> {
        let group = self.index.shelf(partition)?.group_of(key.domain)?.clone();
        let place = Place::Group(partition, &group);
        let taken = self.index.extract(place, |cookie| key.is_of(cookie));
        self.log.gone(&taken, cause);
        taken.into_iter().next()
    }
}

impl Default for Jar {
    /// A jar with the profile of Chromium.
    fn default() -> Jar {
        Jar::builder().build()
    }
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jar({}, {} cookies)", self.profile.name, self.len())
    }
}

/// The settings of a [`Jar`].
#[derive(Clone, Debug)]
#[must_use = "call build() to get the jar"]
pub struct JarBuilder {
    profile: &'static Profile,
    limits: Option<Limits>,
    suffixes: Suffixes,
}

impl JarBuilder {
    /// Whose rules hold; Chromium's unless said otherwise.
    pub fn profile(mut self, profile: &'static Profile) -> JarBuilder {
        self.profile = profile;
        self
    }

    /// How many cookies there may be; the profile's limits unless said otherwise.
    pub fn limits(mut self, limits: Limits) -> JarBuilder {
        self.limits = Some(limits);
        self
    }

    /// The public suffix list; that of this build unless said otherwise.
    pub fn suffixes(mut self, suffixes: Suffixes) -> JarBuilder {
        self.suffixes = suffixes;
        self
    }

    /// The jar, empty.
    pub fn build(self) -> Jar {
        Jar {
            profile: self.profile,
            limits: self.limits.unwrap_or(self.profile.limits),
            suffixes: self.suffixes,
            index: Index::default(),
            log: Log::default(),
        }
    }
}

impl Cookie {
    pub(super) fn key(&self) -> Key<'_> {
        Key {
            domain: self.domain(),
            host_only: self.host_only(),
            path: self.path(),
            name: self.name(),
        }
    }
}

impl Identity {
    pub(super) fn key(&self) -> Key<'_> {
        Key { domain: &self.domain, host_only: self.host_only, path: &self.path, name: &self.name }
    }
}
