//! A browser as far as sessions need one.

use std::collections::BTreeMap;

use super::Answer;

/// Keeps cookies by name, takes Set-Cookie in the order in which answers arrive,
/// and sends everything it has: the browser of one site over HTTPS that asks for
/// no path but `/`. So of a cookie's attributes only `Max-Age` matters, and that
/// only where it removes the cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Browser {
    cookies: BTreeMap<String, String>,
    /// Whether all cookies share one place, whatever they are called.
    one_name: bool,
}

impl Browser {
    pub(super) fn new(one_name: bool) -> Self {
        Self { cookies: BTreeMap::new(), one_name }
    }

    /// The Cookie header that it sends; empty if it has none.
    pub(super) fn cookies(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The values of its cookies.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.cookies.values().map(String::as_str)
    }

    /// Takes the cookies of an answer.
    pub(super) fn take(&mut self, answer: &Answer) {
        for set_cookie in &answer.set_cookies {
            let mut parts = set_cookie.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            if self.one_name {
                self.cookies.clear();
            }
            match parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0")) {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(one_name: bool, set_cookies: &[&str]) -> String {
        let set_cookies = set_cookies.iter().map(|c| c.to_string()).collect();
        let mut browser = Browser::new(one_name);
        browser.take(&Answer { set_cookies, ..Answer::default() });
        browser.cookies()
    }

    #[test]
    fn takes_cookies_in_order_and_drops_what_is_removed() {
        let set_cookies = [
            "__Host-a=1; Path=/; Secure",
            "b=2; Max-Age=60",
            "__Host-a=3; HttpOnly",
            "c=4",
            "b=; Path=/; Max-Age=0",
            "not a cookie",
        ];
        assert_eq!(browser(false, &[]), "");
        assert_eq!(browser(false, &set_cookies), "__Host-a=3; c=4");
        assert_eq!(browser(true, &set_cookies[..4]), "c=4");
    }
}
