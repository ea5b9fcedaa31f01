//! Setting up a store on PostgreSQL.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use deadpool_postgres::tokio_postgres::{Config, NoTls};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod};
use hardtack::session::store::near::{Held, check_lag};
use hardtack::session::store::{StoreError, StoreErrorKind};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::batch::Groups;
use super::link::Link;
use super::near::{Ears, NearCache, Tls};
use super::{PostgresStore, schema};
use crate::{Builder, Durability};

impl Builder<PostgresStore> {
    /// Remembers up to about so many bytes of live records in this process, and
    /// answers loads from there while the server is proven to tell of every write;
    /// 0, which is none, if this is not called. Takes one connection more.
    ///
    /// Whoever ends a session waits for those who remember it, also a process that has
    /// no near-cache itself: the store tells it for how long. The crate's page says what
    /// it costs.
    pub fn near_cache(mut self, bytes: usize) -> Self {
        self.near_bytes = bytes;
        self
    }

    /// How long ends are held back while there is this near-cache, and how old at most
    /// what it remembers is, with a tenth to spare: 100 ms if this is not called; 10 ms
    /// to a quarter of the deadline, and to one second. Of several processes the
    /// greatest holds. Four times in it the server is asked whether it still tells.
    ///
    /// Where a standby may take over it must be shorter than the time after which a
    /// server is taken for dead.
    pub fn near_lag(mut self, lag: Duration) -> Self {
        self.near_lag = lag;
        self
    }

    /// Connects, and looks at the schema and at what the server promises.
    ///
    /// # Errors
    /// - [`StoreErrorKind::Unavailable`]: the URL is not one, the certificates
    ///   cannot be read, the lag of the near-cache cannot be, or the server cannot be
    ///   reached or refuses the user
    /// - [`StoreErrorKind::ReadOnly`]: it may not be written: a standby, or missing rights
    /// - [`StoreErrorKind::Corrupt`]: the schema is missing, or too old or too new
    /// - [`StoreErrorKind::Timeout`]: it does not answer within the deadline
    pub async fn open(self) -> Result<PostgresStore, StoreError> {
        let (migrate, durability) = (self.migrate, self.durability);
        let (link, near) = self.link()?;
        if durability == Durability::Full {
            refuse_forgetful(&link).await?;
        }
        match migrate {
            true => schema::migrate(&link).await?,
            false => schema::check(&link).await?,
        }
        let link = Arc::new(link);
        let (together, near) = (Arc::new(Groups::new(&link)), near.map(Arc::new));
        Ok(PostgresStore { together, link, near, durability })
    }

    fn link(self) -> Result<(Link, Option<NearCache>), StoreError> {
        let refused = |what: String| StoreError::new(StoreErrorKind::Unavailable, what);
        let mut config = Config::from_str(&self.url).map_err(|error| {
            refused("the URL of the session store is not one of PostgreSQL".into()).caused_by(error)
        })?;
        let place = place(&config);
        // A standby is behind: it would bring back who has signed out.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(self.deadline);
        if config.get_application_name().is_none() {
            config.application_name("hardtack");
        }
        // `prefer`, which is what the driver does unless told, gives way to
        // whoever stands in between and says that there is no TLS.
        let plain = match config.get_ssl_mode() {
            SslMode::Disable => true,
            SslMode::Prefer => is_local(&config) && self.roots.is_none(),
            _ => false,
        };
        config.ssl_mode(if plain { SslMode::Disable } else { SslMode::Require });
        // A connection that is not used any more has nothing to tidy up: no
        // transaction outlives the call that began it.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let tls = match plain {
            true => Tls::None(NoTls),
            false => Tls::Rustls(
                tls(self.roots.as_deref())
                    .map_err(|error| refused(format!("session store {place}: {error}")))?,
            ),
        };
        let setup = setup(self.deadline, self.durability);
        let near = match self.near_bytes {
            0 => None,
            bytes => {
                check_lag(self.near_lag, self.deadline)
                    .map_err(|what| refused(format!("session store {place}: {what}")))?;
                let ears = Ears {
                    config: config.clone(),
                    tls: tls.clone(),
                    setup: setup.clone(),
                    lag: self.near_lag,
                    deadline: self.deadline,
                };
                Some(NearCache::new(bytes, ears))
            }
        };
        let manager = match tls {
            Tls::None(tls) => Manager::from_config(config, tls, recycling),
            Tls::Rustls(tls) => Manager::from_config(config, tls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(self.connections)
            .post_create(Hook::async_fn(move |client, _| {
                let setup = setup.clone();
                Box::pin(
                    async move { client.batch_execute(&setup).await.map_err(HookError::Backend) },
                )
            }))
            .build()
            .map_err(|error| refused(format!("session store {place}: {error}")))?;
        let link = Link { pool, held: Held::default(), deadline: self.deadline, place };
        Ok((link, near))
    }
}

/// What every connection begins with. The laws of the statements hold under READ
/// COMMITTED, whatever the server's default is. Each statement is to look rows up by
/// their keys, however small the tables were when it was planned, and is planned once
/// a connection.
fn setup(deadline: Duration, durability: Durability) -> String {
    let millis = deadline.as_millis();
    let mut setup = format!(
        "SET default_transaction_isolation = 'read committed'; \
         SET plan_cache_mode = force_generic_plan; SET jit = off; \
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
         SET statement_timeout = {millis}; \
         SET idle_in_transaction_session_timeout = {millis};"
    );
    if durability == Durability::Full {
        setup += "SELECT set_config('synchronous_commit', 'on', false) \
                  WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";
    }
    setup
}

async fn refuse_forgetful(link: &Link) -> Result<(), StoreError> {
    const SQL: &str = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'";
    let off = link.call().query(SQL, &[]).await?;
    let Some(name) = off.first().and_then(|row| row.try_get::<_, String>(0).ok()) else {
        return Ok(());
    };
    let what = format!(
        "session store {}: the server runs with {name} = off, so that a crash can bring back who \
         signed out; turn it on, or ask for Durability::AsServer",
        link.place()
    );
    Err(StoreError::new(StoreErrorKind::Unavailable, what))
}

/// The hosts and the database: what messages may say.
fn place(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => crate::shared::is_this_machine(name),
    })
}

fn tls(roots: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let mut store = rustls::RootCertStore::empty();
    match roots {
        Some(file) => {
            let told = |error| format!("cannot read certificates from {}: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(told)? {
                let certificate = certificate.map_err(told)?;
                store.add(certificate).map_err(|error| error.to_string())?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err("there are no certificates to check the server against; \
                    name a file with `root_certificates`"
            .into());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
