//! Lists and counts.

use hardtack::seal::KeyId;
use hardtack::session::store::*;
use hardtack::session::{Cause, Locator, Record, UserKey};

use crate::records::{KEY, anonymous, locator, remembered, signed_in, user};
use crate::store::fixture::{Fixture, NOW, at};

fn without_data(all: &[(Locator, Record)]) -> Vec<(Locator, Record)> {
    let mut all = all.to_vec();
    for (_, record) in &mut all {
        record.data = Default::default();
    }
    all.sort_unstable_by_key(|(key, _)| *key);
    all
}

async fn fill(store: &Fixture, user: Option<&UserKey>, how_many: u64) -> Vec<(Locator, Record)> {
    let mut all = Vec::new();
    for n in 0..how_many {
        let record = match user {
            None => anonymous(at(n)),
            Some(user) if n % 5 == 0 => remembered(user, at(n)),
            Some(user) => signed_in(user, at(n)),
        };
        let record = Record { device: Some(format!("device {n}").into()), ..record };
        let key = locator(user);
        store.put(&key, &record).await;
        all.push((key, record));
    }
    all
}

pub(crate) async fn a_list_has_everything_but_data_in_order(store: Fixture) {
    let (ada, bob) = (user("ada"), user("bob"));
    let hers = fill(&store, Some(&ada), 23).await;
    let his = fill(&store, Some(&bob), 7).await;
    let nobodys = fill(&store, None, 11).await;
    assert_eq!(store.list(Some(&ada), None, 100).await, without_data(&hers));
    assert_eq!(store.list(Some(&bob), None, 100).await, without_data(&his));
    let all = without_data(&[hers, his, nobodys].concat());
    assert_eq!(store.list(None, None, 100).await, all);
    assert_eq!(store.list(Some(&user("eve")), None, 100).await, []);
}

pub(crate) async fn a_list_is_paged_without_gaps_or_repeats(store: Fixture) {
    let ada = user("ada");
    let hers = without_data(&fill(&store, Some(&ada), 23).await);
    let all = without_data(&[hers.clone(), fill(&store, None, 19).await].concat());
    for page in [1, 2, 7, 23, 1000] {
        assert_eq!(store.everything(Some(&ada), page).await, hers, "pages of {page}");
        assert_eq!(store.everything(None, page).await, all, "pages of {page}");
    }
    let last = hers[22].0;
    assert_eq!(store.list(Some(&ada), Some(last), 10).await, []);
    assert_eq!(store.list(Some(&ada), None, 0).await, []);
    // A page may begin after one that has ended since, or after one of somebody else.
    store.end(&hers[4].0, Cause::Logout, NOW).await;
    assert_eq!(store.list(Some(&ada), Some(hers[4].0), 3).await, hers[5..8]);
    let between = Locator::from_bytes([0; Locator::LEN]);
    assert_eq!(store.list(Some(&ada), Some(between), 4).await, hers[..4]);
}

pub(crate) async fn what_ended_is_in_no_list(store: Fixture) {
    let ada = user("ada");
    let hers = without_data(&fill(&store, Some(&ada), 10).await);
    for (key, _) in &hers[..9] {
        store.end(key, Cause::Logout, NOW).await;
    }
    assert_eq!(store.list(Some(&ada), None, 100).await, hers[9..]);
    assert_eq!(store.list(None, None, 100).await, hers[9..]);
    assert_eq!(store.list(None, None, 1).await, hers[9..], "the ended do not use up a page");
}

pub(crate) async fn a_list_shows_the_latest_touch_and_commit(store: Fixture) {
    let ada = user("ada");
    let (key, record) = (locator(Some(&ada)), signed_in(&ada, NOW));
    store.put(&key, &record).await;
    let mut second = crate::records::next(&record, "second");
    second.device = Some("another".into());
    store.replace(&key, record.version, second.clone()).await;
    store.touch(&[Touch::new(key, at(77), at(3_000_000))]).await;
    (second.last_seen, second.expires, second.data) = (at(77), at(3_000_000), Default::default());
    assert_eq!(store.list(Some(&ada), None, 10).await, [(key, second.clone())]);
    assert_eq!(store.list(None, None, 10).await, [(key, second)]);
}

/// A store on MySQL with its usual collation gives `Ada` the sessions of `ada`,
/// and one that pads gives them to `ada ` as well.
pub(crate) async fn users_are_told_apart_byte_by_byte(store: Fixture) {
    let names: [&[u8]; 12] = [
        b"ada",
        b"Ada",
        b"ADA",
        b"ada ",
        b" ada",
        b"ada\0",
        b"ad",
        b"\xc3\xa4da",
        b"\xe4da",
        b"a\xcc\x88da",
        b"ada%",
        b"ad_",
    ];
    let users: Vec<UserKey> = names.iter().filter_map(|name| UserKey::new(name)).collect();
    let mut keys = Vec::new();
    for user in &users {
        let key = locator(Some(user));
        store.put(&key, &signed_in(user, NOW)).await;
        keys.push(key);
    }
    for (user, key) in users.iter().zip(&keys) {
        let listed = store.list(Some(user), None, 100).await;
        assert_eq!(listed.len(), 1, "sessions of {user:?}");
        assert_eq!((listed[0].0, listed[0].1.user.as_ref()), (*key, Some(user)));
    }
    store.raise(Some(&users[0]), NOW).await;
    assert_eq!(store.cause(&keys[0]).await, Cause::Revoked);
    for (user, key) in users.iter().zip(&keys).skip(1) {
        store.live(key).await;
        assert_eq!(store.epochs(Some(user)).await.user, 0, "the epoch of {user:?}");
    }
}

pub(crate) async fn a_census_counts_the_live_by_kind_and_key(store: Fixture) {
    assert_eq!(store.census().await, Census::default());
    let (ada, other) = (user("ada"), KeyId::from_bytes([9, 9, 9, 9]));
    let hers = fill(&store, Some(&ada), 10).await;
    fill(&store, None, 4).await;
    let rekeyed = locator(None);
    store.put(&rekeyed, &Record { key: other, ..anonymous(NOW) }).await;
    let mut census = store.census().await;
    census.by_key.sort_unstable();
    assert_eq!((census.by_kind, census.by_key), ([5, 8, 2], vec![(KEY, 14), (other, 1)]));
    store.end(&rekeyed, Cause::Key, NOW).await;
    store.end(&hers[0].0, Cause::Logout, NOW).await;
    let census = store.census().await;
    assert_eq!(
        (census.by_kind, census.by_key),
        ([4, 8, 1], vec![(KEY, 13)]),
        "a key that is not in use is not named"
    );
    // A commit can put a session under another key.
    let (key, record) = &hers[1];
    let moved = Record { key: other, ..crate::records::next(record, "rekeyed") };
    store.replace(key, record.version, moved).await;
    let mut census = store.census().await;
    census.by_key.sort_unstable();
    assert_eq!(census.by_key, [(KEY, 12), (other, 1)]);
    store.raise(Some(&ada), NOW).await;
    let census = store.census().await;
    assert_eq!((census.by_kind, census.by_key), ([4, 0, 0], vec![(KEY, 4)]));
}
