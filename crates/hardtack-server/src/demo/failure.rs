//! What can go wrong in a handler, and the page that says so.

use axum::extract::multipart::MultipartError;
use axum::response::{IntoResponse, Response};
use hardtack_tower::cookie::BuildError;
use hardtack_tower::seal::SealError;
use hardtack_tower::session::{SessionError, ValueError};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::html::html;
use super::page::bare_page;

/// Why a page was not made.
#[derive(Debug)]
pub(crate) enum Failure {
    Session(SessionError),
    Cookie(BuildError),
    Seal(SealError),
    Upload(MultipartError),
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Failure {
        Failure::Session(error)
    }
}

impl From<ValueError> for Failure {
    fn from(error: ValueError) -> Failure {
        Failure::Session(SessionError::Value(error))
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Failure {
        Failure::Cookie(error)
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Failure {
        Failure::Seal(error)
    }
}

impl From<MultipartError> for Failure {
    fn from(error: MultipartError) -> Failure {
        Failure::Upload(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Failure::Session(error) => (error.status(), error.public_message().to_owned()),
            Failure::Cookie(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            Failure::Seal(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            Failure::Upload(error) => {
                (error.status(), "the upload is too large or broken".to_owned())
            }
        };
        if status.is_server_error() {
            tracing::error!(failure = ?self, "a page of the demo was not made");
        }
        let main = html!(
            "<h1>That did not work</h1><p class=\"lead\">The server says: {}.</p>\
             <p><a class=\"button\" href=\"/\">To the shop</a></p>",
            text
        );
        let mut response = bare_page(status, "That did not work", main);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
