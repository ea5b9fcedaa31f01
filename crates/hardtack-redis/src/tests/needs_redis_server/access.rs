//! Who may talk to the server, and whom the store talks to.

use hardtack::session::store::{Admission, Ended, Inserted, Store, StoreErrorKind, Touch};
use hardtack::session::{Cause, Record};
use hardtack::time::UnixTime;
use hardtack_testkit::FakeClock;
use hardtack_testkit::records::{anonymous, locator, next, put, signed_in, user};
use hardtack_testkit::redis::RedisServer;

use crate::{Durability, RedisStore};

const NOW: UnixTime = FakeClock::START;

/// Every verb once.
async fn use_it(store: &RedisStore) {
    let ada = user("ada");
    let (old, new) = (locator(None), locator(Some(&ada)));
    let visitor = anonymous(NOW);
    let inserted = store.insert(&old, visitor.clone(), Admission::at(NOW)).await;
    assert_eq!(inserted.unwrap(), Inserted::Ok);
    let second = next(&visitor, "second");
    store.replace(&old, visitor.version, second.clone()).await.unwrap();
    let session = signed_in(&ada, NOW);
    store.relocate(&old, second.version, &new, session, Admission::at(NOW)).await.unwrap();
    store.touch(&[Touch::new(new, NOW, UnixTime::MAX)]).await.unwrap();
    assert_eq!(store.list(Some(&ada), None, 9).await.unwrap().len(), 1);
    assert_eq!(store.census().await.unwrap().by_kind, [0, 1, 0]);
    assert_eq!(store.end(&new, Cause::Logout, NOW).await.unwrap(), Ended::Now);
    store.raise(Some(&ada), NOW).await.unwrap();
    store.raise(None, NOW).await.unwrap();
    store.epochs(Some(&ada)).await.unwrap();
    store.sweep(UnixTime::MAX, 9).await.unwrap();
    assert_eq!(store.undelivered(9).await.unwrap().len(), 2);
    store.delivered(&[old, new]).await.unwrap();
    store.sweep(UnixTime::MAX, 9).await.unwrap();
    store.clock().await.unwrap();
}

/// The rule that the crate's documentation gives.
#[tokio::test]
async fn the_documented_access_list_is_enough() {
    let server = RedisServer::start(&[]);
    let docs = include_str!("../../lib.rs");
    let rule = docs.lines().skip_while(|line| !line.contains("ACL SETUSER"));
    let rule: Vec<&str> = rule
        .take_while(|line| !line.contains("```"))
        .flat_map(|line| line.trim_start_matches("//!").split_whitespace())
        .filter(|word| *word != "\\")
        .collect();
    assert!(rule.len() > 20, "{rule:?}");
    let answer = server.tell(&rule);
    assert_eq!(answer, "+OK\r\n", "{rule:?}");
    server.tell(&["ACL", "SETUSER", "default", "off"]);
    let url = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port());
    let builder = || RedisStore::builder(&url("shop:a-long-password@"), Durability::Async);
    use_it(&builder().open().unwrap()).await;
    let store = builder().near_cache(1 << 20).open().unwrap();
    let key = locator(None);
    // After the raise of everybody: with the epochs that hold now.
    let epochs = store.epochs(None).await.unwrap();
    put(&store, &key, &Record { epochs, ..anonymous(NOW) }).await;
    hardtack_testkit::near::warm(&store, &key).await;
    for login in ["", "shop:wrong@"] {
        let store = RedisStore::open(&url(login), Durability::Async).unwrap();
        let error = store.load(&locator(None)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        assert!(!format!("{error:?}").contains("wrong@"));
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn over_tls_only_servers_of_a_trusted_authority_are_talked_to() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/tls");
    let file = |name: &str| format!("{files}/{name}");
    let (cert, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    // Its own port is in clear, for the test; the other is the one that counts.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (tls_port, no) = (port.to_string(), "no");
    let mut args = vec!["--tls-port", &tls_port, "--tls-cert-file", &cert, "--tls-key-file", &key];
    args.extend(["--tls-ca-cert-file", &ca, "--tls-auth-clients", no]);
    let _server = RedisServer::start(&args);
    let builder = || RedisStore::builder(&format!("rediss://127.0.0.1:{port}"), Durability::Async);
    use_it(&builder().trust(std::fs::read(&ca).unwrap()).open().unwrap()).await;
    let error = builder().open().unwrap().load(&locator(None)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
}
