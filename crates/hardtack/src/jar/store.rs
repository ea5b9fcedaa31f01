//! Storing a cookie: 6265bis section 5.7.

use super::circumstances::{Circumstances, Relation};
use super::cookie::Draft;
use super::index::Key;
use super::log::{Cause, Change};
use super::retrieve::{covers, path_matches};
use super::{Api, Cookie, Host, Jar, Outcome, Partition, RequestContext, Suffixes};
use crate::cookie::{
    Expiry, HostPrefixPath, Ignored, Overwrite, ParsedCookie, Profile, SameSite, SameSiteDefault,
    parse,
};
use crate::time::UnixTime;

impl Jar {
    /// Stores what one `Set-Cookie` header of the answer to this request says, or, for a context of
    /// [`Api::Script`], what a script assigns to `document.cookie`.
    ///
    /// `line` is the header's value, any bytes; the work is linear in them. Cookies of the past
    /// remove.
    pub fn set(&mut self, line: &[u8], context: &RequestContext<'_>, now: UnixTime) -> Outcome {
        let parsed = parse(line, self.profile);
        match parsed.and_then(|parsed| self.store(&parsed, context, now)) {
            Ok(outcome) => outcome,
            Err(ignored) => Outcome::Ignored(ignored),
        }
    }

    fn store(
        &mut self,
        parsed: &ParsedCookie<'_>,
        context: &RequestContext<'_>,
        now: UnixTime,
    ) -> Result<Outcome, Ignored> {
        let target = context.target;
        // Steps 7 to 10: the domain.
        let (domain, host_only) =
            resolve_domain(parsed.domain, target.host(), self.profile, &self.suffixes)?;
        // Step 11: the path.
        let path = match parsed.path {
            Some(path) if path.starts_with(b"/") => path,
            _ => target.default_path().as_bytes(),
        };
        let (length, most) = (path.len(), self.profile.longest_path);
        if length > most {
            return Err(Ignored::PathTooLong { length, most });
        }
        // Steps 12 to 16: Secure and HttpOnly.
        let trustworthy = target.is_trustworthy();
        if parsed.secure && !trustworthy {
            return Err(Ignored::SecureFromPlainHttp);
        }
        if parsed.http_only && context.api == Api::Script {
            return Err(Ignored::HttpOnlyFromScript);
        }
        // Steps 17 to 22: SameSite, prefixes, partitions.
        self.check_same_site(parsed, context)?;
        let no_domain = match self.profile.host_prefix_path {
            HostPrefixPath::Effective => host_only,
            _ => parsed.domain.is_none_or(<[u8]>::is_empty) || target.host().is_ip(),
        };
        let judged = self.profile.host_prefix_path.judged(parsed.path, path);
        parsed.check(judged, no_domain)?;
        let around = Circumstances::of(context, self, parsed.partitioned);
        let partition = around.partition.as_ref();
        let key = Key { domain, host_only, path, name: &parsed.name };
        if !parsed.secure && !trustworthy && self.overlays_secure(partition, key, now) {
            return Err(Ignored::OverlaysSecure);
        }
        // Step 23: the cookie that it replaces.
        let found = self.index.find_mut(partition, key);
        let is_live = found.as_ref().is_some_and(|found| !found.is_expired(now));
        let is_guarded = found.as_ref().is_some_and(|found| found.http_only());
        if is_live && is_guarded && context.api == Api::Script {
            return Err(Ignored::OverwritesHttpOnly);
        }
        let expires = match parsed.expiry(now) {
            Expiry::Session => UnixTime::MAX,
            Expiry::At(at) => at,
            Expiry::Past => {
                self.take(partition, key, Cause::Removed);
                return Ok(if is_live { Outcome::Removed } else { Outcome::Expired });
            }
        };
        let draft = Draft {
            name: &parsed.name,
            value: &parsed.value,
            path,
            created: now,
            expires,
            same_site: parsed.same_site,
            priority: parsed.priority.unwrap_or_default(),
            host_only,
            secure: parsed.secure,
            http_only: parsed.http_only,
            source_secure: target.is_secure(),
        };
        let Some(found) = found else {
            let partition = partition.map(|partition| self.index.share(partition));
            let cookie = Cookie::new(&draft, domain.into(), partition.clone(), now);
            let evicted = self.admit(cookie, now);
            if evicted > 0 && self.index.find(partition.as_deref(), key).is_none() {
                return Err(Ignored::NoRoom);
            }
            return Ok(Outcome::Stored { evicted });
        };
        let keeps_place = is_live
            && match self.profile.overwrite {
                Overwrite::KeepsPlace => true,
                Overwrite::MovesUnlessEqual => found.value() == draft.value,
            };
        let before = self.log.is_watched().then(|| found.clone());
        found.take_over(&draft, (!keeps_place).then(|| self.log.next_sequence()));
        self.log.changed(&Change::Stored { cookie: found, before: before.as_ref() });
        if partition.is_some() {
            // It may be longer than its elder, and a partition is limited in bytes.
            self.evict(partition, domain, now);
        }
        Ok(Outcome::Replaced)
    }

    /// Steps 17 and 18.
    fn check_same_site(
        &self,
        parsed: &ParsedCookie<'_>,
        context: &RequestContext<'_>,
    ) -> Result<(), Ignored> {
        let same_site = match (parsed.same_site, self.profile.same_site_default) {
            (Some(same_site), _) => same_site,
            (None, SameSiteDefault::None) => SameSite::None,
            (None, _) => SameSite::Lax,
        };
        if same_site != SameSite::None && !Relation::may_set_same_site(context, self) {
            return Err(Ignored::CrossSite { same_site });
        }
        Ok(())
    }

    /// "Leave secure cookies alone", step 16: whether there is a Secure cookie of this name that a
    /// request could carry together with, or instead of, the new one.
    fn overlays_secure(&self, partition: Option<&Partition>, key: Key<'_>, now: UnixTime) -> bool {
        let Some(shelf) = self.index.shelf(partition) else { return false };
        let group = self.suffixes.registrable_domain(key.domain).unwrap_or(key.domain);
        let narrow = |host_only: bool| host_only && !self.profile.guards_across_hosts;
        shelf.group(group).any(|cookie| {
            cookie.secure()
                && cookie.name() == key.name
                && !cookie.is_expired(now)
                && path_matches(key.path, cookie.path())
                && (covers(cookie.domain(), narrow(cookie.host_only()), key.domain)
                    || covers(key.domain, narrow(key.host_only), cookie.domain()))
        })
    }
}

/// Steps 7 to 10: the cookie's domain, which is the host or an end of it, and whether the cookie is
/// for that host only.
fn resolve_domain<'h>(
    attribute: Option<&[u8]>,
    host: &'h Host,
    profile: &Profile,
    suffixes: &Suffixes,
) -> Result<(&'h str, bool), Ignored> {
    let name = host.as_str();
    let Some(attribute) = attribute.filter(|attribute| !attribute.is_empty()) else {
        return Ok((name, true));
    };
    let canonical;
    let wanted = if attribute.is_ascii() {
        attribute
    } else {
        let text = std::str::from_utf8(attribute).ok();
        let text = text.filter(|text| profile.unicode_domain && !text.contains('%'));
        canonical = text.and_then(Host::parse).ok_or(Ignored::DomainInvalid)?;
        canonical.as_str().as_bytes()
    };
    let wanted = wanted.strip_prefix(b".").unwrap_or(wanted);
    if wanted.is_empty() {
        return Err(Ignored::DomainInvalid);
    }
    let start = name.len().checked_sub(wanted.len()).ok_or(Ignored::DomainMismatch)?;
    // The host is ASCII, so every position of it starts a character.
    let end = &name[start..];
    if !end.as_bytes().eq_ignore_ascii_case(wanted) {
        return Err(Ignored::DomainMismatch);
    }
    let registrable = host.registrable_domain(suffixes);
    if start == 0 {
        let is_shared = registrable.is_none_or(|registrable| {
            registrable == name && suffixes.has_only_suffixes_below(name)
        });
        if is_shared && !attribute.is_ascii() {
            return Err(Ignored::DomainPublicSuffix);
        }
        return Ok((name, is_shared));
    }
    if host.is_ip() || !name[..start].ends_with('.') {
        return Err(Ignored::DomainMismatch);
    }
    // Not just whether the Domain is a public suffix: for the rules `*.ck` and `!www.ck`, `ck` is
    // none, and yet above all that is registered.
    if registrable.is_none_or(|registrable| registrable.len() > end.len()) {
        return Err(Ignored::DomainPublicSuffix);
    }
    Ok((end, false))
}
