//! The server of the sockets tutorial: looks values up in a small table.

use std::num::{NonZeroU32, NonZeroUsize};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jsonframe_demos::console::Console;
use jsonframe_demos::server::{Limits, Server};

/// Answer searches from a small table, and show every message received and sent.
///
/// A message that cannot be understood is answered with {"error": "…"}. Nothing that a peer does ends the server.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Where to listen
    #[arg(default_value = "127.0.0.1")]
    host: String,

    /// The port; 0 for a free one
    #[arg(default_value_t = 65432)]
    port: u16,

    /// How many connections are served at a time; others wait to be accepted
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().connections)]
    max_connections: NonZeroUsize,

    /// How long a connection may stand still
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    timeout: NonZeroU32,

    /// The longest content accepted
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().content)]
    max_content: u64,
}

const EXAMPLES: &str = "\
Examples:
  app-server                        listen on 127.0.0.1:65432
  app-server 127.0.0.1 0            listen on a free port; the first line says which
  app-server :: 65432 --timeout 5   listen on all addresses, for peers that do not dawdle

Exit status:
  1  the address cannot be listened on
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { host, port, max_connections, timeout, max_content } = Arguments::parse();
    let timeout = Duration::from_secs(timeout.get().into());
    let limits = Limits { connections: max_connections, timeout, content: max_content };
    let console = Console::standard();
    let outcome = Server::bind((host.as_str(), port), limits, console.clone())
        .map(|server| server.run())
        .map_err(|error| format!("cannot listen on {host} port {port}: {error}"));
    console.finish("app-server", outcome)
}
