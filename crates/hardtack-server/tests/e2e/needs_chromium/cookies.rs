//! Cookies: which stay, which go, and who gets to see them.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::browser::Page;
use crate::setting::{PAGES, Shop, cookie_names, setting, sign_in, user};

#[test]
fn quitting_ends_session_cookies_and_keeps_the_others() {
    let Some(setting) = setting("quit and reopen") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=dark]");
    sign_in(&page, &shop, "alice", "oatcake", false);
    assert_eq!(user(&page), "alice");
    assert_eq!(
        cookie_names(&page, &shop.at("/")),
        ["__Host-Http-demo-sid", "demo-theme"],
        "one session cookie and the theme"
    );
    browser.quit();

    let browser = setting.browser();
    let page = browser.open(&shop.at("/account"));
    assert_eq!(user(&page), "", "the session cookie went with the browser");
    assert_eq!(cookie_names(&page, &shop.at("/")), ["demo-theme"]);
    assert_eq!(page.eval("document.documentElement.dataset.theme"), json!("dark"));

    sign_in(&page, &shop, "bob", "gingernut", true);
    browser.quit();

    let browser = setting.browser();
    let page = browser.open(&shop.at("/account"));
    assert_eq!(user(&page), "bob", "remember-me signs in");
    assert!(page.text(".lead").contains("by remember-me"), "and says that it was not a password");
    assert!(page.text(".back").contains("__Host-Http-demo-sid"), "by a new session cookie");
    // Signing out ends being remembered too.
    page.click("form[action='/sign-out'] button");
    page.goto(&shop.at("/account"));
    assert_eq!(user(&page), "");
}

#[test]
fn scripts_see_the_theme_and_no_key() {
    let Some(setting) = setting("document.cookie") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=light]");
    sign_in(&page, &shop, "alice", "oatcake", true);
    page.fill("[name=address]", "12 Quay Road");
    page.click("form[action='/account/address'] button");
    assert_eq!(page.eval("document.cookie"), json!("demo-theme=light"));
    for cookie in page.cookies(&shop.at("/")) {
        let name = cookie["name"].as_str().expect("a name");
        let value = cookie["value"].as_str().expect("a value");
        assert_eq!(cookie["httpOnly"], json!(name != "demo-theme"), "{name}");
        assert_eq!(cookie["secure"], json!(true), "{name}");
        assert!(!value.contains("Quay"), "{name} is readable");
        // No page shows a key, nor most of one.
        for path in PAGES {
            page.goto(&shop.at(path));
            let all = page.eval("document.documentElement.outerHTML").to_string();
            assert!(
                name == "demo-theme" || !all.contains(&value[..value.len() / 2]),
                "{path} shows {name}"
            );
        }
    }
    page.goto(&shop.at("/cookies"));
    assert_eq!(page.text("pre[data-scripts-see]"), "demo-theme=light");
}

#[test]
fn a_cookie_of_twenty_seconds_goes_by_itself() {
    let Some(setting) = setting("twenty seconds") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/countdown"));
    page.click("form[action='/countdown/cookie'] button");
    assert_eq!(page.eval("document.cookie.includes('demo-20s')"), json!(true));
    page.wait_for("!document.querySelector('#twenty [data-after]').hidden");
    assert_eq!(page.eval("document.cookie"), json!(""), "the browser has deleted it");
    page.goto(&shop.at("/countdown"));
    assert!(page.text("#twenty").contains("did not send it"));
}

#[test]
fn a_cookie_of_shop_does_not_go_to_other() {
    let Some(setting) = setting("scope") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=rusk]");
    page.goto(&shop.on("shop", "/"));
    page.click("form[action='/set'] button");
    assert!(page.text("#arrived").contains("parcel=for-shop"));
    page.goto(&shop.on("other", "/"));
    assert!(page.text("#arrived").contains("no Cookie header"));
    page.goto(&shop.on("shop", "/"));
    page.click("form[action='/set-for-other'] button");
    page.goto(&shop.on("other", "/"));
    assert!(page.text("#arrived").contains("no Cookie header"), "nobody sets for a neighbour");
}

#[test]
fn the_same_cart_works_by_url_for_two_minutes() {
    let Some(setting) = setting("URL") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=rusk]");
    page.goto(&shop.at("/url"));
    page.click("form[action='/url/open'] button");
    let address = |page: &Page| page.eval("location.href").as_str().expect("an address").to_owned();
    let first = address(&page);
    assert!(first.starts_with(&shop.at("/url/cart?t=")), "{first}");
    assert_eq!(page.text("#cart"), "Rusk\t1", "the cart of the shop");
    page.click("button[value=rye]");
    assert_eq!(page.text("#cart"), "Rye crisp\t1\nRusk\t1");
    let second = address(&page);
    assert_ne!(first, second, "every page has a token of its own");
    page.goto(&shop.at("/"));
    assert_eq!(page.text("[data-cart-count]"), "2", "the shop has the same cart");
    // Whoever gets the address is asked first.
    page.goto(&second);
    assert_eq!(page.text("h1"), "Continue this visit?");
    shop.clock.forward(Duration::from_secs(121));
    page.goto(&second);
    assert_eq!(page.text("h1"), "No cart by this address");
    assert_eq!(cookie_names(&page, &shop.at("/")), ["__Host-Http-demo-aid"]);
    // A signed-in session never goes into a URL.
    sign_in(&page, &shop, "alice", "oatcake", false);
    page.goto(&shop.at("/url"));
    assert!(page.text("main").contains("does not go into a URL"));
    assert_eq!(page.eval("document.querySelector('form[action=\"/url/open\"]')"), json!(null));
}

#[test]
fn a_browser_that_never_kept_a_cookie_has_a_cart_by_url() {
    let Some(setting) = setting("URL alone") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/url"));
    page.click("form[action='/url/open'] button");
    for product in ["rusk", "rusk", "rye"] {
        page.click(&format!("button[value={product}]"));
    }
    assert_eq!(page.text("#cart"), "Rye crisp\t1\nRusk\t2");
    assert_eq!(cookie_names(&page, &shop.at("/")), [""; 0]);
    let answer = shop.ask(
        &shop.name(),
        "POST /url/add",
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nproduct=rye",
    );
    assert!(!answer.contains("set-cookie"), "{answer}");
    let target = answer.lines().find_map(|line| line.strip_prefix("location: "));
    let target = target.expect("a token in the address of the next page");
    let answer =
        shop.ask(&shop.name(), &format!("GET {target}"), "Sec-Fetch-Site: same-origin\r\n\r\n");
    assert!(answer.contains("referrer-policy: no-referrer"), "{answer}");
}

#[test]
fn forget_me_leaves_nothing_in_the_browser() {
    let Some(setting) = setting("forget me") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=dark]");
    sign_in(&page, &shop, "alice", "oatcake", true);
    page.fill("[name=address]", "12 Quay Road");
    page.click("form[action='/account/address'] button");
    page.goto(&shop.at("/computer"));
    assert!(page.text(".lead").contains("4 of 9"), "{}", page.text(".lead"));
    page.click("form[action='/computer/forget'] button");
    assert_eq!(user(&page), "");
    assert_eq!(cookie_names(&page, &shop.at("/")), [""; 0]);
}

#[test]
fn who_blocks_cookies_is_told_why_nothing_stays() {
    let Some(setting) = setting("blocked cookies") else { return };
    let preferences = setting.profile.path().join("Default");
    fs::create_dir_all(&preferences).expect("a profile");
    let blocked = json!({ "profile": { "default_content_setting_values": { "cookies": 2 } } });
    fs::write(preferences.join("Preferences"), blocked.to_string()).expect("a profile");
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=rusk]");
    assert_eq!(page.text("h1"), "Your browser did not send the cookie back");
}
