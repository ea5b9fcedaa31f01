//! Tokens against cross-site requests, for those who need them beside the
//! Fetch-Metadata and Origin checks of the adapter (NIST SP 800-63B-4 section 5.1
//! asks for one in the content of a POST).
//!
//! A token is bound to the session's handle: it survives a renewal, and a login,
//! which makes a new handle, makes it void. It is masked anew each time, so that
//! compressed pages do not betray it.
//!
//! # What this does not protect
//! Scripts on one's own pages can read it. Without a session there is no token.

use subtle::ConstantTimeEq;

use super::error::SessionError;
use super::id::Locator;
use super::session::Session;
use crate::entropy;
use crate::seal::{Key, Use};

const BYTES: usize = 32;

impl Session {
    /// A token to put into a form or a header of this session's pages.
    ///
    /// # Errors
    /// There is no session to bind it to, or there are no random bytes.
    pub fn csrf_token(&self) -> Result<String, SessionError> {
        let handle = self.handle().ok_or(SessionError::NotSignedIn)?;
        let mac = mac(&self.engine().keys.sealing(), &handle);
        let mut token = [0; 2 * BYTES];
        entropy::fill(&mut token[..BYTES]).map_err(super::commits::entropy_failed)?;
        for (i, byte) in mac.iter().enumerate() {
            token[BYTES + i] = token[i] ^ byte;
        }
        Ok(base64_simd::URL_SAFE_NO_PAD.encode_to_string(token))
    }

    /// Whether a token that came with a request is one of this session.
    pub fn check_csrf(&self, token: &str) -> bool {
        let Some(handle) = self.handle() else { return false };
        let Ok(token) = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token) else { return false };
        let Ok(token) = <[u8; 2 * BYTES]>::try_from(token) else { return false };
        let unmasked: Vec<u8> = (0..BYTES).map(|i| token[i] ^ token[BYTES + i]).collect();
        let keys = &self.engine().keys;
        keys.ids()
            .into_iter()
            .filter_map(|id| keys.find(id))
            .any(|key| mac(&key, &handle).ct_eq(&unmasked).into())
    }
}

fn mac(key: &Key, handle: &Locator) -> [u8; BYTES] {
    *blake3::keyed_hash(key.subkey(Use::Csrf), handle.as_bytes()).as_bytes()
}
