//! One server: connections that are opened when needed, deadlines, a breaker.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hardtack::session::store::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use tokio::time::{Instant, timeout, timeout_at};

use crate::address::Template;
use crate::breaker::Breaker;
use crate::error::{explain, late, odd_answer, resting, too_few};
use crate::script::{self, Call};
use crate::wire::{Server, Unanswered, Value, Wire, dial};

/// What a server answered to one command.
pub(crate) type Answer = Result<Value, RedisError>;

/// How its address is found.
pub(crate) enum Dial {
    To(Server),
    Sentinels { sentinels: Vec<Server>, name: String, template: Template },
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
}

/// A place for a connection.
#[derive(Default)]
struct Lane {
    wire: Mutex<Option<Arc<Wire>>>,
    opening: tokio::sync::Mutex<()>,
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
        if !breaker.admits(|| self.began.elapsed()) {
            return Err(resting());
        }
        let mut used = None;
        let talk = self.talk(lane, &mut used, calls, replicas, asking, until);
        let error = match timeout_at(until, talk).await {
            Ok(Ok(answers)) => {
                breaker.answered();
                return Ok(answers);
            }
            Ok(Err(Trouble::Replicas(error))) => {
                breaker.answered();
                return Err(error);
            }
            Ok(Err(Trouble::Connection(error))) => explain(error),
            Ok(Err(Trouble::Late)) | Err(_) => late(),
        };
        breaker.failed(self.began.elapsed());
        if let Some(wire) = used {
            lane.hang_up(&wire);
        }
        Err(error)
    }

    /// The same of one call that needs no replica's word, over a connection that is open
    /// already; and where there is none, as above.
    pub(crate) async fn ask_one(&self, call: &Call, until: Instant) -> Result<Answer, StoreError> {
        let Some(wire) = self.plain.open() else { return self.ask_alone(call, until).await };
        if !self.breaker.admits(|| self.began.elapsed()) {
            return Err(resting());
        }
        let answer = match wire.ask(call, until) {
            Ok(pending) if wire.is_here() => pending.answer().await,
            Ok(pending) => {
                Box::pin(timeout_at(until, pending.answer())).await.unwrap_or(Err(Unanswered::Late))
            }
            Err(not_sent) => Err(not_sent),
        };
        let error = match answer.map(Value::into_answer) {
            Ok(Ok(value)) => {
                self.breaker.answered();
                return Ok(Ok(value));
            }
            Ok(Err(error)) => return self.refused(error, &wire, call, until).await,
            // The server had closed a connection that nobody used, for example.
            Err(Unanswered::NotSent(_)) => return self.ask_alone(call, until).await,
            Err(Unanswered::Lost(error)) => explain(error),
            Err(Unanswered::Late) => late(),
        };
        self.breaker.failed(self.began.elapsed());
        self.plain.hang_up(&wire);
        Err(error)
    }

    /// An error that the server has answered: a script that it does not know was not done.
    fn refused<'a>(
        &'a self,
        error: RedisError,
        wire: &Arc<Wire>,
        call: &'a Call,
        until: Instant,
    ) -> BoxFuture<'a, Result<Answer, StoreError>> {
        self.breaker.answered();
        if is_unknown_script(&error) {
            return self.ask_alone(call, until);
        }
        if is_demoted(&error) {
            self.plain.hang_up(wire);
        }
        Box::pin(std::future::ready(Ok(Err(error))))
    }

    /// In a box: it is large, and rare.
    fn ask_alone<'a>(
        &'a self,
        call: &'a Call,
        until: Instant,
    ) -> BoxFuture<'a, Result<Answer, StoreError>> {
        Box::pin(async move {
            let mut answers = self.ask(&[call], 0, false, until).await?;
            answers.pop().ok_or_else(odd_answer)
        })
    }

    async fn talk(
        &self,
        lane: &Lane,
        used: &mut Option<Arc<Wire>>,
        calls: &[&Call],
        replicas: u8,
        asking: bool,
        until: Instant,
    ) -> Result<Vec<Answer>, Trouble> {
        let wire = &*used.insert(self.wire(lane, until).await?);
        let mut answers = send(wire, calls, replicas, asking, until).await?;
        // A server that does not know a script has done nothing; it is told the code.
        let unknown = |answer: &Answer| answer.as_ref().is_err_and(is_unknown_script);
        let again: Vec<usize> = (0..answers.len()).filter(|n| unknown(&answers[*n])).collect();
        if !again.is_empty() {
            let full: Vec<Call> = again.iter().filter_map(|n| calls[*n].in_full()).collect();
            let full: Vec<&Call> = full.iter().collect();
            let told = send(wire, &full, replicas, asking, until).await?;
            for (n, answer) in again.into_iter().zip(told) {
                answers[n] = answer;
            }
        }
        if answers.iter().any(|answer| answer.as_ref().is_err_and(is_demoted)) {
            lane.hang_up(wire);
        }
        Ok(answers)
    }

    /// The connection of a lane. Whoever finds none opens it; the others wait.
    async fn wire(&self, lane: &Lane, until: Instant) -> Result<Arc<Wire>, Trouble> {
        if let Some(wire) = lane.open() {
            return Ok(wire);
        }
        let _only_one_opens = lane.opening.lock().await;
        if let Some(wire) = lane.open() {
            return Ok(wire);
        }
        let wire = Arc::new(self.dial.open(until).await?);
        // So that the first calls need not be told twice. Whether it is allowed does
        // not matter: a script that is not known is sent along with its call.
        for told in wire.ask_all(&script::all(), until)? {
            told.answer().await?;
        }
        *lane.place() = Some(wire.clone());
        Ok(wire)
    }
}

impl Lane {
    fn place(&self) -> MutexGuard<'_, Option<Arc<Wire>>> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its connection, if that has not come to its end.
    fn open(&self) -> Option<Arc<Wire>> {
        self.place().as_ref().filter(|wire| !wire.is_closed()).cloned()
    }

    /// What is asked next opens a new one.
    fn hang_up(&self, used: &Arc<Wire>) {
        let mut place = self.place();
        if place.as_ref().is_some_and(|wire| Arc::ptr_eq(wire, used)) {
            *place = None;
        }
    }
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// A master that has become a replica: the next call looks for the new one.
fn is_demoted(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Why a call has no answers.
enum Trouble {
    Connection(RedisError),
    Replicas(StoreError),
    Late,
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self::Connection(error)
    }
}

impl From<Unanswered> for Trouble {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotSent(error) | Unanswered::Lost(error) => Self::Connection(error),
            Unanswered::Late => Self::Late,
        }
    }
}

async fn send(
    wire: &Wire,
    calls: &[&Call],
    replicas: u8,
    asking: bool,
    until: Instant,
) -> Result<Vec<Answer>, Trouble> {
    let ask = Call::plain("ASKING");
    let wait = (replicas > 0).then(|| {
        // A server waits for all that it had written when it did the command before,
        // also by others: so asking again covers a write whose answer was lost.
        // It looks only ten times a second whether somebody has waited long enough.
        let left = until.saturating_duration_since(Instant::now());
        let patience = (left / 2).max(left.saturating_sub(Duration::from_millis(200)));
        let patience = patience.as_millis().max(1);
        Call::plain("WAIT").arg(replicas.to_string()).arg(patience.to_string())
    });
    let calls = calls.iter().flat_map(|call| asking.then_some(&ask).into_iter().chain([*call]));
    let mut values = Vec::new();
    for pending in wire.ask_all(calls.chain(&wait), until)? {
        values.push(pending.answer().await?.into_answer());
    }
    if replicas > 0 {
        match values.pop() {
            Some(Ok(Value::Int(n))) if n >= i64::from(replicas) => {}
            Some(Ok(Value::Int(n))) => return Err(Trouble::Replicas(too_few(n, replicas))),
            Some(Err(error)) => return Err(Trouble::Connection(error)),
            _ => return Err(Trouble::Replicas(odd_answer())),
        }
    }
    let step = if asking { 2 } else { 1 };
    Ok(values.into_iter().skip(step - 1).step_by(step).collect())
}

impl Dial {
    async fn open(&self, until: Instant) -> Result<Wire, RedisError> {
        match self {
            Dial::To(server) => dial(server, until).await,
            Dial::Sentinels { sentinels, name, template } => {
                let mut last = None;
                let within = until.saturating_duration_since(Instant::now());
                for sentinel in sentinels {
                    // Of several that may be down each gets its share of the time.
                    let share = within / (sentinels.len() as u32 + 1);
                    match timeout(share, master(sentinel, name, template, until)).await {
                        Ok(Ok(wire)) => return Ok(wire),
                        Ok(Err(error)) => last = Some(error),
                        Err(_) => last = Some((ErrorKind::Io, "a sentinel is too slow").into()),
                    }
                }
                Err(last.unwrap_or_else(|| (ErrorKind::Io, "no sentinels were named").into()))
            }
        }
    }
}

/// The master that a sentinel knows, if it agrees that it is one.
async fn master(
    sentinel: &Server,
    name: &str,
    template: &Template,
    until: Instant,
) -> Result<Wire, RedisError> {
    let who = Call::plain("SENTINEL").arg("get-master-addr-by-name").arg(name);
    let asked = dial(sentinel, until).await?;
    let named = asked.ask(&who, until)?.answer().await?.into_answer()?;
    let (host, port) =
        address(&named).ok_or((ErrorKind::Io, "the sentinels know no master of this name"))?;
    let wire = dial(&template.server(host, port)?, until).await?;
    let role = wire.ask(&Call::plain("ROLE"), until)?.answer().await?.into_answer()?;
    match role {
        Value::Array(role) if role.first().is_some_and(|role| is(role, b"master")) => Ok(wire),
        _ => {
            Err((ErrorKind::Io, "the sentinels still name a server that is not the master").into())
        }
    }
}

fn address(named: &Value) -> Option<(&str, u16)> {
    let Value::Array(named) = named else { return None };
    let [Value::BulkString(host), Value::BulkString(port)] = &named[..] else { return None };
    Some((std::str::from_utf8(host).ok()?, std::str::from_utf8(port).ok()?.parse().ok()?))
}

fn is(value: &Value, word: &[u8]) -> bool {
    matches!(value, Value::BulkString(bytes) if bytes == word)
}
