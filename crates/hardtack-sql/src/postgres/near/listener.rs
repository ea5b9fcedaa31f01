//! The connection that hears what is told, and is asked whether it still does.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::tokio_postgres::tls::MakeTlsConnect;
use deadpool_postgres::tokio_postgres::{
    AsyncMessage, Client, Connection, Error, Socket, Statement,
};
use hardtack::session::store::near::Near;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, error::Elapsed, sleep, timeout};

use super::super::sql;
use super::{Ears, Tls, hear};

/// Between two tries to connect.
const REST: Duration = Duration::from_millis(200);

/// After somebody held the table for long: who waits for it alone holds up who writes.
const LONG_REST: Duration = Duration::from_secs(10);

/// How long the table is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// Why a connection is given up.
enum Lost {
    /// It broke, or the server refuses.
    Broken,
    /// Somebody holds the table.
    Held,
}

impl From<Error> for Lost {
    fn from(_: Error) -> Self {
        Self::Broken
    }
}

impl From<Elapsed> for Lost {
    fn from(_: Elapsed) -> Self {
        Self::Broken
    }
}

/// As long as nobody stops it.
pub(super) async fn listen(near: Arc<Near>, ears: Arc<Ears>) {
    loop {
        // Whatever has gone wrong: without proof there is no cache, and whoever loads finds
        // out by itself what is wrong with the server.
        let lost = match &ears.tls {
            Tls::None(tls) => follow(&near, &ears, *tls).await,
            Tls::Rustls(tls) => follow(&near, &ears, tls.clone()).await,
        };
        near.lost();
        sleep(if matches!(lost, Err(Lost::Held)) { LONG_REST } else { REST }).await;
    }
}

async fn follow<T: MakeTlsConnect<Socket>>(near: &Near, ears: &Ears, tls: T) -> Result<(), Lost> {
    let (client, connection) = timeout(ears.deadline, ears.config.connect(tls)).await??;
    let (heard, hears) = watch::channel((0, 0));
    let listening = listen_to(near, connection, heard);
    let asking = Asking { near, ears, client: &client, hears }.ask();
    let (mut listening, mut asking) = (pin!(listening), pin!(asking));
    tokio::select! {
        ended = &mut listening => ended,
        ended = &mut asking => ended,
    }
}

/// A question that was heard: who asked, and its number.
type Heard = (i32, u64);

/// Takes in what comes, until the connection breaks. A number is a question.
async fn listen_to<S, T>(
    near: &Near,
    mut connection: Connection<S, T>,
    heard: watch::Sender<Heard>,
) -> Result<(), Lost>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        if let AsyncMessage::Notification(told) = message? {
            match told.payload().parse() {
                Ok(question) => drop(heard.send((told.process_id(), question))),
                Err(_) => hear(near, told.payload()),
            }
        }
    }
    Err(Lost::Broken)
}

struct Asking<'a> {
    near: &'a Near,
    ears: &'a Ears,
    client: &'a Client,
    /// The last question that was heard.
    hears: watch::Receiver<Heard>,
}

impl Asking<'_> {
    async fn ask(mut self) -> Result<(), Lost> {
        let Ears { setup, lag, deadline, .. } = self.ears;
        let begin = async {
            self.client.batch_execute(setup).await?;
            let row = self.client.query_one(sql::CHANNELS, &[]).await?;
            let (all, own): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
            self.client.batch_execute(&format!("LISTEN \"{all}\"; LISTEN \"{own}\"")).await?;
            Ok::<_, Error>((row.try_get(2)?, self.client.prepare(sql::ASK).await?))
        };
        let (own, ask) = timeout(*deadline, begin).await??;
        let (mut known, mut question) = (None, 0);
        loop {
            let asked = Instant::now();
            question += 1;
            let stands = timeout(*deadline, self.question(&ask, (own, question))).await??;
            match stands {
                None => {
                    self.near.lost();
                    known = None;
                    timeout(*deadline, self.stand()).await??;
                }
                Some(number) if known != Some(number) => {
                    known = Some(number);
                    self.near.begin();
                }
                Some(_) => self.near.proven(asked.into_std()),
            }
            sleep((*lag / 4).saturating_sub(asked.elapsed())).await;
        }
    }

    /// The number under which the lag stands, after what had been told before was heard.
    async fn question(&mut self, ask: &Statement, asked: Heard) -> Result<Option<i64>, Lost> {
        let lag = self.lag();
        let row = self.client.query_one(ask, &[&asked.1.to_string(), &lag]).await?;
        let (known, stands, late): (i64, bool, bool) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        self.hears.wait_for(|heard| *heard == asked).await.map_err(|_| Lost::Broken)?;
        if stands && late {
            self.client.execute(sql::RENEW, &[&known, &lag]).await?;
        }
        Ok(stands.then_some(known))
    }

    /// Lets the lag stand, with the table alone.
    async fn stand(&self) -> Result<(), Lost> {
        let (alone, stand) = (sql::ALONE, sql::STAND.replace("$1", &self.lag().to_string()));
        let patience = PATIENCE.as_millis();
        let held = format!("BEGIN; SET LOCAL lock_timeout = {patience}; {alone}; {stand}; COMMIT");
        self.client.batch_execute(&held).await.map_err(|error| {
            let held = error.code().is_some_and(|code| code.code() == "55P03");
            if held { Lost::Held } else { Lost::Broken }
        })
    }

    /// In milliseconds, as a column.
    fn lag(&self) -> i32 {
        i32::try_from(self.ears.lag.as_millis()).unwrap_or(i32::MAX)
    }
}
