//! One server: connections that are opened when needed, deadlines, a breaker.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hardtack::session::store::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::address::Template;
use crate::batch::{Batches, Refused};
use crate::breaker::Breaker;
use crate::error::{explain, late, resting, too_few};
use crate::script::{self, Call};

/// What a server answered to one command.
pub(crate) type Answer = Result<Value, RedisError>;

/// How its address is found.
pub(crate) enum Dial {
    To(Client),
    Sentinels { sentinels: Vec<Client>, name: String, template: Template },
}

pub(crate) struct Node {
    dial: Dial,
    /// For what needs no replica's word.
    plain: Lane,
    /// For what waits for replicas: WAIT holds up whatever follows it on its
    /// connection.
    waiting: [Lane; 4],
    turn: AtomicUsize,
    breaker: Breaker,
    /// Of the lanes that wait: where replicas are missing their calls come too late,
    /// and the others are answered.
    waiting_breaker: Breaker,
    began: Instant,
    dials: AtomicU64,
}

type Lane = Mutex<Option<Line>>;

#[derive(Clone)]
struct Line {
    number: u64,
    conn: MultiplexedConnection,
    batches: Batches,
}

impl Node {
    pub(crate) fn new(dial: Dial) -> Self {
        Self {
            dial,
            plain: Lane::default(),
            waiting: Default::default(),
            turn: AtomicUsize::new(0),
            breaker: Breaker::default(),
            waiting_breaker: Breaker::default(),
            began: Instant::now(),
            dials: AtomicU64::new(0),
        }
    }

    /// Sends `calls` in one go and answers each. With `replicas` only after so
    /// many have what was written; with `asking` for a slot that is on its way here.
    pub(crate) async fn ask(
        &self,
        calls: &[&Call],
        replicas: u8,
        asking: bool,
        until: Instant,
    ) -> Result<Vec<Answer>, StoreError> {
        let (lane, breaker) = match replicas {
            0 => (&self.plain, &self.breaker),
            _ => {
                let turn = self.turn.fetch_add(1, Relaxed) % self.waiting.len();
                (&self.waiting[turn], &self.waiting_breaker)
            }
        };
        if !breaker.admits(self.began.elapsed()) {
            return Err(resting());
        }
        let mut used = None;
        let talk = self.talk(lane, &mut used, calls, replicas, asking, until);
        let error = match timeout_at(until, talk).await {
            Ok(Ok(answers)) => {
                breaker.answered();
                return Ok(answers);
            }
            Ok(Err(Trouble::Connection(error))) => explain(error),
            Ok(Err(Trouble::Replicas(error))) => {
                breaker.answered();
                return Err(error);
            }
            Err(_) => late(),
        };
        breaker.failed(self.began.elapsed());
        if let Some(number) = used {
            hang_up(lane, number);
        }
        Err(error)
    }

    /// The same of one call that needs no replica's word, together with those of others.
    pub(crate) async fn ask_with_others(
        &self,
        call: Call,
        until: Instant,
    ) -> Result<Answer, StoreError> {
        let open = self.plain.try_lock().ok();
        let Some(line) = open.as_deref().and_then(Option::as_ref) else {
            drop(open);
            return self.ask_alone(&call, until).await;
        };
        if !self.breaker.admits(self.began.elapsed()) {
            return Err(resting());
        }
        let (script, cmd) = call.into_parts();
        let (number, answered) = (line.number, line.batches.send(cmd, until));
        drop(open);
        let answer = match answered.await {
            Ok(Err(Refused { unknown: Some(cmd), .. })) => {
                self.breaker.answered();
                return self.ask_alone(&Call::from_parts(script, cmd), until).await;
            }
            Ok(Err(Refused { error, .. })) if is_answer(&error) => Ok(Err(error)),
            Ok(Err(Refused { error, .. })) => Err(explain(error)),
            Ok(Ok(value)) => Ok(Ok(value)),
            Err(_) => Err(late()),
        };
        match &answer {
            Ok(_) => self.breaker.answered(),
            Err(_) => self.breaker.failed(self.began.elapsed()),
        }
        if answer.as_ref().map_or(true, is_demoted) {
            hang_up(&self.plain, number);
        }
        answer
    }

    async fn ask_alone(&self, call: &Call, until: Instant) -> Result<Answer, StoreError> {
        let mut answers = self.ask(&[call], 0, false, until).await?;
        answers.pop().ok_or_else(crate::error::odd_answer)
    }

    async fn talk(
        &self,
        lane: &Lane,
        used: &mut Option<u64>,
        calls: &[&Call],
        replicas: u8,
        asking: bool,
        until: Instant,
    ) -> Result<Vec<Answer>, Trouble> {
        let mut line = self.line(lane, until).await?;
        *used = Some(line.number);
        let commands: Vec<&Cmd> = calls.iter().map(|call| call.cmd()).collect();
        let mut answers = send(&mut line.conn, &commands, replicas, asking, until).await?;
        // A server that does not know a script has done nothing; it is told the code.
        let unknown = |answer: &Answer| {
            answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
        };
        let again: Vec<usize> = (0..answers.len()).filter(|n| unknown(&answers[*n])).collect();
        if !again.is_empty() {
            let full: Vec<Cmd> = again.iter().filter_map(|n| calls[*n].in_full()).collect();
            let full: Vec<&Cmd> = full.iter().collect();
            let told = send(&mut line.conn, &full, replicas, asking, until).await?;
            for (n, answer) in again.into_iter().zip(told) {
                answers[n] = answer;
            }
        }
        if answers.iter().any(is_demoted) {
            hang_up(lane, line.number);
        }
        Ok(answers)
    }

    /// The connection of a lane. Whoever finds none opens it; the others wait.
    async fn line(&self, lane: &Lane, until: Instant) -> Result<Line, Trouble> {
        let mut place = lane.lock().await;
        if let Some(line) = &*place {
            return Ok(line.clone());
        }
        let mut conn = self.dial.open(until.saturating_duration_since(Instant::now())).await?;
        // So that the first calls need not be told twice. Whether it is allowed does
        // not matter: a script that is not known is sent along with its call.
        let scripts = script::all();
        conn.send_packed_commands(&scripts, 0, scripts.len()).await?;
        let batches = Batches::over(conn.clone());
        let line = Line { number: self.dials.fetch_add(1, Relaxed), conn, batches };
        *place = Some(line.clone());
        Ok(line)
    }
}

/// Whether this is what a server has answered, and not why there is no answer.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// A master that has become a replica: the next call looks for the new one.
fn is_demoted(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|e| e.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly))
}

/// Why a call has no answers.
enum Trouble {
    Connection(RedisError),
    Replicas(StoreError),
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self::Connection(error)
    }
}

/// Without waiting: whoever holds the lane is about to open a new connection, or
/// will run into the same trouble and hang up.
fn hang_up(lane: &Lane, number: u64) {
    let Ok(mut place) = lane.try_lock() else { return };
    if place.as_ref().is_some_and(|line| line.number == number) {
        *place = None;
    }
}

async fn send(
    conn: &mut MultiplexedConnection,
    commands: &[&Cmd],
    replicas: u8,
    asking: bool,
    until: Instant,
) -> Result<Vec<Answer>, Trouble> {
    if let ([one], 0, false) = (commands, replicas, asking) {
        return match conn.send_packed_command(one).await {
            Ok(Value::ServerError(error)) => Ok(vec![Err(error.into())]),
            Err(error) if is_answer(&error) => Ok(vec![Err(error)]),
            Ok(value) => Ok(vec![Ok(value)]),
            Err(error) => Err(error.into()),
        };
    }
    let mut pipe = redis::Pipeline::with_capacity(2 * commands.len() + 1);
    let step = if asking { 2 } else { 1 };
    for command in commands {
        if asking {
            pipe.cmd("ASKING");
        }
        pipe.add_command((*command).clone());
    }
    if replicas > 0 {
        // A server waits for all that it had written when it did the command before,
        // also by others: so asking again covers a write whose answer was lost.
        // It looks only ten times a second whether somebody has waited long enough.
        let left = until.saturating_duration_since(Instant::now());
        let patience = (left / 2).max(left.saturating_sub(Duration::from_millis(200)));
        pipe.cmd("WAIT").arg(replicas).arg(patience.as_millis().max(1) as u64);
    }
    let mut values = conn.send_packed_commands(&pipe, 0, pipe.len()).await?;
    if replicas > 0 {
        match values.pop() {
            Some(Value::Int(n)) if n >= i64::from(replicas) => {}
            Some(Value::Int(n)) => return Err(Trouble::Replicas(too_few(n, replicas))),
            Some(Value::ServerError(error)) => return Err(Trouble::Connection(error.into())),
            _ => return Err(Trouble::Replicas(crate::error::odd_answer())),
        }
    }
    let answer = |value| match value {
        Value::ServerError(error) => Err(RedisError::from(error)),
        value => Ok(value),
    };
    Ok(values.into_iter().skip(step - 1).step_by(step).map(answer).collect())
}

impl Dial {
    async fn open(&self, within: Duration) -> Result<MultiplexedConnection, RedisError> {
        match self {
            Dial::To(client) => connect(client, within).await,
            Dial::Sentinels { sentinels, name, template } => {
                let mut last = None;
                for sentinel in sentinels {
                    // Of several that may be down each gets its share of the time.
                    let share = within / (sentinels.len() as u32 + 1);
                    match master(sentinel, name, template, share).await {
                        Ok(conn) => return Ok(conn),
                        Err(error) => last = Some(error),
                    }
                }
                Err(last.unwrap_or_else(|| (ErrorKind::Io, "no sentinels were named").into()))
            }
        }
    }
}

/// The master that a sentinel knows, if it agrees that it is one.
async fn master(
    sentinel: &Client,
    name: &str,
    template: &Template,
    within: Duration,
) -> Result<MultiplexedConnection, RedisError> {
    let mut asked = connect(sentinel, within).await?;
    let (host, port): (String, u16) = redis::cmd("SENTINEL")
        .arg("get-master-addr-by-name")
        .arg(name)
        .query_async(&mut asked)
        .await?;
    let mut conn = connect(&template.client(&host, port)?, within).await?;
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut conn).await?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(conn),
        _ => {
            Err((ErrorKind::Io, "the sentinels still name a server that is not the master").into())
        }
    }
}

async fn connect(client: &Client, within: Duration) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(within))
        // Deadlines are ours: this one would give up on a server that is only slow.
        .set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}
