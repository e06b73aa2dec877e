//! The multi-connection client of the sockets tutorial: sends two messages on each of many connections.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Parser;
use jsonframe_cli::console::Console;
use jsonframe_cli::limits::{Seconds, at_least_one};
use jsonframe_demos::multiconn::converse;

/// Send two messages to multiconn-server on each of N connections at once, and print what comes back, all in one thread.
///
/// A connection is closed when everything sent on it came back. One that fails does not end the others.
#[derive(Parser)]
#[command(name = "multiconn-client", version, after_help = EXAMPLES)]
struct Arguments {
    /// The server
    host: String,

    /// Its port
    port: u16,

    /// How many connections; each takes a file descriptor
    #[arg(value_name = "N", value_parser = at_least_one)]
    connections: NonZeroUsize,

    /// How long to wait while no connection is opened or comes to its end
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    timeout: Seconds,
}

const EXAMPLES: &str = "\
Examples:
  multiconn-client 127.0.0.1 65432 2
  ulimit -n 6000; multiconn-client 127.0.0.1 65432 5000

Exit status:
  0  on every connection everything came back
  1  on some it did not, or there cannot be so many
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { host, port, connections, timeout } = Arguments::parse();
    let console = Console::standard();
    let outcome = converse((host.as_str(), port), connections.get(), timeout.into(), &console);
    console.finish("multiconn-client", outcome)
}
