//! The format of cases: one JSON object a line. In these strings one character is one byte (latin1).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to do in a browser whose jar is empty, and what it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) cat: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// Requests whose answers set cookies.
    pub(crate) steps: Vec<Request>,
    /// Requests whose `Cookie` header is looked at.
    pub(crate) probes: Vec<Request>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) browser: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expect: Option<Outcome>,
}

/// One request, and what is sent back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "is_typed")]
    pub(crate) context: Kind,
    /// The page that makes the request; without it, a page of the same URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) initiator: Option<String>,
    /// Redirects that lead here: the request goes to the first of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) via: Vec<Hop>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) set_cookie: Vec<String>,
    /// What a script of the document then assigns to `document.cookie`; the bytes are UTF-8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) script_cookie: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wait_ms: Option<u64>,
    /// Whether a script of the document reads `document.cookie`; only with `nav`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) document_cookie: bool,
}

/// An answer that redirects to the next hop, or at last to the request's URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) url: String,
    /// 302 if absent; 307 keeps the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) set_cookie: Vec<String>,
}

/// Who makes a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Somebody types the address.
    #[default]
    Nav,
    /// The page goes there.
    Link,
    /// The page posts a form there.
    FormPost,
    /// `fetch` with credentials.
    Subresource,
    /// A frame in the page.
    Iframe,
}

/// What a browser did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The clock before the first step, in milliseconds since 1970.
    pub(crate) now_ms: u64,
    pub(crate) step_errors: Vec<StepError>,
    /// What the browser itself says it stored after the steps, sorted.
    #[serde(default)]
    pub(crate) jar: Vec<Value>,
    pub(crate) probes: Vec<Seen>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) harness_error: Option<String>,
}

/// A step after which the browser complained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepError {
    pub(crate) step: usize,
    pub(crate) error: String,
}

/// What a probe sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The header off the socket; `null` if there was none.
    pub(crate) cookie: Option<String>,
    /// The same of each hop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) via: Vec<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) no_request: bool,
    /// Text as the script saw it, not bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document_cookie: Option<String>,
}

/// Reads a file of cases.
pub(crate) fn read(path: &Path) -> Result<Vec<Case>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{} is not a case", path.display(), at + 1))
        })
        .collect()
}

/// The cases as lines.
pub(crate) fn lines(cases: &[Case]) -> Result<String> {
    let mut text = String::new();
    for case in cases {
        text.push_str(&serde_json::to_string(case)?);
        text.push('\n');
    }
    Ok(text)
}

/// Bytes as a string of one character each.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The bytes that such a string stands for; `?` for a character that is none.
pub(crate) fn bytes(latin1: &str) -> Vec<u8> {
    latin1.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
}

fn is_typed(kind: &Kind) -> bool {
    *kind == Kind::Nav
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(it: &bool) -> bool {
    !it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_as_it_was_read() {
        let line = r#"{"id":"x-1","cat":"x","steps":[{"url":"https://example.com/","set_cookie":["a=é"]}],"probes":[{"url":"https://example.com/","context":"form-post","initiator":"https://other.test/","via":[{"url":"https://a.example.com/","status":307}],"document_cookie":true}],"browser":"B/1","expect":{"now_ms":5,"step_errors":[{"step":0,"error":"e"}],"jar":[{"name":"a"}],"probes":[{"cookie":null},{"cookie":"a=1","document_cookie":""}]}}"#;
        let case: Case = serde_json::from_str(line).unwrap();
        assert_eq!(lines(&[case]).unwrap(), format!("{line}\n"));
    }

    #[test]
    fn every_byte_is_one_character() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(&latin1(&all)), all);
    }
}
