//! Settings that weaken security, all in one place. Each says what it gives up.
//!
//! # What this does not protect
//! Anything: that is what these settings are for.

use super::config::SessionsBuilder;
use super::sealed::SealedSessionsBuilder;

/// Cookies without `Secure` and without the `__Host-Http-` prefix, which go over
/// plain http: whoever is on the way can read and replace them. Browsers treat
/// `http://localhost`, `http://*.localhost` and `http://127.0.0.1` as secure, so
/// trying things out does not need this.
#[must_use = "nothing is set up before build()"]
pub fn insecure_cookie(builder: SessionsBuilder) -> SessionsBuilder {
    builder.insecure()
}

/// The same for sealed sessions: who is on the way cannot read what is in them,
/// and can use them.
#[must_use = "nothing is set up before build()"]
pub fn insecure_sealed_cookie<R>(builder: SealedSessionsBuilder<R>) -> SealedSessionsBuilder<R> {
    builder.insecure()
}
