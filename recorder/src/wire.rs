//! A program that is steered over a websocket, with numbered calls: DevTools and WebDriver BiDi agree on that much.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// A running browser process, killed when dropped.
pub(crate) struct Process(Child);

/// The websocket to it.
pub(crate) struct Wire {
    socket: WebSocket<TcpStream>,
    last_id: u64,
}

impl Process {
    /// Starts a program and waits for the line that tells its websocket's address.
    pub(crate) fn start(command: &mut Command, announcement: &str) -> Result<(Process, String)> {
        let program = command.get_program().to_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(
            child
                .spawn()
                .with_context(|| format!("{program:?} is not installed: get it by apt"))?,
        );
        let mut complaints = BufReader::new(process.0.stderr.take().context("no stderr")?).lines();
        let mut said = Vec::new();
        for line in complaints.by_ref().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once(announcement) {
                let url = url.trim().to_owned();
                // Read on, or the browser would wait for the pipe to empty.
                thread::spawn(move || complaints.for_each(drop));
                return Ok((process, url));
            }
            said.push(line);
        }
        bail!("{program:?} ended before it was ready: {}", said.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for _ in 0..20 {
            if let Ok(Some(_)) = self.0.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Wire {
    pub(crate) fn open(url: &str) -> Result<Wire> {
        let rest = url.strip_prefix("ws://").context("the browser told no websocket")?;
        let host = rest.split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let (socket, _) = tungstenite::client(url, stream).map_err(|error| anyhow!("{error}"))?;
        Ok(Wire { socket, last_id: 0 })
    }

    /// Calls and waits for the answer; events in between are of no interest.
    pub(crate) fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value> {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string()))?;
        let begun = Instant::now();
        loop {
            let left = DEADLINE.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
            let left = left.with_context(|| format!("no answer to {method}"))?;
            self.socket.get_ref().set_read_timeout(Some(left))?;
            let Message::Text(text) =
                self.socket.read().with_context(|| format!("no answer to {method}"))?
            else {
                continue;
            };
            let mut answer = parse(&text)?;
            if answer["id"] == json!(self.last_id) {
                return match answer.get("error") {
                    Some(error) => Err(anyhow!("{method}: {error}: {}", answer["message"])),
                    None => Ok(answer["result"].take()),
                };
            }
        }
    }
}

/// Chromium writes half of a surrogate pair where a cookie has one; no Rust string has.
fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).or_else(|_| {
        let mut parts = text.split("\\ud");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.as_bytes().first() {
                Some(b'8'..=b'9' | b'a'..=b'f') => {
                    whole.push_str("\\ufffd");
                    whole.push_str(part.get(3..).unwrap_or_default());
                }
                _ => {
                    whole.push_str("\\ud");
                    whole.push_str(part);
                }
            }
        }
        Ok(serde_json::from_str(&whole)?)
    })
}

/// Longer than anything takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        assert_eq!(
            parse(r#"{"a":"\ud800x\ud7ffy"}"#).unwrap(),
            json!({ "a": "\u{fffd}x\u{d7ff}y" })
        );
        assert_eq!(parse(r#"{"a":"\ud83d\ude00"}"#).unwrap(), json!({ "a": "😀" }));
        assert!(parse("{").is_err());
    }
}
