//! Which cookies go with a request: 6265bis section 5.8.3.

use std::cmp::Reverse;
use std::time::Duration;

use super::circumstances::{Circumstances, Relation};
use super::{Api, Cookie, Jar, RequestContext, Withheld};
use crate::cookie::{Profile, SameSite, SameSiteDefault};
use crate::time::UnixTime;

impl Jar {
    /// The cookies that go with the request, in the order in which they are sent: longer paths
    /// first, then older ones (6265bis section 5.8.3 step 2). Notes that they were used.
    pub fn cookies(
        &self,
        context: &RequestContext<'_>,
        now: UnixTime,
    ) -> impl Iterator<Item = &Cookie> {
        self.select(context, now).into_iter()
    }

    /// Appends the value of the `Cookie` header to `buffer`, nothing if there is none.
    pub fn write_header(&self, context: &RequestContext<'_>, now: UnixTime, buffer: &mut Vec<u8>) {
        let cookies = self.select(context, now);
        let bytes: usize = cookies.iter().map(|cookie| cookie.pair().len() + 2).sum();
        buffer.reserve_exact(bytes.saturating_sub(2));
        for (place, cookie) in cookies.iter().enumerate() {
            if place > 0 {
                buffer.extend_from_slice(b"; ");
            }
            buffer.extend_from_slice(cookie.pair());
        }
    }

    /// Every cookie of the jar, the oldest first, with whether it goes with the request and why
    /// not. Looks at all of them and notes no use.
    pub fn explain_cookies(
        &self,
        context: &RequestContext<'_>,
        now: UnixTime,
    ) -> Vec<(&Cookie, Result<(), Withheld>)> {
        let asked = Asked::new(self, context, now);
        let around = Circumstances::of(context, self, true);
        let judge = |cookie| {
            if !around.sees(cookie) {
                return Err(Withheld::Partition);
            }
            asked.check_host(cookie).and_then(|()| asked.check(cookie))
        };
        self.iter().map(|cookie| (cookie, judge(cookie))).collect()
    }

    fn select(&self, context: &RequestContext<'_>, now: UnixTime) -> Vec<&Cookie> {
        let asked = Asked::new(self, context, now);
        let around = Circumstances::of(context, self, self.index.has_partitions());
        // More than most sites set, so that one allocation does.
        let mut selected = Vec::with_capacity(16);
        let plain = around.sees_plain.then(|| self.index.shelf(None)).flatten();
        let own = around.partition.as_ref().and_then(|own| self.index.shelf(Some(own)));
        for shelf in [plain, own].into_iter().flatten() {
            for domain in asked.domains() {
                let cookies = shelf.of_host(domain).iter();
                let cookies = cookies.filter(|cookie| asked.goes_to_host(cookie));
                selected.extend(cookies.filter(|cookie| asked.check(cookie).is_ok()));
            }
        }
        selected.sort_unstable_by_key(|cookie| (Reverse(cookie.path().len()), cookie.age_order()));
        for cookie in &selected {
            cookie.touch(now);
        }
        selected
    }
}

/// A request, as far as one cookie after the other is held against it.
struct Asked<'a> {
    context: &'a RequestContext<'a>,
    profile: &'static Profile,
    relation: Relation,
    trustworthy: bool,
    /// How many bytes a domain needs at least for its cookies to go to the hosts below it: whoever
    /// restored a cookie for `com`, it goes to no host of other owners.
    owned: usize,
    now: UnixTime,
}

impl<'a> Asked<'a> {
    fn new(jar: &Jar, context: &'a RequestContext<'a>, now: UnixTime) -> Asked<'a> {
        let host = context.target.host();
        Asked {
            context,
            profile: jar.profile,
            relation: Relation::of(context, jar),
            trustworthy: context.target.is_trustworthy(),
            owned: host.registrable_domain(&jar.suffixes).unwrap_or(host.as_str()).len(),
            now,
        }
    }

    fn host(&self) -> &'a str {
        self.context.target.host().as_str()
    }

    /// The domains whose cookies may go to the host: its own, then those above it of the same owner.
    fn domains(&self) -> impl Iterator<Item = &'a str> {
        let owned = self.owned;
        std::iter::successors(Some(self.host()), move |name| {
            let (_, parent) = name.split_once('.')?;
            (parent.len() >= owned).then_some(parent)
        })
    }

    /// Whether a cookie of one of these [`domains`](Asked::domains) does.
    fn goes_to_host(&self, cookie: &Cookie) -> bool {
        !cookie.host_only() || cookie.domain().len() == self.host().len()
    }

    /// The first point of section 5.8.3 step 1.
    fn check_host(&self, cookie: &Cookie) -> Result<(), Withheld> {
        let is_owned = self.domains().any(|domain| domain == cookie.domain());
        if is_owned && self.goes_to_host(cookie) {
            Ok(())
        } else if cookie.host_only() && covers(cookie.domain(), false, self.host()) {
            Err(Withheld::HostOnly)
        } else {
            Err(Withheld::Domain)
        }
    }

    /// The other points.
    fn check(&self, cookie: &Cookie) -> Result<(), Withheld> {
        if cookie.is_expired(self.now) {
            return Err(Withheld::Expired);
        }
        if !path_matches(self.context.target.path().as_bytes(), cookie.path()) {
            return Err(Withheld::Path);
        }
        if cookie.secure() && !self.trustworthy {
            return Err(Withheld::Secure);
        }
        if cookie.http_only() && self.context.api == Api::Script {
            return Err(Withheld::HttpOnly);
        }
        self.check_same_site(cookie)
    }

    fn check_same_site(&self, cookie: &Cookie) -> Result<(), Withheld> {
        let (rule, by_default) = match (cookie.same_site(), self.profile.same_site_default) {
            (Some(rule), _) => (rule, false),
            (None, SameSiteDefault::None) => (SameSite::None, true),
            (None, SameSiteDefault::Lax | SameSiteDefault::LaxAllowingUnsafe) => {
                (SameSite::Lax, true)
            }
        };
        let sent = match (rule, self.relation) {
            (SameSite::None, _) | (_, Relation::SameSite) => true,
            (SameSite::Lax, Relation::SafeNavigation) => true,
            (SameSite::Lax, Relation::UnsafeNavigation) => {
                by_default
                    && self.profile.same_site_default == SameSiteDefault::LaxAllowingUnsafe
                    && self.now.since(cookie.created()) <= LAX_ALLOWING_UNSAFE
            }
            _ => false,
        };
        if sent { Ok(()) } else { Err(Withheld::SameSite { rule, by_default }) }
    }
}

/// Whether a cookie of this domain goes to `host`: 6265bis section 5.1.3. No domain of a cookie is an
/// end of an address.
pub(super) fn covers(domain: &str, host_only: bool, host: &str) -> bool {
    match host.strip_suffix(domain) {
        Some("") => true,
        Some(below) => !host_only && below.ends_with('.'),
        None => false,
    }
}

/// 6265bis section 5.1.4.
pub(super) fn path_matches(request: &[u8], cookie: &[u8]) -> bool {
    match request.strip_prefix(cookie) {
        Some([] | [b'/', ..]) => true,
        Some(_) => cookie.ends_with(b"/"),
        None => false,
    }
}

/// Within which a cookie that names no SameSite goes with a POST from another site, 6265bis
/// section 5.6.7.2: sign-ins by POST from another site need it.
const LAX_ALLOWING_UNSAFE: Duration = Duration::from_secs(120);
