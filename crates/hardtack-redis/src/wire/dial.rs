//! Connecting to a server: its socket, TLS, and who we are.

use futures_util::future::select_ok;
use redis::{Client, ConnectionAddr, ErrorKind, RedisError};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;

use super::{Tls, Unanswered, Wire};
use crate::script::Call;

/// Where a server is, and how it is talked to.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) client: Client,
    /// Where its address says `rediss`.
    pub(crate) tls: Option<Tls>,
}

/// Connects and logs in. The caller keeps the deadline; `until` is that of the login.
pub(crate) async fn dial(server: &Server, until: Instant) -> Result<Wire, RedisError> {
    let info = server.client.get_connection_info();
    let wire = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Wire::over(tcp(host, *port).await?),
        ConnectionAddr::Unix(path) => Wire::over(UnixStream::connect(path).await?),
        ConnectionAddr::TcpTls { host, port, .. } => {
            let tls = server.tls.as_ref().ok_or((ErrorKind::InvalidClientConfig, "no TLS"))?;
            Wire::over(tls.over(host, tcp(host, *port).await?).await?)
        }
        _ => return Err((ErrorKind::InvalidClientConfig, "a kind of address is new").into()),
    };
    let (settings, mut login) = (info.redis_settings(), Vec::new());
    if let Some(password) = settings.password() {
        login.push(Call::plain("AUTH").args(settings.username()).arg(password));
    }
    if settings.db() != 0 {
        login.push(Call::plain("SELECT").arg(settings.db().to_string()));
    }
    for pending in wire.ask_all(&login, until)? {
        pending.answer().await?.into_answer().map_err(|error| match settings.password() {
            Some(_) => {
                let what = "the server refuses the login";
                RedisError::from((ErrorKind::AuthenticationFailed, what, error.to_string()))
            }
            None => error,
        })?;
    }
    Ok(wire)
}

/// To the first of a name's addresses that accepts.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, RedisError> {
    // An address of IPv6 stands in brackets in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let tries = tokio::net::lookup_host((host, port))
        .await?
        .map(|address| Box::pin(TcpStream::connect(address)));
    let tries: Vec<_> = tries.collect();
    if tries.is_empty() {
        return Err((ErrorKind::Io, "the name of the server has no address").into());
    }
    let (stream, _) = select_ok(tries).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl From<Unanswered> for RedisError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotSent(error) | Unanswered::Lost(error) => error,
            Unanswered::Late => (ErrorKind::Io, "no answer in time").into(),
        }
    }
}
