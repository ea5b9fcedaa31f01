//! What a client does with cookies.

use std::hint::black_box;

use hardtack::cookie::{Profile, date, parse};
use harness::{Cases, inputs};

fn main() {
    let mut cases = Cases::default();
    let line = inputs::set_cookie();
    cases.add("parse", move || {
        parse(black_box(line.as_bytes()), &Profile::CHROMIUM).expect("no client drops it").secure
    });
    for (name, text) in inputs::DATES {
        cases.add(name, move || date::parse(black_box(text.as_bytes())).expect("it is a date"));
    }
    cases.serve();
}
