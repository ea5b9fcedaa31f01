//! Tokens and messages before there is a session.

use http::HeaderName;

use super::*;
use crate::seal::Key;
use crate::session::tests::{Browser, Site, now, plain};
use crate::session::{About, Caching, Outcome};

const PRE: &str = "__Host-Http-pre";
const MSG: &str = "__Host-Http-msg";

impl Browser {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn put(&mut self, name: &str, value: &str) {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// A page with a form.
fn token(site: &Site, browser: &mut Browser) -> String {
    site.visit(browser, |s| s.csrf_token().unwrap())
}

/// The form comes back.
fn is_accepted(site: &Site, browser: &Browser, token: &str) -> bool {
    site.visit(&mut browser.clone(), |s| s.check_csrf(token))
}

/// One request, and what it answers.
fn answer(site: &Site, browser: &mut Browser, handler: impl FnOnce(&Session)) -> Outcome {
    let session = site.open(browser);
    handler(&session);
    let outcome = now(session.finish());
    browser.apply(&outcome);
    outcome
}

/// What the next page shows.
fn shown(site: &Site, browser: &mut Browser) -> Vec<String> {
    let messages = site.visit(browser, |s| now(s.take_flashes()).unwrap());
    messages.into_iter().map(|message| message.text).collect()
}

fn leave(site: &Site, browser: &mut Browser, text: &str) {
    site.visit(browser, |s| s.flash("info", text).unwrap());
}

fn promote_another_key(site: &Site) {
    let (keys, key) = (site.sessions.keys(), Key::generate().unwrap());
    let id = key.id();
    keys.add(key).unwrap();
    keys.promote(id).unwrap();
}

#[test]
fn asking_for_a_token_opens_no_session_and_writes_nothing_to_the_store() {
    let (site, mut browser) = (plain(), Browser::default());
    let outcome = answer(&site, &mut browser, |s| {
        let (one, two) = (s.csrf_token().unwrap(), s.csrf_token().unwrap());
        assert_ne!(one, two, "masked anew each time");
        assert_eq!(s.handle(), None);
    });
    assert_eq!(browser.names(), [PRE]);
    assert_eq!(outcome.headers.len(), 1, "one cookie for all tokens of a page");
    assert_eq!(outcome.caching, Caching::NoStore);
    let line = outcome.headers[0].1.to_str().unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Max-Age=14400"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(site.store.is_empty());
    assert_eq!(site.sessions.counts().started, 0);
}

#[test]
fn reading_sets_no_cookie_of_visitors() {
    let (site, mut browser) = (plain(), Browser::default());
    let outcome = answer(&site, &mut browser, |s| assert!(!s.check_csrf("AAAA")));
    assert!(outcome.headers.is_empty() && outcome.caching == Caching::Private);
}

#[test]
fn a_login_form_is_accepted_from_the_browser_that_was_shown_it_and_from_no_other() {
    let (site, mut browser, mut thief) = (plain(), Browser::default(), Browser::default());
    let (form, theirs) = (token(&site, &mut browser), token(&site, &mut thief));
    assert!(is_accepted(&site, &browser, &form) && is_accepted(&site, &thief, &theirs));
    assert!(!is_accepted(&site, &browser, &theirs), "of another's pre-session");
    assert!(!is_accepted(&site, &thief, &form));
    // Another site's form: the browser leaves the SameSite cookie out.
    assert!(!is_accepted(&site, &Browser::default(), &theirs));
    assert!(!is_accepted(&site, &Browser::default(), &form));
    assert!(!is_accepted(&site, &browser, &form[1..]) && !is_accepted(&site, &browser, ""));
}

#[test]
fn the_forms_of_two_tabs_both_work_and_the_cookie_is_set_once() {
    let (site, mut browser) = (plain(), Browser::default());
    let one = token(&site, &mut browser);
    let outcome = answer(&site, &mut browser, |s| {
        let two = s.csrf_token().unwrap();
        assert!(s.check_csrf(&one) && s.check_csrf(&two));
    });
    assert!(outcome.headers.is_empty(), "{:?}", browser.names());
    assert_eq!(outcome.caching, Caching::Private);
}

#[test]
fn in_its_second_half_a_pre_session_is_prolonged_and_the_forms_before_still_work() {
    let (site, mut browser) = (plain(), Browser::default());
    let form = token(&site, &mut browser);
    let half = PRE_LASTS.as_secs() / 2;
    site.pass(half);
    let sealed = browser.value(PRE).unwrap().to_owned();
    token(&site, &mut browser);
    assert_eq!(browser.value(PRE), Some(&*sealed), "not before");
    site.pass(1);
    token(&site, &mut browser);
    assert_ne!(browser.value(PRE), Some(&*sealed));
    site.pass(half + 1);
    assert!(is_accepted(&site, &browser, &form));
}

#[test]
fn an_expired_forged_or_foreign_pre_session_is_as_none() {
    let (site, mut browser) = (plain(), Browser::default());
    let form = token(&site, &mut browser);
    let sealed = browser.value(PRE).unwrap().to_owned();
    let mut forged = sealed.clone().into_bytes();
    forged[60] ^= 1;
    let seed = [7; 16];
    let ours = Sealer::new(site.sessions.keys(), PRE_PURPOSE);
    let other_purpose = Sealer::new(site.sessions.keys(), "something else");
    let (time, later) = (site.sessions.now(), site.sessions.now().saturating_add(PRE_LASTS));
    for value in [
        String::from_utf8_lossy(&forged).into_owned(),
        String::new(),
        "x".repeat(5000),
        ours.encrypt("__Host-Http-msg", &seed, later, time).unwrap(),
        ours.encrypt(PRE, &seed[1..], later, time).unwrap(),
        other_purpose.encrypt(PRE, &seed, later, time).unwrap(),
        Sealer::new(&crate::seal::Keyring::new(Key::generate().unwrap()), PRE_PURPOSE)
            .encrypt(PRE, &seed, later, time)
            .unwrap(),
    ] {
        let mut with = Browser::default();
        with.put(PRE, &value);
        assert!(!is_accepted(&site, &with, &form), "{value}");
        let new = token(&site, &mut with);
        assert!(with.value(PRE) != Some(&*value) && is_accepted(&site, &with, &new), "{value}");
    }
    site.pass(PRE_LASTS.as_secs());
    assert!(!is_accepted(&site, &browser, &form));
}

#[test]
fn of_two_pre_sessions_in_one_request_neither_counts() {
    let (site, mut browser, mut planted) = (plain(), Browser::default(), Browser::default());
    let (ours, theirs) = (token(&site, &mut browser), token(&site, &mut planted));
    let again = (PRE.to_owned(), browser.value(PRE).unwrap().to_owned());
    browser.0.push(again);
    assert!(is_accepted(&site, &browser, &ours), "the same twice is one");
    browser.0.extend(planted.0);
    assert!(!is_accepted(&site, &browser, &ours) && !is_accepted(&site, &browser, &theirs));
}

#[test]
fn a_session_that_is_opened_meanwhile_does_not_spoil_the_form_and_a_login_makes_it_void() {
    let (site, mut browser) = (plain(), Browser::default());
    let form = site.visit(&mut browser, |s| {
        let form = s.csrf_token().unwrap();
        s.set("return_to", "/cart").unwrap();
        form
    });
    assert_eq!(site.store.len(), 1);
    assert!(is_accepted(&site, &browser, &form), "beside an anonymous session");
    let of_session = token(&site, &mut browser);
    assert!(is_accepted(&site, &browser, &of_session));

    site.visit(&mut browser, |s| {
        assert!(s.check_csrf(&form));
        now(s.login("alice")).unwrap();
        assert!(!s.check_csrf(&form) && !s.check_csrf(&of_session));
    });
    assert_eq!(browser.value(PRE), None, "the pre-session ends");
    assert!(!is_accepted(&site, &browser, &form));
}

#[test]
fn nobody_can_use_a_pre_session_of_before_a_login_after_it() {
    let (site, mut browser) = (plain(), Browser::default());
    let form = token(&site, &mut browser);
    let pre = browser.value(PRE).unwrap().to_owned();
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    browser.put(PRE, &pre); // put back by somebody
    assert!(!is_accepted(&site, &browser, &form));
}

#[test]
fn a_login_and_a_token_in_one_request_leave_no_pre_session() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.csrf_token().unwrap();
        now(s.login("alice")).unwrap();
    });
    assert_eq!(browser.names(), ["__Host-Http-sid"]);
}

#[test]
fn tokens_and_pre_sessions_live_through_a_change_of_keys_and_are_sealed_anew() {
    let (site, mut browser) = (plain(), Browser::default());
    let form = token(&site, &mut browser);
    let sealed = browser.value(PRE).unwrap().to_owned();
    promote_another_key(&site);
    assert!(is_accepted(&site, &browser, &form));
    let new = token(&site, &mut browser);
    assert_ne!(browser.value(PRE), Some(&*sealed), "by the key that seals now");
    assert!(is_accepted(&site, &browser, &form) && is_accepted(&site, &browser, &new));
    let newest = browser.value(PRE).unwrap().to_owned();
    token(&site, &mut browser);
    assert_eq!(browser.value(PRE), Some(&*newest));
}

#[test]
fn a_logout_in_the_request_leaves_its_token_and_forget_removes_what_came() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    let form = site.visit(&mut browser, |s| {
        now(s.logout()).unwrap();
        s.csrf_token().unwrap()
    });
    assert!(is_accepted(&site, &browser, &form));
    let mut other = browser.clone();
    site.visit(&mut other, |s| now(s.forget()).unwrap());
    assert!(other.0.is_empty(), "{:?}", other.names());
    let new = site.visit(&mut browser, |s| {
        now(s.forget()).unwrap();
        assert!(!s.check_csrf(&form));
        s.csrf_token().unwrap()
    });
    assert_eq!(browser.names(), [PRE]);
    assert!(is_accepted(&site, &browser, &new) && !is_accepted(&site, &browser, &form));
}

#[test]
fn there_is_no_token_before_the_session_is_loaded_nor_without_one_by_header() {
    let site = plain();
    let session = site.sessions.session();
    assert!(matches!(session.csrf_token(), Err(SessionError::Value(ValueError::NotLoaded))));
    assert!(!session.check_csrf("AAAA"));
    let by_header = Site::new(|b| b.in_header(HeaderName::from_static("x-session")));
    let session = by_header.open(&Browser::default());
    assert!(matches!(session.csrf_token(), Err(SessionError::NotSignedIn)));
    assert_eq!(by_header.sessions.cookie_names().count(), 0);
}

#[test]
fn after_the_answer_there_is_a_token_only_for_a_cookie_that_the_browser_has() {
    let (site, mut browser) = (plain(), Browser::default());
    let session = site.open(&browser);
    assert!(now(session.finish()).headers.is_empty());
    assert!(matches!(session.csrf_token(), Err(SessionError::Value(ValueError::Closed))));
    token(&site, &mut browser);
    let session = site.open(&browser);
    assert!(now(session.finish()).headers.is_empty());
    let late = session.csrf_token().unwrap();
    assert!(is_accepted(&site, &browser, &late));
}

#[test]
fn each_layer_has_pre_sessions_of_its_own() {
    let site = Site::new(|b| b.name("shop"));
    let mut browser = Browser::default();
    token(&site, &mut browser);
    assert_eq!(browser.names(), ["__Host-Http-shop-pre"]);
    let names: Vec<_> = site.sessions.cookie_names().collect();
    let short = ["aid", "sid", "rem", "sid2", "out", "pre", "msg"];
    assert_eq!(names, short.map(|short| format!("__Host-Http-shop-{short}")));
}

#[test]
fn a_message_of_a_visitor_without_a_session_opens_none_and_is_shown_once() {
    let (site, mut browser) = (plain(), Browser::default());
    let outcome = answer(&site, &mut browser, |s| s.flash("info", "Sent").unwrap());
    assert_eq!(browser.names(), [MSG]);
    assert_eq!(outcome.caching, Caching::NoStore);
    let line = outcome.headers[0].1.to_str().unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Max-Age=300"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("Sent") && !browser.value(MSG).unwrap().contains("U2Vud"));
    let outcome = answer(&site, &mut browser, |s| {
        let messages = now(s.take_flashes()).unwrap();
        assert_eq!((&*messages[0].kind, &*messages[0].text, messages.len()), ("info", "Sent", 1));
        assert_eq!(now(s.take_flashes()).unwrap(), []);
    });
    assert_eq!(outcome.caching, Caching::NoStore);
    assert!(browser.0.is_empty());
    assert_eq!(shown(&site, &mut browser), [""; 0]);
    assert!(site.store.is_empty());
    assert_eq!(site.sessions.counts().started, 0);
}

#[test]
fn a_prefetch_takes_no_message() {
    let (site, mut browser) = (plain(), Browser::default());
    leave(&site, &mut browser, "Sent");
    let ahead = site.sessions.session();
    let about = About { passive: true, ..About::default() };
    now(ahead.load_as(&browser.headers(), about)).unwrap();
    assert_eq!(now(ahead.take_flashes()).unwrap(), []);
    browser.apply(&now(ahead.finish()));
    assert_eq!(shown(&site, &mut browser), ["Sent"]);
}

#[test]
fn messages_of_several_requests_wait_in_their_order_and_those_of_the_page_for_the_next() {
    let (site, mut browser) = (plain(), Browser::default());
    leave(&site, &mut browser, "one");
    site.visit(&mut browser, |s| {
        s.flash("info", "two").unwrap();
        s.flash("info", "three").unwrap();
    });
    site.visit(&mut browser, |s| {
        s.flash("info", "four").unwrap();
        assert_eq!(now(s.take_flashes()).unwrap().len(), 3);
        s.flash("info", "five").unwrap();
    });
    assert_eq!(shown(&site, &mut browser), ["four", "five"]);
}

#[test]
fn a_login_in_between_loses_no_message() {
    let (site, mut browser) = (plain(), Browser::default());
    leave(&site, &mut browser, "before");
    site.visit(&mut browser, |s| {
        s.flash("info", "with").unwrap();
        now(s.login("alice")).unwrap();
        s.flash("info", "after").unwrap();
    });
    let mut copy = browser.clone();
    assert_eq!(shown(&site, &mut browser), ["before", "with", "after"]);
    assert_eq!(browser.names(), ["__Host-Http-sid"]);
    assert_eq!(shown(&site, &mut copy), ["before", "with"], "those in the session are gone");
}

#[test]
fn a_value_that_opens_a_session_loses_no_message() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.flash("info", "one").unwrap();
        s.set("x", &1).unwrap();
        now(s.start()).unwrap();
        s.flash("info", "two").unwrap();
    });
    assert_eq!(shown(&site, &mut browser), ["one", "two"]);
}

#[test]
fn after_a_logout_a_message_opens_no_session_and_forget_takes_only_the_older_ones() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| now(s.login("alice")).unwrap());
    site.visit(&mut browser, |s| {
        now(s.logout()).unwrap();
        s.flash("info", "Goodbye").unwrap();
    });
    assert_eq!(site.sessions.counts().started, 1);
    let mut other = browser.clone();
    assert_eq!(shown(&site, &mut browser), ["Goodbye"]);
    site.visit(&mut other, |s| {
        s.flash("info", "Forgotten").unwrap();
        now(s.forget()).unwrap();
    });
    assert_eq!(other.names(), [MSG]);
    assert_eq!(shown(&site, &mut other), ["Forgotten"]);
}

#[test]
fn messages_that_were_given_up_are_not_left() {
    let (site, mut browser) = (plain(), Browser::default());
    site.visit(&mut browser, |s| {
        s.flash("info", "no").unwrap();
        s.discard();
        s.flash("info", "nor this").unwrap();
    });
    assert!(browser.0.is_empty());
}

#[test]
fn messages_have_a_bound_and_the_rest_stays() {
    let (site, mut browser) = (plain(), Browser::default());
    let long = "x".repeat(1500);
    leave(&site, &mut browser, &long);
    site.visit(&mut browser, |s| {
        let error = s.flash("info", &long).unwrap_err();
        assert!(error.to_string().contains("2048"), "{error}");
        s.flash("info", "short").unwrap();
    });
    assert!(browser.value(MSG).unwrap().len() < 3000);
    assert_eq!(shown(&site, &mut browser), [long, "short".to_owned()]);
}

#[test]
fn an_expired_or_forged_message_is_not_shown() {
    let (site, mut browser) = (plain(), Browser::default());
    leave(&site, &mut browser, "Sent");
    let sealed = browser.value(MSG).unwrap().to_owned();
    let mut forged = sealed.clone().into_bytes();
    forged[60] ^= 1;
    let (time, later) = (site.sessions.now(), site.sessions.now().saturating_add(MESSAGES_LAST));
    let text = br#"[{"kind":"info","text":"x"}]"#;
    let foreign = Sealer::new(site.sessions.keys(), PRE_PURPOSE);
    for value in [
        String::from_utf8_lossy(&forged).into_owned(),
        foreign.encrypt(MSG, text, later, time).unwrap(),
        "plain".to_owned(),
    ] {
        let mut with = Browser::default();
        with.put(MSG, &value);
        assert_eq!(shown(&site, &mut with), [""; 0], "{value}");
    }
    site.pass(MESSAGES_LAST.as_secs());
    assert_eq!(shown(&site, &mut browser), [""; 0]);
}

#[test]
fn messages_live_through_a_change_of_keys() {
    let (site, mut browser) = (plain(), Browser::default());
    leave(&site, &mut browser, "Sent");
    promote_another_key(&site);
    assert_eq!(shown(&site, &mut browser), ["Sent"]);
}

#[test]
fn without_cookies_a_message_opens_a_session() {
    let site = Site::new(|b| b.in_header(HeaderName::from_static("x-session")));
    let session = site.open(&Browser::default());
    session.flash("info", "Sent").unwrap();
    assert_eq!(now(session.finish()).headers[0].0, "x-session");
    assert_eq!(site.store.len(), 1);
}

#[test]
fn no_message_is_left_before_the_session_is_loaded_or_after_the_answer() {
    let site = plain();
    assert_eq!(site.sessions.session().flash("info", "x"), Err(ValueError::NotLoaded));
    let session = site.open(&Browser::default());
    now(session.finish());
    assert_eq!(session.flash("info", "x"), Err(ValueError::Closed));
}
