//! Sessions: what keeps them, what they hold, and what ends them.

use std::time::Duration;

use serde_json::json;

use crate::browser::Page;
use crate::setting::{Shop, cookie_names, setting, sign_in, user};
use hardtack_server::demo::Keep;

#[test]
fn two_tabs_add_at_once_and_nothing_is_lost() {
    let Some(setting) = setting("two tabs") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let first = browser.open(&shop.at("/"));
    first.click("button[value=rusk]");
    assert_eq!(first.text("[data-cart-count]"), "1");
    let second = browser.open(&shop.at("/"));
    // Twenty from each tab, all under way at the same time. The shop's own policy lets no
    // script fetch anything, so the browser is told to overlook it for this.
    for tab in [&first, &second] {
        tab.call("Page.setBypassCSP", json!({ "enabled": true }));
        tab.goto(&shop.at("/"));
    }
    let burst = "Promise.all([...Array(20)].map(() => fetch('/cart/add', { method: 'POST', \
                 body: new URLSearchParams({ product: 'rusk' }) }))).then(all => { window.done = all.every(r => r.ok) }); 0";
    first.eval(burst);
    second.eval(burst);
    first.wait_for("window.done === true");
    second.wait_for("window.done === true");
    // Each tab has seen only its own clicks; a click in either shows them all.
    second.click("button[value=rusk]");
    assert_eq!(second.text("[data-cart-count]"), "42");
    first.click("button[aria-label='One less: Rusk']");
    assert_eq!(first.text("[data-cart-count]"), "41");
}

#[test]
fn back_after_signing_out_shows_nothing_private() {
    let Some(setting) = setting("back after signing out") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    back_after_signing_out(&shop, &browser.open(&shop.at("/")));
    // Browsers bring pages back alive; without the shop's script only the server is left to
    // prevent it.
    let page = browser.open(&shop.at("/"));
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    back_after_signing_out(&shop, &page);
}

fn back_after_signing_out(shop: &Shop, page: &Page) {
    sign_in(page, shop, "alice", "oatcake", false);
    page.fill("[name=address]", "12 Quay Road, Portsmouth");
    page.click("form[action='/account/address'] button");
    assert!(page.text("#address").contains("12 Quay Road"), "the server reads the address");
    page.click("form[action='/sign-out'] button");
    assert_eq!(page.text("h1"), "Signed out");
    page.back();
    page.wait_for("document.querySelector('h1')?.innerText === 'Sign in'");
    let all = page.eval("document.documentElement.outerHTML").to_string();
    assert!(!all.contains("Quay Road") && !all.contains("alice\u{2019}s account"), "{all}");
}

#[test]
fn an_idle_session_ends_by_itself() {
    let Some(setting) = setting("idle") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/countdown"));
    page.click("form[action='/countdown/begin'] button");
    page.click("form[action='/countdown/idle'] button");
    let started = page.eval("Number(document.querySelector('#idle [data-digits]').textContent)");
    let started = started.as_u64().expect("seconds");
    assert!((25..=35).contains(&started), "about 30 s, not {started}");
    page.wait_for(&format!(
        "Number(document.querySelector('#idle [data-digits]').textContent) < {started}"
    ));
    // A visit sets it back.
    shop.clock.forward(Duration::from_secs(25));
    page.goto(&shop.at("/countdown"));
    shop.clock.forward(Duration::from_secs(25));
    page.goto(&shop.at("/countdown"));
    assert!(page.text(".held").contains("began"), "the session lives on");
    // The page asks by itself when its count is over.
    shop.clock.forward(Duration::from_secs(40));
    page.eval(
        "{ const now = performance.now.bind(performance); performance.now = () => now() + 40_000 }",
    );
    page.wait_for("document.querySelector('#idle').innerText.includes('It has ended')");
    assert!(page.text(".notice").contains("not used for too long"));
    assert!(page.text(".held").contains("No session"));
}

#[test]
fn sessions_are_listed_and_ended_from_another_device() {
    let (Some(here), Some(there)) = (setting("own sessions"), setting("own sessions")) else {
        return;
    };
    let shop = Shop::open();
    let (near, far) = (here.browser(), there.browser());
    let (near, far) = (near.open(&shop.at("/")), far.open(&shop.at("/")));
    for page in [&near, &far] {
        sign_in(page, &shop, "alice", "oatcake", false);
    }
    near.goto(&shop.at("/account"));
    assert_eq!(near.eval("document.querySelectorAll('.stack tbody tr').length"), json!(2));
    assert_eq!(
        near.eval("document.querySelectorAll('.stack .here').length"),
        json!(1),
        "this one is marked"
    );
    assert!(near.text(".stack").contains("Chrome on Linux"));
    near.click("form[action='/account/end-others'] button");
    assert!(near.text(".notice").contains("One other session has ended"));
    far.goto(&shop.at("/account"));
    assert_eq!(user(&far), "");
    assert!(far.text(".notice").contains("ended from somewhere else"));
    // One by its own button.
    sign_in(&far, &shop, "alice", "oatcake", false);
    near.goto(&shop.at("/account"));
    near.click("form[action='/account/end'] button");
    far.goto(&shop.at("/"));
    assert_eq!(user(&far), "");
    // All, here too.
    near.click("form[action='/account/end-all'] button");
    assert_eq!(near.text("h1"), "Signed out");
    assert_eq!(user(&near), "");
}

#[test]
fn a_picture_lives_in_the_session() {
    let Some(setting) = setting("picture") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    sign_in(&page, &shop, "alice", "oatcake", false);
    // A picture of a thousand by a thousand: the script makes it small, then it is sent.
    page.eval(
        "new Promise(async done => { const c = document.createElement('canvas'); c.width = c.height = 1000; \
         const g = c.getContext('2d'); g.fillStyle = '#c84'; g.fillRect(0, 0, 1000, 1000); \
         const blob = await new Promise(r => c.toBlob(r)); const list = new DataTransfer(); \
         list.items.add(new File([blob], 'big.png')); const input = document.querySelector('[name=picture]'); \
         input.files = list.files; input.dispatchEvent(new Event('change')); done(0) })",
    );
    page.wait_for("document.querySelector('[name=picture]').files[0].name === 'picture.jpg'");
    page.click("form[action='/account/picture/save'] button");
    page.wait_for("document.querySelector('img.picture')?.naturalWidth === 160");
    page.goto(&shop.at("/computer"));
    assert!(page.text(".held").contains("picture"), "it is on the server");
    page.goto(&shop.at("/account"));
    page.click("form[action='/account/picture/remove'] button");
    assert_eq!(page.eval("document.querySelector('img.picture')"), json!(null));
}

#[test]
fn sessions_survive_a_restart_of_the_program() {
    let Some(setting) = setting("restart") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let keep = Keep::In(folder.path().join("demo"));
    let shop = Shop::open_keeping(keep.clone(), 0);
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    page.click("button[value=rusk]");
    let port = shop.port;
    drop(shop);
    let shop = Shop::open_keeping(keep, port);
    page.goto(&shop.at("/"));
    assert_eq!(page.text("[data-cart-count]"), "1");
}

#[test]
fn the_race_is_won_by_saying_what_is_to_change() {
    let Some(setting) = setting("race") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/race"));
    page.click("form[action='/race'] button");
    assert_eq!(page.text("[data-hardtack]"), "50");
    let naive: u32 = page.text("[data-naive]").parse().expect("a number");
    assert!(naive < 50, "the naive session kept all {naive}");
    assert!(page.text("#totals").matches("0 lost.").count() >= 2, "hardtack lost none either way");
    assert_eq!(cookie_names(&page, &shop.at("/")), [""; 0], "the race runs on throw-away sessions");
}

#[test]
fn a_stolen_key_is_dead_after_signing_out() {
    let Some(setting) = setting("steal") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/steal"));
    page.click("form[action='/steal/new'] button");
    let line = page.text("[data-curl]");
    let cookie = line.split('\'').nth(1).expect("the key is in quotes").to_owned();
    let as_thief = || shop.ask(&shop.name(), "GET /steal/whoami", &format!("Cookie: {cookie}\r\n"));
    assert!(as_thief().contains("You are guest"), "{}", as_thief());
    page.click("form[action='/steal/use'] button");
    assert!(page.text(".answer").contains("You are guest"));
    page.click("form[action='/steal/sign-out'] button");
    assert!(page.text(".answer").contains("401"));
    page.click("button[value=dark]");
    assert_eq!(
        page.text("h1"),
        "Steal a session",
        "the theme leads back to a page that can be shown"
    );
    assert!(as_thief().starts_with("HTTP/1.1 401"), "{}", as_thief());
}
