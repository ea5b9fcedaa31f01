//! The cookie jar of [`hardtack`] for [`reqwest`]: its clients then treat cookies as browsers do.
//!
//! ```
//! use std::sync::Arc;
//! use hardtack_reqwest::CookieJar;
//!
//! # fn main() -> Result<(), reqwest::Error> {
//! let cookies = Arc::new(CookieJar::default());
//! let client = reqwest::Client::builder().cookie_provider(cookies.clone()).build()?;
//! // client.get("https://shop.example/login").send().await?;
//! cookies.read(|jar| println!("{} cookies", jar.len()));
//! # Ok(())
//! # }
//! ```
//!
//! The jar stays within reach while the client lives: [`CookieJar::read`] lists, [`CookieJar::write`]
//! clears, loads and saves. Each redirect that reqwest follows asks the jar anew for the host it
//! leads to, and its cookies are kept.
//!
//! # What this does not protect
//!
//! * The client counts as one without pages: no `SameSite` stands in its way. A program that fetches
//!   what strangers ask it to should have a jar for each of them.
//! * A `Cookie` header that the caller sets on a request goes out in place of the jar's, and cookies
//!   that a caller puts into default headers go to every host.
//! * What [`hardtack::jar`] names holds here too.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use hardtack::jar::{Jar, RequestContext, Target};
use hardtack::time::{Clock, SystemClock};
use http::HeaderValue;
use reqwest::cookie::CookieStore;
use url::Url;

/// A [`Jar`] that a [`reqwest::Client`] asks for cookies and gives cookies to, from any number of
/// threads.
pub struct CookieJar {
    jar: RwLock<Jar>,
    clock: Box<dyn Clock>,
}

impl CookieJar {
    /// With these cookies and the system's clock.
    pub fn new(jar: Jar) -> CookieJar {
        CookieJar::with_clock(jar, SystemClock::default())
    }

    /// With another clock, for tests.
    pub fn with_clock(jar: Jar, clock: impl Clock) -> CookieJar {
        CookieJar { jar: RwLock::new(jar), clock: Box::new(clock) }
    }

    /// Looks into the jar. Requests of the client go on meanwhile, except that their answers wait to
    /// store cookies.
    pub fn read<R>(&self, look: impl FnOnce(&Jar) -> R) -> R {
        look(&self.jar.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the jar. Requests of the client wait meanwhile.
    ///
    /// Should `change` panic, the jar goes on with what it has then.
    pub fn write<R>(&self, change: impl FnOnce(&mut Jar) -> R) -> R {
        change(&mut self.jar.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The jar, out of its lock.
    pub fn into_inner(self) -> Jar {
        self.jar.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for CookieJar {
    /// An empty jar with the rules of Chromium.
    fn default() -> CookieJar {
        CookieJar::new(Jar::default())
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieJar(..)")
    }
}

impl CookieStore for CookieJar {
    fn set_cookies(&self, lines: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        // A URL that is none of http keeps no cookies.
        let Ok(target) = Target::parse(url.as_str()) else { return };
        let (context, now) = (RequestContext::client(&target), self.clock.now());
        self.write(|jar| {
            for line in lines {
                jar.set(line.as_bytes(), &context, now);
            }
        });
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let target = Target::parse(url.as_str()).ok()?;
        let now = self.clock.now();
        self.read(|jar| jar.header(&RequestContext::client(&target), now))
    }
}
