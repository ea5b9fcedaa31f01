//! Signing in and out, and what the shop knows about who is signed in.

use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use hardtack_tower::session::Locator;
use http::StatusCode;
use serde::Deserialize;

use super::failure::Failure;
use super::html::{Html, html};
use super::page::{Tab, page};
use super::visit::{Visit, span};
use super::{App, address, picture};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(show))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/goodbye", get(goodbye))
        .route("/account/end", post(end_one))
        .route("/account/end-others", post(end_others))
        .route("/account/end-all", post(end_all))
        .merge(address::routes())
        .merge(picture::routes())
}

/// Names and passwords. They are public: the sign-in page shows them, and that is why
/// the demo listens on the loopback interface only.
pub(super) const USERS: [(&str, &str); 2] = [("alice", "oatcake"), ("bob", "gingernut")];

async fn show(visit: Visit) -> Result<Response, Failure> {
    let main = match visit.session.user() {
        None => sign_in_form(None),
        Some(user) => html!(
            "<h1>{}\u{2019}s account</h1><p class=\"lead\">{}</p>{}{}{}",
            user,
            if visit.session.is_remembered() {
                "You were signed in by remember-me, not by a password. A shop would ask for the \
                 password before anything that costs money."
            } else {
                "Your session was made new when you signed in. What was in the cart has come along; \
                 a session from before is dead."
            },
            sessions(&visit).await?,
            address::card(&visit, &user),
            picture::card(&visit)?
        ),
    };
    page(&visit, Tab::Account, "Account", main).await
}

fn sign_in_form(wrong: Option<&str>) -> Html {
    let name = wrong.unwrap_or(USERS[0].0);
    let complaint = wrong.map(|_| {
        html!(
            "<p class=\"notice bad\" role=\"alert\">That name and password do not go together.</p>"
        )
    });
    let users: Html = USERS
        .iter()
        .map(|(name, password)| {
            html!("<tr><td><code>{}</code></td><td><code>{}</code></td></tr>", name, password)
        })
        .collect();
    html!(
        "<h1>Sign in</h1><p class=\"lead\">Signing in gives you a new session with a new key. What \
         was in the cart comes along; whatever anybody knew of the old key is worth nothing.</p>{}\
         <div class=\"pair\"><section class=\"card\"><form method=\"post\" action=\"/sign-in\">\
         <label>Name<input type=\"text\" name=\"name\" value=\"{}\" autocomplete=\"username\" \
         autocapitalize=\"none\" required></label>\
         <label>Password<input type=\"password\" name=\"password\" value=\"{}\" \
         autocomplete=\"current-password\" required></label>\
         <label class=\"check\"><input type=\"checkbox\" name=\"remember\" value=\"yes\">\
         <span>Remember me on this computer, also after the browser quits</span></label>\
         <button>Sign in</button></form></section>\
         <section class=\"card\"><h2>Who can sign in</h2><table><thead><tr><th>Name</th>\
         <th>Password</th></tr></thead><tbody>{}</tbody></table>\
         <p class=\"why\">They are no secret, so this program answers only to this computer. Use a \
         private window to be somebody else at the same time.</p></section></div>",
        complaint,
        name,
        USERS[0].1,
        users
    )
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
    remember: Option<String>,
}

async fn sign_in(visit: Visit, Form(given): Form<Credentials>) -> Result<Response, Failure> {
    let Some((user, password)) = USERS.iter().find(|(user, _)| *user == given.name) else {
        return refuse(&visit, &given.name).await;
    };
    // Before the password is looked at: an end of all sessions that comes meanwhile ends this
    // login too.
    let login = visit.session.begin_login(user).await?;
    if *password != given.password {
        return refuse(&visit, &given.name).await;
    }
    let login = if given.remember.is_some() { login.remember() } else { login };
    visit.session.login(login).await?;
    Ok(Redirect::to("/account").into_response())
}

async fn refuse(visit: &Visit, name: &str) -> Result<Response, Failure> {
    let mut answer = page(visit, Tab::Account, "Sign in", sign_in_form(Some(name))).await?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

/// Ends this session. The session's cookie stays behind, as a dead key; `/goodbye` says why.
async fn sign_out(visit: Visit) -> Result<Response, Failure> {
    visit.session.logout().await?;
    Ok(Redirect::to("/goodbye").into_response())
}

async fn goodbye(visit: Visit) -> Result<Response, Failure> {
    let main = html!(
        "<h1>Signed out</h1><p class=\"lead\">The session is over on the server. Press Back: the \
         pages from before are asked for again, and there is nothing private on them.</p>\
         <section class=\"card\"><h2>Why the cookie is still there</h2>\
         <p>Look at the round trip: your browser still sends a <code>-sid</code> cookie. It is a \
         key without a lock. The server has put a tombstone in the session\u{2019}s place, and no \
         late request can bring it back.</p>\
         <p>The shop does not remove the cookie on purpose. A removal travels as one answer \
         among others. If it came late, after you had signed in again in another tab, it would \
         take away the cookie of that new sign-in. A dead key does no harm, and the browser \
         drops it when it quits.</p>\
         <p class=\"why\">To see that a copy of the key is worthless too, go to \
         <a href=\"/steal\">Steal</a>. To clear up everything, go to \
         <a href=\"/computer\">On your computer</a>.</p></section>"
    );
    page(&visit, Tab::Account, "Signed out", main).await
}

/// Everywhere that this user is signed in.
async fn sessions(visit: &Visit) -> Result<Html, Failure> {
    let now = visit.now();
    let list = visit.session.list().await?;
    let alone = list.len() < 2;
    let rows: Html = list
        .iter()
        .map(|one| {
            let end = if one.current {
                html!("<span class=\"here\">this one</span>")
            } else {
                html!(
                    "<form method=\"post\" action=\"/account/end\"><button class=\"second\" \
                     name=\"handle\" value=\"{}\">End</button></form>",
                    one.handle.to_string()
                )
            };
            html!(
                "<tr><td><b>{}</b></td><td data-label=\"signed in\">{}</td>\
                 <td data-label=\"last seen\">{}</td><td>{}</td></tr>",
                one.device.as_deref().unwrap_or("an unknown browser"),
                ago(now.since(one.created)),
                ago(now.since(one.last_seen)),
                end
            )
        })
        .collect();
    let hint = alone.then(|| {
        html!(
            "<p class=\"quiet\">Sign in with the same name in a private window or in another \
             browser, and there will be two.</p>"
        )
    });
    Ok(html!(
        "<section class=\"card\"><h2>Your sessions</h2><table class=\"stack\"><thead><tr>\
         <th>Device</th><th>Signed in</th><th>Last seen</th><th></th></tr></thead>\
         <tbody>{}</tbody></table>{}<div class=\"buttons\">\
         <form method=\"post\" action=\"/account/end-others\"><button class=\"second\">End the \
         others</button></form><form method=\"post\" action=\"/account/end-all\">\
         <button class=\"second\">End all, here too</button></form></div>\
         <p class=\"why\">An end holds from the moment the button answers. Ending all also \
         takes back every remember-me, and a sign-in that was just under way.</p></section>",
        rows,
        hint
    ))
}

fn ago(time: Duration) -> String {
    if time < Duration::from_secs(5) {
        "just now".to_owned()
    } else {
        format!("{} ago", span(time))
    }
}

#[derive(Deserialize)]
struct Chosen {
    handle: String,
}

async fn end_one(visit: Visit, Form(chosen): Form<Chosen>) -> Result<Response, Failure> {
    if let Some(handle) = Locator::parse(&chosen.handle) {
        visit.session.end_session(&handle).await?;
        visit.session.flash("good", "That session has ended.")?;
    }
    Ok(Redirect::to("/account").into_response())
}

async fn end_others(visit: Visit) -> Result<Response, Failure> {
    let ended = visit.session.end_others().await?;
    let text = match ended {
        0 => "There were no others.".to_owned(),
        1 => "One other session has ended.".to_owned(),
        many => format!("{many} other sessions have ended."),
    };
    visit.session.flash("good", &text)?;
    Ok(Redirect::to("/account").into_response())
}

async fn end_all(visit: Visit) -> Result<Response, Failure> {
    visit.session.end_all().await?;
    Ok(Redirect::to("/goodbye").into_response())
}

/// How long an address or a remembered browser is kept.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 86_400);
