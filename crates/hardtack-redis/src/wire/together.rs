//! Calls of one script that go to the server as one.
//!
//! To begin a script costs a server about as much as what a replace does in it. So those
//! that wait to be sent, and that say that they may, share a call: the script does each by
//! itself, and answers each.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Asked, Unanswered, Value};
use crate::script::{Call, Lua};

/// The most that share a call. While the server does them it answers nobody else, and
/// those who wait for it have nothing to do.
pub(super) const MOST: usize = 16;

/// As soon as their arguments are so many bytes, none is added.
pub(super) const MOST_BYTES: usize = 64 << 10;

pub(super) type Sender = oneshot::Sender<Result<Value, Unanswered>>;

/// Who waits for an answer.
#[derive(Default)]
pub(super) enum By {
    /// They were told that it is late.
    #[default]
    Nobody,
    One(Sender),
    /// Each for one element of it.
    Several(Vec<Sender>),
}

impl By {
    /// Whether nobody waits any more.
    pub(super) fn is_closed(&self) -> bool {
        self.senders().iter().all(oneshot::Sender::is_closed)
    }

    pub(super) fn count(&self) -> usize {
        self.senders().len()
    }

    fn senders(&self) -> &[Sender] {
        match self {
            Self::Nobody => &[],
            Self::One(sender) => std::slice::from_ref(sender),
            Self::Several(senders) => senders,
        }
    }

    /// Who has gone away needs no answer.
    pub(super) fn tell(self, answer: Result<Value, Unanswered>) {
        match (self, answer) {
            (Self::Nobody, _) => {}
            (Self::One(sender), answer) => drop(sender.send(answer)),
            (Self::Several(senders), Ok(Value::Array(answers)))
                if answers.len() == senders.len() =>
            {
                for (sender, answer) in senders.into_iter().zip(answers) {
                    let _ = sender.send(Ok(answer));
                }
            }
            // The script was not run.
            (Self::Several(senders), answer) => {
                for sender in senders {
                    let _ = sender.send(answer.clone());
                }
            }
        }
    }
}

/// Those that are to share the next call.
#[derive(Default)]
pub(super) struct Together {
    script: Option<&'static Lua>,
    keys: usize,
    args: usize,
    key_bytes: Vec<u8>,
    arg_bytes: Vec<u8>,
    by: Vec<Sender>,
    /// When the first of them is late.
    until: Option<Instant>,
}

impl Together {
    pub(super) fn count(&self) -> usize {
        self.by.len()
    }

    /// Whether `call` can be one of them.
    pub(super) fn has_room_for(&self, call: &Call) -> bool {
        let same = |script: &Lua| call.shares().is_some_and(|of| std::ptr::eq(of, script));
        let room = self.count() < MOST && self.arg_bytes.len() < MOST_BYTES;
        room && self.script.is_none_or(same)
    }

    pub(super) fn add(&mut self, call: &Call, by: Sender, until: Instant) {
        let ((keys, key_bytes), (args, arg_bytes)) = call.keys_and_args();
        self.script = call.shares();
        self.keys += keys;
        self.args += args;
        self.key_bytes.extend_from_slice(key_bytes);
        self.arg_bytes.extend_from_slice(arg_bytes);
        self.by.push(by);
        self.until = Some(self.until.map_or(until, |first| first.min(until)));
    }

    /// Adds their call to what is to be sent, before which there are `from` bytes. None are
    /// left then.
    pub(super) fn close(&mut self, out: &mut Vec<u8>, from: u64) -> Option<Asked> {
        let (script, until) = self.script.take().zip(self.until.take())?;
        script.pack((self.keys, &self.key_bytes), (self.args, &self.arg_bytes), out);
        (self.keys, self.args) = (0, 0);
        self.key_bytes.clear();
        self.arg_bytes.clear();
        let by = match self.by.len() {
            1 => self.by.pop().map_or(By::Nobody, By::One),
            _ => By::Several(std::mem::take(&mut self.by)),
        };
        Some(Asked { by, until, from })
    }
}
