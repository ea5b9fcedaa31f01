//! The demo: a small shop on this computer, to see sessions and cookies at work.
//!
//! | what | file |
//! | --- | --- |
//! | names that are answered to, headers of every answer | `guard.rs` |
//! | which answer set which cookie | `trace.rs` |
//! | one request as the pages want it | `visit.rs` |
//! | the frame of a page, with the round trip beside it | `page.rs` |
//! | the shop and who is signed in | `shop.rs`, `account.rs`, `address.rs`, `picture.rs` |
//! | pages that show how things work | `cookies.rs`, `countdown.rs`, `scope.rs`, `sent.rs`, `url.rs`, `race.rs`, `steal.rs`, `computer.rs` |
//!
//! # What this does not protect
//! The passwords are public and every visitor may be anybody. That is why it listens on
//! the loopback interface only; whoever can open a connection on this computer can
//! use it. Its sessions are in a store of their own, and open nothing else.

mod account;
mod address;
mod computer;
mod cookies;
mod countdown;
mod failure;
mod guard;
mod html;
mod known;
mod landing;
mod page;
mod picture;
mod race;
mod scope;
mod sent;
mod shop;
mod steal;
mod store;
mod throwaway;
mod trace;
mod url;
mod visit;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use hardtack_tower::SessionLayer;
use hardtack_tower::seal::Sealer;
use hardtack_tower::session::{ConfigError, Sessions};
use hardtack_tower::time::Clock;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_http::csrf::{CsrfLayer, ProtectionError};

pub use self::store::{Keep, StoreFailure};

use self::guard::{Origin, Site};
use self::html::html;

/// How long a session of the shop lives without a visit.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    sessions: Sessions,
    addresses: Sealer,
    ledger: trace::Ledger,
    throwaway: throwaway::Throwaway,
    /// The same sessions, also named by a token in the URL.
    by_url: Sessions,
    clock: Arc<dyn Clock>,
    origin: Origin,
}

/// The shop, ready to open its door.
pub struct Demo {
    listener: TcpListener,
    app: App,
}

impl Demo {
    /// Opens the store and looks at the listener. Nothing is served yet.
    ///
    /// # Errors
    /// [`DemoError`] if the listener is not on the loopback interface, or the store
    /// cannot be opened.
    pub fn open(
        listener: TcpListener,
        keep: &Keep,
        clock: impl Clock + Clone,
    ) -> Result<Demo, DemoError> {
        let address = listener.local_addr().map_err(DemoError::Listener)?;
        if !address.ip().is_loopback() {
            return Err(DemoError::NotLoopback(address.ip().to_string()));
        }
        let app = App::open(keep, clock, Origin::new(address.port()))?;
        Ok(Demo { listener, app })
    }

    /// The address to open in a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.app.origin.host)
    }

    /// Serves until `shutdown` is done and the requests under way are answered.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), DemoError> {
        let served = axum::serve(self.listener, router(self.app));
        served.with_graceful_shutdown(shutdown).await.map_err(DemoError::Listener)
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Demo")
    }
}

impl App {
    fn open(keep: &Keep, clock: impl Clock + Clone, origin: Origin) -> Result<App, DemoError> {
        let (store, keys) = store::open_store(keep).map_err(DemoError::Store)?;
        let set_up = || {
            let builder = Sessions::builder(store.clone(), keys.clone()).name("demo").idle(IDLE);
            builder.remember(account::KEPT).clock(clock.clone())
        };
        let sessions = set_up().build().map_err(DemoError::Config)?;
        let by_url = url::allow(set_up()).build().map_err(DemoError::Config)?;
        Ok(App {
            throwaway: throwaway::Throwaway::new(sessions.clone()),
            addresses: Sealer::new(&keys, "hardtack demo"),
            ledger: trace::Ledger::default(),
            by_url,
            clock: Arc::new(clock),
            origin,
            sessions,
        })
    }
}

fn router(app: App) -> Router {
    let shop = Router::new()
        .merge(shop::routes())
        .merge(account::routes())
        .merge(landing::routes())
        .merge(cookies::routes())
        .merge(countdown::routes())
        .merge(scope::routes())
        .merge(sent::routes())
        .merge(url::routes())
        .merge(race::routes())
        .merge(steal::routes())
        .merge(computer::routes())
        .layer(SessionLayer::new(app.sessions.clone()))
        .merge(url::without_cookies(&app))
        .layer(from_fn_with_state(app.ledger.clone(), trace::record))
        .merge(files())
        .fallback(nothing_here)
        .method_not_allowed_fallback(for_buttons)
        .with_state(app.clone());
    let neighbours = scope::neighbours()
        .merge(files())
        .fallback(nothing_here)
        .method_not_allowed_fallback(for_buttons)
        .with_state(app.clone());
    let by_host = move |request: Request| {
        let (shop, neighbours) = (shop.clone(), neighbours.clone());
        async move {
            let for_shop = request.extensions().get::<Site>() == Some(&Site::Demo);
            let Ok(response) = if for_shop { shop } else { neighbours }.oneshot(request).await;
            response
        }
    };
    Router::new()
        .fallback(by_host)
        .layer(CsrfLayer::new().with_rejection_response(from_another_site))
        .layer(from_fn_with_state(app.origin, guard::admit))
}

/// The style sheet, the script and the icon, built into the program.
fn files() -> Router<App> {
    let file = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text) })
    };
    Router::new()
        .route("/static/demo.css", file("text/css", include_str!("static/demo.css")))
        .route("/static/demo.js", file("text/javascript", include_str!("static/demo.js")))
        .route("/static/icon.svg", file("image/svg+xml", include_str!("static/icon.svg")))
}

async fn nothing_here() -> Response {
    let main = html!(
        "<h1>Nothing here</h1><p class=\"lead\">The shop has no page of this name.</p>\
         <p><a class=\"button\" href=\"/\">To the shop</a></p>"
    );
    page::bare_page(StatusCode::NOT_FOUND, "Nothing here", main)
}

async fn for_buttons() -> Response {
    let main = html!(
        "<h1>This address is for a button</h1><p class=\"lead\">It takes what a form on another page \
         sends, and shows nothing by itself.</p><p><a class=\"button\" href=\"/\">To the shop</a></p>"
    );
    page::bare_page(StatusCode::METHOD_NOT_ALLOWED, "For a button", main)
}

/// Says no to a form of another site.
fn from_another_site(_: ProtectionError) -> Response {
    let main = html!(
        "<h1>That came from another site</h1><p class=\"lead\">Your browser says that a page of \
         another site has sent this form in your name. The shop has not looked at it.</p>"
    );
    page::bare_page(StatusCode::FORBIDDEN, "That came from another site", main)
}

/// Why the demo does not run.
#[derive(Debug)]
#[non_exhaustive]
pub enum DemoError {
    /// The address is not on the loopback interface.
    NotLoopback(String),
    /// The sessions cannot be kept.
    Store(StoreFailure),
    /// The sessions cannot be set up so.
    Config(ConfigError),
    /// The address cannot be listened on.
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The listener failed.
    Listener(io::Error),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DemoError::NotLoopback(address) => write!(
                f,
                "the demo does not listen on {address}: its users' passwords are public, so it \
                 answers to this computer only (127.0.0.1 or ::1)"
            ),
            DemoError::Store(error) => error.fmt(f),
            DemoError::Config(error) => error.fmt(f),
            DemoError::Bind { address, source } => write!(
                f,
                "the demo cannot listen on {address}: {source}; choose another port with --port, or \
                 any free one with --port 0"
            ),
            DemoError::Listener(error) => write!(f, "the demo cannot listen: {error}"),
        }
    }
}

impl std::error::Error for DemoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DemoError::NotLoopback(_) => None,
            DemoError::Store(error) => Some(error),
            DemoError::Config(error) => Some(error),
            DemoError::Bind { source, .. } | DemoError::Listener(source) => Some(source),
        }
    }
}
