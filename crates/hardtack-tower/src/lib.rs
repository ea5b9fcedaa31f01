//! The session layer for tower services, with extractors for axum.
//!
//! ```
//! use axum::{Router, routing::get};
//! use hardtack_tower::{Session, SessionError, SessionLayer, seal::{Key, Keyring}};
//! use hardtack_tower::session::{MemoryStore, Sessions};
//!
//! async fn visits(session: Session) -> Result<String, SessionError> {
//!     session.add("visits", 1)?;
//!     Ok(format!("visit {}", session.get::<i64>("visits")?.unwrap_or(0)))
//! }
//!
//! let sessions = Sessions::builder(MemoryStore::new(), Keyring::new(Key::generate()?)).build()?;
//! let app: Router = Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `layer.rs`, `service.rs`, `future.rs` | the middleware: a session for each request, its commit before the response's head |
//! | `handle.rs` | what a request's session is made from |
//! | `extract.rs` | [`Session`], [`LazySession`], [`User`], [`RequireLogin`] for axum |
//! | `response.rs` | the headers of a response, and the responses of errors |
//! | `return_to.rs` | back to where one came from, on this origin only |
//!
//! Everything of `hardtack` is re-exported, so that one dependency is enough.
//!
//! # Cross-site requests
//! Put tower-http's `CsrfLayer` (re-exported as [`CsrfLayer`]) outside of the
//! session layer: it refuses unsafe requests that come from another origin, by
//! `Sec-Fetch-Site` and `Origin`, JSON or not. An upgrade to a websocket is
//! refused by the extractors themselves if its `Origin` is not this host. Who needs
//! tokens beside that has `csrf_token` and `check_csrf` of the session, also in the form
//! that signs in: it needs no session.
//!
//! # What this does not protect
//! A handler that never extracts the session is served whoever asks:
//! authorization is the application's. Responses of such handlers are not marked
//! as private either.

#[cfg(feature = "axum")]
mod extract;
mod future;
mod handle;
mod layer;
mod response;
mod return_to;
mod runtime;
mod service;

pub use hardtack::*;

#[cfg(feature = "axum")]
pub use extract::{LazySession, RequireLogin, Session, User};
pub use future::ResponseFuture;
pub use handle::{Handle, SessionOf};
pub use layer::SessionLayer;
pub use response::SessionError;
pub use return_to::safe_return_to;
pub use runtime::TokioRuntime;
pub use service::SessionService;
pub use tower_http::csrf::CsrfLayer;
