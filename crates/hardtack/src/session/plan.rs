//! What a request's end does to its session: the whole policy as one match.

/// What is to be done before the response leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing: the response is as if there were no sessions (law 1).
    Nothing,
    /// No write; but the response shows something of the session (law 13).
    Answer,
    /// A new anonymous session, since something is to be kept.
    Create,
    /// Changes onto the newest record (law 2).
    Commit,
}

/// Decides. `used`: the session was looked at; `changed`: there are changes that
/// were not discarded; `live`: there is a session to change.
pub(crate) fn plan(used: bool, changed: bool, live: bool) -> Plan {
    match (used, changed, live) {
        (false, false, _) => Plan::Nothing,
        (true, false, _) => Plan::Answer,
        (_, true, false) => Plan::Create,
        (_, true, true) => Plan::Commit,
    }
}
