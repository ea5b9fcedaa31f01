//! Starts servers for trying things out: `services redis postgres ...`. Prints a line
//! `NAME URL` for each and ends them when it is told to end (Ctrl-C). They listen on
//! free ports of this machine, and what they kept goes with them.

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::any::Any;
use std::process::ExitCode;

use hardtack_testkit::database::{MARIADB, POSTGRES, Server};
use hardtack_testkit::redis::{RedisCluster, RedisServer};
use tokio::signal::unix::{SignalKind, signal};

const NAMES: &str = "redis, redis-cluster, redis-sentinel, postgres, mariadb";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        eprintln!("services: name what to start, of {NAMES}");
        return ExitCode::FAILURE;
    }
    let mut running = Vec::new();
    for name in &names {
        let Some((server, url)) = start(name) else {
            eprintln!("services: there is no service `{name}`; there are {NAMES}");
            return ExitCode::FAILURE;
        };
        println!("{name} {url}");
        running.push(server);
    }
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be waited for");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    ExitCode::SUCCESS
}

fn start(name: &str) -> Option<(Box<dyn Any>, String)> {
    Some(match name {
        "redis" => {
            let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
            let url = server.url();
            (Box::new(server), url)
        }
        "redis-cluster" => {
            let cluster = RedisCluster::start();
            let url = cluster.url();
            (Box::new(cluster), url)
        }
        "redis-sentinel" => {
            let master = RedisServer::start(&[]);
            let port = master.port().to_string();
            let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
            let sentinel = RedisServer::sentinel(&master);
            let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
            (Box::new((master, replica, sentinel)), url)
        }
        "postgres" => database(POSTGRES),
        "mariadb" => database(MARIADB),
        _ => return None,
    })
}

fn database(engine: hardtack_testkit::database::Engine) -> (Box<dyn Any>, String) {
    let server = Server::start(engine, "");
    let url = engine.database(server.port());
    (Box::new(server), url)
}
