//! Setting up a store on MySQL or MariaDB.

use std::time::Duration;

use deadpool::managed::Pool;
use hardtack::session::store::{StoreError, StoreErrorKind};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder, SslOpts};

use super::link::{Connections, Link};
use super::{MysqlStore, schema};
use crate::{Builder, Durability};

impl Builder<MysqlStore> {
    /// Goes without TLS also to another machine, where the network in between
    /// protects what goes over it. To this machine TLS is used only if the URL
    /// says `require_ssl=true`.
    pub fn without_tls(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Connects, and looks at the schema and at what the server promises.
    ///
    /// # Errors
    /// - [`StoreErrorKind::Unavailable`]: the URL is not one, or the server cannot
    ///   be reached, refuses the user, or is set up to forget
    /// - [`StoreErrorKind::ReadOnly`]: it may not be written: a standby, or missing rights
    /// - [`StoreErrorKind::Corrupt`]: the schema is missing, or too old or too new
    /// - [`StoreErrorKind::Timeout`]: it does not answer within the deadline
    pub async fn open(self) -> Result<MysqlStore, StoreError> {
        let (migrate, durability) = (self.migrate, self.durability);
        let link = self.link()?;
        if durability == Durability::Full {
            refuse_forgetful(&link).await?;
        }
        match migrate {
            true => schema::migrate(&link).await?,
            false => schema::check(&link).await?,
        }
        Ok(MysqlStore { link, durability })
    }

    fn link(self) -> Result<Link, StoreError> {
        let refused = |what: String| StoreError::new(StoreErrorKind::Unavailable, what);
        let given = Opts::from_url(&self.url).map_err(|error| {
            refused("the URL of the session store is not one of MySQL".into()).caused_by(error)
        })?;
        let database = given.db_name().unwrap_or_default();
        let place = format!("mysql://{}/{database}", given.ip_or_hostname());
        if database.is_empty() {
            return Err(refused(format!("session store {place}: the URL names no database")));
        }
        let local =
            given.socket().is_some() || crate::shared::is_this_machine(given.ip_or_hostname());
        let tls = match (given.ssl_opts(), &self.roots) {
            (given, Some(file)) => {
                let roots = vec![file.clone().into()];
                let tls = given.cloned().unwrap_or_default();
                Some(tls.with_root_certs(roots).with_disable_built_in_roots(true))
            }
            (Some(given), None) => Some(given.clone()),
            (None, None) if local || self.plain => None,
            (None, None) => Some(SslOpts::default()),
        };
        let opts = OptsBuilder::from_opts(given)
            .ssl_opts(tls)
            .setup(setup(self.deadline))
            .stmt_cache_size(64)
            // A socket of the machine that the URL names is not looked for.
            .prefer_socket(false);
        let pool = Pool::builder(Connections(opts.into()))
            .max_size(self.connections)
            .build()
            .map_err(|error| refused(format!("session store {place}: {error}")))?;
        Ok(Link { pool, deadline: self.deadline, place })
    }
}

/// What every connection begins with, whatever the server's defaults are.
fn setup(deadline: Duration) -> Vec<String> {
    let seconds = deadline.as_secs_f64().ceil();
    vec![
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".into(),
        format!(
            "SET SESSION autocommit = 1, \
             sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
             innodb_lock_wait_timeout = {seconds} /*M! , max_statement_time = {seconds} */"
        ),
    ]
}

/// With less than these a commit that was answered can be undone by a crash.
async fn refuse_forgetful(link: &Link) -> Result<(), StoreError> {
    async fn settings(conn: &mut Conn) -> Result<Option<(i64, i64, i64)>, Error> {
        const SQL: &str = "SELECT @@global.innodb_flush_log_at_trx_commit, @@global.log_bin, @@global.sync_binlog";
        conn.query_first(SQL).await
    }
    let Some((flush, binlog, sync)) = link.run(|conn| Box::pin(settings(conn))).await? else {
        return Ok(());
    };
    let (name, value) = match (flush, binlog, sync) {
        (0 | 2, ..) => ("innodb_flush_log_at_trx_commit", flush),
        (_, 1, value) if value != 1 => ("sync_binlog", value),
        _ => return Ok(()),
    };
    let what = format!(
        "session store {}: the server runs with {name} = {value}, so that a crash can bring back \
         who signed out; set it to 1, or ask for Durability::AsServer",
        link.place()
    );
    Err(StoreError::new(StoreErrorKind::Unavailable, what))
}
