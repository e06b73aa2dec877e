//! The multi-connection server of the sockets tutorial: sends back what each of many clients sends.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jsonframe_cli::console::Console;
use jsonframe_cli::limits::Seconds;
use jsonframe_demos::listen::bind;
use jsonframe_demos::multiconn::serve;

/// Send back to each of many clients every byte that it sends, all in one thread.
///
/// Nothing that a client does ends the server. When no further connection can be accepted, those that are there go on,
/// and others are accepted as soon as that is possible.
#[derive(Parser)]
#[command(name = "multiconn-server", version, after_help = EXAMPLES)]
struct Arguments {
    /// Where to listen: an address, or a name, of whose addresses the first is taken that can be listened on
    host: String,

    /// The port; 0 for a free one
    port: u16,

    /// Close a connection on which nothing has happened for this long; without, connections are kept for ever
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<Seconds>,
}

const EXAMPLES: &str = "\
Examples:
  multiconn-server 127.0.0.1 65432
  multiconn-server 127.0.0.1 0      listen on a free port; the first line says which
  multiconn-server :: 65432         listen on all addresses
  multiconn-server 127.0.0.1 65432 --idle-timeout 60

Exit status:
  1  the address cannot be listened on
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { host, port, idle_timeout } = Arguments::parse();
    let console = Console::for_server();
    let outcome = bind(&host, port).and_then(|(listener, _)| {
        let Err(error) = serve(listener, idle_timeout.map(Duration::from), &console);
        Err(format!("cannot wait for events: {error}"))
    });
    console.finish("multiconn-server", outcome)
}
