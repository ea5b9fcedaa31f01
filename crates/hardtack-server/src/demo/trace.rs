//! Remembers which answer set which cookie, so that pages can show a cookie's
//! whole way: set by that answer, sent with this request.
//!
//! The layer stands outside of the session layer, where it sees `Set-Cookie` as it leaves.
//! A page is rendered before its session is committed, so a page cannot know what
//! its own answer will set; it leaves [`MARK`] in its place.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};

use super::html::{Html, html};
use super::known;

/// Where the list of what this answer sets goes.
pub(crate) const MARK: &str = "<!--set-by-this-answer-->";

/// How many settings are remembered, in the memory of the process only.
const REMEMBERED: usize = 1024;

/// The largest page; ours are a few kilobytes.
const PAGE_LIMIT: usize = 1 << 20;

/// Which answers set which cookies.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Default)]
struct Inner {
    hasher: RandomState,
    entries: Mutex<VecDeque<Entry>>,
}

struct Entry {
    cookie: u64,
    origin: Arc<Setting>,
}

/// How a cookie came to be.
pub(crate) struct Setting {
    /// The request that was answered, such as `POST /cart/add`.
    pub(crate) request: String,
    /// The `Set-Cookie` line, with a secret value cut short.
    pub(crate) line: String,
}

impl Ledger {
    /// How this cookie was set, if this process did it lately.
    pub(crate) fn origin(&self, name: &str, value: &str) -> Option<Arc<Setting>> {
        let cookie = self.0.hasher.hash_one((name, value));
        let entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().rev().find(|entry| entry.cookie == cookie).map(|entry| entry.origin.clone())
    }

    fn note(&self, request: &str, lines: &[String]) {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            let pair = line.split_once(';').map_or(line.as_str(), |(pair, _)| pair);
            let Some((name, value)) = pair.split_once('=') else { continue };
            if entries.len() >= REMEMBERED {
                entries.pop_front();
            }
            entries.push_back(Entry {
                cookie: self.0.hasher.hash_one((name, value)),
                origin: Arc::new(Setting {
                    request: request.to_owned(),
                    line: known::show_line(line),
                }),
            });
        }
    }
}

/// Notes what an answer sets and completes its page.
pub(crate) async fn record(State(ledger): State<Ledger>, request: Request, next: Next) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let lines = set_cookies(response.headers());
    ledger.note(&asked, &lines);
    if is_page(response.headers()) { complete(response, &lines).await } else { response }
}

fn set_cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(SET_COOKIE).iter();
    lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

async fn complete(response: Response, lines: &[String]) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(page) = to_bytes(body, PAGE_LIMIT).await else {
        return Response::from_parts(head, Body::empty());
    };
    let page = String::from_utf8_lossy(&page).replacen(MARK, &list(lines).into_string(), 1);
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(page))
}

fn list(lines: &[String]) -> Html {
    if lines.is_empty() {
        return html!(
            "<p class=\"quiet\">Nothing. Reading changes nothing, so there is nothing to set.</p>"
        );
    }
    lines
        .iter()
        .map(|line| {
            html!("<p class=\"line\"><code>Set-Cookie: {}</code></p>", known::show_line(line))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_leads_back_to_its_answer_and_old_ones_are_forgotten() {
        let ledger = Ledger::default();
        ledger.note("POST /theme", &["demo-theme=dark; Path=/".to_owned()]);
        let origin = ledger.origin("demo-theme", "dark").expect("was noted");
        assert_eq!(
            (origin.request.as_str(), origin.line.as_str()),
            ("POST /theme", "demo-theme=dark; Path=/")
        );
        assert!(ledger.origin("demo-theme", "light").is_none());
        for n in 0..REMEMBERED {
            ledger.note("GET /", &[format!("n={n}")]);
        }
        assert!(ledger.origin("demo-theme", "dark").is_none());
        assert_eq!(ledger.0.entries.lock().expect("not poisoned").len(), REMEMBERED);
    }
}
