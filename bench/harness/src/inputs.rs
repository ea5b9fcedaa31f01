//! What goes into an operation, the same for every peer.

/// The name of the cookie that is looked for.
pub const NAME: &str = "__Host-Http-sid";

/// How many visitors take turns where each request is by another: more than a server remembers the
/// last requests of.
pub const VISITORS: usize = 4096;

/// 2026-11-22 12:00:00 UTC, in seconds.
pub const NOW: u64 = 1_795_348_800;

/// Its value: as long as a session id of hardtack.
pub fn value() -> String {
    text(96)
}

/// A `Cookie` header of ten cookies and 418 bytes with ours in sixth place.
pub fn cookie_header() -> String {
    let mut pairs: Vec<String> = (0..9).map(|n| format!("other_{n}={}", text(24))).collect();
    pairs.insert(5, format!("{NAME}={}", value()));
    pairs.join("; ")
}

/// A `Set-Cookie` header as most servers send one that lasts.
pub fn set_cookie() -> String {
    format!(
        "shop={}; Expires=Sun, 22 Nov 2026 13:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax",
        text(42)
    )
}

/// One time in the three forms of RFC 9110 section 5.6.7.
pub const DATES: [(&str, &str); 3] = [
    ("date", "Sun, 22 Nov 2026 13:00:00 GMT"),
    ("date rfc850", "Sunday, 22-Nov-26 13:00:00 GMT"),
    ("date asctime", "Sun Nov 22 13:00:00 2026"),
];

/// So many letters and digits.
pub fn text(bytes: usize) -> String {
    (0..bytes).map(|n| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[n * 7 % 36])).collect()
}

/// 500 bytes that do not compress, different for each `seed`.
pub fn body(seed: u64) -> Vec<u8> {
    let mut state = mix(seed);
    let mut bytes = Vec::with_capacity(504);
    while bytes.len() < 500 {
        state = mix(state);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(500);
    bytes
}

/// One cookie of a jar: the URL that sets it, and the `Set-Cookie` line. Ten a host, half of them
/// for the whole domain.
pub fn jar_cookie(n: usize) -> (String, String) {
    let (site, n) = (n / 10, n % 10);
    let domain = if n < 5 { format!("; Domain=site{site}.com") } else { String::new() };
    let line = format!("cookie_{n}={}; Path=/; Secure; HttpOnly; Max-Age=86400{domain}", text(16));
    (jar_url(site), line)
}

/// A page of one of the hosts of [`jar_cookie`].
pub fn jar_url(site: usize) -> String {
    format!("https://www.site{site}.com/catalogue/items?page=2")
}

/// A number that looks random, from another (SplitMix64).
pub fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_header_has_the_size_that_the_figures_name() {
        assert_eq!(super::cookie_header().len(), 418);
    }
}
