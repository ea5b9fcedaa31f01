//! The session in the URL, for browsers that keep no cookies
//! ([`danger::url_parameter`](super::danger::url_parameter)). Off by default:
//! ASVS 5.0 14.2.1 (level 1) forbids it, and an application that turns it on
//! does not meet that requirement.
//!
//! What stands in the URL is not the id. It is a token, the id sealed for this
//! purpose alone, that is good for two minutes. A browser with cookies gives
//! it back for the cookie, by which the id is renewed: 10 seconds after the
//! cookie is first seen, the tokens made before name nothing. A browser without
//! is carried on: each page that it is shown has new tokens in its links.
//!
//! What is done with a token (`url/rules.rs` is this table; "asked" is a page with a
//! button that POSTs, see [`UrlAnswer`]):
//!
//! | how the request was made | token from a link | after the cookie was tried |
//! | --- | --- | --- |
//! | a live session came by cookie | ignored; a page is redirected to the URL without it | the same |
//! | GET, navigation from a page of this origin | cookie set, redirected to try it | carried on |
//! | GET, navigation from anywhere else | asked | asked |
//! | GET, a browser that sends no Sec-Fetch headers | asked | nothing |
//! | POST from a page of this origin | cookie set, handled | carried on |
//! | prefetch | refused, so that the browser asks again | the same |
//! | HEAD, other methods, scripts, images | nothing | nothing |
//!
//! "Nothing" is a request without a session. Browsers that send no Sec-Fetch headers
//! (older than 2023, and all of them over plain http beyond localhost) are carried on
//! only if they take cookies: nobody can tell whose link they follow.
//!
//! Responses to a URL with a token, and those with one in them, are `no-store`; the
//! former are `no-referrer` too. Behind the adapter's layer the request's URL is
//! without the token; for logs written before it there is
//! [`Sessions::redact`](super::Sessions::redact).
//!
//! # Session fixation
//! An attacker can begin an anonymous session and send somebody a link into it.
//! What prevents harm: following the link from another site, a mail or the
//! address bar does nothing before the visitor has pressed a button on a page that
//! says what it does, and that no other site can frame or press; a visitor who has
//! a session keeps it; signing in makes a new session with a new id, which the
//! attacker does not have (law 5) and which no URL carries unless
//! [asked for](super::danger::url_parameter_also_signed_in).
//!
//! # What this does not protect
//! - Visitors who press the button: until they sign in, what they enter is seen by
//!   whoever sent the link. What that one put into the session (a cart) goes along
//!   at login, unless [`Login::start_empty`](super::Login::start_empty) is used.
//! - The token within its two minutes: whoever reads it in a history, a log or over
//!   a shoulder can use it, more than once until the cookie has come back, and carry
//!   on for as long as the session lives.
//! - Links that others may put on pages of this origin (a comment, a profile): followed
//!   from there, nobody is asked. Take the parameter out of what users post.
//! - Browsers older than 2020 that send neither `Sec-Fetch-Site` nor `Origin`: a page
//!   of another site can press the button for them.

mod answer;
mod rules;
mod text;
mod token;

#[cfg(test)]
mod tests;

use http::header::{COOKIE, HeaderName, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, Method, Uri};

pub use answer::UrlAnswer;

use self::rules::{Decision, Step, Way, decide, way};
use self::token::{TOKEN_LASTS, Token};
use super::config::ConfigError;
use super::error::SessionError;
use super::record::Kind;
use super::request::Found;
use super::session::Session;
use super::sessions::Sessions;
use super::state::{Known, Phase};
use super::transport::Candidates;

/// As configured.
#[derive(Clone, Debug)]
pub(crate) struct UrlParameter {
    pub(crate) name: Box<str>,
    pub(crate) signed_in: bool,
}

impl UrlParameter {
    pub(crate) fn check(&self, has_cookies: bool) -> Result<(), ConfigError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let refused = |rule| Err(ConfigError::UrlParameter { name: self.name.to_string(), rule });
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return refused("a name has 1 to 32 letters, digits, '-' or '_'");
        }
        if !has_cookies {
            return refused("there is no cookie to exchange it for with in_header()");
        }
        Ok(())
    }
}

/// What a request says by its URL; kept only where the parameter is configured.
pub(crate) struct Arrival {
    token: Option<Token>,
    way: Way,
    /// A reference from this URL to itself without the parameter; `None`: it was
    /// not there.
    clean: Option<String>,
    /// Not one cookie came, so perhaps none ever will.
    cookieless: bool,
    /// The session came by the token.
    pub(super) carried: bool,
    /// A token was given out to stand in the response.
    handed_out: bool,
    /// The response is the page that asks.
    asks: bool,
}

/// What the adapter does with a request that came with a token.
#[derive(Debug)]
#[non_exhaustive]
pub struct ByUrl {
    /// The request's URL without the token: what handlers and logs are to see.
    pub uri: Uri,
    /// The answer, if the request is not the application's at all but the press of
    /// the button. It is to be sent with what comes of loading and finishing the session.
    pub answer: Option<UrlAnswer>,
}

impl Session {
    /// Takes from a request what its URL says of the session. Called once by the
    /// adapter, before [`load`](Session::load), which then may fail with
    /// [`SessionError::ByUrl`]. `None`: nothing, or the parameter is not configured.
    pub fn present_url(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<ByUrl> {
        let engine = self.engine();
        let url = engine.settings.url.as_ref()?;
        let query = uri.query().unwrap_or_default();
        let value = text::find(query, &url.name);
        let rest = text::without(query, &url.name);
        let mut arrival = Arrival {
            token: value.and_then(|value| engine.open_url_token(url, value)),
            way: way(method, uri, headers),
            clean: value.map(|_| text::reference(uri.path(), &rest)),
            cookieless: !headers.contains_key(COOKIE),
            carried: false,
            handed_out: false,
            asks: false,
        };
        let came = value.map(|_| ByUrl {
            uri: text::uri(uri, &rest),
            answer: match &mut arrival.token {
                Some(token) if token.step == Step::Confirm && arrival.way == Way::Form => {
                    engine.redirect(url, arrival.clean.as_deref(), token, token.expires)
                }
                _ => None,
            },
        });
        self.state().arrival = Some(Box::new(arrival));
        came
    }

    /// What the cookies name, and where that is nothing what the token names.
    pub(crate) async fn find_or_by_url(
        &self,
        candidates: &Candidates,
        passive: bool,
    ) -> Result<Found, SessionError> {
        let mut found = self.find(candidates, passive).await?;
        if !found.two {
            self.find_by_url(&mut found, passive).await?;
        }
        Ok(found)
    }

    async fn find_by_url(&self, found: &mut Found, passive: bool) -> Result<(), SessionError> {
        let (token, clean, way) = {
            let mut state = self.state();
            let Some(arrival) = &mut state.arrival else { return Ok(()) };
            let Some(clean) = arrival.clean.clone() else { return Ok(()) };
            // The adapter marks prefetches as passive.
            let way = if passive && arrival.way.is_page() { Way::Ahead } else { arrival.way };
            (arrival.token.clone(), clean, way)
        };
        if found.live.is_some() {
            found.answer = way.is_page().then_some(UrlAnswer::SeeOther(clean));
            return Ok(());
        }
        let engine = self.engine();
        let (Some(url), Some(token)) = (&engine.settings.url, token) else { return Ok(()) };
        let decision = decide(way, token.step);
        match decision {
            Decision::Nothing => {}
            Decision::Refuse => found.answer = Some(UrlAnswer::NotAhead),
            Decision::Ask => {
                // The same expiry: asking does not make a token last longer.
                let text = engine.seal_url_token(url, Step::Confirm, &token.id, token.expires);
                let Some(text) = text else { return Ok(()) };
                self.arrival(|arrival| arrival.asks = true);
                let form = text::add(&clean, &url.name, &text);
                found.answer = Some(UrlAnswer::Ask { form, afresh: clean });
            }
            Decision::Carry | Decision::Exchange | Decision::ExchangeAndRedirect => {
                let Some(mut work) = engine.look_by_token(token.id.clone()).await? else {
                    return Ok(());
                };
                let due = self.active(&mut work, passive).await;
                // A renewal sets the cookie, and makes this an exchange.
                found.renew = due || decision != Decision::Carry;
                if decision == Decision::ExchangeAndRedirect {
                    let expires = engine.clock.now().saturating_add(TOKEN_LASTS);
                    found.answer = engine.redirect(url, Some(&clean), &token, expires);
                }
                self.arrival(|arrival| arrival.carried = true);
                found.live = Some(work);
            }
        }
        Ok(())
    }

    /// A token that names this session in a URL, for two minutes. `None` without a
    /// session, for a signed-in one unless that was
    /// [asked for](super::danger::url_parameter_also_signed_in), and where the
    /// parameter is not configured or the request not
    /// [presented](Self::present_url). Never give it to another origin;
    /// [`with_url_token`](Self::with_url_token) does not.
    pub fn url_token(&self) -> Option<String> {
        let engine = self.engine();
        let url = engine.settings.url.as_ref()?;
        let mut state = self.state();
        state.used = true;
        let Known { base, arrival, .. } = &mut *state;
        let arrival = arrival.as_mut()?;
        let base = base.as_ref().filter(|base| url.carries(base.facts.kind))?;
        let step = if arrival.carried { Step::Tried } else { Step::Link };
        let expires = engine.clock.now().saturating_add(TOKEN_LASTS);
        // What the client has, which stays good until a renewed id is seen: by a
        // link it must not be seen, or the links of the page before would die.
        let token = engine.seal_url_token(url, step, base.presented(), expires)?;
        arrival.handed_out = true;
        Some(token)
    }

    /// `reference` (a path, or a query that begins with `?`) with a token, if this
    /// request came by one or without any cookie; as it is otherwise, and if it
    /// leads to another origin. For every link and form of a page, and for
    /// redirects. A session that this request has only begun to fill must
    /// be [started](Self::start) first.
    pub fn with_url_token(&self, reference: &str) -> String {
        let wanted = |arrival: &Arrival| arrival.carried || arrival.cookieless;
        let wanted = self.state().arrival.as_deref().is_some_and(wanted);
        let token = || self.url_token().filter(|_| text::is_of_this_origin(reference));
        match (&self.engine().settings.url, wanted.then(token).flatten()) {
            (Some(url), Some(token)) => text::add(reference, &url.name, &token),
            _ => reference.to_owned(),
        }
    }

    /// Whether this request's session came by a token in the URL.
    pub fn came_by_url(&self) -> bool {
        self.state().arrival.as_deref().is_some_and(|arrival| arrival.carried)
    }

    /// Creates the session at once, if there is none and this request has put
    /// something into it, so that the response can name it. Otherwise it is
    /// created when the request has been handled.
    ///
    /// # Errors
    /// The store failed, or the request is over.
    pub async fn start(&self) -> Result<(), SessionError> {
        self.load().await?;
        {
            let state = self.state();
            if state.phase == Phase::Closed {
                return Err(super::ValueError::Closed.into());
            }
            if state.base.is_some() || state.discarded {
                return Ok(());
            }
        }
        self.create_of_changes().await
    }

    fn arrival(&self, change: impl FnOnce(&mut Arrival)) {
        if let Some(arrival) = self.state().arrival.as_deref_mut() {
            change(arrival);
        }
    }
}

impl Known {
    /// Whether the response is to one whose URL has the parameter.
    pub(crate) fn came_with_url_parameter(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| arrival.clean.is_some())
    }

    /// Whether the response has a token in it, so that nobody may keep it.
    pub(crate) fn hands_out_url_token(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| arrival.handed_out)
    }

    /// What keeps the token of this URL from going elsewhere.
    pub(crate) fn url_header(&self) -> Option<(HeaderName, HeaderValue)> {
        let arrival = self.arrival.as_ref().filter(|arrival| arrival.clean.is_some())?;
        // `no-referrer` would also make the Origin of the form's POST `null`, by which
        // browsers without Sec-Fetch headers are told apart. This policy names the
        // origin and never the URL.
        let policy = if arrival.asks { "strict-origin" } else { "no-referrer" };
        Some((REFERRER_POLICY, HeaderValue::from_static(policy)))
    }
}

impl Sessions {
    /// A URL, or a line with URLs in it, without the tokens of
    /// [`danger::url_parameter`](super::danger::url_parameter): for logs that are
    /// written outside of the session layer.
    pub fn redact(&self, url: &str) -> String {
        match &self.0.settings.url {
            Some(parameter) => text::redact(url, &parameter.name),
            None => url.to_owned(),
        }
    }
}

impl UrlParameter {
    fn carries(&self, kind: Kind) -> bool {
        match kind {
            Kind::Anonymous => true,
            Kind::User => self.signed_in,
            Kind::Remember => false,
        }
    }
}
