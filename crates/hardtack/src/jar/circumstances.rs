//! How a request stands to the site that started it and to the page that it is made in.

use super::{Cookie, Initiator, Jar, Partition, RequestContext, Site, Suffixes, Target};
use crate::cookie::{Partitions, Redirects};

/// How the request stands to other sites: 6265bis section 5.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Relation {
    /// No other site has a hand in it.
    SameSite,
    /// Another site sends the tab here, by a safe method.
    SafeNavigation,
    /// Another site sends the tab here, by a POST for example.
    UnsafeNavigation,
    /// Another site asks from within its page, or the page is framed by one.
    CrossSite,
}

impl Relation {
    /// For the cookies that go with the request.
    pub(super) fn of(context: &RequestContext<'_>, jar: &Jar) -> Relation {
        Relation::with(context, jar, jar.profile.redirects != Redirects::Forgotten)
    }

    fn with(context: &RequestContext<'_>, jar: &Jar, redirects_count: bool) -> Relation {
        let same = |one, other| same_site(one, other, jar.profile.schemeful, &jar.suffixes);
        let target = context.target;
        if !context.frames.iter().all(|document| same(document, target)) {
            return Relation::CrossSite;
        }
        let by_same_site = match context.initiator {
            Initiator::User => true,
            Initiator::Page(page) => same(page, target),
            Initiator::Opaque => false,
        };
        let straight =
            !redirects_count || context.redirects.iter().all(|before| same(before, target));
        if by_same_site && straight {
            Relation::SameSite
        } else if !context.is_top_level_navigation() {
            Relation::CrossSite
        } else if context.safe_method {
            Relation::SafeNavigation
        } else {
            Relation::UnsafeNavigation
        }
    }

    /// Whether the answer may set cookies for same-site use: 6265bis section 5.7 steps 17 and 18.
    pub(super) fn may_set_same_site(context: &RequestContext<'_>, jar: &Jar) -> bool {
        let redirects_count = jar.profile.redirects == Redirects::Always;
        Relation::with(context, jar, redirects_count) != Relation::CrossSite
    }
}

/// Which parts of the jar the request sees.
pub(super) struct Circumstances {
    pub(super) sees_plain: bool,
    pub(super) partition: Option<Partition>,
}

impl Circumstances {
    /// `partitioned` is false where no cookie in question asks for a partition: then sites need not be
    /// worked out, unless the request sees nothing else.
    pub(super) fn of(context: &RequestContext<'_>, jar: &Jar, partitioned: bool) -> Circumstances {
        let suffixes = &jar.suffixes;
        let target = context.target;
        let top = context.frames.first().copied().unwrap_or(target);
        let rule = jar.profile.partitions;
        let third_party =
            rule == Partitions::ThirdParty && !same_site(top, target, false, suffixes);
        let has_own = (partitioned && rule != Partitions::Never) || third_party;
        let partition = has_own.then(|| {
            let same = |document: &&Target| same_site(document, target, true, suffixes);
            let cross_site_ancestor = !context.frames.iter().copied().all(|frame| same(&frame));
            Partition::new(Site::of(top, suffixes), cross_site_ancestor)
        });
        Circumstances { sees_plain: !third_party, partition }
    }

    pub(super) fn sees(&self, cookie: &Cookie) -> bool {
        match cookie.partition() {
            None => self.sees_plain,
            partition => partition == self.partition.as_ref(),
        }
    }
}

fn same_site(one: &Target, other: &Target, schemeful: bool, suffixes: &Suffixes) -> bool {
    if schemeful && one.secure != other.secure {
        return false;
    }
    if one.host == other.host {
        return true;
    }
    let domain = one.host.registrable_domain(suffixes);
    domain.is_some() && domain == other.host.registrable_domain(suffixes)
}
