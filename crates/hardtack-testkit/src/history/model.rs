//! One session, and what one caller alone is answered of it.

use std::hash::{DefaultHasher, Hash, Hasher};

use hardtack::session::store::{Ended, Inserted, Loaded, Relocated, Replaced};
use hardtack::session::{Cause, Record, Version};

/// A session, as far as these calls can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum State {
    /// Never heard of.
    Unknown,
    /// Live, in a version and with data, of which this is a digest.
    Live(Version, u64),
    /// Ended.
    Ended(Cause),
}

/// A call and what it was answered; `None`: nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// A load.
    Load(Option<State>),
    /// An insert of this.
    Insert(State, Option<Inserted>),
    /// A replace of the version that was seen, by this.
    Replace(Version, State, Option<Replaced>),
    /// An end.
    End(Cause, Option<Ended>),
    /// A login that left this session, whose version was seen.
    Leave(Version, Option<Relocated>),
    /// A login that created this session.
    Arrive(State, Option<Relocated>),
}

impl State {
    /// That of a session with this record.
    pub fn of(record: &Record) -> Self {
        let mut hasher = DefaultHasher::new();
        record.data.hash(&mut hasher);
        Self::Live(record.version, hasher.finish())
    }

    fn cause(self) -> Option<Cause> {
        match self {
            Self::Ended(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<&Loaded> for State {
    fn from(loaded: &Loaded) -> Self {
        match loaded {
            Loaded::Live(record) => Self::of(record),
            Loaded::Ended(cause) => Self::Ended(*cause),
            _ => Self::Unknown,
        }
    }
}

impl Call {
    /// The state after the call, if its answer is right in the one before.
    pub(super) fn after(self, before: State) -> Option<State> {
        use State::{Ended as Over, Live, Unknown};
        let is = |right, after| Some(after).filter(|_| right);
        match self {
            Self::Load(seen) => is(seen.is_none_or(|seen| seen == before), before),
            // Limits and epochs are not of one session.
            Self::Insert(_, Some(Inserted::Full | Inserted::Outdated)) => Some(before),
            Self::Insert(new, answer) => match before {
                Unknown => is(answer.is_none_or(|a| a == Inserted::Ok), new),
                _ => is(answer.is_none_or(|a| a == Inserted::Exists), before),
            },
            Self::Replace(seen, new, answer) => match before {
                Live(version, _) if version == seen => {
                    is(answer.is_none_or(|a| a == Replaced::Ok), new)
                }
                Live(..) => is(answer.is_none_or(|a| a == Replaced::Conflict), before),
                _ => is(answer.is_none_or(|a| a == Replaced::Gone(before.cause())), before),
            },
            Self::End(cause, answer) => match (before, answer) {
                (Live(..), Some(Ended::NotDue)) => Some(before),
                (Live(..), _) => is(answer.is_none_or(|a| a == Ended::Now), Over(cause)),
                _ => is(answer.is_none_or(|a| a == Ended::Before(before.cause())), before),
            },
            // Of the other session, or not of one session.
            Self::Leave(_, Some(Relocated::Exists | Relocated::Full | Relocated::Outdated)) => {
                Some(before)
            }
            Self::Leave(seen, answer) => match before {
                Live(version, _) if version == seen => {
                    is(answer.is_none_or(|a| a == Relocated::Ok), Over(Cause::Replaced))
                }
                Live(..) => is(answer.is_none_or(|a| a == Relocated::Conflict), before),
                _ => is(answer.is_none_or(|a| a == Relocated::Gone(before.cause())), before),
            },
            Self::Arrive(new, None | Some(Relocated::Ok)) if before == Unknown => Some(new),
            Self::Arrive(_, Some(Relocated::Ok)) => None,
            Self::Arrive(_, Some(Relocated::Exists)) => is(before != Unknown, before),
            Self::Arrive(..) => Some(before),
        }
    }

    /// Whether its answer says that the session has ended, once and for all.
    pub(super) fn found_it_ended(self) -> bool {
        matches!(
            self,
            Self::End(_, Some(Ended::Now | Ended::Before(Some(_))))
                | Self::Leave(_, Some(Relocated::Ok | Relocated::Gone(Some(_))))
        )
    }

    /// The state after a login that nobody was told of, if the store made sure that it
    /// will never happen: its session is `lost` before it began.
    pub(super) fn given_up(self, before: State) -> Option<State> {
        matches!((self, before), (Self::Arrive(_, None), State::Unknown))
            .then_some(State::Ended(Cause::Lost))
    }
}
