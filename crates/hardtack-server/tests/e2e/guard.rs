//! What is kept out, asked without a browser.

use crate::setting::Shop;

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
