//! A way to a server that is slow, or breaks, where a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes everything on, until it is told otherwise.
#[derive(Clone, Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Every so many questions the connection ends; 0: never.
    every: AtomicU64,
    questions: AtomicU64,
    cuts: AtomicU64,
    /// So many milliseconds a question is on its way.
    delay: AtomicU64,
}

impl Proxy {
    /// A way to a port of this machine.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let proxy = Self { port, state: state.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, state.clone()));
            }
        });
        proxy
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Loses the answer to whatever is asked next: the question still reaches the
    /// server, its answer does not come back, and the connection ends.
    pub fn cut_next_answer(&self) {
        self.state.every.store(ONCE, SeqCst);
    }

    /// From now on ends the connection of one in `n` questions, in turns before the
    /// question has reached the server and after; with 0 no more.
    pub fn cut_every(&self, n: u64) {
        self.state.every.store(n, SeqCst);
    }

    /// From now on every question takes so long to arrive.
    pub fn delay(&self, delay: Duration) {
        self.state.delay.store(delay.as_millis() as u64, SeqCst);
    }

    /// How many connections it has ended.
    pub fn cuts(&self) -> u64 {
        self.state.cuts.load(SeqCst)
    }
}

/// The next one, and then no more.
const ONCE: u64 = u64::MAX;

enum Cut {
    No,
    Question,
    Answer,
}

impl State {
    fn cut(&self) -> Cut {
        let every = self.every.load(SeqCst);
        if every == ONCE {
            let ours = self.every.compare_exchange(ONCE, 0, SeqCst, SeqCst).is_ok();
            return if ours { Cut::Answer } else { Cut::No };
        }
        let asked = self.questions.fetch_add(1, SeqCst) + 1;
        match (every > 0 && asked.is_multiple_of(every), asked / every.max(1) % 2) {
            (false, _) => Cut::No,
            (true, 0) => Cut::Question,
            (true, _) => Cut::Answer,
        }
    }
}

async fn carry(client: TcpStream, server: u16, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                let delay = state.delay.load(SeqCst);
                if delay > 0 {
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                }
                let cut = state.cut();
                if matches!(cut, Cut::Question) {
                    state.cuts.fetch_add(1, SeqCst);
                    return;
                }
                if to_server.write_all(&up[..read]).await.is_err() {
                    return;
                }
                if matches!(cut, Cut::Answer) {
                    // The server has done it once its answer is here.
                    let _ = from_server.read(&mut down).await;
                    state.cuts.fetch_add(1, SeqCst);
                    return;
                }
            }
            read = from_server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if to_client.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
