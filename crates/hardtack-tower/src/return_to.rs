//! Back to where one came from.

use http::Uri;

/// `target`, if it is a path of this origin: what a login page may redirect to
/// (ASVS 5.0 3.7.2). Refuses anything that a browser could read as another
/// origin: `//evil`, `/\evil`, schemes, control characters and white space.
pub fn safe_return_to(target: &str) -> Option<&str> {
    let plain = target.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'\\');
    (plain && target.starts_with('/') && !target.starts_with("//")).then_some(target)
}

/// `login_page` with a `return_to` that leads back to `uri`.
pub(crate) fn login_url(login_page: &str, uri: &Uri) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut url = String::from(login_page);
    url.push(if login_page.contains('?') { '&' } else { '?' });
    url.push_str("return_to=");
    for byte in safe_return_to(target).unwrap_or("/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(byte))
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_origin_are_returned_to() {
        for target in ["/", "/account?x=1&y=%2F", "/a//b"] {
            assert_eq!(safe_return_to(target), Some(target));
        }
        for target in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https:evil",
            "https://evil",
            "javascript:x",
            "/a\r\nX: y",
            "/a b",
            " /a",
            "/\t/evil",
            "/é",
        ] {
            assert_eq!(safe_return_to(target), None, "{target:?}");
        }
    }

    #[test]
    fn the_way_back_is_one_query_value() {
        let uri: Uri = "/orders?page=2&sort=a".parse().expect("a uri");
        assert_eq!(login_url("/login", &uri), "/login?return_to=/orders%3Fpage%3D2%26sort%3Da");
        assert_eq!(
            login_url("/login?x=1", &"//evil/x".parse().unwrap_or_default()),
            "/login?x=1&return_to=/"
        );
    }
}
