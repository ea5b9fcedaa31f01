use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use http::header::{CACHE_CONTROL, SET_COOKIE};

use super::*;
use crate::seal::{Key, Keyring};
use crate::session::{Caching, MemoryStore, Outcome, SessionsBuilder, danger};
use crate::time::{Clock, UnixTime};

/// Everything over the memory store is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store never waits"),
    }
}

#[derive(Clone)]
struct TestClock(Arc<AtomicU64>);

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(SeqCst))
    }
}

struct Site {
    sessions: Sessions,
    store: MemoryStore,
    clock: TestClock,
}

impl Site {
    fn new(setup: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        let (store, clock) =
            (MemoryStore::new(), TestClock(Arc::new(AtomicU64::new(1_800_000_000))));
        let builder = Sessions::builder(store.clone(), Keyring::new(Key::generate().unwrap()))
            .clock(clock.clone());
        Self { sessions: setup(builder).build().unwrap(), store, clock }
    }

    fn pass(&self, secs: u64) {
        self.clock.0.fetch_add(secs, SeqCst);
    }
}

fn site() -> Site {
    Site::new(|b| danger::url_parameter(b, "ht"))
}

const SAME: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-origin")];
const CROSS: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")];
const TYPED: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "none")];
const SCRIPT: &[(&str, &str)] = &[("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")];
const OLD: &[(&str, &str)] = &[];

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

/// What came of one request.
struct Seen {
    /// The number in the session, if the application handled the request.
    n: Option<i64>,
    /// A link of the page.
    link: String,
    answer: Option<UrlAnswer>,
    outcome: Outcome,
}

impl Seen {
    fn redirect(&self) -> &str {
        match &self.answer {
            Some(UrlAnswer::SeeOther(to)) => to,
            _ => panic!("not a redirect"),
        }
    }

    fn form(&self) -> &str {
        match &self.answer {
            Some(UrlAnswer::Ask { form, .. }) => form,
            _ => panic!("not the page that asks"),
        }
    }

    fn is_ordinary(&self) -> bool {
        self.answer.is_none()
    }

    fn sets_cookie(&self) -> bool {
        self.outcome.headers.iter().any(|(name, _)| name == SET_COOKIE)
    }
}

#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
    keeps_cookies: bool,
}

impl Browser {
    fn with_cookies() -> Self {
        Self { keeps_cookies: true, ..Self::default() }
    }

    fn request(
        &mut self,
        site: &Site,
        (method, target): (Method, &str),
        how: &[(&str, &str)],
        handler: impl FnOnce(&Session),
    ) -> Seen {
        // As a browser resolves a relative reference against `/shop/cart`.
        let target = match target.as_bytes() {
            [b'.', b'/', ..] => format!("/shop/{}", &target[2..]),
            [b'?', ..] => format!("/shop/cart{target}"),
            _ => target.to_owned(),
        };
        let mut headers = headers(how);
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            headers.insert(COOKIE, HeaderValue::from_str(&pairs.join("; ")).unwrap());
        }
        let session = site.sessions.session();
        let uri: Uri = target.parse().unwrap();
        let by_url = session.present_url(&method, &uri, &headers);
        session.present(&headers);
        if headers.contains_key("sec-purpose") {
            session.passive();
        }
        let mut answer = by_url.and_then(|by_url| {
            assert!(!by_url.uri.to_string().contains("ht="), "handlers do not see the token");
            by_url.answer
        });
        let (mut n, mut link) = (None, String::new());
        match now(session.load()) {
            Ok(()) if answer.is_none() => {
                n = session.get("n").unwrap();
                handler(&session);
                link = session.with_url_token("/shop/cart?x=1");
            }
            Ok(()) => {}
            Err(SessionError::ByUrl(of_load)) => answer = answer.or(Some(of_load)),
            Err(error) => panic!("{error}"),
        }
        let outcome = now(session.finish());
        assert!(outcome.error.is_none());
        for (_, value) in outcome.headers.iter().filter(|(name, _)| name == SET_COOKIE) {
            let (name, rest) = value.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if self.keeps_cookies {
                self.cookies.retain(|(n, _)| n != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Seen { n, link, answer, outcome }
    }

    fn get(&mut self, site: &Site, target: &str, how: &[(&str, &str)]) -> Seen {
        self.request(site, (Method::GET, target), how, |_| {})
    }

    fn post(&mut self, site: &Site, target: &str, how: &[(&str, &str)]) -> Seen {
        self.request(site, (Method::POST, target), how, |_| {})
    }

    /// Puts something into a session and gives a link of the page that says so.
    fn begin(&mut self, site: &Site) -> String {
        let seen = self.request(site, (Method::POST, "/shop/add"), SAME, |s| {
            s.add("n", 1).unwrap();
            now(s.start()).unwrap();
        });
        seen.link
    }
}

fn token(link: &str) -> &str {
    text::find(link.split_once('?').unwrap().1, "ht").unwrap()
}

#[test]
fn what_is_done_with_a_token_is_the_table_of_the_module() {
    use Decision::*;
    for (way, of_link, tried, confirm) in [
        (Way::SameOrigin, ExchangeAndRedirect, Carry, ExchangeAndRedirect),
        (Way::Elsewhere, Ask, Ask, Ask),
        (Way::Unsaid, Ask, Nothing, Ask),
        (Way::Form, Exchange, Carry, ExchangeAndRedirect),
        (Way::Ahead, Refuse, Refuse, Refuse),
        (Way::Other, Nothing, Nothing, Nothing),
    ] {
        let of = |step| decide(way, step);
        assert_eq!(
            (of(Step::Link), of(Step::Tried), of(Step::Confirm)),
            (of_link, tried, confirm),
            "{way:?}"
        );
    }
}

#[test]
fn how_a_request_was_made_is_told_by_its_headers() {
    let host = ("host", "shop.example");
    for (method, how, want) in [
        (Method::GET, SAME, Way::SameOrigin),
        (Method::GET, CROSS, Way::Elsewhere),
        (Method::GET, TYPED, Way::Elsewhere),
        (Method::GET, &[("sec-fetch-site", "same-site")], Way::Elsewhere),
        (Method::GET, OLD, Way::Unsaid),
        (Method::GET, SCRIPT, Way::Other),
        (Method::GET, &[("sec-fetch-mode", "no-cors")], Way::Other),
        (Method::HEAD, SAME, Way::Other),
        (Method::PUT, SAME, Way::Other),
        (Method::POST, SAME, Way::Form),
        (Method::POST, CROSS, Way::Other),
        (Method::POST, TYPED, Way::Other),
        (Method::POST, SCRIPT, Way::Other),
        (Method::POST, OLD, Way::Form),
        (Method::POST, &[host, ("origin", "https://Shop.example")], Way::Form),
        (Method::POST, &[host, ("origin", "https://evil.example")], Way::Other),
        (Method::POST, &[host, ("origin", "null")], Way::Other),
        (Method::POST, &[("origin", "https://shop.example")], Way::Other),
    ] {
        let uri = Uri::from_static("/");
        assert_eq!(way(&method, &uri, &headers(how)), want, "{method} {how:?}");
    }
    let http2 = Uri::from_static("https://shop.example/");
    let origin = headers(&[("origin", "https://shop.example")]);
    assert_eq!(way(&Method::POST, &http2, &origin), Way::Form);
}

#[test]
fn a_browser_without_cookies_is_carried_on_from_link_to_link() {
    let (site, mut browser) = (site(), Browser::default());
    let mut link = browser.begin(&site);
    for _ in 0..3 {
        let tried = browser.get(&site, &link, SAME).redirect().to_owned();
        assert!(tried.starts_with("?x=1&ht="), "{tried}");
        let page = browser.get(&site, &tried, SAME);
        assert_eq!(page.n, Some(1));
        // A reload, and a second link of the same page, much later.
        site.pass(60);
        assert_eq!(browser.get(&site, &tried, SAME).n, Some(1));
        assert_eq!(browser.get(&site, &page.link, SAME).n, Some(1), "no second redirect");
        site.pass(11);
        assert_eq!(browser.get(&site, &tried, SAME).n, Some(1), "back to the page before");
        link = browser.get(&site, &page.link, SAME).link;
        assert_eq!(browser.post(&site, &link, SAME).n, Some(1));
        site.pass(108);
        // And in by the front door again.
        link = browser.begin(&site);
    }
    assert!(site.store.len() == 4, "a session for each beginning, and none for the pages");
}

#[test]
fn a_browser_with_cookies_gets_the_cookie_and_the_url_without_the_token() {
    let site = site();
    let (mut without, mut browser) = (Browser::default(), Browser::with_cookies());
    let link = without.begin(&site);
    let first = browser.get(&site, &link, SAME);
    assert!(first.sets_cookie() && browser.cookies[0].0 == "__Host-Http-aid");
    let second = browser.get(&site, first.redirect(), SAME);
    assert_eq!(second.redirect(), "?x=1");
    let third = browser.get(&site, second.redirect(), SAME);
    assert_eq!((third.n, third.link.as_str()), (Some(1), "/shop/cart?x=1"));
}

#[test]
fn once_the_cookie_is_there_tokens_made_before_are_dead_and_their_use_is_no_theft() {
    let (site, mut browser) = (site(), Browser::with_cookies());
    let link = browser.begin(&site);
    browser.cookies.clear();
    let tried = browser.get(&site, &link, SAME).redirect().to_owned();
    browser.get(&site, &tried, SAME);
    let mut thief = Browser::default();
    assert_eq!(thief.post(&site, &link, OLD).n, Some(1), "within the grace of a renewal");
    site.pass(11);
    for token in [&link, &tried] {
        let seen = thief.post(&site, token, SAME);
        assert!(seen.is_ordinary() && seen.n.is_none() && !seen.sets_cookie());
    }
    assert_eq!(site.sessions.counts().reuse, 0);
    assert_eq!(browser.get(&site, "/shop/cart", SAME).n, Some(1));
}

#[test]
fn the_cookie_always_wins() {
    let site = site();
    let attackers = Browser::default().begin(&site);
    for signed_in in [true, false] {
        let mut victim = Browser::with_cookies();
        victim.request(&site, (Method::POST, "/"), SAME, |s| {
            s.set("n", &7).unwrap();
            if signed_in {
                now(s.login("alice")).unwrap();
            }
        });
        let before = victim.cookies.clone();
        for how in [SAME, CROSS, TYPED, OLD] {
            assert_eq!(victim.get(&site, &attackers, how).redirect(), "?x=1");
            assert_eq!(victim.post(&site, &attackers, how).n, Some(7));
        }
        let seen = victim.get(&site, &attackers, SCRIPT);
        assert_eq!((seen.n, seen.is_ordinary()), (Some(7), true));
        assert_eq!(victim.cookies, before);
    }
}

#[test]
fn a_link_from_elsewhere_asks_and_only_a_post_of_this_origin_is_a_yes() {
    let site = site();
    for how in [CROSS, TYPED, OLD] {
        let link = Browser::default().begin(&site);
        let mut victim = Browser::with_cookies();
        let asked = victim.get(&site, &link, how);
        assert!(asked.form().starts_with("?x=1&ht=") && !asked.sets_cookie());
        assert!(!site.store.is_empty() && victim.cookies.is_empty());

        // Another site cannot press the button, nor can the link be the button's.
        let forged = victim.post(&site, asked.form(), CROSS);
        assert!(forged.is_ordinary() && forged.n.is_none() && !forged.sets_cookie());
        assert_ne!(token(victim.get(&site, asked.form(), how).form()), token(asked.form()));

        let yes = if how == OLD { OLD } else { SAME };
        let pressed = victim.post(&site, asked.form(), yes);
        assert!(pressed.sets_cookie() && pressed.n.is_none(), "not the application's POST");
        let clean = victim.get(&site, pressed.redirect(), yes).redirect().to_owned();
        assert_eq!(victim.get(&site, &clean, yes).n, Some(1));
    }
}

#[test]
fn without_cookies_and_without_sec_fetch_headers_nobody_is_asked_for_ever() {
    let (site, mut browser) = (site(), Browser::default());
    let link = browser.begin(&site);
    let asked = browser.get(&site, &link, OLD);
    let pressed = browser.post(&site, asked.form(), OLD);
    let seen = browser.get(&site, pressed.redirect(), OLD);
    assert!(seen.is_ordinary() && seen.n.is_none());
    assert_eq!(browser.post(&site, pressed.redirect(), OLD).n, Some(1), "forms are carried on");
}

#[test]
fn asking_makes_no_token_last_longer() {
    let (site, mut browser) = (site(), Browser::with_cookies());
    let link = Browser::default().begin(&site);
    site.pass(119);
    let asked = browser.get(&site, &link, CROSS);
    assert!(asked.form().contains("ht="));
    site.pass(1);
    let late = browser.post(&site, asked.form(), SAME);
    assert!(late.is_ordinary() && late.n.is_none() && !late.sets_cookie());
}

#[test]
fn head_prefetch_and_scripts_exchange_nothing() {
    let (site, mut browser) = (site(), Browser::with_cookies());
    let link = Browser::default().begin(&site);
    for (method, how) in [(Method::HEAD, SAME), (Method::GET, SCRIPT), (Method::PUT, SAME)] {
        let seen = browser.request(&site, (method, &link), how, |_| {});
        assert!(seen.is_ordinary() && seen.n.is_none() && browser.cookies.is_empty());
    }
    let prefetch = [SAME, &[("sec-purpose", "prefetch")]].concat();
    let seen = browser.get(&site, &link, &prefetch);
    assert_eq!(seen.answer, Some(UrlAnswer::NotAhead));
    assert!(!seen.answer.unwrap().status().is_success() && browser.cookies.is_empty());
    // None of this has spent the token.
    assert!(browser.get(&site, &link, SAME).sets_cookie());
}

#[test]
fn only_our_own_tokens_of_the_last_two_minutes_name_a_session() {
    let mut site = site();
    let link = Browser::default().begin(&site);
    let genuine = token(&link).to_owned();
    let mut flipped = genuine.clone().into_bytes();
    flipped[60] = if flipped[60] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let long = "A".repeat(50_000);
    for bad in ["", "x", "%00", &flipped, &genuine[1..], &long] {
        let seen = Browser::default().get(&site, &format!("/?ht={bad}"), SAME);
        assert!(seen.is_ordinary() && seen.n.is_none(), "{bad}");
    }
    // A session id itself, as in a cookie, is no token; nor is a token a cookie.
    let mut other = Browser::with_cookies();
    other.begin(&site);
    let seen = Browser::default().get(&site, &format!("/?ht={}", other.cookies[0].1), SAME);
    assert!(seen.is_ordinary() && seen.n.is_none());

    site.pass(119);
    assert!(Browser::default().get(&site, &link, SAME).sets_cookie());
    site.pass(1);
    assert!(Browser::default().get(&site, &link, SAME).is_ordinary());

    // The same keys and store, another name: another application's.
    let (store, clock) = (site.store.clone(), site.clock.clone());
    let builder = Sessions::builder(store, site.sessions.keys().clone()).clock(clock);
    let link = Browser::default().begin(&site);
    site.sessions = danger::url_parameter(builder, "other").build().unwrap();
    let seen = Browser::default().get(&site, &format!("/?other={}", token(&link)), SAME);
    assert!(seen.is_ordinary() && seen.n.is_none());
}

#[test]
fn a_token_of_a_session_that_has_ended_names_nothing() {
    let (site, mut browser) = (site(), Browser::with_cookies());
    let link = browser.begin(&site);
    browser.request(&site, (Method::POST, "/"), SAME, |s| now(s.logout()).unwrap());
    let seen = Browser::default().get(&site, &link, SAME);
    assert!(seen.is_ordinary() && seen.n.is_none() && !seen.sets_cookie());
}

#[test]
fn signed_in_sessions_travel_by_url_only_where_that_was_asked_for() {
    let log_in = |site: &Site| {
        let sign_in = |s: &Session| {
            s.set("n", &1).unwrap();
            now(s.login("alice")).unwrap();
        };
        Browser::default().request(site, (Method::POST, "/login"), SAME, sign_in).link
    };
    let open = Site::new(|b| danger::url_parameter_also_signed_in(b, "ht"));
    let link = log_in(&open);
    let mut browser = Browser::with_cookies();
    let tried = browser.get(&open, &link, SAME).redirect().to_owned();
    assert_eq!(browser.cookies[0].0, "__Host-Http-sid");
    assert_eq!(Browser::default().get(&open, &tried, SAME).n, Some(1));

    assert_eq!(log_in(&site()), "/shop/cart?x=1");
    // Tokens from before it was turned off are nothing either.
    let builder = Sessions::builder(open.store.clone(), open.sessions.keys().clone());
    let sessions = danger::url_parameter(builder.clock(open.clock.clone()), "ht").build().unwrap();
    let closed = Site { sessions, store: open.store, clock: open.clock };
    let seen = Browser::default().get(&closed, &link, SAME);
    assert!(seen.is_ordinary() && seen.n.is_none());
}

#[test]
fn signing_in_leaves_the_session_of_the_link_behind() {
    let site = site();
    let attackers = Browser::default().begin(&site);
    let mut victim = Browser::with_cookies();
    let asked = victim.get(&site, &attackers, CROSS);
    victim.post(&site, asked.form(), SAME);
    victim.request(&site, (Method::POST, "/login"), SAME, |s| {
        now(s.login("alice")).unwrap();
        s.set("n", &99).unwrap();
    });
    let seen = Browser::default().post(&site, &attackers, SAME);
    assert_eq!((seen.n, seen.sets_cookie()), (None, false));
    assert_eq!(victim.get(&site, "/", SAME).n, Some(99));
}

#[test]
fn links_carry_a_token_only_where_it_is_needed_and_never_elsewhere() {
    let site = site();
    let links = |browser: &mut Browser, cookie: Option<&str>| {
        let how = cookie.map(|c| [SAME, &[("cookie", c)]].concat()).unwrap_or(SAME.to_vec());
        let mut links = Vec::new();
        browser.request(&site, (Method::POST, "/"), &how, |s| {
            assert_eq!(s.with_url_token("/a"), "/a", "there is no session yet");
            s.add("n", 1).unwrap();
            now(s.start()).unwrap();
            let of = ["/a", "?b", "//evil.example", "https://evil.example/", "/\\evil.example"];
            links = of.map(|to| s.with_url_token(to) != to).to_vec();
        });
        links
    };
    assert_eq!(links(&mut Browser::default(), None), [true, true, false, false, false]);
    assert_eq!(links(&mut Browser::default(), Some("theme=dark")), [false; 5]);
    let store_is = site.store.len();
    let mut empty = Browser::default();
    empty.request(&site, (Method::GET, "/"), SAME, |s| {
        now(s.start()).unwrap();
        assert_eq!(s.url_token(), None);
    });
    assert_eq!(site.store.len(), store_is, "nothing to keep opens no session");
}

#[test]
fn responses_to_a_token_or_with_one_are_not_kept_and_send_no_referrer() {
    let site = site();
    let policy = |outcome: &Outcome| {
        let policies = outcome.headers.iter().filter(|(name, _)| name == REFERRER_POLICY);
        policies.map(|(_, value)| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut browser = Browser::default();
    let begun = browser.request(&site, (Method::POST, "/"), SAME, |s| {
        s.add("n", 1).unwrap();
        now(s.start()).unwrap();
    });
    let tried = browser.get(&site, &begun.link, SAME);
    let carried = browser.get(&site, tried.redirect(), SAME);
    let expired = browser.get(&site, "/?ht=x", SAME);
    let asked = browser.get(&site, &begun.link, CROSS);
    for seen in [&begun, &tried, &carried, &expired, &asked] {
        assert_eq!(seen.outcome.caching, Caching::NoStore);
    }
    for seen in [&tried, &carried, &expired] {
        assert_eq!(policy(&seen.outcome), ["no-referrer"]);
    }
    assert!(policy(&begun.outcome).is_empty(), "its own URL has no token");
    assert_eq!(policy(&asked.outcome), ["strict-origin"], "or its POST would have no Origin");
    let ordinary = browser.get(&site, "/", SAME);
    assert!(policy(&ordinary.outcome).is_empty() && ordinary.outcome.caching == Caching::Private);

    let mut with_cookie = Browser::with_cookies();
    with_cookie.begin(&site);
    let handed = with_cookie.request(&site, (Method::GET, "/"), SAME, |s| {
        assert!(s.url_token().is_some());
    });
    assert!(handed.outcome.headers.is_empty() && handed.outcome.caching == Caching::NoStore);

    // Also where the application does not look at the session at all.
    let session = site.sessions.session();
    let uri: Uri = begun.link.parse().unwrap();
    assert!(session.present_url(&Method::GET, &uri, &headers(SAME)).is_some());
    let outcome = now(session.finish());
    assert_eq!((policy(&outcome), outcome.caching), (vec!["no-referrer".into()], Caching::NoStore));
}

#[test]
fn the_page_that_asks_cannot_be_framed_or_broken_out_of() {
    let page = UrlAnswer::Ask { form: "?a=\"><script>&ht=T".into(), afresh: "./'x".into() };
    let body = page.body();
    assert!(body.contains(r#"action="?a=&quot;&gt;&lt;script&gt;&amp;ht=T""#));
    assert!(body.contains(r#"href="./&#39;x""#) && body.contains(r#"method="post""#));
    let headers: HeaderMap = page.headers().into_iter().collect();
    assert!(
        headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'")
    );
    assert_eq!(headers["x-frame-options"], "DENY");
    assert!(!headers.contains_key(CACHE_CONTROL), "finish() says that");
}

#[test]
fn nothing_that_is_printed_holds_a_token() {
    let site = site();
    let link = Browser::default().begin(&site);
    let seen = Browser::default().get(&site, &link, SAME);
    let answer = UrlAnswer::SeeOther(seen.redirect().to_owned());
    assert_eq!(format!("{answer:?}"), "UrlAnswer");
    let error = SessionError::ByUrl(answer);
    for text in [format!("{error:?}"), error.to_string(), error.public_message().to_owned()] {
        assert!(!text.contains("ht="), "{text}");
    }
    let line = format!("GET {link} HTTP/1.1");
    assert_eq!(site.sessions.redact(&line), "GET /shop/cart?x=1&ht=redacted HTTP/1.1");
}

#[test]
fn it_is_off_unless_asked_for() {
    let (site, open) = (Site::new(|b| b), site());
    let link = Browser::default().begin(&open);
    let session = site.sessions.session();
    let uri: Uri = link.parse().unwrap();
    assert!(session.present_url(&Method::GET, &uri, &headers(SAME)).is_none());
    assert_eq!(now(session.finish()).caching, Caching::AsItIs);
    Browser::default().request(&site, (Method::POST, "/"), SAME, |s| {
        s.add("n", 1).unwrap();
        now(s.start()).unwrap();
        assert_eq!((s.url_token(), s.with_url_token("/a")), (None, "/a".to_owned()));
    });
    assert_eq!(site.sessions.redact(&link), link);
}

#[test]
fn a_name_that_cannot_be_a_parameter_is_refused() {
    let builder = || Sessions::builder(MemoryStore::new(), Keyring::new(Key::generate().unwrap()));
    for name in ["", "a b", "a=b", "h%74", "é", &"x".repeat(33)] {
        let error = danger::url_parameter(builder(), name).build().unwrap_err().to_string();
        assert!(error.contains("1 to 32 letters"), "{error}");
    }
    let in_header = builder().in_header(HeaderName::from_static("x-session"));
    let error = danger::url_parameter(in_header, "ht").build().unwrap_err().to_string();
    assert!(error.contains("no cookie to exchange it for"), "{error}");
}
