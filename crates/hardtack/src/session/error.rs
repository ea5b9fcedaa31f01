//! What handlers meet.

use std::fmt;
use std::sync::Arc;

use super::record::Cause;
use super::store::StoreError;
use super::url::UrlAnswer;
use http::StatusCode;

/// Something asked of a session could not be done. [`SessionError::status`] says
/// how that is answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed, or gave no answer in time: 503. Nobody is logged out.
    Store(Arc<StoreError>),
    /// A key that the request had read has been changed by another since: 409.
    /// The name, where one alone is to blame.
    Conflict(Option<String>),
    /// The session has ended meanwhile: 401, or 409 where a login put another in
    /// its place. `None`: why is not known any more.
    Ended(Option<Cause>),
    /// The user has the most sessions allowed: 409.
    TooManySessions,
    /// This client has opened as many anonymous sessions as one may in an hour: 429.
    TooManyVisits,
    /// Everything was ended after this login began: 401. Check the credentials anew.
    LoginOutdated,
    /// Two live sessions came with one request that would change something: 400.
    TwoSessions,
    /// The user's id is empty or longer than 255 bytes: 500.
    UserId {
        /// Its length in bytes.
        length: usize,
    },
    /// Nobody is signed in, and only a signed-in session can do this: 401.
    NotSignedIn,
    /// Being remembered was asked for, but the configuration does not have it: 500.
    RememberIsOff,
    /// The request came with a token in its URL and is not to be handled: it is to
    /// be answered so ([`danger::url_parameter`](super::danger::url_parameter)).
    ByUrl(UrlAnswer),
    /// A value that cannot be stored or is of another type: 500.
    Value(ValueError),
}

impl SessionError {
    /// The status that answers it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Conflict(_) | Self::Ended(Some(Cause::Replaced)) | Self::TooManySessions => {
                StatusCode::CONFLICT
            }
            Self::TooManyVisits => StatusCode::TOO_MANY_REQUESTS,
            Self::Ended(_) | Self::LoginOutdated | Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::TwoSessions => StatusCode::BAD_REQUEST,
            Self::ByUrl(answer) => answer.status(),
            Self::Value(ValueError::Closed) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::UserId { .. } | Self::RememberIsOff | Self::Value(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// What the client is told: nothing of our insides.
    pub fn public_message(&self) -> &'static str {
        match self {
            Self::Store(_) => "sessions are not available right now; please try again",
            Self::Conflict(_) => {
                "this was changed by another request at the same time; please look at it again"
            }
            Self::Ended(Some(Cause::Replaced)) => {
                "you have signed in meanwhile; please load the page again"
            }
            Self::Ended(_) | Self::LoginOutdated | Self::NotSignedIn => "please sign in",
            Self::TooManyVisits => {
                "too many visits without a cookie; please allow cookies or come back later"
            }
            Self::TooManySessions => {
                "you are signed in in too many places; please sign out somewhere"
            }
            Self::TwoSessions => {
                "this request carries two sessions; please delete this site's cookies"
            }
            Self::ByUrl(_) => "this page is to be asked for in another way",
            Self::UserId { .. } | Self::RememberIsOff | Self::Value(_) => {
                "something went wrong on our side"
            }
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "the session store failed: {error}"),
            Self::Conflict(Some(key)) => write!(f, "the key {key:?} was changed by another request after this one had read it"),
            Self::Conflict(None) => f.write_str("what this request had read was changed by another before it committed"),
            Self::Ended(Some(cause)) => write!(f, "the session has ended meanwhile (cause: {cause})"),
            Self::Ended(None) => f.write_str("the session has ended meanwhile"),
            Self::TooManyVisits => f.write_str("this client has opened as many anonymous sessions as anonymous_per_client() allows in an hour"),
            Self::TooManySessions => f.write_str("the user has the most sessions that sessions_per_user() allows"),
            Self::LoginOutdated => f.write_str("this user's sessions were all ended after the login began; check the credentials again"),
            Self::TwoSessions => f.write_str("the request carried two live sessions; it is treated as anonymous and may change nothing"),
            Self::UserId { length } => write!(f, "a user id has 1 to 255 bytes, and this one has {length}"),
            Self::NotSignedIn => f.write_str("nobody is signed in"),
            Self::RememberIsOff => f.write_str("a login asked to be remembered; set remember() on the builder to allow it"),
            Self::ByUrl(_) => f.write_str("the request came with a token in its URL and is answered with a redirect or a question"),
            Self::Value(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(&**error),
            Self::Value(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// A key or value that cannot be read or written. It concerns that key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// The value under this key is not of the type asked for.
    Decode {
        /// The key.
        key: String,
        /// Where and why, without the value.
        why: String,
    },
    /// The value cannot be written as JSON.
    Encode {
        /// The key.
        key: String,
        /// Why.
        why: String,
    },
    /// A key has 1 to 128 bytes and does not begin with `~`, which is kept for us.
    Name {
        /// Its length in bytes.
        length: usize,
    },
    /// There would be more data than the configuration allows.
    TooLarge {
        /// How much there would be.
        size: usize,
        /// How much is allowed.
        most: usize,
        /// Of what: `bytes` or `keys`.
        unit: &'static str,
    },
    /// The messages of a visitor without a session come to more than their cookie holds.
    Messages {
        /// How many bytes they come to.
        size: usize,
        /// How many fit.
        most: usize,
    },
    /// The request has been answered and its changes are committed: use
    /// [`detach`](super::Session::detach) for what comes later.
    Closed,
    /// The session has not been loaded.
    NotLoaded,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode { key, why } => write!(f, "the session's value under {key:?} is of another type: {why}"),
            Self::Encode { key, why } => write!(f, "the value for {key:?} cannot be written as JSON: {why}"),
            Self::Name { length } => write!(f, "a session key has 1 to 128 bytes and does not begin with '~'; this one has {length}"),
            Self::TooLarge { size, most, unit } => {
                write!(f, "the session would hold {size} {unit}, and most_data() allows {most}")
            }
            Self::Messages { size, most } => {
                write!(f, "without a session the messages for the next page come to {size} bytes, and their cookie holds {most}; leave fewer or shorter ones")
            }
            Self::Closed => f.write_str("the request has been answered and its session is closed; use detach() for work that goes on"),
            Self::NotLoaded => f.write_str("the session has not been loaded; await load() first"),
        }
    }
}

impl std::error::Error for ValueError {}
