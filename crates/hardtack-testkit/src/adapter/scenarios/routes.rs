//! Who is let in where: members, cross-site requests, several layers.

use hardtack::session::Kind;

use super::{Adapter, Request};
use crate::Verb;

pub(crate) async fn members_only_is_401_for_scripts_and_a_way_to_the_login_for_pages(
    adapter: Adapter,
) {
    let server = adapter.server().await;
    let target = "/members?page=2&sort=a";
    let back = "/login?return_to=/members%3Fpage%3D2%26sort%3Da";
    for (name, value, method, want) in [
        ("sec-fetch-mode", "navigate", "GET", Some(back)),
        ("sec-fetch-mode", "cors", "GET", None),
        ("accept", "text/html,application/xhtml+xml", "GET", Some(back)),
        ("accept", "application/json", "GET", None),
        ("x-requested-with", "a program", "GET", None),
    ] {
        let request = Request::new(method, target).header(name, value);
        let answer = server.browser().ask(request).await.without_cookie();
        let what = format!("{method} {name}: {value}");
        assert_eq!(answer.status, if want.is_some() { 303 } else { 401 }, "{what}");
        assert_eq!(answer.one("location"), want, "{what}");
    }
    let mut browser = server.alice().await;
    assert_eq!(browser.text(target).await, "members");
    assert_eq!(server.visitor().await.get(target).await.status, 401, "a visitor is nobody");
}

pub(crate) async fn the_optional_user_lets_everybody_in(adapter: Adapter) {
    let server = adapter.server().await;
    assert_eq!(server.browser().text("/user").await, "nobody");
    assert_eq!(server.visitor().await.text("/user").await, "nobody");
    assert_eq!(server.alice().await.text("/user").await, "alice");
}

pub(crate) async fn cross_site_requests_are_refused_before_the_session_is_touched(
    adapter: Adapter,
) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    let loads = server.store.calls(Verb::Load);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for target in ["/s/add", "/s/logout", "/admin/add"] {
            let post = Request::post(target).header(name, value);
            browser.ask(post).await.expect(403).without_cookie();
        }
    }
    assert_eq!(server.store.calls(Verb::Load), loads);
    let own = format!("http://{}", server.address);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", own.as_str())] {
        browser.ask(Request::post("/s/add").header(name, value)).await.expect(200);
    }
    let link = Request::get("/s/read").header("sec-fetch-site", "cross-site");
    assert_eq!(browser.ask(link).await.expect(200).text(), "2", "links from elsewhere work");
}

pub(crate) async fn layers_side_by_side_do_not_mix(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.alice().await;
    assert_eq!(browser.text("/admin/dump").await, "");
    browser.get("/admin/login?user=root").await.expect(200);
    assert_eq!(browser.names(), ["__Host-Http-sid", "__Host-Http-admin-sid"]);
    browser.get("/s/add").await.expect(200).without_cookie();
    assert_eq!(browser.text("/s/dump").await, "n=1 user=alice");
    assert_eq!(browser.text("/admin/dump").await, "user=root");
    // The id of the one is no id in the cookie of the other, although both layers
    // share store and keys.
    let id = browser.cookie("__Host-Http-sid").expect("signed in").to_owned();
    let mut intruder = server.browser();
    intruder.set_cookie("__Host-Http-admin-sid", &id);
    assert_eq!(intruder.text("/admin/dump").await, "");
    browser.get("/s/logout").await.expect(200);
    assert_eq!(browser.text("/user").await, "nobody");
    assert_eq!(browser.text("/admin/dump").await, "user=root");
}

pub(crate) async fn one_answer_may_carry_both_layers_cookies(adapter: Adapter) {
    let server = adapter.server().await;
    let mut browser = server.browser();
    let answer = browser.get("/both").await.expect(200);
    assert_eq!(answer.set_cookies().len(), 2);
    assert_eq!(answer.one("vary"), Some("Cookie"));
    assert_eq!(answer.one("cache-control"), Some("no-store"));
    browser.get("/both").await.expect(200).without_cookie();
    assert_eq!(browser.text("/s/read").await, "2");
    assert_eq!(browser.text("/admin/read").await, "2");
    let aid = server.cookie(Kind::Anonymous);
    assert!(browser.cookie(&aid).is_some());
}
