//! What is checked before any page: that the request is meant for this program, by
//! one of its names, and what every answer tells the browser to refuse.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{
    CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::html::html;
use super::page::bare_page;

/// The names that the demo answers to, each with the port.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) host: String,
    pub(crate) shop: String,
    pub(crate) other: String,
    pub(crate) port: u16,
}

/// Which of the hosts a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Demo,
    Shop,
    Other,
    /// This computer by a name that other programs use too: sent on to our own.
    Elsewhere,
}

impl Origin {
    pub(crate) fn new(port: u16) -> Origin {
        let on = |name: &str| if port == 80 { name.to_owned() } else { format!("{name}:{port}") };
        Origin {
            host: on("hardtack.localhost"),
            shop: on("shop.localhost"),
            other: on("other.localhost"),
            port,
        }
    }

    /// The site that a request names; `None` for a name that is not ours. A page of
    /// another site whose name is made to lead here (DNS rebinding) ends at this point.
    pub(crate) fn site(&self, headers: &HeaderMap) -> Option<Site> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next()?.to_str().ok()?.to_ascii_lowercase();
        if hosts.next().is_some() {
            return None;
        }
        let port = format!(":{}", self.port);
        let name = host.strip_suffix(&port).unwrap_or(&host);
        match () {
            () if host == self.host => Some(Site::Demo),
            () if host == self.shop => Some(Site::Shop),
            () if host == self.other => Some(Site::Other),
            () if ["localhost", "127.0.0.1", "[::1]"].contains(&name) => Some(Site::Elsewhere),
            () => None,
        }
    }
}

/// Lets through what is for us, and notes for which site.
pub(crate) async fn admit(
    State(origin): State<Origin>,
    mut request: Request,
    next: Next,
) -> Response {
    match origin.site(request.headers()) {
        Some(Site::Elsewhere) if request.method() == Method::GET => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Redirect::temporary(&format!("http://{}{path}", origin.host)).into_response()
        }
        Some(site) if site != Site::Elsewhere => {
            request.extensions_mut().insert(site);
            let mut response = next.run(request).await;
            harden(response.headers_mut());
            response
        }
        _ => {
            let main = html!(
                "<h1>Not a name of this program</h1><p class=\"lead\">The request asks for a host that \
                 is not served here. The demo answers to <code>{}</code> only, so that no other \
                 site can reach it through your browser.</p>",
                origin.host
            );
            bare_page(StatusCode::MISDIRECTED_REQUEST, "Not a name of this program", main)
        }
    }
}

fn harden(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                  form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_with_our_port_are_admitted() {
        let origin = Origin::new(4000);
        for (host, site) in [
            ("hardtack.localhost:4000", Some(Site::Demo)),
            ("HARDTACK.localhost:4000", Some(Site::Demo)),
            ("shop.localhost:4000", Some(Site::Shop)),
            ("other.localhost:4000", Some(Site::Other)),
            ("127.0.0.1:4000", Some(Site::Elsewhere)),
            ("[::1]:4000", Some(Site::Elsewhere)),
            ("hardtack.localhost", None),
            ("hardtack.localhost:4001", None),
            ("hardtack.localhost.evil.example:4000", None),
            ("evil.example:4000", None),
            ("evil.example", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            assert_eq!(origin.site(&headers), site, "{host}");
        }
        assert_eq!(origin.site(&HeaderMap::new()), None);
        let mut twice = HeaderMap::new();
        twice.append(HOST, HeaderValue::from_static("hardtack.localhost:4000"));
        twice.append(HOST, HeaderValue::from_static("evil.example"));
        assert_eq!(origin.site(&twice), None);
    }
}
