//! What browsers do with a cookie, and why: stored or not, sent or not, and what to change.
//!
//! [`explain`] asks the jar of every profile the same [`Question`]. The command `hardtack explain` and
//! the demo's page "Would it be sent?" show its answers.

mod reason;
mod repair;
mod report;
mod text;

pub use reason::Reason;
pub use report::Report;
pub(crate) use text::say;
pub use text::write;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hardtack::cookie::{Ignored, Profile};
use hardtack::jar::{Change, Identity, Jar, Outcome, RequestContext, Target, Withheld};
use hardtack::time::UnixTime;

/// Which cookies a server sets, on which request, and which requests follow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// The values of the `Set-Cookie` headers, in their order.
    pub lines: Vec<Vec<u8>>,
    /// The request whose answer has them.
    pub set: Request,
    /// The requests that are asked about.
    pub send: Vec<Request>,
    /// The time of it all.
    pub now: UnixTime,
}

impl Question {
    /// Lines that the answer to one request sets, and the same request once more.
    pub fn new(lines: Vec<Vec<u8>>, set: Request, now: UnixTime) -> Question {
        let send = vec![set.clone()];
        Question { lines, set, send, now }
    }
}

/// A request of a browser, or a script's look at `document.cookie`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// Where it goes; the page whose script it is.
    pub url: Target,
    /// The page that starts it. Without one it is a page of the same address, and a navigation is
    /// the user's own.
    pub from: Option<Target>,
    /// How it comes about.
    pub how: How,
    /// The page of the tab, where the one that starts the request or has the script sits in a frame.
    pub top: Option<Target>,
}

impl Request {
    /// A request that comes about like this, started by no other page.
    pub fn new(url: Target, how: How) -> Request {
        Request { url, from: None, how, top: None }
    }

    /// As the jar knows it.
    pub fn context(&self) -> RequestContext<'_> {
        let page = self.from.as_ref().unwrap_or(&self.url);
        let context = match self.how {
            How::Navigation => RequestContext::navigation(&self.url),
            How::Link => RequestContext::link(&self.url, page),
            How::FormPost => RequestContext::form_post(&self.url, page),
            How::Subresource => RequestContext::subresource(&self.url, page),
            How::Iframe => RequestContext::iframe(&self.url, page),
            How::Script => RequestContext::script(&self.url),
        };
        match (&self.top, self.how) {
            (Some(top), How::Subresource | How::Iframe | How::Script) => {
                context.in_frames_of(&[top])
            }
            _ => context,
        }
    }
}

/// How a request comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum How {
    /// The user types the address.
    Navigation,
    /// A page has a link that the user follows.
    Link,
    /// A page posts a form.
    FormPost,
    /// A page fetches it: an image, a script, `fetch`.
    Subresource,
    /// A page shows it in a frame.
    Iframe,
    /// A script of the page reads or writes `document.cookie`.
    Script,
}

impl How {
    /// All of them.
    pub const ALL: [How; 6] =
        [How::Navigation, How::Link, How::FormPost, How::Subresource, How::Iframe, How::Script];

    /// The word for it on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            How::Navigation => "nav",
            How::Link => "link",
            How::FormPost => "form-post",
            How::Subresource => "subresource",
            How::Iframe => "iframe",
            How::Script => "script",
        }
    }

    /// What happens then, as half a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            How::Navigation => "the user types the address",
            How::Link => "the user follows a link on a page",
            How::FormPost => "a page posts a form",
            How::Subresource => "a page fetches it: an image, a script, fetch()",
            How::Iframe => "a page shows it in a frame",
            How::Script => "a script uses document.cookie",
        }
    }

    /// The one with this word.
    pub fn named(word: &str) -> Option<How> {
        How::ALL.into_iter().find(|how| how.word() == word)
    }
}

/// What one browser does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Which.
    pub profile: &'static Profile,
    /// What becomes of each line, in their order.
    pub fates: Vec<Fate>,
    /// The `Cookie` header of each request that was asked about; `None` if it has none.
    pub headers: Vec<Option<Vec<u8>>>,
}

impl Answer {
    /// Whether every cookie is stored, and goes with every request.
    pub fn is_all_sent(&self) -> bool {
        self.fates.iter().all(|fate| fate.sent.iter().all(|sent| *sent == Sent::Yes))
    }
}

/// What becomes of one `Set-Cookie` line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fate {
    /// Whether it is stored.
    pub stored: Stored,
    /// Whether it goes with each request that was asked about.
    pub sent: Vec<Sent>,
}

/// Whether a cookie is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// It is, perhaps in place of an earlier line's.
    Yes,
    /// It has expired when it comes, so that it removes a cookie or does nothing.
    Removes,
    /// It is dropped.
    #[non_exhaustive]
    No {
        /// Why, and what would be wrong next if only that were changed, and so on.
        reasons: Vec<Ignored>,
        /// The line with all of it changed, if that is enough for the browser to store it.
        repaired: Option<Vec<u8>>,
    },
}

/// Whether a cookie goes with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// It does.
    Yes,
    /// It is in the jar, and stays there.
    Withheld(Withheld),
    /// It is not in the jar.
    NotStored,
    /// A later line took its place in the jar, or removed it.
    Superseded,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sent::Yes => f.write_str("it is sent"),
            Sent::Withheld(why) => why.fmt(f),
            Sent::NotStored => f.write_str("it is not stored"),
            Sent::Superseded => f.write_str("a later Set-Cookie took its place or removed it"),
        }
    }
}

/// What the browsers of these profiles do, each starting with an empty jar.
pub fn explain(question: &Question, profiles: &[&'static Profile]) -> Vec<Answer> {
    profiles.iter().map(|profile| answer(question, profile)).collect()
}

fn answer(question: &Question, profile: &'static Profile) -> Answer {
    let now = question.now;
    let context = question.set.context();
    let mut jar = Jar::new(profile);
    let stored_last = Arc::new(Mutex::new(None));
    let noted = stored_last.clone();
    jar.watch(move |change| {
        if let Change::Stored { cookie, .. } = change {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(cookie.identity());
        }
    });
    let mut stored = Vec::new();
    let mut identities: Vec<Option<Identity>> = Vec::new();
    for line in &question.lines {
        let outcome = jar.set(line, &context, now);
        stored.push(match outcome {
            Outcome::Ignored(reason) => {
                repair::all_reasons(line, reason, &question.set, profile, now)
            }
            Outcome::Removed | Outcome::Expired => Stored::Removes,
            _ => Stored::Yes,
        });
        let identity = stored_last.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The one that it replaces is no longer what the earlier line made.
        for earlier in &mut identities {
            *earlier = earlier.take().filter(|known| Some(known) != identity.as_ref());
        }
        identities.push(identity);
    }
    let requests: Vec<RequestContext<'_>> = question.send.iter().map(Request::context).collect();
    let judged: Vec<_> = requests.iter().map(|request| jar.explain_cookies(request, now)).collect();
    let fates = stored.into_iter().zip(&identities).map(|(stored, identity)| {
        let sent = judged.iter().map(|cookies| match (identity, &stored) {
            (_, Stored::No { .. } | Stored::Removes) => Sent::NotStored,
            (None, Stored::Yes) => Sent::Superseded,
            (Some(identity), Stored::Yes) => {
                match cookies.iter().find(|(cookie, _)| cookie.identity() == *identity) {
                    Some((_, Ok(()))) => Sent::Yes,
                    Some((_, Err(why))) => Sent::Withheld(*why),
                    None => Sent::Superseded,
                }
            }
        });
        Fate { sent: sent.collect(), stored }
    });
    let header = |request| {
        let mut header = Vec::new();
        jar.write_header(request, now, &mut header);
        Some(header).filter(|header| !header.is_empty())
    };
    Answer { profile, fates: fates.collect(), headers: requests.iter().map(header).collect() }
}

#[cfg(test)]
mod tests;
