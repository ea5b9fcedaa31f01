//! A small picture in the session: it holds any kind of data, within its size.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/account/picture", get(send))
        .route("/account/picture/save", post(save).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/account/picture/remove", post(remove))
}

/// The largest picture, in bytes. Sessions are read on every request, so they stay small.
const LARGEST: usize = 24 * 1024;

/// What is read of an upload before it is refused with a word of advice.
const LARGEST_UPLOAD: usize = 8 * 1024 * 1024;

const PICTURE: &str = "picture";

#[derive(Serialize, Deserialize)]
struct Picture {
    kind: String,
    base64: String,
}

pub(super) fn card(visit: &Visit) -> Result<Html, Failure> {
    let shown = match visit.session.get::<Picture>(PICTURE)? {
        Some(_) => html!(
            "<img class=\"picture\" src=\"/account/picture\" alt=\"Your picture, from the session\">\
             <form method=\"post\" action=\"/account/picture/remove\">\
             <button class=\"second\">Remove it</button></form>"
        ),
        None => html!(
            "<form method=\"post\" action=\"/account/picture/save\" enctype=\"multipart/form-data\">\
             <label>Picture, up to {} KB<input type=\"file\" name=\"picture\" \
             accept=\"image/png,image/jpeg,image/gif,image/webp\" data-shrink required></label>\
             <button>Keep it in the session</button></form>",
            LARGEST / 1024
        ),
    };
    Ok(html!(
        "<section class=\"card\" id=\"picture\"><h2>Picture</h2>{}<p class=\"why\">Any kind of data \
         goes into a session. This one is a picture, kept until the session ends; see it under \
         \u{201c}The server holds\u{201d}. No cookie grows by a byte.</p></section>",
        shown
    ))
}

async fn save(visit: Visit, mut form: Multipart) -> Result<Response, Failure> {
    let back = Redirect::to("/account#picture").into_response();
    if visit.session.user().is_none() {
        return Ok(back);
    }
    let Some(part) = form.next_field().await? else { return Ok(back) };
    let bytes = part.bytes().await?;
    let complaint = match sniff(&bytes) {
        None => Some("That is no PNG, JPEG, GIF or WebP picture.".to_owned()),
        Some(_) if bytes.len() > LARGEST => Some(format!(
            "That picture has {} KB, and {} KB is the most that this shop keeps in a session.",
            bytes.len().div_ceil(1024),
            LARGEST / 1024
        )),
        Some(kind) => {
            let base64 = base64_simd::STANDARD.encode_to_string(&bytes);
            visit.session.set(PICTURE, &Picture { kind: kind.to_owned(), base64 })?;
            None
        }
    };
    if let Some(complaint) = complaint {
        visit.session.flash("bad", &complaint)?;
    }
    Ok(back)
}

async fn remove(visit: Visit) -> Result<Response, Failure> {
    visit.session.remove(PICTURE)?;
    Ok(Redirect::to("/account#picture").into_response())
}

async fn send(visit: Visit) -> Result<Response, Failure> {
    let picture = visit.session.get::<Picture>(PICTURE)?;
    let Some(picture) = picture.filter(|_| visit.session.user().is_some()) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let Ok(bytes) = base64_simd::STANDARD.decode_to_vec(&picture.base64) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let headers = [(CONTENT_TYPE, picture.kind), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((headers, bytes).into_response())
}

/// The type by the first bytes; what the upload says of itself is not believed.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [&b"<svg onload=alert(1)>"[..], b"GIF", b"", b"RIFF\0\0\0\0WAVE"] {
            assert_eq!(sniff(other), None);
        }
    }
}
