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

/// Takes a session from the URL's parameter `name` where no cookie names one, so
/// that browsers which keep no cookies have sessions too. Only anonymous ones:
/// signing in needs cookies.
///
/// Gives up: ASVS 5.0 14.2.1 (level 1), which forbids session tokens in URLs. URLs
/// are kept in histories and logs, shown, photographed and passed on. That is why it
/// is a token of two minutes and not the id, and why there are many more rules, listed
/// in [`session::url`](super::url) with what they do not protect.
/// [`Session::with_url_token`](super::Session::with_url_token) makes the links.
///
/// `name` has 1 to 32 letters, digits, `-` or `_`; `build()` refuses others, and
/// header transport beside it. Two layers over the same routes need two names.
#[must_use = "nothing is set up before build()"]
pub fn url_parameter(builder: SessionsBuilder, name: &str) -> SessionsBuilder {
    builder.url_parameter(name, false)
}

/// [`url_parameter`], for signed-in sessions too: whoever gets to see a URL of
/// theirs within its two minutes can be the user until the session ends.
#[must_use = "nothing is set up before build()"]
pub fn url_parameter_also_signed_in(builder: SessionsBuilder, name: &str) -> SessionsBuilder {
    builder.url_parameter(name, true)
}

/// The same for sealed sessions: who is on the way cannot read what is in them,
/// and can use them.
#[must_use = "nothing is set up before build()"]
pub fn insecure_sealed_cookie<R>(builder: SealedSessionsBuilder<R>) -> SealedSessionsBuilder<R> {
    builder.insecure()
}
