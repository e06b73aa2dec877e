//! The echo server of the sockets tutorial: sends back what one client sends.

use std::process::ExitCode;

use clap::Parser;
use jsonframe_cli::console::Console;
use jsonframe_demos::echo::serve;
use jsonframe_demos::listen::bind;

/// Send back every byte that one client sends, and end when it leaves.
///
/// The client's address goes to standard output. The address listened on goes to standard error, for whoever asked for a
/// free port.
#[derive(Parser)]
#[command(name = "echo-server", version, after_help = EXAMPLES)]
struct Arguments {
    /// Where to listen: an address, or a name, of whose addresses the first is taken that can be listened on
    #[arg(default_value = "127.0.0.1")]
    host: String,

    /// The port; 0 for a free one
    #[arg(default_value_t = 65432)]
    port: u16,
}

const EXAMPLES: &str = "\
Examples:
  echo-server               listen on 127.0.0.1:65432, for echo-client
  echo-server 127.0.0.1 0   listen on a free port; standard error says which

Exit status:
  0  a client came, and left when it had enough
  1  the address cannot be listened on, or the connection failed
  2  the command line is wrong";

fn main() -> ExitCode {
    let Arguments { host, port } = Arguments::parse();
    let console = Console::for_server();
    let outcome = bind(&host, port).and_then(|(listener, address)| {
        console.complain(format_args!("listening on {address}"));
        serve(&listener, &console)
    });
    console.finish("echo-server", outcome)
}
