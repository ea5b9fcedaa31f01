//! The layer: what all requests share.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use hardtack::session::Sessions;
use http::request::Parts;
use tower_layer::Layer;

use crate::service::SessionService;

/// Gives each request a session of an engine.
///
/// `L` tells several layers apart, such as a site's and its admin pages':
/// `SessionLayer::new(admin).of::<Admin>()` and `Session<Admin>`.
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct SessionLayer<L = ()> {
    pub(crate) shared: Arc<Shared>,
    of: PhantomData<fn() -> L>,
}

/// What the requests of one layer share.
pub(crate) struct Shared {
    pub(crate) sessions: Sessions,
    pub(crate) login_page: Option<String>,
    pub(crate) passive: Option<Arc<PassiveFn>>,
    pub(crate) client: Option<Arc<ClientFn>>,
    /// For the warning about cookies that never come back.
    pub(crate) issued: AtomicU32,
    pub(crate) came_back: AtomicBool,
}

type ClientFn = dyn Fn(&Parts) -> Option<String> + Send + Sync;
type PassiveFn = dyn Fn(&Parts) -> bool + Send + Sync;

impl SessionLayer {
    /// A layer over an engine.
    pub fn new(sessions: Sessions) -> Self {
        let shared = Shared {
            sessions,
            login_page: None,
            passive: None,
            client: None,
            issued: AtomicU32::new(0),
            came_back: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), of: PhantomData }
    }
}

impl<L> SessionLayer<L> {
    /// Tells this layer apart from others over the same routes.
    pub fn of<M>(self) -> SessionLayer<M> {
        SessionLayer { shared: self.shared, of: PhantomData }
    }

    /// Where [`RequireLogin`](crate::RequireLogin) sends pages to: a path of this
    /// origin, which is given `return_to`. Without it they are answered 401.
    pub fn login_page(self, path: &str) -> Self {
        self.change(|shared| shared.login_page = Some(path.to_owned()))
    }

    /// Which requests the user did not make, such as polling: they do not count as
    /// activity. Prefetches are known anyway.
    pub fn passive_when(self, passive: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.change(|shared| shared.passive = Some(Arc::new(passive)))
    }

    /// Who asks, such as the address of the connection, or what a proxy that you trust
    /// says it is: for `anonymous_per_client`, and for lists of sessions, which say where
    /// each began.
    pub fn client_by(
        self,
        client: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.change(|shared| shared.client = Some(Arc::new(client)))
    }

    fn change(self, change: impl FnOnce(&mut Shared)) -> Self {
        let old = &self.shared;
        let mut shared = Shared {
            sessions: old.sessions.clone(),
            login_page: old.login_page.clone(),
            passive: old.passive.clone(),
            client: old.client.clone(),
            issued: AtomicU32::new(0),
            came_back: AtomicBool::new(false),
        };
        change(&mut shared);
        Self { shared: Arc::new(shared), of: PhantomData }
    }
}

impl<S, L> Layer<S> for SessionLayer<L> {
    type Service = SessionService<S, L>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(inner, self.clone())
    }
}

impl<L> Clone for SessionLayer<L> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), of: PhantomData }
    }
}

impl<L> fmt::Debug for SessionLayer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("sessions", &self.shared.sessions)
            .finish_non_exhaustive()
    }
}
