//! TLS, by rustls.

use std::sync::Arc;

use hardtack::session::store::StoreError;
use redis::{Client, ErrorKind, RedisError, TlsCertificates};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::bad_url;

/// Whom servers are trusted by.
#[derive(Clone)]
pub(crate) struct Tls {
    /// PEM of the authorities to trust in place of the system's.
    roots: Option<Vec<u8>>,
    config: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(roots: Option<Vec<u8>>) -> Result<Self, StoreError> {
        // For the connections of the near-cache. Only where the program has not chosen
        // one; then there is nothing to do.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut trusted = RootCertStore::empty();
        match &roots {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let added = certificate.ok().and_then(|found| trusted.add(found).ok());
                    added.ok_or_else(|| bad_url("one of the certificates to trust is none"))?;
                }
            }
            None => {
                trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if trusted.is_empty() {
            return Err(bad_url("there are no certificates to trust servers by; name some"));
        }
        let config = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
        Ok(Self { roots, config: Arc::new(config) })
    }

    pub(crate) fn client(&self, url: String) -> Result<Client, RedisError> {
        match self.roots.clone() {
            None => Client::open(url),
            roots => {
                Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert: roots })
            }
        }
    }

    pub(super) async fn over(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, RedisError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            (ErrorKind::InvalidClientConfig, "no certificate can have the name of this server")
        })?;
        Ok(TlsConnector::from(self.config.clone()).connect(name, stream).await?)
    }
}
