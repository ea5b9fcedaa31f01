//! Single operations on cookies and seals.

use std::hint::black_box;
use std::time::Duration;

use hardtack::cookie::{Profile, SetCookie, date, find, parse};
use hardtack::seal::{Key, Keyring, Sealer};
use hardtack::time::UnixTime;
use harness::{Cases, inputs};

fn main() {
    let mut cases = Cases::default();
    let now = UnixTime::from_secs(inputs::NOW);
    let hour = Duration::from_secs(3600);
    let later = now.saturating_add(hour);

    let header = inputs::cookie_header();
    // All values of the name: two of them is something to be told.
    cases.add("find", move || {
        find(black_box(header.as_bytes()), inputs::NAME.as_bytes()).map(<[u8]>::len).sum::<usize>()
    });

    let cookie = SetCookie::builder("shop", inputs::text(42))
        .expires(later, now)
        .max_age(hour)
        .domain("example.com")
        .partitioned()
        .build()
        .expect("browsers take this cookie");
    assert_eq!(cookie.to_header_value().len(), 173);
    cases.add("set", move || black_box(&cookie).to_header_value());

    let line = inputs::set_cookie();
    cases.add("parse", move || {
        parse(black_box(line.as_bytes()), &Profile::CHROMIUM).expect("no client drops it").secure
    });
    for (name, text) in inputs::DATES {
        cases.add(name, move || date::parse(black_box(text.as_bytes())).expect("it is a date"));
    }

    let ring = Keyring::new(Key::generate().expect("the system has random bytes"));
    let sealer = Sealer::new(&ring, "bench");
    let value = inputs::text(1024);
    let seal = move || {
        let sealed = sealer.encrypt("shop", black_box(value.as_bytes()), later, now);
        sealed.expect("the system has random bytes")
    };
    let sealed = seal();
    cases.add("seal", seal);
    let sealer = Sealer::new(&ring, "bench");
    cases.add("open", move || {
        let opened = sealer.open("shop", Some(black_box(sealed.as_bytes())), now);
        opened.expect("it was sealed with this key").value
    });
    cases.serve();
}
