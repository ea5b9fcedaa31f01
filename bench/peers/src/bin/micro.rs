//! What cookie-rs takes, and what there is no going below.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use cookie::time::OffsetDateTime;
use cookie::{Cookie, CookieJar, Key, SameSite};
use harness::{Cases, inputs};
use httpdate::HttpDate;

fn main() {
    let mut cases = Cases::default();

    let header = inputs::cookie_header();
    let bytes = header.clone();
    cases.add("find memchr2", move || {
        memchr::memchr2_iter(b';', b'=', black_box(bytes.as_bytes())).count()
    });
    // As axum-extra and tower-cookies do it.
    cases.add("find cookie-rs", move || {
        let mut jar = CookieJar::new();
        for piece in black_box(&header).split(';') {
            if let Ok(cookie) = Cookie::parse_encoded(piece.to_owned()) {
                jar.add_original(cookie);
            }
        }
        jar.get(inputs::NAME).map(|cookie| cookie.value().len())
    });

    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(inputs::NOW);
    let value = inputs::text(42);
    cases.add("set one buffer", move || {
        let mut buffer = String::with_capacity(256);
        buffer.push_str("shop");
        buffer.push('=');
        buffer.push_str(black_box(&value));
        buffer.push_str("; Expires=");
        write!(buffer, "{}", HttpDate::from(black_box(at))).expect("strings can be written to");
        buffer.push_str("; Max-Age=");
        buffer.push_str("3600");
        buffer
            .push_str("; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax; Partitioned");
        buffer
    });
    let cookie = Cookie::build(("shop", inputs::text(42)))
        .expires(OffsetDateTime::from_unix_timestamp(inputs::NOW as i64).expect("a time"))
        .max_age(cookie::time::Duration::seconds(3600))
        .domain("example.com")
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .partitioned(true)
        .build();
    cases.add("set cookie-rs", move || black_box(&cookie).to_string());

    let line = inputs::set_cookie();
    // Borrows from the line, and decodes nothing.
    cases.add("parse cookie-rs", move || {
        Cookie::parse(black_box(line.as_str())).expect("it is a cookie").secure()
    });
    for (name, text) in inputs::DATES {
        cases.add(name, move || httpdate::parse_http_date(black_box(text)).expect("it is a date"));
    }

    let key = Key::generate();
    let value = inputs::text(1024);
    let mut sealed = CookieJar::new();
    sealed.private_mut(&key).add(Cookie::new("shop", value.clone()));
    let sealed = sealed.get("shop").expect("it was added").clone();
    let opening = key.clone();
    cases.add("seal cookie-rs", move || {
        let mut jar = CookieJar::new();
        jar.private_mut(&key).add(Cookie::new("shop", black_box(&value).clone()));
        jar
    });
    cases.add("open cookie-rs", move || {
        let cookie = black_box(&sealed).clone();
        CookieJar::new().private(&opening).decrypt(cookie).expect("it was sealed with this key")
    });
    cases.serve();
}
