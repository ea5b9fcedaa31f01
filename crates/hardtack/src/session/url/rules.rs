//! How a request was made, and what is done with a token that came with it.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Uri};

/// How far a token has come. The codes are in tokens that last two minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It stands in a link.
    Link = 1,
    /// The cookie was set by the answer before, so it is there or never will be.
    Tried = 2,
    /// It stands in the form of the page that asks.
    Confirm = 3,
}

/// How a request was made, as far as that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// GET, a navigation from a page of this origin.
    SameOrigin,
    /// GET, a navigation from another site, or from none.
    Elsewhere,
    /// GET, and the browser does not say.
    Unsaid,
    /// POST from a page of this origin.
    Form,
    /// GET, before anybody asked for it.
    Ahead,
    /// Anything else.
    Other,
}

/// What is done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Nothing,
    Refuse,
    Ask,
    Carry,
    Exchange,
    ExchangeAndRedirect,
}

pub(super) fn decide(way: Way, step: Step) -> Decision {
    match (way, step) {
        (Way::Ahead, _) => Decision::Refuse,
        (Way::SameOrigin | Way::Form, Step::Tried) => Decision::Carry,
        (Way::SameOrigin, _) | (Way::Form, Step::Confirm) => Decision::ExchangeAndRedirect,
        (Way::Form, Step::Link) => Decision::Exchange,
        (Way::Elsewhere, _) | (Way::Unsaid, Step::Link | Step::Confirm) => Decision::Ask,
        (Way::Unsaid, Step::Tried) | (Way::Other, _) => Decision::Nothing,
    }
}

impl Way {
    /// Whether somebody looks at the answer and the URL it has.
    pub(super) fn is_page(self) -> bool {
        matches!(self, Way::SameOrigin | Way::Elsewhere | Way::Unsaid)
    }
}

pub(super) fn way(method: &Method, uri: &Uri, headers: &HeaderMap) -> Way {
    let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    if header("sec-fetch-mode").is_some_and(|mode| mode != b"navigate") {
        return Way::Other;
    }
    match (method, header("sec-fetch-site")) {
        (&Method::GET, Some(b"same-origin")) => Way::SameOrigin,
        (&Method::GET, Some(_)) => Way::Elsewhere,
        (&Method::GET, None) => Way::Unsaid,
        (&Method::POST, Some(b"same-origin")) => Way::Form,
        (&Method::POST, None) if !is_of_another_origin(uri, headers) => Way::Form,
        _ => Way::Other,
    }
}

/// Whether the request says that a page of another origin made it.
fn is_of_another_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let host = host.or_else(|| uri.authority().map(|a| a.as_str().as_bytes())).unwrap_or_default();
    let origin = origin.to_str().unwrap_or_default();
    let said = origin.split_once("://").map_or("", |(_, host)| host);
    said.is_empty() || !said.as_bytes().eq_ignore_ascii_case(host)
}
