//! What Redis says, in words for whoever can do something about it.

use hardtack::session::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// The error of a command.
pub(crate) fn explain(error: RedisError) -> StoreError {
    let text = error.to_string();
    let (kind, what) = match error.kind() {
        ErrorKind::Server(ServerErrorKind::ReadOnly) => (
            StoreErrorKind::ReadOnly,
            "this server is a replica and takes no writes; give the store the address of the \
             master, or of the sentinels",
        ),
        ErrorKind::Server(ServerErrorKind::BusyLoading) => (
            StoreErrorKind::Unavailable,
            "it is still loading its data; it will be ready by itself",
        ),
        ErrorKind::Server(
            ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::TryAgain,
        ) => (
            StoreErrorKind::Unavailable,
            "the cluster does not serve this slot now; if it stays so, look at CLUSTER INFO",
        ),
        ErrorKind::Server(ServerErrorKind::NoPerm) => (
            StoreErrorKind::Unavailable,
            "its access list refuses a command to this user; the store's documentation has the \
             rule that it needs",
        ),
        ErrorKind::AuthenticationFailed => {
            (StoreErrorKind::Unavailable, "it refuses the user name or the password")
        }
        // With its data on the disk at stake Redis takes no writes.
        _ if has(&text, "MISCONF") => (
            StoreErrorKind::ReadOnly,
            "it cannot write its disk and takes no writes; look at its log",
        ),
        _ if has(&text, "OOM") => (
            StoreErrorKind::Full,
            "it has no memory left (maxmemory); give it more, or end sessions",
        ),
        _ if has(&text, "NOAUTH") || has(&text, "WRONGPASS") => {
            (StoreErrorKind::Unavailable, "it refuses the user name or the password")
        }
        _ if has(&text, "NOREPLICAS") => (
            StoreErrorKind::Unavailable,
            "too few replicas are connected for it to take writes (min-replicas-to-write)",
        ),
        _ if has(&text, "BUSY") => {
            (StoreErrorKind::Unavailable, "it is busy with a script of somebody else")
        }
        _ if has(&text, "WRONGTYPE") => (
            StoreErrorKind::Corrupt,
            "a key of the store holds something else; give the store a prefix or a database of \
             its own",
        ),
        ErrorKind::Server(_) | ErrorKind::Extension => {
            (StoreErrorKind::Bug, "it refuses a command of the store; please report it")
        }
        _ => (StoreErrorKind::Unavailable, "the connection to it failed; is it running?"),
    };
    StoreError::new(kind, format!("session store on Redis: {what}")).caused_by(error)
}

fn has(text: &str, code: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code)
}

/// No answer within the deadline.
pub(crate) fn late() -> StoreError {
    let what = "session store on Redis: no answer within the deadline; whether it did what was \
                asked is not known";
    StoreError::new(StoreErrorKind::Timeout, what)
}

/// The breaker is open.
pub(crate) fn resting() -> StoreError {
    let what = "session store on Redis: the server has not answered several times, and is left \
                alone for a moment before it is tried again";
    StoreError::new(StoreErrorKind::Unavailable, what)
}

/// Fewer replicas than wanted have a write.
pub(crate) fn too_few(acknowledged: i64, wanted: u8) -> StoreError {
    let what = format!(
        "session store on Redis: {acknowledged} replicas have confirmed a write in time, and \
         {wanted} are wanted; bring replicas back, or ask for fewer"
    );
    StoreError::new(StoreErrorKind::Unavailable, what)
}

/// What is stored cannot be read.
pub(crate) fn unreadable() -> StoreError {
    let what = "session store on Redis: a key of the store holds something that cannot be read; \
                give the store a prefix or a database of its own, or end that session";
    StoreError::new(StoreErrorKind::Corrupt, what)
}

/// An answer of a shape that no script gives.
pub(crate) fn odd_answer() -> StoreError {
    let what = "session store on Redis: a script gave an answer that it never gives; please \
                report it";
    StoreError::new(StoreErrorKind::Bug, what)
}

/// A session of a user under a locator of somebody else's slot.
pub(crate) fn astray() -> StoreError {
    let what = "session store on Redis: a session was to be kept under a locator that does not \
                begin with the slot tag of its user; make locators with the user's slot";
    StoreError::new(StoreErrorKind::Bug, what)
}

/// What the URL should have been.
pub(crate) fn bad_url(why: &str) -> StoreError {
    let what = format!(
        "the address of a Redis store has the form redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], \
         with several hosts for a cluster, or redis+sentinel://.../NAME; {why}"
    );
    StoreError::new(StoreErrorKind::Unavailable, what)
}
