//! A way to the server that breaks where a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes everything on, until it is told to cut.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The next bytes from the client still reach the server; the answer to
    /// them does not come back, and the connection ends.
    armed: AtomicBool,
    cuts: AtomicU64,
}

impl Proxy {
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let proxy = Self { port, state: state.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, state.clone()));
            }
        });
        proxy
    }

    /// Loses the answer to whatever is asked next.
    pub(crate) fn cut_next_answer(&self) {
        self.state.armed.store(true, SeqCst);
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.state.cuts.load(SeqCst)
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
                if to_server.write_all(&up[..read]).await.is_err() {
                    return;
                }
                if state.armed.swap(false, SeqCst) {
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
