//! What a session costs in the memory of the server.

use hardtack::session::store::{Admission, Store};
use hardtack::session::{Kind, Record, UserKey};
use hardtack_testkit::FakeClock;
use hardtack_testkit::records::{anonymous, locator, signed_in};

use crate::{Durability, RedisStore};
use hardtack_testkit::redis::RedisServer;

const SESSIONS: u64 = 10_000;
const DATA: usize = 500;

/// Bytes of the server for each session, all of them of the kind.
async fn bytes_each(kind: Kind) -> u64 {
    let server = RedisServer::start(&[]);
    let store = RedisStore::open(&server.url(), Durability::Async).unwrap();
    // So that its scripts and its connection count as the server's.
    store.epochs(None).await.unwrap();
    let before = server.info("used_memory");
    for n in 0..SESSIONS {
        let user = UserKey::new(format!("{n:032x}").as_bytes()).unwrap();
        let now = FakeClock::START;
        let record = match kind {
            Kind::Anonymous => anonymous(now),
            _ => signed_in(&user, now),
        };
        let record = Record { data: vec![7; DATA].into(), ..record };
        let key = locator(record.user.as_ref());
        store.insert(&key, record, Admission::at(now)).await.unwrap();
    }
    (server.info("used_memory") - before) / SESSIONS
}

/// The index counts in; each user has one session and a name of 32 bytes.
#[tokio::test]
async fn a_session_of_500_bytes_takes_little_more() {
    let (anonymous, user) = (bytes_each(Kind::Anonymous).await, bytes_each(Kind::User).await);
    eprintln!("{anonymous} bytes for each anonymous session, {user} for each of a user");
    assert!(anonymous <= (DATA + 73) as u64 * 3 / 2, "{anonymous}");
    assert!(user <= (DATA + 73 + 32) as u64 * 3 / 2, "{user}");
}
