//! `hardtack schema`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hardtack_server::stores::{Engine, StoreUrl};
use hardtack_sql::{mysql, postgres};

use super::Failure;

#[derive(Args)]
#[command(after_help = "Prints SQL to apply by hand, where a program may not make tables: in one \
             transaction on PostgreSQL, statement by statement on MySQL. With --apply the tables \
             are made, or brought up to date; of no effect where they are.\n\nExit codes: 0, \
             done; 1, the database cannot be reached or refuses; 2, wrong arguments.")]
pub(crate) struct Arguments {
    /// The database that the tables are for
    #[arg(value_enum)]
    engine: Database,
    /// Makes the tables in this database, such as postgres://admin@db.internal/shop
    #[arg(long, value_name = "URL")]
    apply: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Database {
    /// PostgreSQL
    Postgres,
    /// MySQL and MariaDB
    Mysql,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (engine, schema, version) = match arguments.engine {
        Database::Postgres => (Engine::Postgres, postgres::SCHEMA, postgres::VERSION),
        Database::Mysql => (Engine::Mysql, mysql::SCHEMA, mysql::VERSION),
    };
    let Some(url) = &arguments.apply else {
        super::output(|out| out.write_all(schema.as_bytes()))?;
        return Ok(ExitCode::SUCCESS);
    };
    let url = StoreUrl::parse(url).map_err(Failure::input)?;
    if url.engine() != engine {
        return Err(Failure::input(format!(
            "{url} is not the address of a database of the kind that you named before --apply"
        )));
    }
    url.open().await.map_err(Failure::other)?;
    super::output(|out| writeln!(out, "{url} has version {version} of the schema"))?;
    Ok(ExitCode::SUCCESS)
}
