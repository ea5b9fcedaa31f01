//! `hardtack demo`.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hardtack_server::demo::{Demo, DemoError, Keep};
use hardtack_tower::time::SystemClock;
use tokio::net::TcpListener;

use super::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 4242)]
    port: u16,
    /// The address to listen on, of this computer only
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Keeps everything in memory and nothing on disk
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// The folder to keep sessions and keys in [default: hardtack/demo in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    serve(arguments).await.map_err(Failure::other)?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: Arguments) -> Result<(), DemoError> {
    // Before the listener is opened: not for a moment is it reachable from elsewhere.
    if !arguments.bind.is_loopback() {
        return Err(DemoError::NotLoopback(arguments.bind.to_string()));
    }
    let keep = match arguments.data {
        Some(folder) => Keep::In(folder),
        None if arguments.ephemeral => Keep::InMemory,
        None => Keep::in_data_folder().map_err(DemoError::Store)?,
    };
    let address = SocketAddr::new(arguments.bind, arguments.port);
    let listener =
        TcpListener::bind(address).await.map_err(|source| DemoError::Bind { address, source })?;
    let demo = Demo::open(listener, &keep, SystemClock::default())?;
    let kept = match &keep {
        Keep::In(folder) => format!("Sessions are kept in {}", folder.display()),
        _ => "Sessions are kept in memory only".to_owned(),
    };
    // Nobody may be there to read it; the demo runs all the same.
    let _ = writeln!(
        io::stdout(),
        "The Biscuit Shop is open at {}\n{kept}. Ctrl-C closes the shop.",
        demo.url()
    );
    demo.serve(closed()).await
}

/// Done when the user has had enough.
async fn closed() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
