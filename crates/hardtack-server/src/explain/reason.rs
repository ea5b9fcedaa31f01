//! Why a cookie is dropped or stays in the jar, in the parts that every answer shows.

use std::fmt;

use hardtack::cookie::Ignored;
use hardtack::jar::Withheld;
use serde::Serialize;

/// Why a browser drops a cookie, or keeps it in the jar. As text it goes on after a comma: `because
/// the Domain is no host name (6265bis 5.7). Leave Domain out, ...`
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// Where the rule stands.
    pub section: &'static str,
    /// What the server's author can do about it, as one sentence.
    pub advice: &'static str,
}

impl From<Ignored> for Reason {
    fn from(why: Ignored) -> Reason {
        Reason { message: why.to_string(), section: why.section(), advice: why.advice() }
    }
}

impl From<Withheld> for Reason {
    fn from(why: Withheld) -> Reason {
        Reason { message: why.to_string(), section: why.section(), advice: why.advice() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reason { message, section, advice } = self;
        write!(f, "because {message} ({section}). {advice}")
    }
}
