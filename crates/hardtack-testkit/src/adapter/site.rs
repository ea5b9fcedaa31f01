//! What the server under test serves.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use hardtack::session::{Login, Session, SessionError, Sessions, ValueError};
use http::StatusCode;

use crate::Gate;

/// Everything that the server under test is made of. An adapter puts its session
/// layer around the routes of [`adapter_suite!`](crate::adapter_suite) and calls
/// this for what they do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Site {
    /// The engine of the layer around all routes.
    pub sessions: Sessions,
    /// The engine of a second layer around all routes, beside the first.
    pub admin: Sessions,
    gates: Arc<Mutex<HashMap<String, Gate>>>,
}

/// What a route answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The response's status.
    pub status: StatusCode,
    /// The response's `Cache-Control`, if the handler says anything about that.
    pub cache_control: Option<&'static str>,
    /// The response's body, plain text.
    pub text: String,
}

/// The rest of a streamed response.
pub type Rest = Pin<Box<dyn Future<Output = String> + Send>>;

impl Site {
    pub(crate) fn new(sessions: Sessions, admin: Sessions) -> Self {
        Self { sessions, admin, gates: Arc::default() }
    }

    /// The gate that requests with `?gate=NAME` wait at.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(name.to_owned()).or_default().clone()
    }

    pub(crate) fn forget_gate(&self, name: &str) {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Handles a request for `act` (the last segment of the path), with the
    /// request's query.
    ///
    /// # Errors
    /// What the session said, for the adapter to answer as it always does.
    ///
    /// # Panics
    /// Where `act` is `panic`.
    pub async fn act(
        &self,
        session: &Session,
        act: &str,
        query: Option<&str>,
    ) -> Result<Page, SessionError> {
        let query = Query(query.unwrap_or_default());
        if let Some(name) = query.of("gate") {
            self.gate(name).pass().await;
        }
        let text = self.text(session, act, &query).await?;
        let status = query.of("status").and_then(|code| StatusCode::try_from(code).ok());
        let cache_control = query.of("public").map(|_| "public, max-age=60");
        Ok(Page { status: status.unwrap_or(StatusCode::OK), cache_control, text })
    }

    async fn text(
        &self,
        session: &Session,
        act: &str,
        query: &Query<'_>,
    ) -> Result<String, SessionError> {
        let key = query.of("k").unwrap_or("n");
        match act {
            "read" => return Ok(session.get::<i64>(key)?.unwrap_or(0).to_string()),
            "inc" => session.set(key, &(session.get::<i64>(key)?.unwrap_or(0) + 1))?,
            "add" => session.add(key, 1)?,
            "incslow" => {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                session.update(key, |n: Option<i64>| n.unwrap_or(0) + 1)?;
            }
            "set" => session.set(key, query.of("v").unwrap_or_default())?,
            "login" => self.login(session, query).await?,
            "logout" => {
                session.logout().await?;
                if query.of("add").is_some() {
                    session.add(key, 1)?;
                }
            }
            "forget" => session.forget().await?,
            "renew" => session.renew().await?,
            "end_others" => return Ok(session.end_others().await?.to_string()),
            "end_all" => session.end_all().await?,
            "list" => return Ok(session.list().await?.len().to_string()),
            "flash" => session.flash("info", query.of("v").unwrap_or_default())?,
            "flashes" => {
                let flashes = session.take_flashes().await?;
                return Ok(flashes.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join(","));
            }
            "token" => return session.csrf_token(),
            "check" => {
                let given = query.of("v").unwrap_or_default();
                return Ok(session.check_csrf(given).to_string());
            }
            "discard" => {
                session.add(key, 1)?;
                session.discard();
            }
            "panic" => {
                session.add(key, 1)?;
                panic!("this handler was asked to panic");
            }
            "ended" => return Ok(session.ended().map_or_else(String::new, |c| c.to_string())),
            "fresh" => return Ok(session.fresh_within(std::time::Duration::MAX).to_string()),
            "dump" => return dump(session),
            _ => return Err(SessionError::Value(ValueError::Name { length: act.len() })),
        }
        Ok("ok".to_owned())
    }

    /// `?check=GATE` is where checking the credentials takes its time.
    async fn login(&self, session: &Session, query: &Query<'_>) -> Result<(), SessionError> {
        let user = query.of("user").unwrap_or("alice");
        let mut login = Login::from(user);
        if let Some(gate) = query.of("check") {
            login = session.begin_login(user).await?;
            self.gate(gate).pass().await;
        }
        if query.of("remember").is_some() {
            login = login.remember();
        }
        session.login(login).await
    }

    /// Handles a request for a streamed response: what it does before the head,
    /// and the future of the one chunk that its body is.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub fn stream(
        &self,
        session: &Session,
        act: &str,
        query: Option<&str>,
    ) -> Result<Rest, SessionError> {
        let gate = self.gate(Query(query.unwrap_or_default()).of("gate").unwrap_or("stream"));
        let live = session.detach();
        let session = session.clone();
        Ok(match act {
            // Writes after its end, which is too late.
            "late" => {
                session.add("n", 1)?;
                Box::pin(async move {
                    gate.pass().await;
                    let late = (session.add("n", 1), session.login("alice").await.is_ok());
                    format!("{late:?}")
                })
            }
            // Goes on beyond the request.
            "live" => Box::pin(async move {
                gate.pass().await;
                let Some(live) = live else { return "no session".to_owned() };
                format!("{:?}", live.add("n", 1).await)
            }),
            // Waits until somebody ends the session.
            _ => Box::pin(async move {
                let Some(live) = live else { return "no session".to_owned() };
                live.ended().await.map_or_else(|| "unknown".to_owned(), |cause| cause.to_string())
            }),
        })
    }
}

/// `key=value` for each key, and `user=...`; `key!` for what cannot be read.
fn dump(session: &Session) -> Result<String, SessionError> {
    let mut lines = Vec::new();
    for key in session.keys()? {
        lines.push(match session.json(&key) {
            Ok(value) => format!("{key}={}", value.unwrap_or_default()),
            Err(_) => format!("{key}!"),
        });
    }
    lines.extend(session.user().map(|user| format!("user={user}")));
    Ok(lines.join(" "))
}

struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn of(&self, name: &str) -> Option<&'a str> {
        self.0.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
            (found == name).then_some(value)
        })
    }
}
