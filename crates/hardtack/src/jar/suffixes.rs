//! The public suffix list: under which names anybody can register one.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use psl::Psl as _;

use super::Host;

/// A public suffix list: that of this build, or one read at run time.
///
/// Both sections count, ICANN's and the private one (`github.io`), as in browsers. A name that no
/// rule covers has its last label as suffix (the list's rule `*`).
#[derive(Clone, Default)]
pub struct Suffixes(Option<Arc<HashMap<Box<str>, Rule>>>);

impl Suffixes {
    /// The list compiled in.
    pub const BUILT_IN: Suffixes = Suffixes(None);

    /// Reads a list in the format of the public suffix project: a rule a line, `//` begins a comment.
    ///
    /// # Errors
    ///
    /// The first line that is no rule, and a text without any.
    pub fn parse(list: &str) -> Result<Suffixes, SuffixesError> {
        let mut rules = HashMap::new();
        for (number, line) in list.lines().enumerate() {
            let rule = line.split_ascii_whitespace().next().unwrap_or("");
            if rule.is_empty() || rule.starts_with("//") {
                continue;
            }
            let (name, kind) = if let Some(name) = rule.strip_prefix('!') {
                (name, Rule::EXCEPTION)
            } else if let Some(parent) = rule.strip_prefix("*.") {
                (parent, Rule::CHILDREN)
            } else {
                (rule, Rule::NAME)
            };
            let host = Host::parse(name).filter(|host| !host.is_ip());
            let host = host.ok_or(SuffixesError { line: Some(number + 1) })?;
            rules.entry(host.as_str().into()).or_insert(Rule(0)).0 |= kind.0;
        }
        if rules.is_empty() {
            return Err(SuffixesError { line: None });
        }
        Ok(Suffixes(Some(Arc::new(rules))))
    }

    /// The name that its owner registered: one label more than the public suffix. `None` for a
    /// public suffix itself, an IP address, and what is not a host name.
    ///
    /// `host` is canonical, as [`Host::as_str`] gives it. One trailing dot stays where it is.
    pub fn registrable_domain<'h>(&self, host: &'h str) -> Option<&'h str> {
        let name = host.strip_suffix('.').unwrap_or(host);
        if name.is_empty() || name.starts_with(['.', '[']) || name.contains("..") || is_ipv4(name) {
            return None;
        }
        let suffix = match &self.0 {
            None => psl::suffix(name.as_bytes())?.as_bytes().len(),
            Some(rules) => suffix_length(rules, name),
        };
        let owned = name.len().checked_sub(suffix + 1)?;
        let start = name[..owned].rfind('.').map_or(0, |dot| dot + 1);
        Some(&host[start..])
    }

    /// Whether nobody owns this name: a public suffix, single-label names included.
    pub fn is_public_suffix(&self, host: &str) -> bool {
        !host.starts_with('[') && !is_ipv4(host) && self.registrable_domain(host).is_none()
    }
}

impl Suffixes {
    pub(super) fn is_built_in(&self) -> bool {
        self.0.is_none()
    }

    /// Whether each name right below this one is a public suffix, as the rule `*.ck` says of `ck`.
    /// Browsers then treat the name like one, though the list's algorithm does not.
    pub(super) fn has_only_suffixes_below(&self, host: &str) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host);
        match &self.0 {
            None => {
                // No label of the list, so that only a rule for all children can match it.
                let labels = name.rsplit('.').chain(["-"]).map(str::as_bytes);
                psl::List.find(labels).len > name.len()
            }
            Some(rules) => rules.get(name).is_some_and(|rule| rule.has(Rule::CHILDREN)),
        }
    }
}

impl fmt::Debug for Suffixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Suffixes(built in)"),
            Some(rules) => write!(f, "Suffixes({} rules)", rules.len()),
        }
    }
}

/// Why a text is not a public suffix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuffixesError {
    /// The line, from 1, that is not a rule; `None` if there is no rule at all.
    pub line: Option<usize>,
}

impl fmt::Display for SuffixesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(
                f,
                "line {line} of the public suffix list is not a rule; a rule is a host name, perhaps after `*.` or `!`"
            ),
            None => {
                f.write_str("the public suffix list has no rule; pass the text of the whole file")
            }
        }
    }
}

impl std::error::Error for SuffixesError {}

/// Which of the list's three forms of rule there are for a name, as bits.
#[derive(Clone, Copy, PartialEq)]
struct Rule(u8);

impl Rule {
    /// `name`
    const NAME: Rule = Rule(1);
    /// `*.name`
    const CHILDREN: Rule = Rule(2);
    /// `!name`
    const EXCEPTION: Rule = Rule(4);

    fn has(self, kind: Rule) -> bool {
        self.0 & kind.0 != 0
    }
}

/// Length of the public suffix of `name`, by the algorithm of the public suffix project: an exception wins
/// (its parent is the suffix), then the longest rule, then `*`.
fn suffix_length(rules: &HashMap<Box<str>, Rule>, name: &str) -> usize {
    // From the whole name to its last label; `child` is the name one label longer.
    let (mut rest, mut child) = (name, None::<&str>);
    loop {
        let rule = rules.get(rest).copied().unwrap_or(Rule(0));
        let parent = rest.find('.').map(|dot| &rest[dot + 1..]);
        if rule.has(Rule::EXCEPTION) {
            return parent.map_or(0, str::len);
        }
        if let Some(child) = child.filter(|_| rule.has(Rule::CHILDREN)) {
            return child.len();
        }
        if rule.has(Rule::NAME) {
            return rest.len();
        }
        match parent {
            Some(parent) => (child, rest) = (Some(rest), parent),
            None => return rest.len(),
        }
    }
}

fn is_ipv4(canonical: &str) -> bool {
    canonical.ends_with(|last: char| last.is_ascii_digit())
        && canonical.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_list_read_at_run_time_hold() {
        let list = "// a comment\nuk\nco.uk  trailing words\n*.ck\n!www.ck\nbücher\n";
        let suffixes = Suffixes::parse(list).expect("a list");
        for (host, registrable) in [
            ("a.b.co.uk", Some("b.co.uk")),
            ("co.uk", None),
            ("uk", None),
            ("x.y.ck", Some("x.y.ck")),
            ("y.ck", None),
            ("a.x.y.ck", Some("x.y.ck")),
            ("www.ck", Some("www.ck")),
            ("a.www.ck", Some("www.ck")),
            ("a.xn--bcher-kva", Some("a.xn--bcher-kva")),
            ("unknown", None),
            ("a.b.unknown", Some("b.unknown")),
            ("b.co.uk.", Some("b.co.uk.")),
        ] {
            assert_eq!(suffixes.registrable_domain(host), registrable, "{host}");
        }
    }

    #[test]
    fn the_list_compiled_in_covers_both_sections() {
        for (host, registrable) in [
            ("shop.example.co.uk", Some("example.co.uk")),
            ("foo.github.io", Some("foo.github.io")),
            ("github.io", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            (".com", None),
            ("a..com", None),
            ("", None),
            ("example.com.", Some("example.com.")),
        ] {
            assert_eq!(Suffixes::BUILT_IN.registrable_domain(host), registrable, "{host}");
        }
        assert!(Suffixes::BUILT_IN.has_only_suffixes_below("ck"));
        assert!(Suffixes::BUILT_IN.has_only_suffixes_below("kawasaki.jp"));
        assert!(!Suffixes::BUILT_IN.has_only_suffixes_below("example.com"));
        assert!(!Suffixes::BUILT_IN.has_only_suffixes_below("www.ck"));
        assert!(Suffixes::BUILT_IN.is_public_suffix("co.uk"));
        assert!(!Suffixes::BUILT_IN.is_public_suffix("127.0.0.1"));
    }

    #[test]
    fn a_bad_list_is_refused_with_its_line() {
        assert_eq!(
            Suffixes::parse("com\na b\nnot/a/rule\n").err(),
            Some(SuffixesError { line: Some(3) })
        );
        assert_eq!(Suffixes::parse("// nothing\n").err(), Some(SuffixesError { line: None }));
    }
}
