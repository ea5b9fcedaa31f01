//! The parameter in the text of a URL.

use http::Uri;

/// The value of the first parameter of this name.
pub(super) fn find<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The query without any parameter of this name.
pub(super) fn without(query: &str, name: &str) -> String {
    let ours = |pair: &str| pair.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    query.split('&').filter(|pair| !ours(pair)).collect::<Vec<_>>().join("&")
}

/// The same URL with another query.
pub(super) fn uri(uri: &Uri, query: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = uri.path();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    parts.path_and_query = target.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// A reference from a URL to itself with another query. It never names the whole
/// path, so it cannot lead to another origin (as `//evil.example/` would) and
/// is right behind routers and proxies that have taken a prefix away.
pub(super) fn reference(path: &str, query: &str) -> String {
    match path.rsplit('/').next() {
        Some(last) if query.is_empty() && !last.is_empty() => format!("./{last}"),
        _ => format!("?{query}"),
    }
}

/// Whether a reference leads to this origin however a browser reads it.
pub(super) fn is_of_this_origin(reference: &str) -> bool {
    let plain = reference.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'\\');
    let path = reference.starts_with('/') && !reference.starts_with("//");
    plain && (path || reference.starts_with('?'))
}

/// A reference with the parameter, in place of one that it may have.
pub(super) fn add(reference: &str, name: &str, value: &str) -> String {
    let (target, fragment) = match reference.split_once('#') {
        Some((target, fragment)) => (target, Some(fragment)),
        None => (reference, None),
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let rest = without(query, name);
    let joint = if rest.is_empty() { "" } else { "&" };
    let fragment = fragment.map(|f| format!("#{f}")).unwrap_or_default();
    format!("{path}?{rest}{joint}{name}={value}{fragment}")
}

/// A text with `redacted` for each value of the parameter, also where the URL is
/// itself escaped within another.
pub(super) fn redact(text: &str, name: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = rest.split_at(at);
        let escaped = before.len() >= 3 && before.as_bytes()[before.len() - 3] == b'%';
        let word = before.bytes().next_back().is_some_and(is_token) && !escaped;
        let equals = ["=", "%3D", "%3d"].into_iter().find(|e| after[name.len()..].starts_with(e));
        let kept = name.len() + equals.map_or(0, str::len);
        redacted.push_str(before);
        redacted.push_str(&after[..kept]);
        rest = &after[kept..];
        if equals.is_some() && !word {
            redacted.push_str("redacted");
            rest = rest.trim_start_matches(|c: char| c.is_ascii() && is_token(c as u8));
        }
    }
    redacted + rest
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_is_found_taken_away_and_added_among_others() {
        for (query, found, rest) in [
            ("", None, ""),
            ("ht=abc", Some("abc"), ""),
            ("x=1&ht=abc&y=2", Some("abc"), "x=1&y=2"),
            ("ht=a&ht=b", Some("a"), ""),
            ("htx=1&xht=2&h%74=3&ht", None, "htx=1&xht=2&h%74=3&ht"),
        ] {
            assert_eq!(find(query, "ht"), found, "{query}");
            assert_eq!(without(query, "ht"), rest, "{query}");
        }
        for (reference, want) in [
            ("/", "/?ht=T"),
            ("/a?x=1", "/a?x=1&ht=T"),
            ("/a?ht=old&x=1#top", "/a?x=1&ht=T#top"),
            ("/a#?x", "/a?ht=T#?x"),
            ("?", "?ht=T"),
            ("./a", "./a?ht=T"),
        ] {
            assert_eq!(add(reference, "ht", "T"), want);
        }
    }

    #[test]
    fn a_reference_back_never_leaves_the_origin_whatever_the_path() {
        for (path, query, want) in [
            ("/", "", "?"),
            ("/shop/cart", "", "./cart"),
            ("/shop/", "", "?"),
            ("/a:b", "", "./a:b"),
            ("//evil.example", "", "./evil.example"),
            ("//evil.example/", "x=1", "?x=1"),
        ] {
            assert_eq!(reference(path, query), want);
        }
        for (reference, ours) in [
            ("/", true),
            ("/a?x=1#y", true),
            ("?x=1", true),
            ("", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("/\t/evil.example", false),
            ("https://evil.example/", false),
            ("evil", false),
        ] {
            assert_eq!(is_of_this_origin(reference), ours, "{reference:?}");
        }
    }

    #[test]
    fn logs_lose_the_token_and_nothing_else() {
        for (line, want) in [
            ("GET /cart?ht=AQ-_9 HTTP/1.1", "GET /cart?ht=redacted HTTP/1.1"),
            ("/?x=1&ht=A&y=2", "/?x=1&ht=redacted&y=2"),
            ("/?a&amp;ht=A", "/?a&amp;ht=redacted"),
            ("/login?return_to=%2Fa%3Fht%3DAbc%26x", "/login?return_to=%2Fa%3Fht%3Dredacted%26x"),
            ("ht=A ht=B", "ht=redacted ht=redacted"),
            ("/eight=8?weight=3&htx=1&ht", "/eight=8?weight=3&htx=1&ht"),
            ("/é?ht=é", "/é?ht=redactedé"),
        ] {
            assert_eq!(redact(line, "ht"), want);
        }
    }

    #[test]
    fn a_url_without_the_parameter_is_otherwise_the_same() {
        for (before, query, after) in [
            ("/a/b?ht=x", "", "/a/b"),
            ("https://shop.example/a?ht=x&y=1", "y=1", "https://shop.example/a?y=1"),
        ] {
            let before: Uri = before.parse().unwrap();
            assert_eq!(uri(&before, query).to_string(), after);
        }
    }
}
