//! The demo in a real browser: every page, and what makes sessions and cookies end or stay.

mod browser;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use browser::{Browser, Page, chromium, until};
use hardtack_server::demo::{Demo, Keep};
use hardtack_tower::time::{Clock, SystemClock, UnixTime};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The system's clock, set forward as a test wants.
#[derive(Clone, Default)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn forward(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).expect("short");
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        let ahead = Duration::from_millis(self.0.load(Ordering::SeqCst));
        SystemClock::default().now().saturating_add(ahead)
    }
}

/// A demo of its own for a test, closed at its end.
struct Shop {
    port: u16,
    clock: TestClock,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shop {
    fn open() -> Shop {
        Shop::open_keeping(Keep::InMemory, 0)
    }

    fn open_keeping(keep: Keep, port: u16) -> Shop {
        let clock = TestClock::default();
        let for_demo = clock.clone();
        let (close, closed) = oneshot::channel::<()>();
        let (opened, port_of) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener =
                    tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
                let port = listener.local_addr().expect("bound").port();
                let demo = Demo::open(listener, &keep, for_demo).expect("the demo opens");
                opened.send(port).expect("the test waits");
                // Browsers keep connections open, so closing does not wait for them.
                tokio::select! {
                    served = demo.serve(std::future::pending()) => served.expect("the demo serves"),
                    _ = closed => {}
                }
            });
        });
        let port = port_of.recv().expect("the demo has opened");
        Shop { port, clock, close: Some(close), thread: Some(thread) }
    }

    fn at(&self, path: &str) -> String {
        self.on("hardtack", path)
    }

    fn on(&self, host: &str, path: &str) -> String {
        format!("http://{host}.localhost:{}{path}", self.port)
    }

    /// A request without a browser; the whole answer as text.
    fn ask(&self, host: &str, request: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the demo is there");
        let length = headers.find("\r\n\r\n").map_or(0, |at| headers.len() - at - 4);
        let end = if headers.contains("\r\n\r\n") { "" } else { "\r\n" };
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}{end}"
        )
        .expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn name(&self) -> String {
        format!("hardtack.localhost:{}", self.port)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A browser with a fresh profile, or `None` with a loud word.
struct Setting {
    program: PathBuf,
    profile: TempDir,
}

fn setting(test: &str) -> Option<Setting> {
    let Some(program) = chromium() else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "the end-to-end test {test} needs Chromium; install it or set CHROMIUM to its path"
        );
        eprintln!("SKIPPED e2e: {test} needs Chromium; install it or set CHROMIUM to its path");
        return None;
    };
    Some(Setting { program, profile: tempfile::tempdir().expect("a folder for the profile") })
}

impl Setting {
    fn browser(&self) -> Browser {
        Browser::start(&self.program, self.profile.path())
    }
}

fn sign_in(page: &Page, shop: &Shop, name: &str, password: &str, remember: bool) {
    page.goto(&shop.at("/account"));
    page.fill("[name=name]", name);
    page.fill("[name=password]", password);
    if remember {
        page.eval("document.querySelector('[name=remember]').checked = true");
    }
    page.click("form[action='/sign-in'] button");
}

fn user(page: &Page) -> String {
    page.text(".user")
}

fn cookie_names(page: &Page, url: &str) -> Vec<String> {
    let cookies = page.cookies(url);
    let mut names: Vec<String> =
        cookies.iter().map(|c| c["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

const PAGES: [&str; 9] =
    ["/", "/account", "/cookies", "/countdown", "/scope", "/url", "/race", "/steal", "/computer"];

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
}

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
fn back_after_signing_out_shows_nothing_private() {
    let Some(setting) = setting("back after signing out") else { return };
    let shop = Shop::open();
    let browser = setting.browser();
    let page = browser.open(&shop.at("/"));
    sign_in(&page, &shop, "alice", "oatcake", false);
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
    assert!(near.text(".stack").contains("Chromium on Linux"));
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
    assert!(as_thief().starts_with("HTTP/1.1 401"), "{}", as_thief());
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
    let address = page.eval("location.href").as_str().expect("an address").to_owned();
    let path = address.split_once(&shop.name()).expect("our host").1.to_owned();
    assert!(path.starts_with("/url/cart?t="), "{path}");
    page.click("button[value=rye]");
    // Without any cookie: the address is enough.
    let answer = shop.ask(&shop.name(), &format!("GET {path}"), "");
    assert!(answer.contains("Rye crisp</td><td class=\"number\">1"), "{answer}");
    assert!(answer.contains("referrer-policy: no-referrer"));
    page.goto(&shop.at("/"));
    assert_eq!(page.text("[data-cart-count]"), "2", "the same cart");
    shop.clock.forward(Duration::from_secs(121));
    page.goto(&address);
    assert_eq!(page.text("h1"), "This key is over");
    // A signed-in session never goes into a URL.
    sign_in(&page, &shop, "alice", "oatcake", false);
    page.goto(&shop.at("/url"));
    assert!(page.text("main").contains("does not go into a URL"));
    assert_eq!(page.eval("document.querySelector('form[action=\"/url/open\"]')"), json!(null));
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
    assert!(page.text(".lead").contains("4 of 6"), "{}", page.text(".lead"));
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
fn other_sites_are_kept_out() {
    let shop = Shop::open();
    let misdirected = shop.ask("evil.example", "GET /", "");
    assert!(misdirected.starts_with("HTTP/1.1 421"), "{misdirected}");
    let moved = shop.ask(&format!("127.0.0.1:{}", shop.port), "GET /account", "");
    assert!(moved.contains(&format!("location: {}", shop.at("/account"))), "{moved}");
    for headers in
        ["Sec-Fetch-Site: cross-site\r\n", "Origin: http://evil.example\r\n", "Origin: null\r\n"]
    {
        let refused = shop.ask(&shop.name(), "POST /sign-out", headers);
        assert!(refused.starts_with("HTTP/1.1 403"), "{headers}: {refused}");
    }
    let page = shop.ask(&shop.name(), "GET /", "");
    for rule in ["cache-control: no-store", "x-frame-options: DENY", "default-src 'none'"] {
        assert!(page.contains(rule), "{rule}: {page}");
    }
    assert!(!page.contains("set-cookie"), "{page}");
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
    take("url-cart");
    page.goto(&shop.on("shop", "/"));
    page.click("form[action='/set'] button");
    take("scope-shop");
    until("the pictures are there", || folder.join("shop-phone-dark.png").is_file().then_some(()));
}
