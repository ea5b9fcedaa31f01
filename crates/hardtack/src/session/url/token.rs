//! What stands in the URL: a session id, sealed for this alone.

use std::time::Duration;

use zeroize::Zeroizing;

use super::rules::Step;
use super::{UrlAnswer, UrlParameter, text};
use crate::seal::Sealer;
use crate::session::error::SessionError;
use crate::session::id::SessionId;
use crate::session::look::Look;
use crate::session::record::Kind;
use crate::session::sessions::Engine;
use crate::session::store::Loaded;
use crate::session::work::{Opened, Work};
use crate::time::UnixTime;

/// How long a token in a URL is good for.
pub(super) const TOKEN_LASTS: Duration = Duration::from_secs(120);

const PURPOSE: &str = "hardtack session in a URL";

/// A token that was opened: proven to be ours and in time.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) step: Step,
    pub(super) id: SessionId,
    pub(super) expires: UnixTime,
}

impl Engine {
    pub(super) fn seal_url_token(
        &self,
        url: &UrlParameter,
        step: Step,
        id: &SessionId,
        expires: UnixTime,
    ) -> Option<String> {
        let id = Zeroizing::new(id.text());
        let mut value = Zeroizing::new(Vec::with_capacity(1 + id.len()));
        value.push(step as u8);
        value.extend_from_slice(id.as_bytes());
        let sealer = Sealer::new(&self.keys, PURPOSE);
        sealer.encrypt(&url.name, &value, expires, self.clock.now()).ok()
    }

    pub(super) fn open_url_token(&self, url: &UrlParameter, text: &str) -> Option<Token> {
        let sealer = Sealer::new(&self.keys, PURPOSE);
        let opened = sealer.open(&url.name, Some(text.as_bytes()), self.clock.now()).ok()?;
        let value = Zeroizing::new(opened.value);
        let (step, id) = value.split_first()?;
        let step =
            [Step::Link, Step::Tried, Step::Confirm].into_iter().find(|s| *s as u8 == *step)?;
        let id = [Kind::Anonymous, Kind::User]
            .into_iter()
            .filter(|kind| url.carries(*kind))
            .find_map(|kind| SessionId::parse(id, kind, self.settings.scope, &self.keys).ok())?;
        Some(Token { step, id, expires: opened.expires })
    }

    /// To the same URL, with a token that says that the cookie was tried.
    pub(super) fn redirect(
        &self,
        url: &UrlParameter,
        clean: Option<&str>,
        token: &Token,
        expires: UnixTime,
    ) -> Option<UrlAnswer> {
        let text = self.seal_url_token(url, Step::Tried, &token.id, expires)?;
        Some(UrlAnswer::SeeOther(text::add(clean?, &url.name, &text)))
    }

    /// The live session that a token names. An id that has been renewed since is no
    /// sign of theft here, as it is in a cookie: links of open pages still have it.
    pub(super) async fn look_by_token(&self, id: SessionId) -> Result<Option<Work>, SessionError> {
        let Loaded::Live(record) = self.within(self.store.load(&id.locator())).await? else {
            return Ok(None);
        };
        let opened = Work::open(id.clone(), record, &self.keys, self.clock.now(), false);
        if !matches!(opened, Opened::Live(_)) {
            return Ok(None);
        }
        match self.look(&id.into()).await? {
            Look::Live(work) => Ok(Some(work)),
            Look::Over(_) | Look::NotOurs => Ok(None),
        }
    }
}
