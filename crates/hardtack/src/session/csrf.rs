//! Tokens against cross-site requests, for those who need them beside the
//! Fetch-Metadata and Origin checks of the adapter (ASVS 5.0 3.5.1; NIST SP 800-63B-4
//! section 5.1 asks for one in the content of a POST).
//!
//! A token is bound to the session's handle: it survives a renewal, and a login,
//! which makes a new handle, makes it void. It is masked anew each time, so that
//! compressed pages do not betray it.
//!
//! # Before there is a session
//! A form for signing in needs a token too, or another site signs its visitor in as
//! somebody else, to see what that one enters (login CSRF). It opens no session: the
//! page that asks sets a cookie, `pre`, with 128 random bits, sealed, for 4 hours, and
//! the token is bound to these; a later page goes on with them, so that the forms of
//! all open pages work. That is the pre-session of the OWASP cheat sheet on cross-site
//! request forgery ("Possible CSRF Vulnerabilities in Login Forms"): a sign-in ends it, and
//! never turns it into a session.
//!
//! | request | tokens that count |
//! | --- | --- |
//! | nobody has a session | of its pre-session |
//! | an anonymous session | of the session, and of its pre-session: the form may be older |
//! | signed in | of the session |
//!
//! With header transport there is no cookie, and so no token before there is a session;
//! a browser does not send such a header by itself either.
//!
//! # What this does not protect
//! - Scripts on one's own pages can read it.
//! - Without the `__Host-` prefix a sibling host can plant its own visit's pre-session,
//!   for which it has tokens, and sign a browser in with them.
//! - Two first pages that are loaded at the same moment each set the cookie, and the
//!   form of one is refused. So is that of a page that was open for 4 hours.

use subtle::ConstantTimeEq;

use super::error::SessionError;
use super::id::Locator;
use super::record::Kind;
use super::session::Session;
use super::visitor::Seed;
use crate::entropy;
use crate::seal::{Key, Use};

const BYTES: usize = 32;

/// What the seed of a pre-session is hashed behind; with it, it is longer than a handle.
const OF_VISITOR: &[u8] = b"pre-session";

impl Session {
    /// A token to put into a form or a header of this session's pages, or where there is
    /// no session, of this browser's. Opens none, and writes nothing to the store: such
    /// a token is bound to a sealed cookie, `pre`, that the answer sets for 4 hours and
    /// later pages go on with. It is for forms that sign in (login CSRF), and void after
    /// the sign-in.
    ///
    /// ```
    /// use hardtack::session::{Session, SessionError};
    ///
    /// fn form(session: &Session) -> Result<String, SessionError> {
    ///     let token = session.csrf_token()?; // needs no escaping
    ///     Ok(format!(r#"<input type="hidden" name="csrf" value="{token}">"#))
    /// }
    ///
    /// async fn sign_in(session: &Session, csrf: &str, user: &str) -> Result<bool, SessionError> {
    ///     if !session.check_csrf(csrf) {
    ///         return Ok(false); // answered 403, before the credentials are looked at
    ///     }
    ///     session.login(user).await?;
    ///     Ok(true)
    /// }
    /// ```
    ///
    /// # Errors
    /// The session is not loaded; there is none, and [header transport](super::SessionsBuilder::in_header)
    /// has no cookie in its place; or there are no random bytes.
    pub fn csrf_token(&self) -> Result<String, SessionError> {
        let bound = match self.handle() {
            Some(handle) => Bound::Session(handle),
            None => Bound::Visitor(self.pre_session()?),
        };
        let mac = bound.mac(&self.engine().keys.sealing());
        let mut token = [0; 2 * BYTES];
        entropy::fill(&mut token[..BYTES]).map_err(super::commits::entropy_failed)?;
        for (i, byte) in mac.iter().enumerate() {
            token[BYTES + i] = token[i] ^ byte;
        }
        Ok(base64_simd::URL_SAFE_NO_PAD.encode_to_string(token))
    }

    /// Whether a token that came with a request is one of this session or, unless
    /// somebody is signed in, of this browser before it had one. Never before the
    /// session is loaded.
    pub fn check_csrf(&self, token: &str) -> bool {
        let Ok(token) = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token) else { return false };
        let Ok(token) = <[u8; 2 * BYTES]>::try_from(token) else { return false };
        let unmasked: Vec<u8> = (0..BYTES).map(|i| token[i] ^ token[BYTES + i]).collect();
        let of_visitor = match self.kind() {
            Some(Kind::User) => None,
            _ => self.presented_pre_session().map(Bound::Visitor),
        };
        let keys = &self.engine().keys;
        let keys: Vec<_> = keys.ids().into_iter().filter_map(|id| keys.find(id)).collect();
        let is = |bound: Bound| keys.iter().any(|key| bound.mac(key).ct_eq(&unmasked).into());
        self.handle().map(Bound::Session).is_some_and(is) || of_visitor.is_some_and(is)
    }
}

/// What a token is bound to.
enum Bound {
    Session(Locator),
    Visitor(Seed),
}

impl Bound {
    fn mac(&self, key: &Key) -> [u8; BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(key.subkey(Use::Csrf));
        match self {
            Self::Session(handle) => hasher.update(handle.as_bytes()),
            Self::Visitor(seed) => hasher.update(OF_VISITOR).update(seed.as_ref()),
        };
        *hasher.finalize().as_bytes()
    }
}
