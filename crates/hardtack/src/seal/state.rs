//! The cookie that survives an OAuth `form_post` callback.

use std::fmt;
use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::sealer::Sealer;
use super::value::{SealError, UnsealError};
use crate::entropy;
use crate::time::UnixTime;

/// Ties an OAuth or OpenID Connect callback to the browser that began the
/// sign-in.
///
/// With `response_mode=form_post` the provider's page posts the answer to ours.
/// That POST is cross-site, so a browser sends no SameSite=Lax cookie with it,
/// and the session cookie is missing. This one is SameSite=None for that reason
/// alone, holds for [`VALIDITY`](StateCookie::VALIDITY) and is good for nothing
/// else: it carries what the callback needs (PKCE verifier, nonce, where to
/// return to), encrypted, together with the `state` parameter.
///
/// The cookie must be set with `Secure; HttpOnly; SameSite=None; Path=/` and no
/// Domain, and removed by the response to the callback, whatever its outcome.
///
/// # What this does not protect
/// - One name means one sign-in at a time: of two begun in one browser, the
///   later one's callback is accepted.
/// - The cookie keeps nothing on the server, so a callback can be repeated until
///   the cookie expires; the provider's code works once, and so protects this.
/// - Whoever can read the browser's cookies and the callback's body has both
///   halves.
#[derive(Clone)]
pub struct StateCookie {
    sealer: Sealer,
    name: Box<str>,
    validity: Duration,
}

/// A sign-in that has begun: what goes to the provider, and what goes to the
/// browser. `Debug` prints the type's name only.
#[must_use = "the state goes to the provider and the cookie to the browser"]
#[non_exhaustive]
pub struct BegunSignIn {
    /// The `state` parameter of the authorization request: 256 random bits.
    pub state: String,
    /// The cookie's name.
    pub cookie_name: String,
    /// The cookie's value.
    pub cookie_value: String,
    /// The cookie's Max-Age.
    pub max_age: Duration,
}

impl StateCookie {
    /// How long a sign-in may take unless said otherwise: 10 minutes.
    pub const VALIDITY: Duration = Duration::from_secs(600);

    /// The cookie's name unless said otherwise.
    pub const NAME: &str = "__Host-Http-state";

    /// A state cookie sealed with the keys of this ring.
    pub fn new(ring: &Keyring) -> StateCookie {
        StateCookie {
            sealer: Sealer::new(ring, "hardtack oauth state"),
            name: StateCookie::NAME.into(),
            validity: StateCookie::VALIDITY,
        }
    }

    /// Uses another name, as for a second provider in the same application.
    #[must_use]
    pub fn with_name(self, name: &str) -> StateCookie {
        StateCookie { name: name.into(), ..self }
    }

    /// Allows the sign-in this long, in whole seconds.
    #[must_use]
    pub fn with_validity(self, validity: Duration) -> StateCookie {
        StateCookie { validity, ..self }
    }

    /// Begins a sign-in. `payload` comes back from [`finish`](StateCookie::finish).
    ///
    /// # Errors
    /// [`SealError`], as [`Sealer::encrypt`]; a validity below one second is
    /// [`SealError::Expiry`].
    pub fn begin(&self, payload: &[u8], now: UnixTime) -> Result<BegunSignIn, SealError> {
        let mut random = [0; 32];
        entropy::fill(&mut random).map_err(SealError::Entropy)?;
        let state = URL_SAFE_NO_PAD.encode_to_string(random);

        // Whole seconds, as Max-Age counts.
        let max_age = Duration::from_secs(self.validity.as_secs());
        let plaintext = Zeroizing::new([state.as_bytes(), payload].concat());
        let cookie_value =
            self.sealer.encrypt(&self.name, &plaintext, now.saturating_add(max_age), now)?;
        Ok(BegunSignIn { state, cookie_name: self.name.to_string(), cookie_value, max_age })
    }

    /// Finishes a sign-in: the payload, if `cookie` is the one that was set when
    /// `state` was sent out. `state` is the callback's parameter as it came.
    ///
    /// # Errors
    /// [`UnsealError`], of which the client must not learn the reason. Another
    /// sign-in's state is [`UnsealError::Invalid`].
    pub fn finish(
        &self,
        state: &str,
        cookie: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Vec<u8>, UnsealError> {
        let mut opened = self.sealer.open(&self.name, cookie, now)?.value;
        let same = opened.get(..STATE).is_some_and(|ours| ours.ct_eq(state.as_bytes()).into());
        if !same {
            return Err(UnsealError::Invalid);
        }
        opened.drain(..STATE);
        Ok(opened)
    }
}

impl fmt::Debug for StateCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateCookie")
    }
}

impl fmt::Debug for BegunSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BegunSignIn")
    }
}

/// 32 bytes in base64url.
const STATE: usize = 43;
