//! What other releases, other programs and other hands have put into the store.

use hardtack::session::Cause;

use super::{Adapter, Server};

/// A server whose records can be changed by hand, in whatever store.
async fn readable(adapter: &Adapter) -> Server {
    adapter.server_with(|b| b.readable_records()).await
}

/// Puts `new`, of the same length, in place of `old`.
fn swap(data: &mut [u8], old: &[u8], new: &[u8]) {
    let at = data.windows(old.len()).position(|window| window == old).expect("it is there");
    data[at..at + new.len()].copy_from_slice(new);
}

pub(crate) async fn one_key_that_does_not_decode_is_that_keys_error(adapter: Adapter) {
    let server = readable(&adapter).await;
    let mut browser = server.alice().await;
    browser.get("/s/set?k=broken&v=what-was-json").await.expect(200);
    browser.get("/s/set?k=text&v=seven").await.expect(200);
    browser.get("/s/add?k=n").await.expect(200);
    server.tamper(|data| swap(data, b"\"what-was-json\"", b"{this is not it")).await;
    for key in ["broken", "text"] {
        for act in ["read", "add", "inc"] {
            let answer = browser.get(&format!("/s/{act}?k={key}")).await;
            answer.expect(500).without_cookie();
        }
    }
    assert_eq!(browser.text("/s/dump").await, "broken! n=1 text=\"seven\" user=alice");
    browser.get("/s/add?k=n").await.expect(200);
    browser.get("/s/renew").await.expect(200);
    assert_eq!(browser.text("/s/read?k=n").await, "2");
    browser.get("/s/set?k=broken&v=again").await.expect(200);
    browser.get("/s/login").await.expect(200);
    assert_eq!(browser.text("/s/dump").await, "broken=\"again\" n=2 text=\"seven\" user=alice");
}

pub(crate) async fn a_record_of_a_newer_version_is_neither_500_nor_ended(adapter: Adapter) {
    let server = readable(&adapter).await;
    let mut browser = server.alice().await;
    let held = browser.start(super::Request::get("/s/add?gate=held")).await;
    server.site.gate("held").arrived(1).await;
    server.tamper(|data| data[0] += 1).await;
    for target in ["/user", "/s/read", "/s/dump", "/lazy/read"] {
        browser.get(target).await.expect(200).without_cookie();
    }
    assert_eq!(browser.text("/user").await, "nobody");
    // A request that had loaded it before cannot commit onto what it cannot read.
    server.site.gate("held").open();
    held.answer().await.expect(401).without_cookie();
    assert_eq!(server.causes().await, []);
    server.tamper(|data| data[0] -= 1).await;
    assert_eq!(browser.text("/s/dump").await, "user=alice");
}

pub(crate) async fn a_record_that_was_tampered_with_ends(adapter: Adapter) {
    let server = readable(&adapter).await;
    let mut browser = server.alice().await;
    server.tamper(|data| data.truncate(data.len() - 1)).await;
    assert_eq!(browser.text("/user").await, "nobody");
    assert_eq!(server.causes().await, [Cause::Tampered]);
}
