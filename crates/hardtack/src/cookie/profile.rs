//! What clients do differently, measured, as data.

/// How one client reads and keeps cookies, where clients differ. Everything else is the same code
/// for all.
///
/// What stands here was seen at the browsers' sockets: Chromium 156 and Firefox 153.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Its name on a command line: `chromium`, `firefox` or `rfc6265bis`.
    pub name: &'static str,
    /// Its name in a sentence.
    pub title: &'static str,
    /// What a line without a name is: `value` or `=value`.
    pub nameless: Nameless,
    /// A TAB that does not stand at the end of a name, a value or an attribute's part drops the
    /// cookie: Chromium. The standard and Firefox keep it.
    pub tab_drops: bool,
    /// What is no well-formed UTF-8 in a value becomes U+FFFD: Firefox. In a name it stays.
    pub replaces_invalid_utf8: bool,
    /// What Max-Age may be.
    pub max_age: MaxAgeGrammar,
    /// What Expires may be.
    pub dates: DateGrammar,
    /// Secure, HttpOnly, SameSite and Partitioned count even if more than 1024 bytes follow their
    /// `=`: Firefox. Others ignore such an attribute.
    pub keeps_long_flags: bool,
    /// What a cookie without SameSite is taken for.
    pub same_site_default: SameSiteDefault,
    /// Whether http and https of one domain are two sites: Chromium and the standard; Firefox not.
    pub schemeful: bool,
    /// Whether a redirect over another site makes a request one of another site: Firefox.
    pub redirects_count: bool,
    /// Which cookies have a jar of their own for each site whose pages they are set in.
    pub partitions: Partitions,
    /// What `__Host-` asks of the path.
    pub host_prefix_path: HostPrefixPath,
    /// Whether a Secure cookie for one host only stands in the way of a plain one of its name for a
    /// parent host only, which no request carries together: 6265bis section 5.7 step 16. Browsers
    /// see that it does not.
    pub guards_across_hosts: bool,
    /// Where a cookie stands in the order after another value was set.
    pub overwrite: Overwrite,
    /// Whether a Domain in Unicode is read as the A-labels that it stands for: Chromium.
    pub unicode_domain: bool,
    /// The most bytes of a path, its default included.
    pub longest_path: usize,
    /// Whether a response with a carriage return that no line feed follows is refused as a whole:
    /// Firefox. Chromium takes it for the end of the header.
    pub refuses_lone_cr: bool,
    /// Whether a script sees no cookie at all if not all of them are UTF-8: Chromium. Others give
    /// it U+FFFD for what is not.
    pub hides_invalid_utf8: bool,
    /// Which cookies of a domain go when it has too many.
    pub eviction: Eviction,
    /// How many cookies there may be.
    pub limits: Limits,
}

impl Profile {
    /// Chromium 156 and the browsers made of it.
    pub const CHROMIUM: Profile = Profile {
        name: "chromium",
        title: "Chromium 156",
        nameless: Nameless::ValueWithoutEquals,
        tab_drops: true,
        replaces_invalid_utf8: false,
        max_age: MaxAgeGrammar::Chromium,
        dates: DateGrammar::Chromium,
        keeps_long_flags: false,
        same_site_default: SameSiteDefault::LaxAllowingUnsafe,
        schemeful: true,
        redirects_count: false,
        partitions: Partitions::ByAttribute,
        host_prefix_path: HostPrefixPath::Literal,
        guards_across_hosts: false,
        overwrite: Overwrite::MovesUnlessEqual,
        unicode_domain: true,
        longest_path: usize::MAX,
        refuses_lone_cr: false,
        hides_invalid_utf8: true,
        eviction: Eviction::ByPriority,
        limits: Limits::CHROMIUM,
    };

    /// Firefox 153.
    pub const FIREFOX: Profile = Profile {
        name: "firefox",
        title: "Firefox 153",
        nameless: Nameless::Name,
        tab_drops: false,
        replaces_invalid_utf8: true,
        max_age: MaxAgeGrammar::Firefox,
        dates: DateGrammar::Firefox,
        keeps_long_flags: true,
        same_site_default: SameSiteDefault::None,
        schemeful: false,
        redirects_count: true,
        partitions: Partitions::ThirdParty,
        host_prefix_path: HostPrefixPath::Effective,
        guards_across_hosts: false,
        overwrite: Overwrite::KeepsPlace,
        unicode_domain: false,
        longest_path: 1024,
        refuses_lone_cr: true,
        hides_invalid_utf8: false,
        eviction: Eviction::PlainFirst,
        limits: Limits::CHROMIUM,
    };

    /// draft-ietf-httpbis-rfc6265bis-22 to the letter, where browsers differ from it and from one
    /// another.
    pub const RFC6265BIS: Profile = Profile {
        name: "rfc6265bis",
        title: "the standard",
        nameless: Nameless::Value,
        tab_drops: false,
        replaces_invalid_utf8: false,
        max_age: MaxAgeGrammar::Rfc,
        dates: DateGrammar::Rfc,
        keeps_long_flags: false,
        same_site_default: SameSiteDefault::Lax,
        schemeful: true,
        redirects_count: true,
        partitions: Partitions::Never,
        host_prefix_path: HostPrefixPath::Named,
        guards_across_hosts: true,
        overwrite: Overwrite::KeepsPlace,
        unicode_domain: true,
        longest_path: usize::MAX,
        refuses_lone_cr: false,
        hides_invalid_utf8: false,
        eviction: Eviction::ByPriority,
        limits: Limits::CHROMIUM,
    };

    /// All of them, the default first.
    pub const ALL: [&'static Profile; 3] =
        [&Profile::CHROMIUM, &Profile::FIREFOX, &Profile::RFC6265BIS];

    /// The profile of this name, in lower case.
    pub fn named(name: &str) -> Option<&'static Profile> {
        Profile::ALL.into_iter().find(|profile| profile.name == name)
    }
}

/// What a client makes of a `Set-Cookie` without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nameless {
    /// `value` and `=value` are a value with an empty name, sent as `value`: 6265bis section 5.6.
    Value,
    /// The same, but dropped if the value has a `=`: `=a=b`. Chromium.
    ValueWithoutEquals,
    /// `name` is a name with an empty value, sent as `name=`; `=value` is dropped. Firefox.
    Name,
}

/// What a client takes for a Max-Age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaxAgeGrammar {
    /// Digits, with a `-` before them or not: 6265bis section 5.6.2.
    Rfc,
    /// A `+` before them is taken as well.
    Chromium,
    /// Whatever starts with a `-` is a time that is past.
    Firefox,
}

/// What a client takes for the date of Expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateGrammar {
    /// 6265bis section 5.1.1.
    Rfc,
    /// The same idea with other lengths of digits.
    Chromium,
    /// A date parser for people's dates, which knows time zones and orders of day, month and year.
    Firefox,
}

/// What a client takes a cookie for that names no SameSite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSiteDefault {
    /// Lax: 6265bis section 5.6.7.1.
    Lax,
    /// Lax, but sent with a POST from another site while younger than two minutes: 6265bis section
    /// 5.6.7.2 and Chromium.
    LaxAllowingUnsafe,
    /// None, which does not need Secure then: Firefox.
    None,
}

/// Which cookies a client keeps apart by the site of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Partitions {
    /// None; `Partitioned` says nothing: 6265bis.
    Never,
    /// Those with `Partitioned`: CHIPS, Chromium.
    ByAttribute,
    /// Those with `Partitioned`, and all that are set in pages of other sites: Firefox.
    ThirdParty,
}

/// What a client asks of the path of a `__Host-` cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostPrefixPath {
    /// That `Path=/` is written: Chromium.
    Literal,
    /// That Path is written and the path is `/`, by default if what is written is no path: 6265bis
    /// section 5.7 step 22. An empty Path counts as not written, as web-platform-tests have it.
    Named,
    /// That the path is `/`, by default or not: Firefox.
    Effective,
}

impl HostPrefixPath {
    /// What has to be `/`, of the path that is written and the one that the cookie gets.
    pub(crate) fn judged<'a>(self, written: Option<&'a [u8]>, path: &'a [u8]) -> &'a [u8] {
        match (self, written) {
            (HostPrefixPath::Literal, written) => written.unwrap_or_default(),
            (HostPrefixPath::Named, None | Some(b"")) => b"",
            (HostPrefixPath::Named | HostPrefixPath::Effective, _) => path,
        }
    }
}

/// Where a cookie stands in the order of sending after another one took its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overwrite {
    /// Where the old one stood: 6265bis section 5.7, Firefox.
    KeepsPlace,
    /// There if the value is the same, and at the end otherwise: Chromium.
    MovesUnlessEqual,
}

/// Which cookies of a domain a client removes when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// Low priority before medium before high, those that are not Secure first, the least recently
    /// used first, and some of each priority spared: Chromium. A choice that 6265bis section 5.7
    /// step 24 leaves free.
    ByPriority,
    /// Of those that are not Secure the least recently used, however few they are; only where there
    /// are none, Secure ones, and these only for another Secure one: Firefox.
    PlainFirst,
}

/// How many cookies a jar keeps. Over a limit it removes as many as bring it down to the number
/// after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most of one registrable domain, and of one in a partition.
    pub per_domain: usize,
    /// How many of a domain stay when it had more.
    pub per_domain_after: usize,
    /// The most of all.
    pub total: usize,
    /// How many stay when there were more.
    pub total_after: usize,
    /// The most bytes of names and values of one domain in a partition.
    pub partition_bytes: usize,
}

impl Limits {
    /// Chromium's: 180 a domain, then 150; 3300, then 3000; 10 KiB of a domain in a partition.
    pub const CHROMIUM: Limits = Limits {
        per_domain: 180,
        per_domain_after: 150,
        total: 3300,
        total_after: 3000,
        partition_bytes: 10_240,
    };

    /// No limits, for a program that knows what it stores.
    pub const NONE: Limits = Limits {
        per_domain: usize::MAX,
        per_domain_after: usize::MAX,
        total: usize::MAX,
        total_after: usize::MAX,
        partition_bytes: usize::MAX,
    };
}
