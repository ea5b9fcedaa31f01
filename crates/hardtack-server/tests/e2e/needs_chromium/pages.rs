//! Every page, with and without script.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::browser::until;
use crate::setting::{PAGES, Shop, cookie_names, setting, sign_in, user};

#[test]
fn every_page_works_and_looking_begins_no_session() {
    let Some(setting) = setting("every page") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    for path in PAGES {
        page.goto(&shop.at(path));
        assert!(!page.text("h1").is_empty(), "{path} has a heading");
        assert!(!page.text("nav [aria-current]").is_empty(), "{path} is in the navigation");
        assert!(page.text(".held").contains("No session"), "{path} began a session");
        let wide = page.eval("document.documentElement.scrollWidth > innerWidth");
        assert_eq!(wide, json!(false), "{path} is too wide");
    }
    assert_eq!(cookie_names(&page, &shop.at("/")), [""; 0]);
    page.goto(&shop.at("/no-such-page"));
    assert_eq!(page.text("h1"), "Nothing here");
    page.goto(&shop.at("/sign-out"));
    assert_eq!(page.text("h1"), "This address is for a button");
}

#[test]
fn everything_works_without_script() {
    let Some(setting) = setting("without script") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open("about:blank");
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    page.goto(&shop.at("/"));
    page.click("button[value=rusk]");
    page.click("button[aria-label='One more: Rusk']");
    assert_eq!(page.text("[data-cart-count]"), "2");
    page.click("button[value=dark]");
    assert!(page.text(".eye").contains("demo-theme=dark"), "as far as the server can tell");
    sign_in(&page, &shop, "alice", "oatcake", true);
    assert_eq!(user(&page), "alice");
    page.fill("[name=address]", "12 Quay Road");
    page.click("form[action='/account/address'] button");
    assert!(page.text("#address").contains("12 Quay Road"));
    page.goto(&shop.at("/countdown"));
    page.click("form[action='/countdown/idle'] button");
    page.click("form[action='/countdown/cookie'] button");
    assert!(page.text("#twenty").contains("Your browser sent it"));
    // The session ends all the same; being remembered gives a new one.
    shop.clock.forward(Duration::from_secs(40));
    page.goto(&shop.at("/account"));
    assert!(page.text(".lead").contains("by remember-me"));
    page.goto(&shop.at("/race"));
    page.click("form[action='/race'] button");
    assert_eq!(page.text("[data-hardtack]"), "50");
    page.click("form[action='/sign-out'] button");
    assert_eq!(page.text("h1"), "Signed out");
}

/// Pictures of the pages, to be looked at by a person.
#[test]
fn pictures_for_the_eye() {
    let Some(setting) = setting("pictures") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-pictures");
    fs::create_dir_all(&folder).expect("a folder");
    for product in ["rusk", "rusk", "rye", "gingernut"] {
        page.click(&format!("button[value={product}]"));
    }
    let take = |name: &str| {
        for (screen, width, height) in [("phone", 390, 844), ("desktop", 1280, 900)] {
            for scheme in ["light", "dark"] {
                page.look(width, height, scheme);
                let wide = page.eval("document.documentElement.scrollWidth > innerWidth");
                assert_eq!(wide, json!(false), "{name} is too wide for a {screen}");
                page.screenshot(&folder.join(format!("{name}-{screen}-{scheme}.png")));
            }
        }
    };
    take("shop");
    page.goto(&shop.at("/account"));
    take("sign-in");
    sign_in(&page, &shop, "alice", "oatcake", true);
    page.fill("[name=address]", "12 Quay Road\nPortsmouth");
    page.click("form[action='/account/address'] button");
    page.click("form[action='/account/end-others'] button");
    take("account");
    for path in &PAGES[2..] {
        page.goto(&shop.at(path));
        take(&path[1..]);
    }
    page.goto(&shop.at("/race"));
    page.click("form[action='/race'] button");
    take("race-run");
    page.click("nav a[href='/steal']");
    page.click("form[action='/steal/new'] button");
    page.click("form[action='/steal/use'] button");
    take("steal-run");
    page.goto(&shop.at("/countdown"));
    page.click("form[action='/countdown/idle'] button");
    page.click("form[action='/countdown/cookie'] button");
    take("countdown-run");
    page.click("form[action='/sign-out'] button");
    take("goodbye");
    page.goto(&shop.at("/url"));
    page.click("form[action='/url/open'] button");
    page.click("button[value=rusk]");
    take("url-cart");
    page.goto(&shop.on("shop", "/"));
    page.click("form[action='/set'] button");
    take("scope-shop");
    page.goto(&shop.at("/computer"));
    page.click("form[action='/computer/forget'] button");
    page.goto(&shop.at("/arrived?to=/"));
    take("no-cookie-came-back");
    until("the pictures are there", || folder.join("shop-phone-dark.png").is_file().then_some(()));
}

#[test]
fn a_made_up_cookie_is_judged_as_each_browser_would() {
    let Some(setting) = setting("would it be sent") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/sent"));
    let of = |profile: &str| page.text(&format!("[data-profile={profile}]"));
    for profile in ["chromium", "firefox", "rfc6265bis"] {
        let says = of(profile);
        assert!(says.contains("Stored, but not sent"), "{says}");
        assert!(
            says.contains("the cookie is Secure, and the request goes over plain http"),
            "{says}"
        );
        assert!(says.contains("carries no Cookie header"), "{says}");
    }
    page.fill("[name=send]", "https://shop.example/cart");
    page.click("form[action='/sent'] button");
    assert!(of("chromium").contains("Cookie: sid=31d4"), "{}", of("chromium"));
    page.fill("[name=set]", "sid=1; Domain=.co.uk; SameSite=None\n<b>&=1");
    page.fill("[name=url]", "https://shop.example.co.uk/");
    page.fill("[name=send]", "https://shop.example.co.uk/");
    page.click("form[action='/sent'] button");
    let says = of("chromium");
    assert!(
        says.contains("public suffix") && says.contains("SameSite=None but is not Secure"),
        "{says}"
    );
    assert!(says.contains("This would be stored: sid=1; SameSite=None; Secure"), "{says}");
    assert!(says.contains("Cookie: <b>&=1"), "{says}");
    page.fill("[name=url]", "shop.example");
    page.click("form[action='/sent'] button");
    assert!(page.text("[role=alert]").contains("not an absolute URL"));
    assert_eq!(cookie_names(&page, &shop.at("/")), [""; 0], "asking sets nothing");
}
