//! What cookie-rs and httpdate take for what a client does with cookies.

use std::hint::black_box;

use cookie::Cookie;
use harness::{Cases, inputs};

fn main() {
    let mut cases = Cases::default();
    let line = inputs::set_cookie();
    // Borrows from the line, and decodes nothing.
    cases.add("parse cookie-rs", move || {
        Cookie::parse(black_box(line.as_str())).expect("it is a cookie").secure()
    });
    for (name, text) in inputs::DATES {
        cases.add(name, move || httpdate::parse_http_date(black_box(text)).expect("it is a date"));
    }
    cases.serve();
}
