//! Sessions of nobody, to race with and to steal: requests of the program to itself,
//! through the same session layer that the shop's pages stand behind.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hardtack_tower::session::Sessions;
use hardtack_tower::{Session, SessionLayer};
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, Request, StatusCode};
use tower::ServiceExt;

use super::failure::Failure;
use super::{known, race};

/// A small app of its own on the shop's sessions.
#[derive(Clone)]
pub(super) struct Throwaway(Router);

/// What it answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The session's cookie that it set, as `name=value`.
    pub(super) cookie: Option<String>,
    pub(super) text: String,
}

impl Throwaway {
    pub(super) fn new(sessions: Sessions) -> Throwaway {
        let routes = Router::new()
            .route("/begin", post(begin))
            .route("/sign-in", post(sign_in))
            .route("/sign-out", post(sign_out))
            .route("/whoami", get(who_am_i))
            .merge(race::contestants());
        Throwaway(routes.layer(SessionLayer::new(sessions)))
    }

    /// Asks, with this cookie or as a stranger.
    pub(super) async fn ask(&self, method: Method, path: &str, cookie: Option<&str>) -> Answer {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        if let Some(value) = cookie.and_then(|cookie| cookie.parse().ok()) {
            request.headers_mut().insert(COOKIE, value);
        }
        let Ok(response) = self.0.clone().oneshot(request).await;
        let lines = response.headers().get_all(SET_COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
        let cookie = pairs.map(str::to_owned).find(|pair| {
            pair.split_once('=').is_some_and(|(name, value)| is_key(name) && !value.is_empty())
        });
        let status = response.status();
        let body = to_bytes(response.into_body(), 4096).await.unwrap_or_default();
        Answer { status, cookie, text: String::from_utf8_lossy(&body).into_owned() }
    }
}

fn is_key(name: &str) -> bool {
    [known::ANONYMOUS, known::SIGNED_IN].contains(&name)
}

async fn begin(session: Session) -> Result<&'static str, Failure> {
    session.set("count", &0)?;
    Ok("a session has begun\n")
}

async fn sign_in(session: Session) -> Result<&'static str, Failure> {
    session.set_device("the Steal page");
    session.set("note", "the cellar key is under the third barrel")?;
    session.login("guest").await?;
    Ok("guest is signed in\n")
}

async fn sign_out(session: Session) -> Result<&'static str, Failure> {
    session.logout().await?;
    Ok("guest is signed out\n")
}

/// Says who the request is from; for the curl line of the Steal page.
pub(super) async fn who_am_i(session: Session) -> Result<Response, Failure> {
    let Some(user) = session.user() else {
        let why = session.ended().map(|cause| format!(" (it has ended: {cause})"));
        let text = format!("There is no such session{}.\n", why.unwrap_or_default());
        return Ok((StatusCode::UNAUTHORIZED, text).into_response());
    };
    let note: Option<String> = session.get("note")?;
    let note = note.map(|note| format!(" Your note says: {note}.")).unwrap_or_default();
    Ok(format!("You are {user}.{note}\n").into_response())
}
