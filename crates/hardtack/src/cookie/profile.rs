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
    /// What a line without a name is: `value` or `=value`.
    pub nameless: Nameless,
    /// A TAB that does not stand at the end of a name, a value or an attribute's part drops the
    /// cookie: Chromium. The standard and Firefox keep it.
    pub tab_drops: bool,
    /// Each byte of a value that does not belong to well-formed UTF-8 becomes U+FFFD: Firefox. In a
    /// name it stays.
    pub replaces_invalid_utf8: bool,
    /// What Max-Age may be.
    pub max_age: MaxAgeGrammar,
    /// What Expires may be.
    pub dates: DateGrammar,
}

impl Profile {
    /// Chromium 156 and the browsers made of it.
    pub const CHROMIUM: Profile = Profile {
        name: "chromium",
        nameless: Nameless::ValueWithoutEquals,
        tab_drops: true,
        replaces_invalid_utf8: false,
        max_age: MaxAgeGrammar::Chromium,
        dates: DateGrammar::Chromium,
    };

    /// Firefox 153.
    pub const FIREFOX: Profile = Profile {
        name: "firefox",
        nameless: Nameless::Name,
        tab_drops: false,
        replaces_invalid_utf8: true,
        max_age: MaxAgeGrammar::Firefox,
        dates: DateGrammar::Firefox,
    };

    /// draft-ietf-httpbis-rfc6265bis-22 to the letter, where browsers differ from it and from one
    /// another.
    pub const RFC6265BIS: Profile = Profile {
        name: "rfc6265bis",
        nameless: Nameless::Value,
        tab_drops: false,
        replaces_invalid_utf8: false,
        max_age: MaxAgeGrammar::Rfc,
        dates: DateGrammar::Rfc,
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
