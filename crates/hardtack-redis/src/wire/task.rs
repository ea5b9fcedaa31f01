//! The task that writes what was asked, reads the answers, and tells who is late.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use redis::RedisError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::reply::{Malformed, Scan};
use super::{Asked, Queue, State, Unanswered, Value, ended, lock};

/// How many are answered in one turn. So the server has the first questions of those
/// while the others are still being answered.
const AT_ONCE: usize = 24;
/// How many bytes are read at once; for an answer that is longer there is more room, as
/// it comes.
const ROOM: usize = 32 << 10;

pub(super) struct Task<S> {
    stream: S,
    queue: Arc<Mutex<Queue>>,
    /// What is being written, and how much of it is.
    out: Vec<u8>,
    out_at: usize,
    flushed: bool,
    /// How many bytes were ever written.
    written: u64,
    /// Those who wait for an answer, in their order.
    waiting: VecDeque<Asked>,
    /// What was read, and which of it is not yet answered.
    input: Vec<u8>,
    from: usize,
    to: usize,
    scan: Scan,
    /// When somebody is late, the next time.
    late_at: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Task<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        let state = task.take_over(cx);
        let written = task.write(cx);
        // Also where nothing can be written any more: answers may have come before.
        if let Err(error) = task.read(cx).and(written) {
            task.end(&error.into());
            return Poll::Ready(());
        }
        task.tell_the_late(cx);
        let waits = |asked: &Asked| !asked.by.is_closed();
        match state {
            State::Open => Poll::Pending,
            _ if task.waiting.iter().any(waits) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }
}

impl<S> Task<S> {
    pub(super) fn new(stream: S, queue: Arc<Mutex<Queue>>) -> Self {
        Self {
            stream,
            queue,
            out: Vec::new(),
            out_at: 0,
            flushed: true,
            written: 0,
            waiting: VecDeque::new(),
            input: vec![0; ROOM],
            from: 0,
            to: 0,
            scan: Scan::default(),
            late_at: None,
            timer: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Takes what was asked since the last turn.
    fn take_over(&mut self, cx: &Context<'_>) -> State {
        let mut queue = lock(&self.queue);
        if !queue.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            queue.task = Some(cx.waker().clone());
        }
        queue.close_together();
        if self.out_at == self.out.len() {
            self.out.clear();
            self.out_at = 0;
            mem::swap(&mut self.out, &mut queue.bytes);
        } else {
            self.out.append(&mut queue.bytes);
        }
        let before = self.waiting.len();
        self.waiting.extend(queue.asked.drain(..));
        let state = queue.state;
        drop(queue);
        let first = self.waiting.range(before..).map(|asked| asked.until).min();
        if let Some(first) = first.filter(|first| self.late_at.is_none_or(|at| *first < at)) {
            self.late_at = Some(first);
            self.timer.as_mut().reset(first);
        }
        state
    }

    fn tell_the_late(&mut self, cx: &mut Context<'_>) {
        while self.late_at.is_some() && self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            self.late_at = None;
            for asked in &mut self.waiting {
                // It keeps its place: its answer may still come.
                if asked.until <= now {
                    mem::take(&mut asked.by).tell(Err(Unanswered::Late));
                } else if asked.by.count() > 0 {
                    self.late_at = Some(self.late_at.map_or(asked.until, |at| at.min(asked.until)));
                }
            }
            if let Some(at) = self.late_at {
                self.timer.as_mut().reset(at);
            }
        }
    }

    /// Nothing more comes or goes: tells everybody.
    fn end(&mut self, error: &RedisError) {
        let mut queue = lock(&self.queue);
        queue.state = State::Closed;
        queue.close_together();
        let not_taken = mem::take(&mut queue.asked);
        drop(queue);
        for asked in self.waiting.drain(..).chain(not_taken) {
            let why = match asked.from < self.written {
                true => Unanswered::Lost(error.clone()),
                false => Unanswered::NotSent(error.clone()),
            };
            asked.by.tell(Err(why));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Task<S> {
    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.out_at < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[self.out_at..]) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    let written = written?;
                    self.out_at += written;
                    self.written += written as u64;
                    self.flushed = false;
                }
            }
        }
        if !self.flushed && Pin::new(&mut self.stream).poll_flush(cx)?.is_ready() {
            self.flushed = true;
        }
        Ok(())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut answered = 0;
        loop {
            while let Some(length) = self.scan.length(&self.input[self.from..self.to])? {
                let answer = self.from..self.from + length;
                self.from = answer.end;
                let asked = self.waiting.pop_front().ok_or(Malformed)?;
                answered += asked.by.count().max(1);
                if !asked.by.is_closed() {
                    asked.by.tell(Ok(Value::read(&self.input[answer])?));
                }
                if answered >= AT_ONCE {
                    // After those who have been answered.
                    cx.waker().wake_by_ref();
                    return Ok(());
                }
            }
            match self.fill(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(filled) => filled?,
            }
        }
    }

    /// Reads something behind what is there already.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.from > 0 {
            self.input.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        if self.to == 0 && self.input.len() > ROOM {
            self.input = vec![0; ROOM];
        } else if self.to == self.input.len() {
            self.input.resize(2 * self.to, 0);
        }
        let mut room = ReadBuf::new(&mut self.input[self.to..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        match room.filled().len() {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            read => {
                self.to += read;
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// Also with its runtime.
impl<S> Drop for Task<S> {
    fn drop(&mut self) {
        self.end(&ended());
    }
}

impl From<Malformed> for io::Error {
    fn from(_: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, "what came over the connection is not Redis")
    }
}
