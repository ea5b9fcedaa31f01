//! Over a way in memory, with the test as the server.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

fn until() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn ping() -> Call {
    Call::plain("PING")
}

/// How long a packed PING is.
const PING: usize = 14;

async fn hear(server: &mut DuplexStream, count: usize) {
    let mut heard = vec![0; PING * count];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, b"*1\r\n$4\r\nPING\r\n".repeat(count));
}

#[tokio::test]
async fn who_has_gone_or_is_late_gets_nobody_elses_answer_and_keeps_its_place() {
    let (ours, mut server) = duplex(1 << 16);
    let wire = Wire::over(ours);
    let gone = wire.ask(&ping(), until()).unwrap();
    let late = wire.ask(&ping(), Instant::now()).unwrap();
    let waits = wire.ask(&ping(), until()).unwrap();
    drop(gone);
    assert!(matches!(late.answer().await, Err(Unanswered::Late)));
    hear(&mut server, 3).await;
    let next = wire.ask(&ping(), until()).unwrap();
    hear(&mut server, 1).await;
    server.write_all(b":1\r\n:2\r\n:3\r\n").await.unwrap();
    assert_eq!(waits.answer().await.unwrap(), Value::Int(3));
    server.write_all(b":4\r\n").await.unwrap();
    assert_eq!(next.answer().await.unwrap(), Value::Int(4));
}

#[tokio::test]
async fn one_who_waits_less_is_late_first() {
    let (ours, _server) = duplex(1 << 16);
    let wire = Wire::over(ours);
    let patient = wire.ask(&ping(), until()).unwrap();
    // The task sleeps until that one is late.
    tokio::task::yield_now().await;
    let hasty = wire.ask(&ping(), Instant::now()).unwrap();
    assert!(matches!(hasty.answer().await, Err(Unanswered::Late)));
    drop(patient);
}

#[tokio::test]
async fn an_end_in_the_middle_of_an_answer_tells_who_may_have_been_heard() {
    // It takes two questions and the beginning of a third.
    let (ours, mut server) = duplex(2 * PING + 3);
    let wire = Wire::over(ours);
    let asked: Vec<_> = (0..5).map(|_| wire.ask(&ping(), until()).unwrap()).collect();
    server.write_all(b":1\r\n$5\r\nab").await.unwrap();
    let mut asked = asked.into_iter();
    assert_eq!(asked.next().unwrap().answer().await.unwrap(), Value::Int(1));
    drop(server);
    for _ in 0..2 {
        let answer = asked.next().unwrap().answer().await;
        assert!(matches!(answer, Err(Unanswered::Lost(_))), "{answer:?}");
    }
    for pending in asked {
        let answer = pending.answer().await;
        assert!(matches!(answer, Err(Unanswered::NotSent(_))), "{answer:?}");
    }
    assert!(wire.is_closed());
    assert!(matches!(wire.ask(&ping(), until()), Err(Unanswered::NotSent(_))));
}

#[tokio::test]
async fn answers_that_nobody_asked_for_and_those_that_are_none_end_it() {
    for bytes in [&b":1\r\n:2\r\n"[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", b":x\r\n"] {
        let (ours, mut server) = duplex(1 << 16);
        let wire = Wire::over(ours);
        let asked = wire.ask(&ping(), until()).unwrap();
        hear(&mut server, 1).await;
        server.write_all(bytes).await.unwrap();
        let answer = asked.answer().await;
        assert_eq!(answer.is_ok(), bytes.starts_with(b":1"), "{answer:?}");
        // Nothing more comes.
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        assert!(wire.is_closed());
    }
}

#[tokio::test]
async fn it_closes_when_it_is_let_go_and_what_was_asked_is_answered() {
    let (ours, mut server) = duplex(1 << 16);
    let wire = Wire::over(ours);
    let asked = wire.ask(&ping(), until()).unwrap();
    drop(wire);
    hear(&mut server, 1).await;
    server.write_all(b"+PONG\r\n").await.unwrap();
    assert_eq!(asked.answer().await.unwrap(), Value::SimpleString("PONG".into()));
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
}

#[test]
fn it_ends_with_its_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (ours, mut server) = duplex(1 << 16);
    let first = runtime();
    let (wire, asked) = first.block_on(async {
        let wire = Wire::over(ours);
        let asked = wire.ask(&ping(), until()).unwrap();
        hear(&mut server, 1).await;
        (wire, asked)
    });
    let unheard = wire.ask(&ping(), until()).unwrap();
    drop(first);
    runtime().block_on(async {
        assert!(matches!(asked.answer().await, Err(Unanswered::Lost(_))));
        assert!(matches!(unheard.answer().await, Err(Unanswered::NotSent(_))));
    });
    assert!(wire.is_closed());
}

/// Answers ECHO, with answers cut into parts, and some that are long.
async fn echo(mut server: DuplexStream) {
    let (mut heard, mut parts) = (Vec::new(), (1..).map(|n| 1 + n * 7919 % 4001));
    while server.read_buf(&mut heard).await.unwrap() > 0 {
        let mut answers = Vec::new();
        // *2 $4 ECHO $8 and eight letters
        while heard.len() >= 28 {
            let rest = heard.split_off(28);
            let word = &heard[18..26];
            let times = if word.ends_with(b"77") { 20_000 } else { 1 };
            answers.extend_from_slice(b"*2\r\n$8\r\n");
            answers.extend_from_slice(word);
            answers.extend_from_slice(format!("\r\n${}\r\n", 8 * times).as_bytes());
            answers.extend_from_slice(&word.repeat(times));
            answers.extend_from_slice(b"\r\n");
            heard = rest;
        }
        let mut rest = &answers[..];
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(parts.next().unwrap()));
            server.write_all(part).await.unwrap();
            rest = after;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_gets_its_own_answer_though_others_give_up() {
    let (ours, server) = duplex(1 << 12);
    let wire = Arc::new(Wire::over(ours));
    tokio::spawn(echo(server));
    let mut tasks = tokio::task::JoinSet::new();
    for who in 0..32 {
        let wire = wire.clone();
        tasks.spawn(async move {
            for n in 0..100 {
                let word = format!("{who:04}{n:04}");
                let call = Call::plain("ECHO").arg(&word);
                let until = if n % 5 == 3 { Instant::now() } else { until() };
                let pending = wire.ask(&call, until).unwrap();
                if n % 7 == 5 {
                    continue;
                }
                match pending.answer().await {
                    Ok(Value::Array(answer)) => {
                        let times = if word.ends_with("77") { 20_000 } else { 1 };
                        let (word, long) = (word.clone(), word.repeat(times));
                        let want = [word, long].map(|text| Value::BulkString(text.into()));
                        assert!(answer == want, "{answer:.60?}");
                    }
                    answer => assert!(n % 5 == 3 && matches!(answer, Err(Unanswered::Late))),
                }
            }
        });
    }
    tasks.join_all().await;
}

/// One of those that share a call, with a key and an argument.
fn replace(key: &str) -> Call {
    Call::script(&crate::script::REPLACE, &[key]).arg("x").shared()
}

/// What those come to, packed: the keys first.
fn several(keys: &[&str]) -> Vec<u8> {
    let call = Call::script(&crate::script::REPLACE, keys);
    let mut packed = Vec::new();
    call.args(keys.iter().map(|_| "x")).pack(&mut packed);
    packed
}

async fn hear_bytes(server: &mut DuplexStream, want: &[u8]) {
    let mut heard = vec![0; want.len()];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard.escape_ascii().to_string(), want.escape_ascii().to_string());
}

#[tokio::test]
async fn calls_that_share_one_are_answered_each_for_itself() {
    let (ours, mut server) = duplex(1 << 16);
    let wire = Wire::over(ours);
    let ask = |key| wire.ask(&replace(key), until()).unwrap();
    let (first, gone, other, third) = (ask("a"), ask("b"), wire.ask(&ping(), until()), ask("c"));
    drop(gone);
    hear(&mut server, 1).await;
    hear_bytes(&mut server, &several(&["a", "b", "c"])).await;
    server.write_all(b"+PONG\r\n*3\r\n:0\r\n:1\r\n-OOM none\r\n").await.unwrap();
    assert_eq!(other.unwrap().answer().await.unwrap(), Value::SimpleString("PONG".into()));
    assert_eq!(first.answer().await.unwrap(), Value::Int(0));
    assert_eq!(third.answer().await.unwrap(), Value::Error("OOM none".into()));

    // One alone is answered without a list, and an error is that of all.
    let alone = ask("d");
    hear_bytes(&mut server, &several(&["d"])).await;
    server.write_all(b":7\r\n").await.unwrap();
    assert_eq!(alone.answer().await.unwrap(), Value::Int(7));
    let both = [ask("e"), ask("f")];
    hear_bytes(&mut server, &several(&["e", "f"])).await;
    server.write_all(b"-NOSCRIPT none\r\n").await.unwrap();
    for one in both {
        assert_eq!(one.answer().await.unwrap(), Value::Error("NOSCRIPT none".into()));
    }
}

#[tokio::test]
async fn no_more_share_a_call_than_may() {
    let (ours, mut server) = duplex(1 << 16);
    let wire = Wire::over(ours);
    let keys: Vec<String> = (0..together::MOST + 1).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let asked: Vec<_> = keys.iter().map(|key| wire.ask(&replace(key), until()).unwrap()).collect();
    hear_bytes(&mut server, &several(&keys[..together::MOST])).await;
    hear_bytes(&mut server, &several(&keys[together::MOST..])).await;
    drop(asked);

    let ask = |call: &Call| wire.ask(call, until()).unwrap();
    let long = replace("long").arg("x".repeat(together::MOST_BYTES));
    let _asked = [ask(&replace("a")), ask(&long), ask(&replace("b"))];
    let both = Call::script(&crate::script::REPLACE, &["a", "long"]).arg("x").arg("x");
    let mut packed = Vec::new();
    both.arg("x".repeat(together::MOST_BYTES)).pack(&mut packed);
    hear_bytes(&mut server, &packed).await;
    hear_bytes(&mut server, &several(&["b"])).await;
}

#[tokio::test]
async fn those_who_share_a_call_are_late_and_lost_together() {
    let (ours, mut server) = duplex(1 << 16);
    let wire = Wire::over(ours);
    let ask = |until| wire.ask(&replace("k"), until).unwrap();
    for late in [ask(until()), ask(Instant::now())] {
        assert!(matches!(late.answer().await, Err(Unanswered::Late)));
    }
    hear_bytes(&mut server, &several(&["k", "k"])).await;
    let lost = [ask(until()), ask(until())];
    hear_bytes(&mut server, &several(&["k", "k"])).await;
    drop(server);
    for one in lost {
        assert!(matches!(one.answer().await, Err(Unanswered::Lost(_))));
    }
    assert!(matches!(wire.ask(&replace("k"), until()), Err(Unanswered::NotSent(_))));
}
