//! The client's jar.

use std::hint::black_box;

use hardtack::cookie::{Limits, Profile};
use hardtack::jar::{Jar, RequestContext, Target};
use hardtack::time::UnixTime;
use harness::{Cases, inputs};

const NOW: UnixTime = UnixTime::from_secs(inputs::NOW);

fn main() {
    let mut cases = Cases::default();
    let target = Target::parse(&inputs::jar_url(150)).expect("a URL");

    let small = jar(3_000);
    let asked = target.clone();
    let sent = move || small.header(&RequestContext::client(black_box(&asked)), NOW);
    assert_eq!(sent().map(|header| header.len()), Some(268));
    cases.add("header", sent);

    let url = inputs::jar_url(150);
    cases.add("target", move || Target::parse(black_box(&url)));

    let mut stored = jar(3_000);
    let (url, line) = inputs::jar_cookie(1_501);
    let target_set = Target::parse(&url).expect("a URL");
    cases.add("store", move || {
        stored.set(black_box(line.as_bytes()), &RequestContext::client(&target_set), NOW)
    });

    let million = jar(1_000_000);
    cases.add("header of a million", move || {
        million.header(&RequestContext::client(black_box(&target)), NOW)
    });
    cases.add("load 3000", || jar(3_000));
    cases.serve();
}

fn jar(cookies: usize) -> Jar {
    let mut jar = Jar::builder().profile(&Profile::CHROMIUM).limits(Limits::NONE).build();
    for n in 0..cookies {
        let (url, line) = inputs::jar_cookie(n);
        let target = Target::parse(&url).expect("a URL");
        jar.set(line.as_bytes(), &RequestContext::client(&target), NOW);
    }
    assert_eq!(jar.len(), cookies);
    jar
}
