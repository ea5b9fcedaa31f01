//! TLS where it was not built: nobody has it.

use hardtack::session::store::StoreError;
use redis::{Client, RedisError};
use tokio::net::TcpStream;

use crate::error::bad_url;

#[derive(Clone)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) fn new(_: Option<Vec<u8>>) -> Result<Self, StoreError> {
        Err(bad_url("for TLS build hardtack-redis with its feature `tls`"))
    }

    pub(crate) fn client(&self, _: String) -> Result<Client, RedisError> {
        match *self {}
    }

    pub(super) async fn over(&self, _: &str, _: TcpStream) -> Result<TcpStream, RedisError> {
        match *self {}
    }
}
