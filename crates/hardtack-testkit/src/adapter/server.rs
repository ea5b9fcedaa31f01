//! A server under test, with what stands behind it.

use std::any::Any;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hardtack::seal::{Key, Keyring};
use hardtack::session::{Cause, Event, Kind, Locator, Record, Sessions, SessionsBuilder};

use super::browser::Browser;
use super::http::{Connection, Request, Response};
use super::site::Site;
use crate::store::{Fixture, Told};
use crate::{FakeClock, FaultyStore, Verb};

type Spawn = dyn Fn(Site) -> Pin<Box<dyn Future<Output = SocketAddr>>>;
type MakeStore = dyn Fn() -> Pin<Box<dyn Future<Output = Fixture>>>;

/// The adapter under test: how to start a server, and which store is behind it.
pub struct Adapter {
    spawn: Box<Spawn>,
    make_store: Box<MakeStore>,
    /// Of the store, once there is one.
    told: Arc<OnceLock<Told>>,
}

impl Adapter {
    /// An adapter that starts a server by `spawn`, over what `make_store` makes.
    pub fn new<S, M>(
        spawn: impl Fn(Site) -> S + 'static,
        make_store: impl Fn() -> M + 'static,
    ) -> Self
    where
        S: Future<Output = SocketAddr> + 'static,
        M: Future<Output = Fixture> + 'static,
    {
        Self {
            spawn: Box::new(move |site| Box::pin(spawn(site))),
            make_store: Box::new(move || Box::pin(make_store())),
            told: Arc::default(),
        }
    }

    pub(crate) fn told(&self) -> Arc<OnceLock<Told>> {
        self.told.clone()
    }

    /// A server whose engine has the defaults.
    pub(crate) async fn server(&self) -> Server {
        self.server_with(|builder| builder).await
    }

    pub(crate) async fn server_with(
        &self,
        setup: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
    ) -> Server {
        let made = (self.make_store)().await;
        self.told.get_or_init(|| made.told());
        let (store, guard) = made.into_parts();
        let (store, clock) = (FaultyStore::new(store), FakeClock::new());
        let keys = Keyring::new(Key::generate().expect("random bytes"));
        let events = Events::default();
        let told = events.clone();
        let builder = Sessions::builder(store.clone(), keys.clone())
            .clock(clock.clone())
            .on_event(move |event| told.tell(event));
        let sessions = setup(builder).build().expect("a configuration that can be right");
        // Of engines that share a store each end is told to one.
        let told = events.clone();
        let admin = Sessions::builder(store.clone(), keys.clone())
            .clock(clock.clone())
            .on_event(move |event| told.tell(event))
            .name("admin")
            .build()
            .expect("a configuration that can be right");
        let site = Site::new(sessions.clone(), admin);
        let address = (self.spawn)(site.clone()).await;
        Server { store, clock, keys, events, sessions, site, address, _guard: guard }
    }
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Adapter")
    }
}

/// Security events, as they were told.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    fn tell(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn named(&self, name: &str) -> usize {
        self.all().iter().filter(|event| event.name() == name).count()
    }
}

/// A running server with its engine, store and clock.
pub(crate) struct Server {
    pub(crate) store: FaultyStore,
    pub(crate) clock: FakeClock,
    pub(crate) keys: Keyring,
    pub(crate) events: Events,
    pub(crate) sessions: Sessions,
    pub(crate) site: Site,
    pub(crate) address: SocketAddr,
    _guard: Arc<dyn Any + Send + Sync>,
}

impl Server {
    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.address, self.clock.clone())
    }

    /// A browser in which alice is signed in.
    pub(crate) async fn alice(&self) -> Browser {
        let mut browser = self.browser();
        browser.get("/s/login?user=alice").await.expect(200);
        browser
    }

    /// A browser with an anonymous session whose `n` is 1.
    pub(crate) async fn visitor(&self) -> Browser {
        let mut browser = self.browser();
        browser.get("/s/add").await.expect(200);
        browser
    }

    pub(crate) async fn ask(&self, request: Request) -> Response {
        self.connect().await.ask(&request).await.expect("an answer")
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Lets time pass. The layers share a store, and activity reaches it within a
    /// second: across more than a few, [`maintain`](Self::maintain) comes first.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn maintain(&self) {
        self.sessions.maintain().await.expect("the store is well");
    }

    /// How often a request has made the store write anything at all.
    pub(crate) fn writes(&self) -> u64 {
        use Verb::{End, Insert, Raise, Relocate, Replace, Touch};
        [Insert, Replace, Relocate, End, Raise, Touch].map(|v| self.store.calls(v)).iter().sum()
    }

    /// The name of the cookie that sessions of this kind travel in.
    pub(crate) fn cookie(&self, kind: Kind) -> String {
        self.sessions.cookie_name(kind).expect("cookies are the transport").to_owned()
    }

    /// The one live record that there is.
    pub(crate) async fn only_record(&self) -> (Locator, Record) {
        use hardtack::session::store::{Loaded, Store as _};
        let live = self.store.list(None, None, 2).await.expect("a list");
        let [(key, _)] = &live[..] else { panic!("one session, and not {live:?}") };
        match self.store.load(key).await {
            Ok(Loaded::Live(record)) => (*key, record),
            other => panic!("a live record, and not {other:?}"),
        }
    }

    /// Changes the data of the one live record behind everybody's back.
    pub(crate) async fn tamper(&self, change: impl FnOnce(&mut Vec<u8>)) {
        use hardtack::session::store::Store as _;
        let (key, record) = self.only_record().await;
        let mut data = record.data.to_vec();
        change(&mut data);
        let changed =
            Record { version: record.version.next(), data: data.into(), ..record.clone() };
        self.store.replace(&key, record.version, changed).await.expect("a replacement");
    }

    /// Does the housekeeping until the ends that have been told are such. For
    /// what goes on after its client has left, which nobody is told of.
    pub(crate) async fn settle(&self, holds: impl Fn(&[String]) -> bool) {
        loop {
            let causes = self.causes().await;
            if holds(&causes.iter().map(Cause::to_string).collect::<Vec<_>>()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Why sessions have ended so far, in the order in which it was told first:
    /// each end is told at least once.
    pub(crate) async fn causes(&self) -> Vec<Cause> {
        self.maintain().await;
        let mut ended = Vec::new();
        for event in self.events.all() {
            if let Event::Ended(end) = event
                && !ended.contains(&(end.key, end.cause))
            {
                ended.push((end.key, end.cause));
            }
        }
        ended.into_iter().map(|(_, cause)| cause).collect()
    }
}
