//! Calls of many requests in one write.
//!
//! What requests ask for in the same turn of the runtime is sent to the server in one
//! piece, and answered to each when all of it has come back. Nobody waits for others to
//! come: the task that sends runs as soon as those have had their turn that already were
//! to run, and does not wait for the answers before it sends again.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, RedisError, ServerError, ServerErrorKind, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// The most calls that are sent in one piece.
const MOST: usize = 16;

/// The way to the task that sends.
#[derive(Clone)]
pub(crate) struct Batches(mpsc::UnboundedSender<Waiting>);

struct Waiting {
    cmd: Cmd,
    until: Instant,
    answer: oneshot::Sender<Result<Value, Refused>>,
}

/// Why there is no answer, and the command where the server has not done it because it
/// does not know its script.
pub(crate) struct Refused {
    pub(crate) error: RedisError,
    pub(crate) unknown: Option<Cmd>,
}

impl From<RedisError> for Refused {
    fn from(error: RedisError) -> Self {
        Self { error, unknown: None }
    }
}

impl Batches {
    /// Sends over `conn` until the last clone is gone.
    pub(crate) fn over(conn: MultiplexedConnection) -> Self {
        let (sender, mut queue) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let mut waiting = Vec::with_capacity(MOST);
                if queue.recv_many(&mut waiting, MOST).await == 0 {
                    return;
                }
                tokio::spawn(send(conn.clone(), waiting));
            }
        });
        Self(sender)
    }

    /// One call. What comes back is answered with an error, or nothing where that did
    /// not happen by `until`, or a little before: a piece ends with the first of its
    /// calls that is too late.
    pub(crate) fn send(
        &self,
        cmd: Cmd,
        until: Instant,
    ) -> oneshot::Receiver<Result<Value, Refused>> {
        let (answer, answered) = oneshot::channel();
        // If nobody receives it, `answer` goes, and that is told to who waits.
        let _ = self.0.send(Waiting { cmd, until, answer });
        answered
    }
}

fn is_unknown_script(error: &ServerError) -> bool {
    error.kind() == Some(ServerErrorKind::NoScript)
}

async fn send(mut conn: MultiplexedConnection, waiting: Vec<Waiting>) {
    let Some(until) = waiting.iter().map(|waiting| waiting.until).min() else { return };
    let mut pipe = Pipeline::with_capacity(waiting.len());
    let mut answers = Vec::with_capacity(waiting.len());
    for Waiting { cmd, answer, .. } in waiting {
        pipe.add_command(cmd);
        answers.push(answer);
    }
    let Ok(sent) = timeout_at(until, conn.send_packed_commands(&pipe, 0, pipe.len())).await else {
        return;
    };
    // Who has gone away needs no answer.
    match sent {
        Ok(values) => {
            for ((answer, value), cmd) in answers.into_iter().zip(values).zip(pipe.cmd_iter()) {
                let _ = answer.send(match value {
                    Value::ServerError(error) => {
                        let unknown = is_unknown_script(&error);
                        Err(Refused { error: error.into(), unknown: unknown.then(|| cmd.clone()) })
                    }
                    value => Ok(value),
                });
            }
        }
        Err(error) => {
            for answer in answers {
                let _ = answer.send(Err(error.clone().into()));
            }
        }
    }
}
