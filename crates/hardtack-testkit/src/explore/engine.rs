//! The session engine as a site, without HTTP around it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hardtack::seal::Keyring;
use hardtack::session::store::Store;
use hardtack::session::{About, Session, SessionError, Sessions, SessionsBuilder};
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};

use super::{Action, Answer, Site, USER, written};
use crate::FakeClock;

/// A node that does each [`Action`] with the engine's own verbs, as an adapter and
/// a handler would.
#[derive(Clone, Debug)]
pub struct EngineSite(Sessions);

impl EngineSite {
    /// A node over `store`, with the defaults.
    pub fn new(store: Arc<dyn Store>, clock: FakeClock, keys: Keyring) -> Self {
        Self::with(Sessions::builder(store, keys).clock(clock))
    }

    /// A node set up in another way.
    ///
    /// # Panics
    /// If the builder refuses what was set.
    pub fn with(builder: SessionsBuilder) -> Self {
        Self(builder.build().expect("a configuration that can be right"))
    }
}

impl Site for EngineSite {
    fn handle(
        &self,
        cookies: &str,
        action: Action,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        let session = self.0.session();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(cookies) {
            headers.insert(COOKIE, value);
        }
        Box::pin(async move {
            let mut answer = Answer { status: 200, ..Answer::default() };
            if let Err(error) = act(&session, &headers, action, &mut answer).await {
                answer.status = error.status().as_u16();
            }
            let outcome = session.finish().await;
            if let Some(error) = outcome.error {
                answer.status = error.status().as_u16();
            }
            let cookies = outcome.headers.iter().filter(|(name, _)| *name == SET_COOKIE);
            answer.set_cookies =
                cookies.filter_map(|(_, value)| value.to_str().ok().map(str::to_owned)).collect();
            answer
        })
    }
}

async fn act(
    session: &Session,
    headers: &HeaderMap,
    action: Action,
    answer: &mut Answer,
) -> Result<(), SessionError> {
    session.load_as(headers, About::default()).await?;
    match action {
        Action::Login => {
            let login = session.begin_login(USER).await?;
            session.login(login).await
        }
        Action::Logout => session.logout().await,
        Action::Renew => session.renew().await,
        Action::Write(number) => Ok(session.set(&written(number), &true)?),
        Action::EndAll if session.user().is_some() => session.end_all().await,
        Action::EndAll => Ok(session.sessions().admin().end_all(USER).await?),
        Action::Look => {
            answer.user = session.user();
            answer.names = session.keys()?;
            Ok(())
        }
    }
}
