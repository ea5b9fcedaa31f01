//! What servers answer, in RESP2: finding where an answer ends, and reading it.
//!
//! Nothing is set aside for what is only announced, so a server can make us keep no
//! more than it has sent, up to [`MOST`].

use bytes::Bytes;
use redis::RedisError;

/// The most bytes of one answer: as much as Redis lets a string have.
const MOST: usize = 512 << 20;
/// The most bytes of a line: an error's text or a number.
const LINE: usize = 64 << 10;
/// How deep arrays may lie in arrays; the scripts' lie two deep.
const DEPTH: usize = 16;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Nil,
    Int(i64),
    SimpleString(Bytes),
    BulkString(Bytes),
    Array(Vec<Value>),
    /// The server has refused, and says why.
    Error(Bytes),
}

/// These bytes are no answer of Redis.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Finds the end of an answer that comes in parts, without looking at a part twice.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// How many bytes are known to belong to it.
    at: usize,
    /// How many elements of arrays are still to come after the one at `at`.
    open: usize,
}

impl Scan {
    /// The length of the answer that `bytes` begin with, or `None` if that is not whole.
    /// Asked again it must be given the same and what has come since.
    pub(crate) fn length(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        loop {
            let Some(head) = head(&bytes[self.at..])? else { return Ok(None) };
            let mut end = self.at + head.length;
            match head.kind {
                b'+' | b'-' | b':' => {}
                b'$' => {
                    if let Some(length) = size(head.line)? {
                        end += length + 2;
                    }
                }
                b'*' => self.open += size(head.line)?.unwrap_or(0),
                _ => return Err(Malformed),
            }
            if end.saturating_add(self.open) > MOST {
                return Err(Malformed);
            }
            if bytes.len() < end {
                return Ok(None);
            }
            if !bytes[..end].ends_with(b"\r\n") {
                return Err(Malformed);
            }
            self.at = end;
            if self.open == 0 {
                *self = Self::default();
                return Ok(Some(end));
            }
            self.open -= 1;
        }
    }
}

struct Head<'a> {
    kind: u8,
    line: &'a [u8],
    /// With its kind and its end.
    length: usize,
}

/// The line that `bytes` begin with, if all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Head<'_>>, Malformed> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
    let Some(length) = rest.iter().take(LINE).position(|byte| *byte == b'\r') else {
        return if rest.len() < LINE { Ok(None) } else { Err(Malformed) };
    };
    match rest.get(length + 1) {
        None => Ok(None),
        Some(b'\n') => Ok(Some(Head { kind: *kind, line: &rest[..length], length: length + 3 })),
        Some(_) => Err(Malformed),
    }
}

fn number(line: &[u8]) -> Result<i64, Malformed> {
    // Nearly all are short, and need no more than this.
    if (1..=18).contains(&line.len()) && line.iter().all(u8::is_ascii_digit) {
        return Ok(line.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')));
    }
    let text = std::str::from_utf8(line).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

/// The announced length of a string or an array; `None` of one that is nil.
fn size(line: &[u8]) -> Result<Option<usize>, Malformed> {
    match number(line)? {
        -1 => Ok(None),
        size => usize::try_from(size).ok().filter(|size| *size <= MOST).map(Some).ok_or(Malformed),
    }
}

impl Value {
    /// Reads what [`Scan`] has found to be one answer.
    pub(crate) fn read(mut whole: &[u8]) -> Result<Self, Malformed> {
        read(&mut whole, 0)
    }

    /// What the redis crate has read; `None` of what only later protocols have.
    pub(crate) fn of(value: redis::Value) -> Option<Self> {
        Some(match value {
            redis::Value::Nil => Self::Nil,
            redis::Value::Int(number) => Self::Int(number),
            redis::Value::Okay => Self::SimpleString(Bytes::from_static(b"OK")),
            redis::Value::SimpleString(text) => Self::SimpleString(text.into()),
            redis::Value::BulkString(bytes) => Self::BulkString(bytes.into()),
            redis::Value::Array(values) => {
                Self::Array(values.into_iter().map(Self::of).collect::<Option<_>>()?)
            }
            // As a list, which it is in RESP2.
            redis::Value::Map(pairs) => {
                let values = pairs.into_iter().flat_map(|(key, value)| [key, value]);
                Self::Array(values.map(Self::of).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// An error as such.
    pub(crate) fn into_answer(self) -> Result<Self, RedisError> {
        let Self::Error(text) = self else { return Ok(self) };
        let line = [b"-", &text[..], b"\r\n"].concat();
        match redis::parse_redis_value(&line)? {
            redis::Value::ServerError(error) => Err(error.into()),
            _ => Err((redis::ErrorKind::Parse, "an error that cannot be read").into()),
        }
    }
}

fn read(rest: &mut &[u8], depth: usize) -> Result<Value, Malformed> {
    let Head { kind, line, length } = head(rest)?.ok_or(Malformed)?;
    *rest = &rest[length..];
    Ok(match kind {
        b'+' => Value::SimpleString(Bytes::copy_from_slice(line)),
        b'-' => Value::Error(Bytes::copy_from_slice(line)),
        b':' => Value::Int(number(line)?),
        b'$' => match size(line)? {
            None => Value::Nil,
            Some(length) => {
                let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed)?;
                *rest = after.get(2..).ok_or(Malformed)?;
                Value::BulkString(Bytes::copy_from_slice(bytes))
            }
        },
        b'*' if depth < DEPTH => match size(line)? {
            None => Value::Nil,
            Some(length) => {
                // Each has three bytes at least, so no more are set aside than came.
                let mut values = Vec::with_capacity(length.min(rest.len() / 3));
                for _ in 0..length {
                    values.push(read(rest, depth + 1)?);
                }
                Value::Array(values)
            }
        },
        _ => return Err(Malformed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from a seed.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % n
        }

        fn bytes(&mut self, most: u64) -> Vec<u8> {
            (0..self.below(most))
                .map(|_| b"\r\n$*:+-019\0\xffab"[self.below(14) as usize])
                .collect()
        }

        fn answer(&mut self, depth: u64, out: &mut Vec<u8>) -> Value {
            match self.below(7 - depth.min(1)) {
                0 => {
                    out.extend_from_slice(if self.below(2) == 0 { b"$-1\r\n" } else { b"*-1\r\n" });
                    Value::Nil
                }
                1 => {
                    let number = self.below(1 << 40) as i64 - (1 << 39);
                    out.extend_from_slice(format!(":{number}\r\n").as_bytes());
                    Value::Int(number)
                }
                2 => {
                    out.extend_from_slice(b"+QUEUED\r\n");
                    Value::SimpleString(Bytes::from_static(b"QUEUED"))
                }
                3 => {
                    out.extend_from_slice(b"-NOSCRIPT none\r\n");
                    Value::Error(Bytes::from_static(b"NOSCRIPT none"))
                }
                4 | 5 => {
                    let bytes = self.bytes(40);
                    out.extend_from_slice(format!("${}\r\n", bytes.len()).as_bytes());
                    out.extend_from_slice(&bytes);
                    out.extend_from_slice(b"\r\n");
                    Value::BulkString(bytes.into())
                }
                _ => {
                    let length = self.below(5);
                    out.extend_from_slice(format!("*{length}\r\n").as_bytes());
                    Value::Array((0..length).map(|_| self.answer(depth + 1, out)).collect())
                }
            }
        }
    }

    #[test]
    fn answers_are_told_apart_however_they_are_cut_into_parts() {
        let mut dice = Dice(7);
        for _ in 0..2000 {
            let mut sent = Vec::new();
            let values: Vec<Value> = (0..3).map(|_| dice.answer(0, &mut sent)).collect();
            let (mut scan, mut from, mut to, mut got) = (Scan::default(), 0, 0, Vec::new());
            while got.len() < values.len() {
                match scan.length(&sent[from..to]).unwrap() {
                    Some(length) => {
                        got.push(Value::read(&sent[from..from + length]).unwrap());
                        from += length;
                    }
                    None => to = sent.len().min(to + 1 + dice.below(9) as usize),
                }
            }
            assert_eq!(got, values);
            assert_eq!(from, sent.len());
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut dice = Dice(11);
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            match dice.below(2) {
                0 => bytes = dice.bytes(60),
                _ => drop(dice.answer(0, &mut bytes)),
            }
            if !bytes.is_empty() {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] = dice.bytes(2).first().copied().unwrap_or(b'9');
            }
            let _ = Value::read(&bytes);
            if let Ok(Some(length)) = Scan::default().length(&bytes) {
                match Value::read(&bytes[..length]) {
                    Ok(_) => read += 1,
                    Err(Malformed) => refused += 1,
                }
            }
        }
        assert!(read > 1000 && refused > 100, "{read} {refused}");
    }

    #[test]
    fn what_is_only_announced_takes_no_memory_and_has_limits() {
        let scan = |bytes: &[u8]| Scan::default().length(bytes);
        assert_eq!(scan(b"$536870000\r\n"), Ok(None));
        assert_eq!(scan(b"*99999999\r\n"), Ok(None));
        for bytes in [
            &b"$536870913\r\n"[..],
            b"*536870913\r\n",
            b"*400000000\r\n*400000000\r\n",
            b"$-2\r\n",
            b"$9223372036854775807\r\n",
            b"$99999999999999999999\r\n",
            b":\r\n:1x\r\n",
            b"$1\r\nabc",
            b"+a\rb",
            b"%1\r\n",
            &[b'+'; LINE + 2],
        ] {
            let found = scan(bytes).and_then(|length| match length {
                Some(length) => Value::read(&bytes[..length]).map(drop),
                None => Ok(()),
            });
            assert_eq!(found, Err(Malformed), "{:?}", bytes.escape_ascii().to_string());
        }
        let deep = [b"*1\r\n".repeat(DEPTH + 1), b":1\r\n".to_vec()].concat();
        assert_eq!(scan(&deep), Ok(Some(deep.len())));
        assert_eq!(Value::read(&deep), Err(Malformed));
    }

    #[test]
    fn errors_keep_their_kind() {
        let error = Value::Error(Bytes::from_static(b"MOVED 7 127.0.0.1:5")).into_answer();
        assert_eq!(error.unwrap_err().redirect_node(), Some(("127.0.0.1:5", 7)));
        assert_eq!(Value::Int(1).into_answer().unwrap(), Value::Int(1));
    }
}
