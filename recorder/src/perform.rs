//! Does a case in a browser and writes down what it did.

use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::browser::{Browser, Which, await_document};
use crate::case::{Case, Kind, Outcome, Request, Seen, StepError};
use crate::server::{Answer, Content, Server};

/// A browser and the server that it talks to; the browser is started again when it hangs.
pub(crate) struct Recorder {
    server: Server,
    which: Which,
    browser: Option<Box<dyn Browser>>,
    attempts: u64,
}

impl Recorder {
    pub(crate) fn start(which: Which) -> Result<Recorder> {
        let server = Server::start()?;
        let browser = Some(which.start(server.ports)?);
        Ok(Recorder { server, which, browser, attempts: 0 })
    }

    /// The case with what the browser did.
    pub(crate) fn record(&mut self, case: &Case) -> Result<Case> {
        let mut trouble = None;
        for _ in 0..3 {
            if trouble.is_some() {
                self.browser = None;
            }
            let browser = match &mut self.browser {
                Some(browser) => browser,
                none => none.insert(self.which.start(self.server.ports)?),
            };
            self.attempts += 1;
            let mut attempt = Attempt {
                browser: browser.as_mut(),
                server: &self.server,
                key: format!("c{}", self.attempts),
            };
            let outcome = attempt.run(case);
            let version = browser.version().to_owned();
            self.server.forget();
            match outcome {
                Ok(outcome) => return Ok(recorded(case, version, outcome)),
                Err(error) => trouble = Some((version, format!("{error:#}"))),
            }
        }
        let (version, error) = trouble.unwrap_or_default();
        let outcome = Outcome { harness_error: Some(error), ..Outcome::default() };
        Ok(recorded(case, version, outcome))
    }
}

fn recorded(case: &Case, version: String, outcome: Outcome) -> Case {
    Case { browser: Some(version), expect: Some(outcome), ..case.clone() }
}

struct Attempt<'a> {
    browser: &'a mut dyn Browser,
    server: &'a Server,
    key: String,
}

impl Attempt<'_> {
    fn run(&mut self, case: &Case) -> Result<Outcome> {
        self.browser.reset(case)?;
        let mut outcome = Outcome { now_ms: now_ms(), ..Outcome::default() };
        for (step, request) in case.steps.iter().enumerate() {
            thread::sleep(Duration::from_millis(request.wait_ms.unwrap_or(0)));
            let key = format!("{}.s{step}", self.key);
            if let Some(error) = self.request(request, &key)? {
                outcome.step_errors.push(StepError { step, error });
            }
            ensure!(self.server.seen(&key).is_some(), "step {step} made no request");
        }
        outcome.jar = self.browser.jar()?;
        outcome.jar.sort_by_key(|cookie| {
            ["domain", "path", "name"].map(|key| cookie[key].as_str().unwrap_or("").to_owned())
        });
        for (probe, request) in case.probes.iter().enumerate() {
            let key = format!("{}.p{probe}", self.key);
            let error = self.request(request, &key)?;
            let sent = self.server.seen(&key);
            let mut seen = Seen { error, no_request: sent.is_none(), ..Seen::default() };
            if request.document_cookie && sent.is_some() {
                seen.document_cookie =
                    self.browser.eval("document.cookie")?.as_str().map(str::to_owned);
            }
            seen.cookie = sent.flatten();
            let hops = 0..request.via.len();
            seen.via = hops.map(|hop| self.server.seen(&hop_key(&key, hop)).flatten()).collect();
            outcome.probes.push(seen);
        }
        Ok(outcome)
    }

    /// Makes a request; what the browser complained of, if it did.
    fn request(&mut self, request: &Request, key: &str) -> Result<Option<String>> {
        let first = self.plan(request, key);
        if request.context == Kind::Nav {
            let complaint = self.browser.navigate(&first)?;
            if complaint.is_none() && has_document(request) {
                await_document(self.browser, &mark(key))?;
            }
            return Ok(complaint);
        }
        let page_key = format!("page-{key}");
        let page = with_key(request.initiator.as_ref().unwrap_or(&request.url), &page_key);
        if let Some(complaint) = self.browser.navigate(&page)? {
            bail!("the page that makes the request: {complaint}");
        }
        await_document(self.browser, &mark(&page_key))?;
        self.browser.eval(&script(request.context, &first))?;
        if !self.server.wait_for(key) {
            return Ok(Some("no request".into()));
        }
        if matches!(request.context, Kind::Link | Kind::FormPost) {
            await_document(self.browser, &mark(key))?;
        }
        Ok(None)
    }

    /// Plans the answers to a request and its redirects, and gives the address that it begins at.
    fn plan(&self, request: &Request, key: &str) -> String {
        let content = match request.context {
            Kind::Nav if !has_document(request) => Content::Nothing,
            _ => Content::Page(request.script_cookie.iter().map(|it| assignment(it)).collect()),
        };
        self.server.plan(key, Answer { set_cookie: request.set_cookie.clone(), content });
        let mut next = with_key(&request.url, key);
        for (at, hop) in request.via.iter().enumerate().rev() {
            let key = hop_key(key, at);
            let content = Content::Redirect(hop.status.unwrap_or(302), next);
            self.server.plan(&key, Answer { set_cookie: hop.set_cookie.clone(), content });
            next = with_key(&hop.url, &key);
        }
        next
    }
}

fn has_document(request: &Request) -> bool {
    request.document_cookie || !request.script_cookie.is_empty()
}

fn with_key(url: &str, key: &str) -> String {
    format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, mark(key))
}

fn mark(key: &str) -> String {
    format!("__k={key}")
}

fn hop_key(key: &str, at: usize) -> String {
    format!("{key}.h{at}")
}

/// What the page runs to make the request.
fn script(kind: Kind, url: &str) -> String {
    let url = json!(url);
    match kind {
        Kind::Nav => String::new(),
        Kind::Link => format!("setTimeout(() => {{ location.href = {url} }}, 0); 1"),
        Kind::FormPost => format!(
            "setTimeout(() => {{ const f = document.createElement('form'); f.method = 'POST'; f.action = {url}; document.documentElement.append(f); f.submit() }}, 0); 1"
        ),
        Kind::Subresource => format!(
            "fetch({url}, {{ mode: 'no-cors', credentials: 'include' }}).then(r => r.text()).then(() => 1, e => String(e))"
        ),
        Kind::Iframe => format!(
            "new Promise(r => {{ const f = document.createElement('iframe'); f.onload = () => r(1); f.src = {url}; document.documentElement.append(f); setTimeout(() => r(0), 3000) }})"
        ),
    }
}

/// A statement that sets a cookie, in ASCII and safe within a script element.
fn assignment(line: &str) -> String {
    let text = String::from_utf8_lossy(&crate::case::bytes(line)).into_owned();
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("document.cookie = '{units}';")
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a case asks for, and the headers that its probes send, in this order.
    const KNOWN: [(&str, &[Option<&str>]); 5] = [
        (
            r#"{"id":"bytes","cat":"x","steps":[{"url":"https://example.com/","set_cookie":["a=Ã©; Secure","b=1; Max-Age=0"]}],"probes":[{"url":"https://example.com/"},{"url":"http://example.com/"}]}"#,
            &[Some("a=Ã©"), None],
        ),
        (
            r#"{"id":"contexts","cat":"x","steps":[{"url":"https://example.com/","set_cookie":["s=1; SameSite=Strict","l=1; SameSite=Lax"]}],"probes":[{"url":"https://example.com/"},{"url":"https://example.com/","context":"link","initiator":"https://other.test/"},{"url":"https://example.com/","context":"form-post","initiator":"https://other.test/"},{"url":"https://example.com/","context":"iframe","initiator":"https://other.test/"},{"url":"https://example.com/","context":"subresource"}]}"#,
            &[Some("s=1; l=1"), Some("l=1"), None, None, Some("s=1; l=1")],
        ),
        (
            r#"{"id":"script","cat":"x","steps":[{"url":"https://example.com/","script_cookie":["a=js","h=js; HttpOnly"]}],"probes":[{"url":"https://example.com/","document_cookie":true}]}"#,
            &[Some("a=js")],
        ),
        (
            r#"{"id":"redirect","cat":"x","steps":[{"url":"https://other.test/","via":[{"url":"https://example.com/","set_cookie":["a=1"]}]}],"probes":[{"url":"https://other.test/"},{"url":"https://example.com/"}]}"#,
            &[None, Some("a=1")],
        ),
        (
            r#"{"id":"ports","cat":"x","steps":[{"url":"http://example.com:8081/","set_cookie":["a=1"]}],"probes":[{"url":"http://[::1]/"},{"url":"https://example.com:8444/"}]}"#,
            &[None, Some("a=1")],
        ),
    ];

    fn records_what_is_known(which: Which) {
        let mut recorder = Recorder::start(which).unwrap();
        for (case, expected) in KNOWN {
            let case: Case = serde_json::from_str(case).unwrap();
            let outcome = recorder.record(&case).unwrap().expect.unwrap();
            assert_eq!(outcome.harness_error, None, "{}", case.id);
            let sent: Vec<_> = outcome.probes.iter().map(|seen| seen.cookie.as_deref()).collect();
            assert_eq!(sent, expected, "{}: {outcome:?}", case.id);
        }
    }

    #[test]
    fn chromium_is_recorded_needs_chromium() {
        records_what_is_known(Which::Chromium);
    }

    #[test]
    fn firefox_is_recorded_needs_firefox_esr() {
        records_what_is_known(Which::Firefox);
    }
}
