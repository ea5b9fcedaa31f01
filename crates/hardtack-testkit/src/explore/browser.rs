//! A browser as far as sessions need one.

use hardtack::cookie::Profile;
use hardtack::jar::{Jar, RequestContext, Target};
use hardtack::time::UnixTime;

use super::Answer;
use crate::FakeClock;

/// Takes Set-Cookie in the order in which answers arrive: the browser of one site over
/// HTTPS that asks for no path but `/`.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    jar: Jar,
    site: Target,
    /// The Cookie header that it sends.
    cookies: String,
    /// Whether all cookies share one place, whatever they are called.
    one_name: bool,
}

impl Browser {
    pub(super) fn new(one_name: bool) -> Self {
        let site = Target::parse("https://shop.example/").expect("a URL");
        Self { jar: Jar::new(&Profile::CHROMIUM), site, cookies: String::new(), one_name }
    }

    /// The Cookie header that it sends; empty if it has none.
    pub(super) fn cookies(&self) -> String {
        self.cookies.clone()
    }

    /// The value of the cookie whose name ends so.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.jar.iter().find(|cookie| cookie.name().ends_with(name.as_bytes()))?;
        str::from_utf8(found.value()).ok()
    }

    /// Takes the cookies of an answer.
    pub(super) fn take(&mut self, answer: &Answer) {
        let context = RequestContext::navigation(&self.site);
        for set_cookie in &answer.set_cookies {
            if self.one_name {
                self.jar.clear();
            }
            self.jar.set(set_cookie.as_bytes(), &context, NOW);
        }
        let sent = self.jar.header(&context, NOW);
        self.cookies = sent.map_or_else(String::new, |header| {
            header.to_str().expect("the site sets ASCII").to_owned()
        });
    }
}

/// No cookie expires during a history: only one that is set to be removed goes.
const NOW: UnixTime = FakeClock::START;

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
            "__Host-a=3; Path=/; Secure; HttpOnly",
            "c=4",
            "b=; Path=/; Max-Age=0",
            "__Host-a=4; Path=/",
        ];
        assert_eq!(browser(false, &[]), "");
        assert_eq!(browser(false, &set_cookies), "__Host-a=3; c=4");
        assert_eq!(browser(true, &set_cookies[..4]), "c=4");
    }
}
