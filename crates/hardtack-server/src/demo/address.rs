//! The delivery address: personal, so it travels in an encrypted cookie.

use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Form, Router};
use hardtack_tower::cookie::SetCookie;
use http::header::SET_COOKIE;
use serde::Deserialize;

use super::account::KEPT;
use super::failure::Failure;
use super::html::{Html, html};
use super::page::shorten;
use super::visit::Visit;
use super::{App, known};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/account/address", post(save))
}

/// More than the longest address, and small enough that the cookie stays far below 4096 bytes.
const LONGEST: usize = 300;

/// A seal of one user's address opens for no other user, and under no other name.
fn sealed_for(user: &str) -> String {
    format!("{} of {user}", known::ADDRESS)
}

/// What the cookie holds, if it is this user's.
fn open(visit: &Visit, user: &str) -> Option<String> {
    let cookie = visit.cookie(known::ADDRESS)?;
    let opened =
        visit.app.addresses.open(&sealed_for(user), Some(cookie.as_bytes()), visit.now()).ok()?;
    String::from_utf8(opened.value).ok()
}

pub(super) fn card(visit: &Visit, user: &str) -> Html {
    let address = open(visit, user);
    let holds = visit.cookie(known::ADDRESS).map(|value| {
        let reads = match &address {
            Some(address) => format!(
                "\u{201c}{}\u{201d}",
                shorten(&address.lines().collect::<Vec<_>>().join(", "), 60)
            ),
            None => format!("nothing: it was not sealed for {user}, or it has been changed"),
        };
        html!(
            "<dl><dt>your browser holds</dt><dd><code>{}</code> <small>{} characters</small></dd>\
             <dt>the server reads</dt><dd>{}</dd></dl>",
            shorten(value, 32),
            value.len(),
            reads
        )
    });
    html!(
        "<section class=\"card\" id=\"address\"><h2>Delivery address</h2>\
         <form method=\"post\" action=\"/account/address\">\
         <label>Street and town<textarea name=\"address\" rows=\"2\" maxlength=\"{}\" \
         autocomplete=\"street-address\" placeholder=\"12 Quay Road, Portsmouth\">{}</textarea></label>\
         <button>Save in an encrypted cookie</button></form>\
         <div class=\"why\">{}<p>It should outlive the session, and the shop does not want to keep \
         it: so your browser keeps it, encrypted. It cannot be read or changed there, and it \
         opens for {} only.</p></div></section>",
        LONGEST,
        address,
        holds,
        user
    )
}

#[derive(Deserialize)]
struct Saved {
    address: String,
}

async fn save(visit: Visit, Form(saved): Form<Saved>) -> Result<Response, Failure> {
    let Some(user) = visit.session.user() else {
        return Ok(Redirect::to("/account").into_response());
    };
    let address: String = saved.address.trim().chars().take(LONGEST).collect();
    let now = visit.now();
    let expires = now.saturating_add(KEPT);
    let sealed =
        visit.app.addresses.encrypt(&sealed_for(&user), address.as_bytes(), expires, now)?;
    let cookie = SetCookie::builder(known::ADDRESS, sealed).max_age(KEPT).build()?;
    let cookie = if address.is_empty() { cookie.removal() } else { cookie };
    let headers = [(SET_COOKIE, cookie.to_header_value())];
    Ok((headers, Redirect::to("/account#address")).into_response())
}
