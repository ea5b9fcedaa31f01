//! A session opened: the working copy between a record and the next.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use super::Cause;
use super::body::{self, Facts, Head, Renewal, Unreadable};
use super::change::{Clash, Wanted};
use super::data::Data;
use super::id::SessionId;
use super::lifetime::{self, GRACE};
use super::record::{Kind, Record, UserKey, Version};
use crate::entropy::{self, EntropyError};
use crate::seal::{Key, Keyring};
use crate::time::UnixTime;

/// A live session with everything that its id opens. Cheap to clone: what it holds is
/// shared until it is changed.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    content: Arc<Content>,
    /// The id that the client has, if a renewal has put another in its place.
    pub(crate) older: Option<SessionId>,
    pub(crate) last_seen: UnixTime,
    /// When it was looked at.
    pub(crate) looked_at: UnixTime,
}

/// What a record says to who has its id, but for activity.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The id under which the record is sealed now.
    pub(crate) id: SessionId,
    pub(crate) version: Version,
    pub(crate) head: Head,
    pub(crate) facts: Facts,
    pub(crate) data: Data,
    pub(crate) user: Option<UserKey>,
    pub(crate) device: Option<Arc<str>>,
    /// The record's data that this was read from, if it has not been changed since.
    pub(crate) source: Option<Bytes>,
}

impl Deref for Work {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.content
    }
}

/// What a presented id opens.
pub(crate) enum Opened {
    Live(Work),
    /// The secret has been renewed and its grace is over.
    Reused,
    /// What the store holds is not what was put there.
    Tampered,
    /// Written by a newer release: not for this node to judge.
    Newer,
}

impl Work {
    /// Opens a record with the id that was presented for it, or that we hold
    /// ourselves (`held`): that one does not lapse with a renewal's grace.
    pub(crate) fn open(
        presented: SessionId,
        record: Record,
        keys: &Keyring,
        now: UnixTime,
        held: bool,
    ) -> Opened {
        let head = match Head::read(&record.data) {
            Ok(head) => head,
            Err(unreadable) => return unreadable.into(),
        };
        let (id, older) = if head.verifier == *presented.verifier() {
            (presented, None)
        } else {
            match &head.renewal {
                Some(old)
                    if old.previous == *presented.verifier()
                        && (held || old.until.is_none_or(|until| now < until)) =>
                {
                    let Some(key) = keys.find(record.key) else { return Opened::Newer };
                    (presented.successor(&old.nonce, key), Some(presented))
                }
                _ => return Opened::Reused,
            }
        };
        if head.verifier != *id.verifier() {
            return Opened::Tampered;
        }
        match body::open(&head, &record, &id) {
            Err(unreadable) => unreadable.into(),
            Ok((facts, data)) => {
                let Record { version, user, device, last_seen, data: source, .. } = record;
                let source = Some(source);
                let content = Content { id, version, head, facts, data, user, device, source };
                Opened::Live(Self { older, ..Self::new(content, last_seen, now) })
            }
        }
    }

    pub(crate) fn new(content: Content, last_seen: UnixTime, looked_at: UnixTime) -> Self {
        Self { content: Arc::new(content), older: None, last_seen, looked_at }
    }

    /// Opens a record again with the id that opened this, if it is the same one: byte for
    /// byte, and no column but activity differs.
    pub(crate) fn reopen(&self, record: &Record, now: UnixTime) -> Option<Self> {
        let source = self.source.as_ref()?;
        let same = self.older.is_none()
            && self.version == record.version
            && self.user == record.user
            && self.device == record.device
            && body::agree(record, &self.facts, &self.id)
            && (std::ptr::eq(&source[..], &record.data[..]) || source == &record.data);
        same.then(|| Self { last_seen: record.last_seen, looked_at: now, ..self.clone() })
    }

    /// To change it: a copy, if anybody shares it.
    pub(crate) fn edit(&mut self) -> &mut Content {
        let content = Arc::make_mut(&mut self.content);
        content.source = None;
        content
    }

    /// Puts other data in place of its own.
    fn put(&mut self, data: Data) {
        match Arc::get_mut(&mut self.content) {
            Some(content) => (content.data, content.source) = (data, None),
            None => {
                let Content { id, version, head, facts, user, device, .. } = &*self.content;
                self.content = Arc::new(Content {
                    id: id.clone(),
                    version: *version,
                    head: head.clone(),
                    facts: facts.clone(),
                    data,
                    user: user.clone(),
                    device: device.clone(),
                    source: None,
                });
            }
        }
    }

    /// The id that the client has.
    pub(crate) fn presented(&self) -> &SessionId {
        self.older.as_ref().unwrap_or(&self.id)
    }

    /// Whoever presented `id` goes on with this.
    pub(crate) fn presented_by(&mut self, id: &SessionId) {
        self.older = (id.verifier() != self.id.verifier()).then(|| id.clone());
    }

    /// Whether the new secret of a renewal was presented for the first time:
    /// from now on the old one has only the grace left.
    pub(crate) fn must_confirm(&self) -> bool {
        self.older.is_none() && self.head.renewal.as_ref().is_some_and(|r| r.until.is_none())
    }

    /// The record to put in this one's place, with the tag of this commit. That it
    /// is written is no activity: tasks and passive requests write, too.
    pub(crate) fn write_record(
        &mut self,
        version: Version,
        tag: u64,
    ) -> Result<Record, EntropyError> {
        self.advance(version, tag);
        self.record()
    }

    /// Makes this the next version, written by the commit of this tag.
    pub(crate) fn advance(&mut self, version: Version, tag: u64) {
        let content = self.edit();
        content.version = version;
        content.head.tags.push(tag);
    }

    /// What was written of this is `source`: when it is read again, this is what it says.
    pub(crate) fn was_written(&mut self, source: &Bytes) {
        let content = self.edit();
        content.head.was_written(source);
        content.data = match body::plain_data(&content.head, &content.facts, source) {
            Some(encoded) => Data::written(encoded),
            None => content.data.flat(),
        };
        content.source = Some(source.clone());
    }

    /// The record of this as it is.
    pub(crate) fn record(&self) -> Result<Record, EntropyError> {
        let times = (self.last_seen, lifetime::expires(&self.facts, self.last_seen));
        body::record(
            self.version,
            &self.head,
            &self.facts,
            &self.data,
            &self.id,
            times,
            self.user.clone(),
            self.device.clone(),
        )
    }
}

impl From<Unreadable> for Opened {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Tampered => Opened::Tampered,
            Unreadable::Newer => Opened::Newer,
        }
    }
}

/// Something to be done to the newest state of a session, in one step with
/// whatever else waits for the same.
pub(crate) enum Job {
    /// The changes of one request: all or none.
    Changes(Arc<Wanted>),
    /// A transaction: runs on the newest data, again at each attempt. `false`:
    /// it declined, and changes nothing.
    Transact(Box<Transaction>),
    /// Start a renewal of the secret, unless one is under way: a second one before
    /// the grace is over would cut off requests that carry the first old id.
    Renew(Arc<Key>),
    /// The new secret was presented.
    Confirm,
    /// Change the facts, such as this session's idle timeout.
    Facts(Box<dyn FnMut(&mut Facts) + Send>),
}

/// Changes the newest data, writing the revision given; `false`: it declined.
type Transaction = dyn FnMut(&mut Data, u64) -> bool + Send;

/// What became of a job.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    /// Committed; the id that is good now.
    Ok(Work),
    /// A key that the request had read has changed, or an update does not fit
    /// what is there now.
    Clash,
    /// The transaction declined.
    Declined,
    /// The session has ended.
    Gone(Option<Cause>),
    /// Whoever led the commit could not: try by yourself.
    Again,
    /// The store failed, or others changed the session too often.
    Failed(Arc<crate::session::StoreError>),
}

impl Job {
    /// Applies the job to a working copy. `Ok(false)`: nothing to write. `alone`: no
    /// other job has changed the copy.
    pub(crate) fn apply(
        &mut self,
        work: &mut Work,
        alone: bool,
        later_wins: bool,
        fits: &dyn Fn(&Data) -> bool,
        now: UnixTime,
    ) -> Result<bool, JobRefused> {
        let revision = work.version.next().number();
        match self {
            Job::Changes(wanted) => {
                let data = wanted.apply(&work.data, work.version, alone, later_wins)?;
                if !fits(&data) {
                    return Err(JobRefused::Clash);
                }
                work.put(data);
                Ok(true)
            }
            Job::Transact(run) => {
                let mut data = work.data.clone();
                if !run(&mut data, revision) {
                    return Err(JobRefused::Declined);
                }
                if !fits(&data) {
                    return Err(JobRefused::Clash);
                }
                let changed = data != work.data;
                work.put(data);
                Ok(changed)
            }
            Job::Renew(key) => {
                // A token is only exchanged where no session is left to be cut off.
                let grace = work.facts.kind != Kind::Remember;
                let under_way = |r: &Renewal| r.until.is_none_or(|until| grace && now < until);
                if work.head.renewal.as_deref().is_some_and(under_way) {
                    return Ok(false);
                }
                let mut nonce = [0; 16];
                entropy::fill(&mut nonce).map_err(|_| JobRefused::Entropy)?;
                let previous = *work.id.verifier();
                let previous_key = work.id.key_id();
                let work = work.edit();
                work.id = work.id.successor(&nonce, key.clone());
                work.head.verifier = *work.id.verifier();
                work.head.renewal =
                    Some(Box::new(Renewal { nonce, previous, previous_key, until: None }));
                work.facts.issued = now;
                Ok(true)
            }
            Job::Confirm => match &mut work.edit().head.renewal {
                Some(renewal) if renewal.until.is_none() => {
                    renewal.until = Some(now.saturating_add(GRACE));
                    Ok(true)
                }
                _ => Ok(false),
            },
            Job::Facts(change) => {
                change(&mut work.edit().facts);
                Ok(true)
            }
        }
    }
}

/// Why a job was not applied.
pub(crate) enum JobRefused {
    Clash,
    Declined,
    Entropy,
}

impl From<Clash> for JobRefused {
    fn from(_: Clash) -> Self {
        Self::Clash
    }
}
