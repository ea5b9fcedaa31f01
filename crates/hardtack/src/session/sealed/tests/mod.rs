//! The laws of sealed sessions, from outside.

mod cut;
mod laws;
mod revocation;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, HeaderValue};

use super::*;
use crate::seal::{Key as SealKey, Keyring};
use crate::session::{Outcome, SessionError, Sessions};
use crate::time::{Clock, UnixTime};

/// Everything over the memory store is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store never waits"),
    }
}

#[derive(Clone)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_000)))
    }

    fn pass(&self, secs: u64) {
        self.pass_millis(1000 * secs);
    }

    fn pass_millis(&self, millis: u64) {
        self.0.fetch_add(millis, SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.0.load(SeqCst))
    }
}

fn ring() -> Keyring {
    Keyring::new(SealKey::generate().unwrap())
}

/// A browser that applies Set-Cookie in the order of arrival.
#[derive(Clone, Debug, Default, PartialEq)]
struct Browser(Vec<(String, String)>);

impl Browser {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.0.is_empty() {
            let line: Vec<String> = self.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
            headers.insert("cookie", HeaderValue::from_str(&line.join("; ")).unwrap());
        }
        headers
    }

    fn apply(&mut self, outcome: &Outcome) {
        for (name, value) in &outcome.headers {
            assert_eq!(name, "set-cookie");
            let text = value.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            assert!(name.len() + value.len() <= 4096, "{name} has {}", value.len());
            self.0.retain(|(n, _)| n != name);
            if !text.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|(n, _)| &**n).collect();
        names.sort_unstable();
        names
    }
}

/// An application without a store.
struct Site {
    sessions: SealedSessions,
    clock: TestClock,
    keys: Keyring,
}

impl Site {
    fn new(setup: impl FnOnce(SealedSessionsBuilder) -> SealedSessionsBuilder) -> Self {
        let (clock, keys) = (TestClock::new(), ring());
        let builder = SealedSessions::builder(keys.clone()).clock(clock.clone());
        Self { sessions: setup(builder).build().unwrap(), clock, keys }
    }

    fn open(&self, browser: &Browser) -> SealedSession {
        let session = self.sessions.session();
        session.present(&browser.headers());
        session.load().unwrap();
        session
    }

    fn visit<T>(&self, browser: &mut Browser, handler: impl FnOnce(&SealedSession) -> T) -> T {
        let session = self.open(browser);
        let result = handler(&session);
        let outcome = session.finish();
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        browser.apply(&outcome);
        result
    }

    /// What a request with these cookies would see, and that it sets none.
    fn sees(&self, browser: &Browser) -> Option<String> {
        let session = self.open(browser);
        let user = session.user();
        if session.kind().is_none() {
            assert!(session.keys().unwrap().is_empty());
            assert!(session.finish().headers.is_empty(), "an answer to what is not ours");
        }
        user
    }
}

fn plain() -> Site {
    Site::new(|b| b)
}

const IDLE: u64 = 30 * 60;
const LIFETIME: u64 = 12 * 3600;
