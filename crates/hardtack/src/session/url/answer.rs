//! What a token is answered with, instead of what the application has there.

use std::fmt;

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};

/// The answer to a request that came with a token in its URL and is not to be
/// handled: [`status`](Self::status), [`headers`](Self::headers) and
/// [`body`](Self::body) are the whole of it, beside what
/// [`finish`](super::Session::finish) adds. `Debug` prints the type's name only,
/// since there is a token in it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlAnswer {
    /// To the URL without the token, or with one that says that the cookie was
    /// set. A reference relative to the request's URL.
    SeeOther(String),
    /// The page that asks whether to go on in the session.
    Ask {
        /// Where its form posts to.
        form: String,
        /// The same page without the session.
        afresh: String,
    },
    /// A prefetch: the browser is to ask when somebody wants the page.
    NotAhead,
}

impl UrlAnswer {
    /// The status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SeeOther(_) => StatusCode::SEE_OTHER,
            Self::Ask { .. } => StatusCode::OK,
            // Any error makes browsers throw a prefetched page away.
            Self::NotAhead => StatusCode::FORBIDDEN,
        }
    }

    /// The headers that make it what it is.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::SeeOther(to) => {
                let location = HeaderValue::try_from(to.as_str()).ok();
                location.map(|location| (LOCATION, location)).into_iter().collect()
            }
            // No other site may show the button, least of all under something else.
            Self::Ask { .. } => vec![
                (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
                (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            ],
            Self::NotAhead => {
                vec![(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))]
            }
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        match self {
            Self::SeeOther(_) => String::new(),
            Self::Ask { form, afresh } => {
                let (form, afresh) = (escape(form), escape(afresh));
                format!(
                    r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Continue this visit?</title>
<h1>Continue this visit?</h1>
<p>The link that you followed continues a visit to this site that was begun before. If you did not begin it yourself, do not continue: whoever gave you the link could see what you enter.</p>
<form method="post" action="{form}"><button>Continue</button></form>
<p><a href="{afresh}">Start afresh instead</a></p>
"#
                )
            }
            Self::NotAhead => "this page is not given out before somebody asks for it".to_owned(),
        }
    }
}

const POLICY: &str =
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

impl fmt::Debug for UrlAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlAnswer")
    }
}
