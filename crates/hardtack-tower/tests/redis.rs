//! A connection that is reset in the middle of a call, before the server has seen
//! it or after: what became of it is found out, and nothing is done twice.

#[cfg(test)]
mod needs_redis_server {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use bytes::Bytes;
    use hardtack_tower::seal::{Key, Keyring};
    use hardtack_tower::session::Sessions;
    use hardtack_tower::{SessionError, SessionLayer, SessionOf};
    use http::{Request, Response, StatusCode};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tower::{Layer, ServiceExt, service_fn};

    use hardtack_redis::{Durability, RedisStore};
    use hardtack_testkit::redis::RedisServer;

    /// Where a connection is cut.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Cut {
        /// What was sent does not arrive.
        Question,
        /// It arrives in half.
        HalfQuestion,
        /// It arrives and is done; the answer does not come.
        Answer,
    }

    /// Passes everything on to `server`, but cuts every tenth question or answer.
    async fn proxy(server: &RedisServer, cut: Cut, cuts: Arc<AtomicUsize>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, port) = (listener.local_addr().unwrap(), server.port());
        let turn = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (turn, cuts) = (turn.clone(), cuts.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    if pass(client, server, cut, &turn).await == Some(()) {
                        cuts.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        format!("redis://{address}")
    }

    /// `Some` if it was us who ended it.
    async fn pass(
        mut client: TcpStream,
        mut server: TcpStream,
        cut: Cut,
        turn: &AtomicUsize,
    ) -> Option<()> {
        let (mut question, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            tokio::select! {
                n = client.read(&mut question) => {
                    let n = n.ok().filter(|n| *n > 0)?;
                    // Not what a connection begins with.
                    let ours = question[..n].windows(7).any(|w| w == b"EVALSHA");
                    let now = ours && turn.fetch_add(1, SeqCst) % 10 == 9;
                    match (now, cut) {
                        (true, Cut::Question) => return Some(()),
                        (true, Cut::HalfQuestion) => {
                            server.write_all(&question[..n / 2]).await.ok()?;
                            return Some(());
                        }
                        (true, Cut::Answer) => {
                            server.write_all(&question[..n]).await.ok()?;
                            let _of_the_answer = server.read(&mut answer).await.ok()?;
                            return Some(());
                        }
                        (false, _) => server.write_all(&question[..n]).await.ok()?,
                    }
                }
                n = server.read(&mut answer) => {
                    let n = n.ok().filter(|n| *n > 0)?;
                    client.write_all(&answer[..n]).await.ok()?;
                }
            }
        }
    }

    async fn add(request: Request<Bytes>) -> Result<Response<Bytes>, Infallible> {
        let counted = async {
            let session = request.session().await?;
            if request.uri().path() == "/add" {
                session.add("n", 1)?;
            }
            let n: Option<i64> = session.get("n")?;
            Ok::<_, SessionError>(n.unwrap_or(0).to_string())
        };
        Ok(match counted.await {
            Ok(n) => Response::new(Bytes::from(n)),
            Err(error) => error.response(),
        })
    }

    async fn count_through(cut: Cut) {
        let (server, cuts) = (RedisServer::start(&[]), Arc::new(AtomicUsize::new(0)));
        let url = proxy(&server, cut, cuts.clone()).await;
        let store = RedisStore::open(&url, Durability::Async).unwrap();
        let keys = Keyring::new(Key::generate().unwrap());
        let sessions = Sessions::builder(store, keys).build().unwrap();
        let cookie = sessions.issue_for_test("ada").await.unwrap();
        let service = SessionLayer::new(sessions).layer(service_fn(add));
        let ask = async |path: &str| {
            let request = Request::builder().uri(path).header("cookie", &cookie);
            let Ok(response) = service.clone().oneshot(request.body(Bytes::new()).unwrap()).await;
            assert!(!response.headers().contains_key("set-cookie"), "nobody is logged out");
            (response.status(), response.into_body())
        };
        let (mut acknowledged, mut unknown) = (0, 0);
        for _ in 0..200 {
            match ask("/add").await.0 {
                StatusCode::OK => acknowledged += 1,
                StatusCode::SERVICE_UNAVAILABLE => unknown += 1,
                other => panic!("{other}"),
            }
        }
        let counted = loop {
            let (status, body) = ask("/").await;
            if status == StatusCode::OK {
                break String::from_utf8(body.to_vec()).unwrap().parse::<i32>().unwrap();
            }
        };
        let cuts = cuts.load(SeqCst);
        eprintln!(
            "{cut:?}: {cuts} cuts, {acknowledged} acknowledged, {unknown} 503, {counted} there"
        );
        assert!(cuts > 10 && acknowledged > 100, "{cuts} cuts, {acknowledged} acknowledged");
        assert!((acknowledged..=acknowledged + unknown).contains(&counted));
    }

    #[tokio::test]
    async fn a_reset_in_the_middle_of_a_commit_loses_and_doubles_nothing() {
        for cut in [Cut::Question, Cut::HalfQuestion, Cut::Answer] {
            count_through(cut).await;
        }
    }
}
