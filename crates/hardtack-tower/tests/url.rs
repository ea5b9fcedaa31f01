//! The session in the URL, through the layer.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Redirect;
use axum::routing::{get, post};
use hardtack_tower::seal::{Key, Keyring};
use hardtack_tower::session::{MemoryStore, Sessions, danger};
use hardtack_tower::{LazySession, Session, SessionError, SessionLayer, User};
use http::header::{CACHE_CONTROL, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tower::ServiceExt;

const SAME: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-origin")];
const CROSS: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")];

async fn add(session: Session) -> Result<Redirect, SessionError> {
    session.add("n", 1)?;
    session.start().await?;
    Ok(Redirect::to(&session.with_url_token("/shop/cart")))
}

async fn cart(session: Session, uri: Uri) -> Result<String, SessionError> {
    let n: i64 = session.get("n")?.unwrap_or(0);
    Ok(format!("{n} {uri} {}", session.with_url_token("/shop/cart")))
}

async fn lazy(session: LazySession) -> Result<String, SessionError> {
    Ok(session.load().await?.get::<i64>("n")?.unwrap_or(0).to_string())
}

async fn who(user: Option<User>) -> String {
    user.map_or("nobody".to_owned(), |user| user.id)
}

fn app() -> Router {
    let ring = Keyring::new(Key::generate().unwrap());
    let builder = Sessions::builder(MemoryStore::new(), ring);
    let sessions = danger::url_parameter(builder, "ht").build().unwrap();
    let shop = Router::new()
        .route("/add", post(add))
        .route("/cart", get(cart))
        .route("/lazy", get(lazy))
        .route("/who", get(who))
        .route("/plain", get(|| async { "no session" }));
    Router::new().nest("/shop", shop).layer(SessionLayer::new(sessions))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `name=value` of the cookie that it sets.
    fn cookie(&self) -> &str {
        self.header(SET_COOKIE).split(';').next().unwrap()
    }

    /// Where it leads, seen from `path`.
    fn location(&self, path: &str) -> String {
        resolve(path, self.header(LOCATION))
    }
}

/// As a browser resolves a reference.
fn resolve(path: &str, reference: &str) -> String {
    match reference.strip_prefix("./") {
        Some(last) => format!("{}/{last}", path.rsplit_once('/').unwrap().0),
        None if reference.starts_with('?') => format!("{path}{reference}"),
        None => reference.to_owned(),
    }
}

async fn ask(app: &Router, method: Method, target: &str, how: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in how {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(to_bytes(body, 100_000).await.unwrap().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A link into a new session, as a browser without cookies gets it.
async fn link(app: &Router) -> String {
    let added = ask(app, Method::POST, "/shop/add", SAME).await;
    assert_eq!(added.header(CACHE_CONTROL), "no-store");
    assert!(added.header(LOCATION).starts_with("/shop/cart?ht="));
    added.header(LOCATION).to_owned()
}

#[tokio::test]
async fn a_browser_without_cookies_keeps_its_cart() {
    let app = app();
    let first = ask(&app, Method::GET, &link(&app).await, SAME).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let page = ask(&app, Method::GET, &first.location("/shop/cart"), SAME).await;
    let [n, uri, next] = page.body.split(' ').collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((page.status, n, uri), (StatusCode::OK, "1", "/cart"), "handlers see no token");
    assert_eq!(page.header(REFERRER_POLICY), "no-referrer");
    assert_eq!(page.header(CACHE_CONTROL), "no-store");
    let page = ask(&app, Method::GET, next, SAME).await;
    assert!(page.body.starts_with("1 /cart /shop/cart?ht="));
    let more = ask(&app, Method::POST, &next.replace("cart", "add"), SAME).await;
    let page = ask(&app, Method::GET, more.header(LOCATION), SAME).await;
    assert!(page.body.starts_with("2 "), "{}", page.body);
}

#[tokio::test]
async fn a_browser_with_cookies_ends_at_the_url_without_the_token() {
    let app = app();
    let first = ask(&app, Method::GET, &link(&app).await, SAME).await;
    let with_cookie = [SAME, &[(COOKIE.as_str(), first.cookie())]].concat();
    let second = ask(&app, Method::GET, &first.location("/shop/cart"), &with_cookie).await;
    assert_eq!(second.header(LOCATION), "./cart");
    let third = ask(&app, Method::GET, "/shop/cart", &with_cookie).await;
    assert_eq!(third.body, "1 /cart /shop/cart");
}

#[tokio::test]
async fn a_link_from_another_site_asks_and_the_button_works_on_a_route_that_only_gets() {
    let app = app();
    let link = link(&app).await;
    let asked = ask(&app, Method::GET, &link, CROSS).await;
    assert_eq!((asked.status, asked.cookie()), (StatusCode::OK, ""));
    assert_eq!(asked.header("x-frame-options"), "DENY");
    assert_eq!(asked.header(REFERRER_POLICY), "strict-origin");
    assert_eq!(asked.header(CACHE_CONTROL), "no-store");
    let form = asked.body.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = resolve("/shop/cart", &form.replace("&amp;", "&"));

    let forged = ask(&app, Method::POST, &form, CROSS).await;
    assert_eq!((forged.status, forged.cookie()), (StatusCode::METHOD_NOT_ALLOWED, ""));
    let pressed = ask(&app, Method::POST, &form, SAME).await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    assert!(pressed.cookie().starts_with("__Host-Http-aid="));
    let page = ask(&app, Method::GET, &pressed.location("/shop/cart"), SAME).await;
    assert!(page.body.starts_with("1 "));
}

#[tokio::test]
async fn every_extractor_gives_the_answer() {
    let app = app();
    let link = link(&app).await;
    for route in ["cart", "lazy", "who"] {
        let seen = ask(&app, Method::GET, &link.replace("cart", route), CROSS).await;
        assert!(seen.body.contains("<form"), "{route}");
    }
}

#[tokio::test]
async fn head_and_prefetch_set_no_cookie_and_a_prefetched_page_is_thrown_away() {
    let app = app();
    let link = link(&app).await;
    let head = ask(&app, Method::HEAD, &link, SAME).await;
    assert_eq!((head.status, head.cookie()), (StatusCode::OK, ""));
    let how = [SAME, &[("sec-purpose", "prefetch;prerender")]].concat();
    let prefetch = ask(&app, Method::GET, &link, &how).await;
    assert_eq!((prefetch.status, prefetch.cookie()), (StatusCode::FORBIDDEN, ""));
    assert_eq!(prefetch.header(CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn a_page_that_does_not_look_at_the_session_sends_no_referrer_either() {
    let app = app();
    let link = link(&app).await.replace("cart", "plain");
    let seen = ask(&app, Method::GET, &link, SAME).await;
    assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, "no session"));
    assert_eq!(seen.header(REFERRER_POLICY), "no-referrer");
    assert_eq!((seen.header(CACHE_CONTROL), seen.cookie()), ("no-store", ""));
}
