//! cookie_store's jar, and what there is no going below: two look-ups and a join.

use std::collections::HashMap;
use std::hint::black_box;

use cookie_store::CookieStore;
use harness::{Cases, inputs};
use url::Url;

fn main() {
    let mut cases = Cases::default();
    let url = Url::parse(&inputs::jar_url(150)).expect("a URL");

    let mut hosts: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for n in 0..3_000 {
        let (site, n) = (n / 10, n % 10);
        let host = if n < 5 { format!("site{site}.com") } else { format!("www.site{site}.com") };
        hosts.entry(host).or_default().push((format!("cookie_{n}"), inputs::text(16)));
    }
    cases.add("header two look-ups", move || {
        let mut header = String::with_capacity(512);
        for host in ["www.site150.com", "site150.com"] {
            for (name, value) in hosts.get(black_box(host)).into_iter().flatten() {
                if !header.is_empty() {
                    header.push_str("; ");
                }
                header.push_str(name);
                header.push('=');
                header.push_str(value);
            }
        }
        header
    });

    let store = store(3_000);
    let asked = url.clone();
    cases.add("header cookie_store", move || {
        let pairs = store.get_request_values(black_box(&asked));
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    });

    let mut stored = self::store(3_000);
    let (_, line) = inputs::jar_cookie(1_501);
    cases.add("store cookie_store", move || stored.parse(black_box(&line), &url).map(drop).is_ok());
    cases.add("load 3000 cookie_store", || self::store(3_000));
    cases.serve();
}

fn store(cookies: usize) -> CookieStore {
    let mut store = CookieStore::default();
    for n in 0..cookies {
        let (url, line) = inputs::jar_cookie(n);
        let url = Url::parse(&url).expect("a URL");
        store.parse(&line, &url).expect("a cookie that it takes");
    }
    store
}
